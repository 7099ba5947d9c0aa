package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Decision is what people say when they decide about a mail.
type Decision struct {
	// By is who decided, as issuer and subject, or the operator at the command line; Why is the reason that was given, if any. Both
	// are kept as Line does.
	By, Why string
}

// Retry is the row after people have decided that a suspended or dead mail, or one that was dropped, is to become
// something after all. What was sent before is looked for first.
func (r Rules) Retry(m Mail, d Decision, now time.Time) (Mail, error) {
	cause := m.Cause
	if cause == Dropped && m.Was != "" {
		cause = m.Was
	}
	switch {
	case m.State == Done:
		return m, fmt.Errorf("mail %d is done: it would become a second ticket", m.ID)
	case !m.State.Ended():
		return m, fmt.Errorf("mail %d is %s, and is being worked on: there is nothing to try again", m.ID, m.State)
	case m.Gone:
		return m, fmt.Errorf("the bytes of mail %d are not kept any more: nothing can be made of it", m.ID)
	case cause == "duplicate":
		return m, fmt.Errorf("mail %d is a duplicate: try the other one again", m.ID)
	case cause == "in-doubt":
		m = m.to(InDoubt, now)
	case cause == "ates-in-doubt", cause == "ates-lost": // as sent it would be looked for, and set aside again
		m = m.to(AtesInDoubt, now)
	case m.Reference == "" || m.Plainness == 0 || m.Plan == nil:
		m = m.to(Spooled, now)
	default:
		m = m.to(Ready, now)
	}
	m.Cause, m.Was, m.Forced, m.Due, m.Tries, m.Fails, m.Plainness, m.Empty = "", "", true, now, 0, 0, 0, 0
	return m.decided(d), nil
}

// Dropped is the cause of a mail that people have dropped.
const Dropped = "dropped"

// Drop is the row after people have decided that nothing is to become of a mail: of one that is set aside, or that has not been
// sent yet. Its bytes are kept as long as others'. One that is being sent, or of which nobody knows whether it was, is to be settled
// first: it may be a ticket already.
func (r Rules) Drop(m Mail, d Decision, now time.Time) (Mail, error) {
	switch m.State {
	case Suspended, Dead, Spooled:
	case Ready:
		if m.Item > 0 || m.Repair {
			return m, fmt.Errorf("mail %d is ticket %s already, and what remains is to be put there: it cannot be dropped", m.ID, m.named())
		}
	case InFlight, AtesInFlight:
		return m, fmt.Errorf("mail %d is being sent: it can be dropped once it is known what came of it, should it then still be set aside", m.ID)
	case InDoubt, AtesInDoubt, AtesSent:
		return m, fmt.Errorf("mail %d is %s: it was sent, and may be a ticket. It is settled by itself, or set aside; only then can it be dropped", m.ID, m.State)
	default:
		return m, fmt.Errorf("mail %d is %s: nothing more becomes of it, and there is nothing to drop", m.ID, m.State)
	}
	plan, was := m.Plan, m.Cause
	m = m.end(Suppressed, Dropped, now)
	m.Plan, m.Was = plan, was // for Retry; they go with the bytes
	return m.decided(d), nil
}

// named is the ticket as people write it.
func (m Mail) named() string {
	if m.Number != "" {
		return m.Number
	}
	return fmt.Sprint(m.Ticket)
}

// decided says who made the last move.
func (m Mail) decided(d Decision) Mail {
	m.History = slices.Clone(m.History)
	last := &m.History[len(m.History)-1]
	last.By, last.Why = Line(d.By, mostBy), Line(d.Why, mostWhy)
	return m
}
