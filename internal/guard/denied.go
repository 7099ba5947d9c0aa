package guard

import (
	"fmt"
	"strings"
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
		return &Denied{Reason: BudgetSpent, Text: "no more may fail before the PSA could lock this login: " + r.takers(time.Time{}) + ": an operator has to look at it: psagate status"}
	}
	return nil
}

// late returns why a caller waited in vain.
func (l *Login) late(r *Rows, now time.Time) *Denied {
	switch {
	case r.Gate.Shut:
		return l.shut(r, now, "")
	case l.free.err != nil && r.proven() == nil:
		return &Denied{Reason: UpstreamUnreachable, RetryAfter: max(time.Second, l.free.again.Sub(now)), Text: "the PSA cannot be reached: nothing was sent"}
	case r.proven() == nil:
		return &Denied{Reason: CredentialRefused, RetryAfter: pollHint, Text: "the PSA does not take the login's credential, and the store has no newer one"}
	case len(r.Units) >= l.settings.Budget-1:
		return l.crammed(r, now)
	}
	return &Denied{Reason: QueueDeadline, RetryAfter: max(time.Second, l.drainTime()), Text: "the queue of this login is longer than the time a call may wait"}
}

// shut is what is told while the gate is.
func (l *Login) shut(r *Rows, now time.Time, rest string) *Denied {
	text := "the PSA left a call unanswered and has not answered a sign-in since"
	if r.Gate.Released {
		text = "calls wait for a sign-in of the gateway's own: the login was released or checked, or the gateway's store was set back"
	}
	return &Denied{Reason: GateShut, RetryAfter: max(time.Second, l.ownAt(r).Sub(now)), Text: text + rest}
}

// crammed is what a caller is told for whom the units that are not free left no room. Of the lost ones it is known when they
// leave some; of the others, what may.
func (l *Login) crammed(r *Rows, now time.Time) *Denied {
	until := l.lostUntil(r)
	pause := l.settings.Linger
	if !until.IsZero() {
		pause = max(time.Second, until.Sub(now))
	}
	return &Denied{Reason: BudgetSpent, RetryAfter: pause, Text: "no more may be sent before the PSA could lock this login: " + r.takers(until)}
}

// takers says what the units that are not free were taken for. until is when the lost ones can be judged no more; zero where
// that is not known.
func (r *Rows) takers(until time.Time) string {
	kept := ", which the PSA may still judge"
	if !until.IsZero() {
		kept = fmt.Sprintf(": each is kept until %s at most, as the PSA may still judge it", until.UTC().Format(time.TimeOnly+" MST"))
	}
	var all []string
	for _, of := range [...]struct {
		state           UnitState
		one, many, more string
	}{
		{Held, "is under way", "are under way", ""},
		{Failed, "was refused", "were refused", ""},
		{Unknown, "may have failed, as its answer did not tell or never came", "may have failed, as their answers did not tell or never came", ""},
		{Lost, "has had no answer", "have had no answer", kept},
	} {
		switch n := r.count(of.state); n {
		case 0:
		case 1:
			all = append(all, "1 sign-in "+of.one+of.more)
		default:
			all = append(all, fmt.Sprintf("%d sign-ins %s%s", n, of.many, of.more))
		}
	}
	return strings.Join(all, ", ")
}
