package call

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/psagate/psagate/internal/guard"
)

// troubles remembers, by the name of a login and over all configs, what was told that keeps its calls from being served, so
// that it is told once when they are again. Its zero value is ready.
type troubles struct {
	mu   sync.Mutex
	of   map[string][]Event
	some atomic.Bool // a login has some
}

// note adds what was told of a login, and reports whether that is news.
func (t *troubles) note(login string, e Event) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = make(map[string][]Event)
	}
	if slices.Contains(t.of[login], e) {
		return false
	}
	t.of[login] = append(t.of[login], e)
	t.some.Store(true)
	return true
}

// has reports whether that was told of a login.
func (t *troubles) has(login string, e Event) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.of[login], e)
}

// any reports whether a login has trouble.
func (t *troubles) any(login string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.of[login]) > 0
}

// end takes away what a login has, but for what stays, and returns it.
func (t *troubles) end(login string, stays func(Event) bool) (ended []Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var left []Event
	for _, e := range t.of[login] {
		if stays(e) {
			left = append(left, e)
		} else {
			ended = append(ended, e)
		}
	}
	if t.of[login] = left; len(left) == 0 {
		delete(t.of, login)
	}
	t.some.Store(len(t.of) > 0)
	return ended
}

// troubled notes what of an attempt's effect keeps the login's calls from being served. What befell a user that is to be
// tried beside the one that serves does not, nor does the refusal of a credential beside one that serves.
func (s *seat) troubled(e guard.Effect) {
	n := s.lane
	if s.user == "" && n.sitting() != s {
		return
	}
	for _, event := range s.happenings(e) {
		switch event {
		case CredentialRefused:
			if _, serves := n.servedWith(); s.user == "" && serves && !e.Fell {
				continue
			}
		case LoginLocked, BudgetSpent, GateShut:
		default:
			continue
		}
		n.shared.troubles.note(s.name(), event)
	}
}

// recovered passes on that the login serves again, where it was told that it does not; source is whose call showed it.
// Called with no lock held.
func (n *lane) recovered(source string) {
	if !n.shared.troubles.any(n.Name) {
		return
	}
	version, serves := n.servedWith()
	if !serves {
		return
	}
	n.mu.Lock()
	usable := n.problem == nil
	n.mu.Unlock()
	ended := n.shared.troubles.end(n.Name, func(e Event) bool { return e == SecretUnusable && !usable })
	if len(ended) == 0 {
		return
	}
	n.log.Info("the login serves again", "version", version, "after", words(ended))
	n.tell(Happening{Event: LoginRecovered, Version: version, Integration: source, Zone: n.zoneStatus().URL})
}

// recovered is the lane's recovered for a PSA user whose credentials callers bring.
func (s *seat) recovered(source string) {
	n := s.lane
	if !n.shared.troubles.any(s.name()) {
		return
	}
	st, err := s.guard.Status()
	if err != nil || !usable(st) || !anyProven(st) {
		return
	}
	if ended := n.shared.troubles.end(s.name(), func(Event) bool { return false }); len(ended) > 0 {
		n.log.Info("calls that bring their own credential are served again", "user", s.user, "after", words(ended))
		s.tell(Happening{Event: LoginRecovered, Integration: source, Zone: s.zoneURL()})
	}
}

func words(events []Event) string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = string(e)
	}
	return strings.Join(all, ", ")
}

// usable reports whether a proven credential of the login serves.
func usable(st guard.Status) bool {
	return !st.Locked && !st.Gate.Shut && st.Failed+st.Unknown < st.Settings.Budget
}

func anyProven(st guard.Status) bool {
	return slices.ContainsFunc(st.Credentials, func(c guard.Credential) bool { return c.State == guard.StateProven })
}

// servedWith reports whether calls of the login can be served now, and the version that they are sent with.
func (n *lane) servedWith() (version string, serves bool) {
	seat := n.sitting()
	if seat == nil {
		return "", false
	}
	if _, err := n.store.Get(n.Path); err != nil {
		return "", false
	}
	st, err := seat.guard.Status()
	if err != nil || !usable(st) || st.Serving.IsZero() {
		return "", false
	}
	for _, c := range st.Credentials {
		if c.Fingerprint == st.Serving {
			version = c.Version
		}
	}
	return version, true
}

// tellReleased passes on that an operator released a PSA user, by each of its names.
func (g *Gateway) tellReleased(released *seat) {
	for _, n := range g.lanes {
		for _, s := range n.seats() {
			if s == released || s.guard == released.guard {
				s.tell(Happening{Event: LoginReleased})
			}
		}
	}
}
