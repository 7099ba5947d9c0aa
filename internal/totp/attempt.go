package totp

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// Attempt says who shows a code, and from where.
type Attempt struct {
	// Person is whom the session belongs to.
	Person Person
	// Session names the session. It must not be empty.
	Session string
	// Address is the client's, as Caddy's client_ip has it.
	Address netip.Addr
	// Browser is the mark that this browser was given with its last right code; empty where it has none.
	Browser string
}

// Passed is that a code was right, and is used now.
type Passed struct {
	// At is when.
	At time.Time
	// Browser is this browser's new mark: keep it as a cookie of the path of the sign-in pages alone, HttpOnly, for 180 days.
	Browser secret.Value
	// Known says that the browser had proven itself before.
	Known bool
	// RecoveryLeft is how many recovery codes are left.
	RecoveryLeft int
}

var errNoSession = errors.New("totp: a code is asked of a signed-in session alone, and this one has no name")

// attempt has take look at a code where no limit forbids it, and counts what comes of that.
func (e *Engine) attempt(ctx context.Context, a Attempt, recovery bool, take func(e *Engine, s *State, now time.Time) error) (Passed, error) {
	if a.Session == "" {
		return Passed{}, errNoSession
	}
	if err := a.Person.Check(); err != nil {
		return Passed{}, err
	}
	e = e.withOneKey()
	id, err := e.token()
	if err != nil {
		return Passed{}, err
	}
	var passed Passed
	var wrong error
	var m mark
	err = e.cfg.Store.Change(ctx, a.Person, e.buckets(a, recovery), func(s *State) error {
		now := e.now()
		passed, wrong = Passed{}, nil
		if s.Current == nil {
			return ErrNotEnrolled
		}
		m = e.openMark(a.Person, a.Browser, s.Current, now)
		passed.Known = m.id != ""
		gates := e.gates(a, m, recovery)
		if err := pass(gates, s, now); err != nil {
			return err
		}
		switch err := take(e, s, now); err {
		case nil:
		case ErrWrong:
			wrong = err
			count(gates, s, now)
			return nil
		default:
			return err
		}
		forgive(gates, s)
		s.Current.LastUsed = now
		passed.At, passed.RecoveryLeft = now, e.left(*s)
		if !passed.Known {
			m.id = id
		}
		m.enrolment, m.at = s.Current.ID, now
		return nil
	})
	if err == nil {
		err = wrong
	}
	if err != nil {
		return Passed{}, err
	}
	passed.Browser = e.sealMark(a.Person, m)
	return passed, nil
}

// buckets are those of both kinds of gates: which ones count is known when the person's enrolment is.
func (e *Engine) buckets(a Attempt, recovery bool) (names []string) {
	m := e.readMark(a.Person, a.Browser)
	for _, g := range e.gates(a, mark{}, recovery) {
		names = append(names, g.bucket)
	}
	if m.id != "" {
		for _, g := range e.gates(a, m, recovery)[1:] { // the first is the session's
			names = append(names, g.bucket)
		}
	}
	return names
}
