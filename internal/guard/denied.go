package guard

import (
	"fmt"
	"time"
)

// Reason is the word for why a call was not sent, as callers hear it.
type Reason string

// The guard's reasons.
const (
	CredentialRefused   Reason = "credential-refused"
	BudgetSpent         Reason = "budget-spent"
	GateShut            Reason = "gate-shut"
	LoginLocked         Reason = "login-locked"
	StoreUnavailable    Reason = "store-unavailable"
	QueueFull           Reason = "queue-full"
	QueueDeadline       Reason = "queue-deadline"
	Draining            Reason = "draining"
	ZoneUnknown         Reason = "zone-unknown"
	UpstreamUnreachable Reason = "upstream-unreachable"
	// Moved is for whoever asks the guard, not for callers: ask the login that the credential belongs to now.
	Moved Reason = "moved"
)

// Denied says that a call was not sent, why, and when it is worth another try.
type Denied struct {
	Reason Reason
	// Text tells a caller what to do; it names no secret.
	Text string
	// RetryAfter is zero where waiting does not help.
	RetryAfter time.Duration
}

func (d *Denied) Error() string { return fmt.Sprintf("%s: %s", d.Reason, d.Text) }

// pollHint is what a caller is told to wait for a new version of the secret.
const pollHint = 15 * time.Second

// hopeless returns why nothing can be sent at all, or nil.
func (r *Rows) hopeless(s *Settings) *Denied {
	switch {
	case s.Observe:
		return nil
	case r.Locked:
		return &Denied{Reason: LoginLocked, Text: "the PSA says that its login is locked: an administrator has to unlock it there, then run: psagate release"}
	case r.recorded() >= s.Budget:
		return &Denied{Reason: BudgetSpent, Text: "too many sign-ins of this login failed or got no answer: an operator has to look at it: psagate status"}
	}
	return nil
}

// late returns why a caller waited in vain.
func (l *Login) late(r *Rows, now time.Time) *Denied {
	switch {
	case r.Gate.Shut:
		return &Denied{Reason: GateShut, RetryAfter: max(time.Second, r.pauseEnds(&l.settings).Sub(now)), Text: "the PSA left a call unanswered and has not answered a sign-in since"}
	case l.free.err != nil && r.proven() == nil:
		return &Denied{Reason: UpstreamUnreachable, RetryAfter: max(time.Second, l.free.again.Sub(now)), Text: "the PSA cannot be reached: nothing was sent"}
	case r.proven() == nil:
		return &Denied{Reason: CredentialRefused, RetryAfter: pollHint, Text: "the PSA does not take the login's credential, and the store has no newer one"}
	case len(r.Units) >= l.settings.Budget-1:
		return &Denied{Reason: BudgetSpent, RetryAfter: l.settings.Linger, Text: "sign-ins of this login failed or got no answer, and none has succeeded since"}
	}
	return &Denied{Reason: QueueDeadline, RetryAfter: max(time.Second, l.drainTime()), Text: "the queue of this login is longer than the time a call may wait"}
}
