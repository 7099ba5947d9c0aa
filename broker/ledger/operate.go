package ledger

import (
	"fmt"
	"time"
)

// Retry is the row after people have decided that a suspended or dead mail, or one that was dropped, is to become
// something after all. What was sent before is looked for first.
func (r Rules) Retry(m Mail, now time.Time) (Mail, error) {
	switch {
	case m.State == Done || !m.State.Ended():
		return m, fmt.Errorf("the mail is %s: there is nothing to try again", m.State)
	case m.Cause == "duplicate":
		return m, fmt.Errorf("the mail is a duplicate: try the other one again")
	case m.Cause == "in-doubt":
		m = m.to(InDoubt, now)
	case m.Cause == "ates-in-doubt":
		m = m.to(AtesInDoubt, now)
	case m.Cause == "ates-lost":
		m = m.to(AtesSent, now)
	case m.Reference == "" || m.Plainness == 0 || m.Plan == nil:
		m = m.to(Spooled, now)
	default:
		m = m.to(Ready, now)
	}
	m.Cause, m.Forced, m.Due, m.Tries, m.Fails, m.Plainness, m.Empty = "", true, now, 0, 0, 0, 0
	return m, nil
}

// Drop is the row after people have decided that nothing is to become of a mail that is set aside. Its bytes are kept as
// long as others'.
func (r Rules) Drop(m Mail, now time.Time) (Mail, error) {
	if m.State != Suspended && m.State != Dead {
		return m, fmt.Errorf("the mail is %s: only one that is suspended or dead can be dropped", m.State)
	}
	return m.end(Suppressed, "dropped", now), nil
}
