package ledger

import (
	"crypto/sha256"
	"time"
)

// Mail is a row.
type Mail struct {
	// ID is the ledger's, in the order in which mails came.
	ID int64
	// Mailbox is a name; Object is the mail's place on the server (or the intake's id), alike for no two in a mailbox.
	Mailbox, Object string
	// Content is message.ContentKeyOf.
	Content [sha256.Size]byte
	// MessageID and References are for finding it when others refer to it, and for keeping the order of a conversation
	// before it is understood. References hold whatever in the mail names a ticket: ids of other mails, numbers in the
	// subject, tokens.
	MessageID  string
	References []string
	Arrived    time.Time
	// From and Subject are for people, who recognise a mail by them: the sender's address, and what the mail is about. They go with
	// the mail's bytes. Size is the mail's, in bytes, and Gone says that they are not kept any more; both are the ledger's.
	From, Subject string
	Size          int
	Gone          bool

	State State
	// Epoch counts the writes; Update compares it.
	Epoch int64
	// Due is when something can be done next.
	Due time.Time
	// Since is when it came to its state.
	Since time.Time
	// Tries are those of the present stage, each written down before it is made.
	Tries int
	// Fails are failures in a row that were nobody's fault, for waiting longer each time.
	Fails int
	// Cause is a word for an end other than Done (Causes), or AtesFailed or AtesMade; Was the one that a mail had before it was dropped.
	Cause, Was string
	// History is how it came to its state, the newest last: the last moves, and those of people.
	History []Move

	// Reference is what it is known by in the PSA; no two mails have the same. Empty before it is understood.
	Reference string
	// IsNote says that it becomes a note on Ticket. Otherwise Ticket is what it has become, 0 before. Number is the ticket's,
	// as people write it.
	IsNote bool
	Ticket int64
	Number string
	// Forced says that people want it to become something, whatever kind of mail it is.
	Forced bool
	// Least says that it was too much for the parser: it becomes the least of a ticket.
	Least bool
	// Item is what is sent next: 0 is the ticket or note, then come Files attachments, then, where some were Skipped, a note
	// that says so.
	Item, Files, Skipped int
	// Plainness is how many times the PSA refused what it says: at each more fields are left out.
	Plainness int
	// SentAt is when the send began that is in flight or in doubt; Empty counts the answers since it settled that it is not
	// there, each of which makes it due again only Rules.Apart later.
	SentAt time.Time
	Empty  int
	// Plan is what is to be made, as whoever understood the mail has written it down, so that it does not change with the config
	// while it is being made. It holds words of the mail, and is gone when that is done or suppressed; that of a mail that people
	// have dropped goes with the bytes.
	Plan []byte
	// Why are the steps by which it was understood, in words. They name its people, and go with the bytes.
	Why []string
	// Repair says that the ticket was made by the PSA's mail service and is to be put right.
	Repair bool
	// Repeated says that it was sent again after doubt: there may be two.
	Repeated bool
	// Merged says that the PSA put it into a ticket that was there before.
	Merged bool
	// Acknowledged says that it was moved on the server.
	Acknowledged bool
}

// last is the number of its last item.
func (m Mail) last() int {
	if m.Skipped > 0 {
		return m.Files + 1
	}
	return m.Files
}
