package secret

import (
	"context"
	"fmt"
	"time"
)

// reading is what one turn of the source gave.
type reading struct {
	record    Record
	unchanged bool // the version is the one held, so nothing was read
	err       error
}

// outcome is what a reading changed, for the log: which is written after the store's mutex is free again.
type outcome struct {
	err                                    error // redacted
	news, recovered, becameStale, isChange bool
	version                                uint64
	good                                   time.Time
}

// read reads the record once a slot is free, and records how that went.
func (s *Store) read(ctx context.Context, e *entry) {
	slots := s.takeSlot(ctx, e)
	if slots == nil {
		return
	}
	defer func() { <-slots }()
	held, full := s.begin(e)
	turn, cancel := context.WithTimeoutCause(ctx, readTimeout, fmt.Errorf("%w: no answer within %s", ErrUnavailable, readTimeout))
	defer cancel()
	got := s.ask(turn, held, full)
	if ctx.Err() != nil {
		return
	}
	if got.err != nil && turn.Err() != nil {
		got.err = context.Cause(turn)
	}
	s.report(e.path, s.settle(e, got))
}

// takeSlot waits for a slot and returns where to give it back, or nil when ctx ended. A reading that was asked for
// has slots of its own: it does not queue behind the polls of a thousand other records, even when it was queued as one.
func (s *Store) takeSlot(ctx context.Context, e *entry) chan struct{} {
	slots := s.slots
	s.mu.RLock()
	if e.forced {
		slots = s.urgent
	}
	s.mu.RUnlock()
	for {
		select {
		case slots <- struct{}{}:
			return slots
		case <-e.refresh:
			s.force(e)
			slots = s.urgent
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Store) force(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.forced = true
}

// begin marks the beginning of a reading, and tells which record is held and whether all of it is to be read.
func (s *Store) begin(e *entry) (held Record, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full = e.forced || e.generation == 0
	e.begun, e.forced, e.jitter = time.Now(), false, s.options.Rand()
	held = e.record
	held.Path = e.path
	return held, full
}

func (s *Store) ask(ctx context.Context, held Record, full bool) reading {
	if versioner, ok := s.source.(Versioner); ok && !full {
		version, err := versioner.Version(ctx, held.Path)
		if err != nil || version == held.Version {
			return reading{unchanged: true, err: err}
		}
	}
	record, err := s.source.Read(ctx, held.Path)
	record.Path = held.Path
	return reading{record: record, err: err}
}

func (s *Store) settle(e *entry, got reading) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.over = time.Now()
	if !e.ended {
		e.ended = true
		close(e.first)
	}
	if got.err != nil {
		return s.failed(e, got.err)
	}
	return s.succeeded(e, got)
}

func (s *Store) failed(e *entry, cause error) outcome {
	err := redactError(cause, e.record)
	became := e.generation > 0 && !e.saidStale && time.Since(e.good) > s.options.MaxStale
	out := outcome{err: err, news: e.err == nil || e.err.Error() != err.Error(), becameStale: became, good: e.good}
	e.saidStale = e.saidStale || became
	e.err = err
	e.failures++
	return out
}

func (s *Store) succeeded(e *entry, got reading) outcome {
	out := outcome{recovered: e.err != nil}
	e.good, e.err, e.failures, e.saidStale = e.begun, nil, 0, false
	same := got.unchanged || e.generation > 0 && got.record.Version == e.record.Version && got.record.sameContent(e.record)
	if same {
		return out
	}
	e.record = got.record
	e.record.ReadAt = e.begun
	e.generation++
	signal(e.changed)
	out.isChange, out.version = true, e.record.Version
	return out
}

func (s *Store) report(path string, out outcome) {
	s.mu.RLock()
	log := s.options.Logger.With("store", s.name, "path", path)
	s.mu.RUnlock()
	if out.news {
		log.Warn("secret record cannot be read", "error", out.err.Error())
	}
	if out.becameStale {
		log.Error("secret record is too old to be used", "last_read", out.good, "error", out.err.Error())
	}
	if out.recovered {
		log.Info("secret record can be read again")
	}
	if out.isChange {
		log.Info("secret record read", "version", out.version)
	}
}
