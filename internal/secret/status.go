package secret

import (
	"slices"
	"strings"
	"time"
)

// RecordStatus is how one record in use stands. It shows no content.
type RecordStatus struct {
	// Path names the record.
	Path string
	// Version is the last known reading's; 0 with no reading.
	Version uint64
	// Age is the time since the source last confirmed the version; 0 with no reading.
	Age time.Duration
	// LastError is the last reading's error, redacted; empty when it succeeded or has not ended yet.
	LastError string
	// Stale: Get fails, because there is no good reading or it is older than MaxStale.
	Stale bool
}

// Status returns the records in use, by path.
func (s *Store) Status() []RecordStatus {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]RecordStatus, 0, len(s.entries))
	for _, e := range s.entries {
		all = append(all, s.status(e))
	}
	slices.SortFunc(all, func(a, b RecordStatus) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func (s *Store) status(e *entry) RecordStatus {
	status := RecordStatus{Path: e.path, Version: e.record.Version, Stale: true}
	if e.err != nil {
		status.LastError = e.err.Error()
	}
	if e.generation > 0 {
		status.Age = time.Since(e.good)
		status.Stale = status.Age > s.options.MaxStale
	}
	return status
}
