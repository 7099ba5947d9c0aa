package call

import (
	"errors"
	"sync"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// speakers are the lanes that tell what happens to a login, by the name of their login: after a reload the old config's lane may go
// on for as long as its calls do, and what both see is told once.
type speakers struct {
	mu sync.Mutex
	of map[string]*lane
}

func (s *speakers) take(n *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[string]*lane)
	}
	s.of[n.Name] = n
}

func (s *speakers) yield(n *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[n.Name] == n {
		delete(s.of, n.Name)
	}
}

// silent reports whether another lane speaks for the login's name.
func (s *speakers) silent(n *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.of[n.Name]
	return other != nil && other != n
}

// speaker returns the lane that speaks for a login's name, or nil.
func (s *speakers) speaker(name string) *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[name]
}

// tell passes on what happened to the login.
func (n *lane) tell(h Happening) {
	h.Login = n.Name
	n.shared.observer.Happened(h)
}

// tellOf passes on what an attempt changed.
func (s *seat) tellOf(a guard.Attempt, e guard.Effect) {
	events := s.happenings(e)
	if len(events) == 0 {
		return
	}
	at := s.zoneURL()
	for _, event := range events {
		s.tell(Happening{Event: event, Version: a.Version, Integration: a.Source(), Zone: at})
	}
}

// tell passes on what happened to the PSA user.
func (s *seat) tell(h Happening) {
	h.Login = s.name()
	s.lane.shared.observer.Happened(h)
}

// happenings are what an attempt's effect is called. Of the secrets that callers bring the refusal of one that was proven is
// news; the others tell of a caller alone, who is told.
func (s *seat) happenings(e guard.Effect) []Event {
	e.Refused = e.Refused && (s.user == "" || e.Fell)
	return happenings(e)
}

// tellMoved passes on that the login is in another zone, once however many calls found it out.
func (n *lane) tellMoved(to zone.Zone) {
	n.mu.Lock()
	known := n.movedTo == to.Base
	n.movedTo = to.Base
	n.mu.Unlock()
	if !known && !n.shared.speakers.silent(n) {
		n.tell(Happening{Event: ZoneMoved, Zone: to.Base})
	}
}

// lacks is unavailable for a login whose record gives no credential, and passes that on, once until it gives one.
func (n *lane) lacks(p Problem, err error) error {
	err = n.unavailable(err)
	var d *guard.Denied
	if !errors.As(err, &d) || d.Reason != guard.Reason(autotask.SecretUnavailable) {
		return err
	}
	n.mu.Lock()
	known := n.lacking
	n.lacking = true
	n.mu.Unlock()
	if !known {
		n.shared.troubles.note(n.Name, SecretUnavailable)
		n.tell(Happening{Event: SecretUnavailable, Store: n.Store, Problem: p})
	}
	return err
}

// storeless passes on, once, that a call was not sent because the guard's store could not be used.
func (n *lane) storeless(login string, err error) {
	if isStoreless(err) && n.shared.troubles.note(login, StoreUnavailable) {
		n.shared.observer.Happened(Happening{Event: StoreUnavailable, Login: login})
	}
}

// isStoreless reports whether an error says that the guard's store could not be used.
func isStoreless(err error) bool {
	var d *guard.Denied
	return errors.As(err, &d) && d.Reason == guard.StoreUnavailable
}

// stored is told what came of each call's asking for a unit: whether the guard's store can be used.
func (s *seat) stored(err error) {
	n := s.lane
	switch {
	case err != nil:
		n.storeless(s.name(), err)
	case !n.shared.troubles.some.Load() || !n.shared.troubles.has(s.name(), StoreUnavailable):
	case s.user == "":
		n.recovered("")
	default:
		s.recovered("")
	}
}

func problemOf(err error) Problem {
	switch {
	case errors.Is(err, secret.ErrStale):
		return Stale
	case errors.Is(err, secret.ErrNotFound):
		return Missing
	}
	return Unreadable
}
