package stepup

import (
	"net/http"

	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
)

// Event is something that happened to a person's second factor. It holds no code and no seed.
type Event struct {
	What What
	// Person and Session are whose it is, and in which session, by its id.
	Person  session.Person
	Session string
	// Address is where the request came from, as text; empty: it is not known.
	Address string
	// Recovery: it was a recovery code.
	Recovery bool
	// KnownBrowser: the browser had proven a second factor before.
	KnownBrowser bool
	// Reason is why a code was not taken.
	Reason Reason
	// Limit is whose failures were too many, where they were.
	Limit string
}

// What happened.
type What string

// What may happen.
const (
	// SteppedUp: a code was right.
	SteppedUp What = "stepped-up"
	// Refused: a code was not taken. What is no code at all is not told of.
	Refused What = "step-up-refused"
	// Enrolled: an app counts from now on. One of before does not any more.
	Enrolled What = "app-enrolled"
	// NewRecovery: there are new recovery codes. Those of before are worth nothing any more.
	NewRecovery What = "recovery-codes-made"
)

// Reason is why a code was not taken.
type Reason string

// The reasons.
const (
	// WrongCode: it is not right. It counts as a failure.
	WrongCode Reason = "wrong-code"
	// CodeUsed: it was taken before.
	CodeUsed Reason = "code-used"
	// NotInvited: it was to be an invitation to add an app, and is none of the person's, or one that is over.
	NotInvited Reason = "not-invited"
	// TooManyFailures: it was not looked at.
	TooManyFailures Reason = "too-many-failures"
)

func (g *Gate) tell(r *http.Request, v *signin.Visit, e Event) {
	e.Person, e.Session = v.Session.Person, v.Session.ID
	if a := v.Address(); a.IsValid() {
		e.Address = a.String()
	}
	g.cfg.Tell(r, e)
}
