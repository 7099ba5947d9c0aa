package caddymodule

import (
	"strconv"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
)

// The events of the audit log about people.
const (
	eventSignedIn      = "signed_in"
	eventSignInRefused = "sign_in_refused"
	eventSignedOut     = "signed_out"
	eventSessionEnded  = "session_ended"
	eventLogoutRefused = "logout_refused"
	eventCodeShown     = "code_shown"
)

// Who may have ended a person's session beside the person.
const (
	byIssuer   = "issuer"
	byOperator = "operator"
	byPerson   = "person" // in another session
	byLimit    = "limit"  // of how many a person has
	// byAdministrator: somebody at the console, who may be the person.
	byAdministrator = "administrator"
)

// noteSignIn writes down what happened to a person's sign-in. What a stranger wrote, as the provider's text may be, is left out, and so
// is what people are called.
func noteSignIn(e signin.Event) {
	entry := ofPerson(e.Person, e.Issuer)
	entry.Address = e.Address
	switch e.What {
	case signin.SignedIn:
		entry.Event, entry.Groups, entry.Data = eventSignedIn, e.Person.Groups, map[string]string{"session": e.Session}
	case signin.SignedOut:
		entry.Event, entry.Data = eventSignedOut, map[string]string{"session": e.Session}
	case signin.Ended:
		entry.Event, entry.Data = eventSessionEnded, map[string]string{"session": e.Session, "by": byIssuer}
	case signin.EndedForNew:
		entry.Event, entry.Data = eventSessionEnded, map[string]string{"session": e.Session, "by": byLimit}
	case signin.EndedElsewhere:
		entry.Event, entry.Data = eventSessionEnded, map[string]string{"session": e.Session, "by": byPerson}
	case signin.Refused, signin.LogoutRefused:
		if entry.Event = eventSignInRefused; e.What == signin.LogoutRefused {
			entry.Event = eventLogoutRefused
		}
		entry.Data = map[string]string{"reason": string(e.Why)}
		refusals.note(entry)
		return
	}
	noteEvent(entry)
}

// noteEnded writes down that a person's session was ended by an operator, or by somebody at the console, who is told by the issuer's ids.
func (a author) noteEnded(s session.Session) {
	entry := ofPerson(s.Person, s.Person.Issuer)
	entry.Event, entry.Address, entry.Data = eventSessionEnded, a.address, map[string]string{"session": s.ID, "by": byOperator}
	if a.person != nil {
		entry.Data["by"], entry.Data["administrator"] = byAdministrator, a.person.Issuer+"/"+a.person.Subject
	}
	noteEvent(entry)
}

// ofPerson is an entry about a person, who is named by the issuer's ids alone.
func ofPerson(p session.Person, issuer string) audit.Entry {
	e := audit.Entry{Issuer: issuer}
	if p.Subject != "" {
		e.CallerKind, e.Caller = audit.Person, p.Subject
	}
	return e
}

// refusalsAMinute is how many refused sign-ins and logouts are written down in a minute. Anybody can cause them, and must not fill the
// disk of a log that calls depend on.
const refusalsAMinute = 1000

// fewRefusals writes down refusals, so many a minute, and at its end how many more there were.
type fewRefusals struct {
	mu      sync.Mutex
	since   time.Time // of this minute
	n       int
	leftOut int
}

var refusals fewRefusals

func (f *fewRefusals) note(e audit.Entry) {
	if f.take() {
		noteEvent(e)
	}
}

// take reports whether one more is written down.
func (f *fewRefusals) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.since.IsZero() || now.Sub(f.since) >= time.Minute {
		f.since, f.n = now, 0
	}
	if f.n < refusalsAMinute {
		f.n++
		return true
	}
	if f.leftOut == 0 {
		time.AfterFunc(f.since.Add(time.Minute).Sub(now), f.tell)
	}
	f.leftOut++
	return false
}

// tell writes down how many were left out.
func (f *fewRefusals) tell() {
	f.mu.Lock()
	n := f.leftOut
	f.leftOut = 0
	f.mu.Unlock()
	noteEvent(audit.Entry{Event: call.EventTooMany, Data: map[string]string{"count": strconv.Itoa(n)}})
}
