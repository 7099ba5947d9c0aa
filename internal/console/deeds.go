package console

import (
	"context"
	"errors"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/policy"
)

// Doer is a person who is signed in and wants something done.
type Doer struct {
	// Session is the person's, as the store has it now: it says when a second factor was last proven in it.
	Session session.Session
	// Address is where the person comes from; empty where that is not known.
	Address string
}

// ErrDenied says that policy does not let somebody do something, or not yet.
var ErrDenied = errors.New("policy does not permit it")

// Person is one person of an issuer's.
type Person struct{ Issuer, Subject string }

// Deeds are what people may do by a console. Whoever does something has asked Permits before, and was allowed; but for Code and ReadMail, which
// ask by themselves. Each writes down who did it. Where a name is none of the config's the errors are those of internal/report.
type Deeds interface {
	// May says whether policy lets a person do something now. It writes nothing down, and nothing may be done by it.
	May(by Doer, what policy.Action, on policy.Target) policy.Decision
	// Permits decides whether a person may do something now, and writes that down. An error says that it cannot be written down.
	Permits(ctx context.Context, by Doer, what policy.Action, on policy.Target) (policy.Decision, error)
	// Disable and Enable switch an integration off and on, at all replicas.
	Disable(ctx context.Context, by Doer, integration, reason string) (report.Switch, error)
	Enable(ctx context.Context, by Doer, integration string) (report.Switch, error)
	// Check looks at a login's record and zone, and signs in at most once.
	Check(ctx context.Context, by Doer, login string) (report.CheckResult, error)
	// Release forgives what was recorded of a login up to seq, and of its next user up to next, unless that is nil.
	Release(ctx context.Context, by Doer, login string, seq uint64, next *uint64) error
	// Writing says how a login's record stands, for who is about to write it.
	Writing(ctx context.Context, login string) (report.Writing, error)
	// Put tries a new credential at the PSA, once at the most, and writes it into the login's record.
	Put(ctx context.Context, by Doer, login string, p call.Put) (report.PutResult, error)
	// Code returns a login's present one-time code, where policy permits the person to see it, once that is written down. Where policy
	// does not, the decision says why.
	Code(ctx context.Context, by Doer, login string) (secret.Code, policy.Decision, error)
	// EndSession ends a session of a person's, by its id; EndSessions all of a person's. They return how many that were.
	EndSession(ctx context.Context, by Doer, of Person, id string) (int, error)
	EndSessions(ctx context.Context, by Doer, of Person) (int, error)
	// ResetFactor takes a person's second factor away, and ends the person's sessions.
	ResetFactor(ctx context.Context, by Doer, of Person) (report.TOTPReset, error)
	// ReadMail returns a mail as it came, where policy permits the person to read it, once that is written down. Where policy does not, the
	// decision says why.
	ReadMail(ctx context.Context, by Doer, mailbox string, id int64) ([]byte, policy.Decision, error)
	// RetryMail and DropMail decide about a mail.
	RetryMail(ctx context.Context, by Doer, mailbox string, id int64, reason string) (report.MailDecided, error)
	DropMail(ctx context.Context, by Doer, mailbox string, id int64, reason string) (report.MailDecided, error)
}

// doer is who sent a request.
func (v *visit) doer() Doer {
	d := Doer{Session: v.Session}
	if a := v.Address(); a.IsValid() {
		d.Address = a.String()
	}
	return d
}
