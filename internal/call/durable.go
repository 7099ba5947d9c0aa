package call

import (
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// durable is what tables say of themselves that outlive the process.
type durable interface {
	// State returns the kind of their store, and why it cannot be used now, or nil.
	State() (kind string, problem error)
	// Journal is what operators are told of all processes.
	Journal() *store.Journal
}

// state says where the guard's tables live.
func (s *Shared) state() string {
	if d, ok := s.tables.(durable); ok {
		kind, _ := d.State()
		return kind
	}
	return report.StateMemory
}

// problems says why the guard's tables cannot be used, if they cannot.
func (s *Shared) problems() []string {
	if d, ok := s.tables.(durable); ok {
		if _, problem := d.State(); problem != nil {
			return []string{report.StoreProblem + problem.Error()}
		}
	}
	return nil
}
