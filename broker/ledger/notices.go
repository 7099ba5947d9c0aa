package ledger

import (
	"errors"
	"time"
)

// AtesFailed is the Cause of a mail that the PSA's mail service has said it makes nothing of. It is Ready, and waits for the API: the
// service would say the same again.
const AtesFailed = "ates-failed"

// ErrBeingHanded says that a mail is being handed to the mail service at this moment: its notice is looked at again later.
var ErrBeingHanded = errors.New("ledger: the mail is being handed to the mail service")

// NotTaken is the row after the mail service has said that it makes nothing of a mail; false where that changes nothing, because
// the mail has gone on since.
func (r Rules) NotTaken(m Mail, now time.Time) (Mail, bool, error) {
	switch m.State {
	case AtesInFlight:
		return m, false, ErrBeingHanded
	case AtesSent, AtesInDoubt:
		m = r.ready(m, now)
		m.Cause, m.Tries, m.Fails, m.SentAt, m.Empty = AtesFailed, 0, 0, time.Time{}, 0
		return m, true, nil
	}
	return m, false, nil
}

// AtesMade is the Cause of a mail that the PSA's mail service has said it made something of, until that is found by the API.
const AtesMade = "ates-made"

// Taken is the row after the mail service has said that it made something of a mail; false where that is known, or the mail has gone
// on since. Of one of which nobody knew whether it got there that is known now, so that it is not handed over again.
func (r Rules) Taken(m Mail, now time.Time) (Mail, bool, error) {
	switch {
	case m.State == AtesInFlight:
		return m, false, ErrBeingHanded
	case m.State == AtesSent && m.Cause == AtesMade:
		return m, false, nil
	case m.State == AtesSent || m.State == AtesInDoubt:
	case m.State == Ready && m.Item == 0 && !m.Repair: // it was given up for lost
		m.SentAt = now
	default:
		return m, false, nil
	}
	m = m.to(AtesSent, now)
	m.Cause, m.Due, m.Tries, m.Fails, m.Empty = AtesMade, now, 0, 0, 0
	return m, true, nil
}

// Over tells whether the mail service is done with a mail that was handed to it: it has said that it made it, or had all the time that
// it takes, since the mail was sent before over (Rules.Over). Zero: nobody asks.
func (m Mail) Over(over time.Time) bool {
	return !over.IsZero() && m.State == AtesSent && (m.Cause == AtesMade || m.SentAt.Before(over))
}
