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
