package caddymodule

import (
	"context"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/policy"
)

// engine is everything below this package: what one config's handlers, admin routes and life cycle speak to.
// Its methods may be called at any time by any number of callers.
type engine interface {
	gateway
	operator
	rotator
	judge
	switcher
	doing
	mailing
	lifecycle
}

// mailing is what mailboxes need.
type mailing interface {
	// Inside makes the calls of a mailbox of the config.
	Inside(mailbox string) (*call.Inside, error)
	// Lockout takes in what a mail of the PSA's says of locked users; UserNames are those that one may name.
	Lockout(ctx context.Context, n call.LockoutNotice) error
	UserNames() []string
}

// gateway serves calls. It writes every answer itself and returns no errors: Caddy would log the caller's headers with them.
type gateway interface {
	// Identify finds out who calls. Where that is nobody it answers and returns done; else the request that it returns,
	// which knows who calls, goes on.
	Identify(w http.ResponseWriter, r *http.Request, clientIP string) (identified *http.Request, call report.Call, done bool)
	// Leave ends what Identify began, of a call that did not come to Proxy; of others nothing.
	Leave(identified *http.Request)
	// Police asks policy about an identified request. Where that denies it answers and returns done; else it goes on, and
	// leave is called once it has ended. maxBody is as that of [ProxyOptions].
	Police(w http.ResponseWriter, r *http.Request, maxBody int64) (call report.Call, leave func(), done bool)
	// Proxy takes an identified request to the PSA and answers; one that is not identified gets the answer of Identify.
	Proxy(w http.ResponseWriter, r *http.Request, options ProxyOptions) report.Call
	// WebLink returns where a path (escaped) and a query lead among the PSA's web pages, in the zone of a login's tenant. The error is
	// an *autotask.RequestError where that is what is wrong; others say why the zone's address is not known.
	WebLink(ctx context.Context, login, path, query string) (string, error)
	// WebZone returns the address of the web pages of a login's tenant, or why it is not known.
	WebZone(ctx context.Context, login string) (string, error)
	// WebRoundTrip carries a person's request to one of the hosts of the PSA's web pages, and to no other.
	WebRoundTrip(login string, r *http.Request) (*http.Response, error)
	// WebMoved says that a login's tenant may have moved: its pages lead to another zone's.
	WebMoved(login string)
	// WebFailed says that a person's sign-in failed. It returns whose user name was typed, as a word of report's, and that login's name.
	WebFailed(f call.WebFailure) (user, login string)
}

// operator answers the admin endpoint. Where a name is no login's, the error is [report.ErrUnknownLogin].
type operator interface {
	Status() report.Status
	Zones() report.Zones
	// Failures reports what failed since a moment, of one login or, where that is empty, of all.
	Failures(login string, since time.Time) (report.Failures, error)
	// Release forgives what was recorded for the login up to seq, and for its next user up to nextSeq, unless that is nil.
	Release(login string, seq uint64, nextSeq *uint64) error
	// Check looks at the login's record and zone, and signs in at most once. What does not work is in the result, not an error.
	Check(ctx context.Context, login string) (report.CheckResult, error)
	// Writing says how the login's record stands, for who is about to write it; userName is whom it is to name, if another.
	Writing(ctx context.Context, login, userName string) (report.Writing, error)
	// Put tries a new credential, with at most one sign-in, and writes it into the login's record. What does not work is in
	// the result; the error is a [report.Unfit] where it lies in what was given.
	Put(ctx context.Context, login string, p call.Put) (report.PutResult, error)
}

// rotator rotates pools. Where a name is no pool's, the error is [report.ErrUnknownPool].
type rotator interface {
	// Rotate has each login of a pool serve with its newest credential, one at a time, and tells of each as soon as it is
	// through with it. What does not work is in the result; the error is [report.ErrRotating] while another one is under way.
	Rotate(ctx context.Context, pool string, within time.Duration, tell func(report.RotationLine)) (report.Rotation, error)
}

// switcher switches integrations off and on. Where a name is none of the config's, the error is [report.ErrUnknownIntegration].
type switcher interface {
	// Disable switches an integration off for all replicas; its callers hear the reason.
	Disable(ctx context.Context, integration, reason string) (report.Switch, error)
	// Enable switches it on again.
	Enable(ctx context.Context, integration string) (report.Switch, error)
}

// doing decides what people may do on psagate itself, whether or not calls are only observed.
type doing interface {
	// May says whether policy lets a person do something now, for a page that shows what there is to do. It writes nothing down, so
	// nothing may be done by it.
	May(by Doer, what policy.Action, on policy.Target) policy.Decision
	// Permits decides whether a person may do something now, and writes that down. Nothing may be done unless the decision allows it
	// and there is no error, which says that it cannot be written down.
	Permits(ctx context.Context, by Doer, what policy.Action, on policy.Target) (policy.Decision, error)
	// ShowCode returns a login's present one-time code, where policy permits the person to see it, once that is written down. Where
	// policy does not, the error is errDenied and the decision says why; else the error says what is wrong. It holds no code.
	ShowCode(ctx context.Context, by Doer, login string) (secret.Code, policy.Decision, error)
}

// judge explains what the policies in force say.
type judge interface {
	// Explain says of every policy what it says to a request, and whether what is denied passes all the same.
	Explain(policy.Request) (e policy.Explanation, observe bool)
}

// lifecycle follows the config's. Building an engine changes nothing that another config's shares: a load may yet fail.
type lifecycle interface {
	// Commit puts the config's settings into force; called once, when the whole load has succeeded.
	Commit()
	// Drain begins to end the process: whoever waits is answered, calls in flight get their time. It does not wait for them.
	Drain()
	// Finish waits, after Drain, until operators' writings that are under way have ended; for as long as calls in flight have.
	Finish()
	// Close gives back what the config held. Calls in flight go on with what they hold themselves.
	Close() error
}

// ProxyOptions are the settings of one psa_proxy.
type ProxyOptions struct {
	// PublicURL is the gateway's base URL as clients know it; empty: scheme and host of the request.
	PublicURL string
	// MaxBody is the largest request body, in bytes, inflated size included; 0: the engine's default.
	MaxBody int64
	// Web: the request came through psa_web.
	Web bool
}
