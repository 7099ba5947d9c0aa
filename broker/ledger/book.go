package ledger

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Errors of a Ledger, to be found with errors.Is.
var (
	// ErrStale: somebody else has moved the row since it was read.
	ErrStale = errors.New("ledger: the mail has been moved by somebody else")
	// ErrReference: another mail has the reference already. This one is a duplicate.
	ErrReference = errors.New("ledger: another mail has the same reference")
	// ErrUnknown: there is no such mail.
	ErrUnknown = errors.New("ledger: there is no such mail")
	// ErrGone: the mail's bytes are not kept any more.
	ErrGone = errors.New("ledger: the mail's bytes are not kept any more")
	// ErrFull: there is no room where the mail was to be kept, as on a disk that is full.
	ErrFull = errors.New("ledger: there is no room")
)

// Ledger keeps the rows, for all processes. What it has returned from is durable.
type Ledger interface {
	// Spool keeps a mail's bytes and its row in one transaction. The row's ID, State, Epoch are the ledger's to set. A mail
	// whose Object is there already is not kept again: false, and the row as it is. It is an ErrFull where that is known to be why it is
	// not kept.
	Spool(ctx context.Context, m Mail, raw []byte) (Mail, bool, error)
	// Missing are those of the objects that no mail of the mailbox has, in their order: what a source is to fetch.
	Missing(ctx context.Context, mailbox string, objects []string) ([]string, error)
	// Begun is what it was first told is the next number of a mailbox's inbox: the number that the next mail to come there gets. An inbox
	// whose numbers begin anew is another. Mails from that number on came after the books knew of the inbox.
	Begun(ctx context.Context, mailbox, inbox string, next uint32) (uint32, error)
	// Update writes a row if its Epoch is the one that is kept, which then is one more; it returns the row as it is kept. What the
	// mail came with stays as it was spooled (Mail.Kept).
	Update(ctx context.Context, m Mail) (Mail, error)
	// Get and Raw read one. Raw never returns bytes other than those that came.
	Get(ctx context.Context, id int64) (Mail, error)
	Raw(ctx context.Context, id int64) ([]byte, error)
	// Due are those of a mailbox for which something may be due (Mail.IsDue), those that came first before others; at most so many.
	Due(ctx context.Context, mailbox string, now time.Time, most int) ([]Mail, error)
	// Hasten makes the mails of a mailbox due that Hastens, and returns how many those were.
	Hasten(ctx context.Context, mailbox string, now time.Time) (int, error)
	// Blocked tells whether any mail is Before this one, which is a note. over is Before's.
	Blocked(ctx context.Context, m Mail, over time.Time) (bool, error)
	// Referred is the mail with this Message-ID, or else one that has it in its References: an answer belongs to its ticket, once
	// it has one. Of several it is the newest that has a ticket, or else the oldest, which those that came later wait for: answers
	// to a mail that was never seen go together. Mails of no ticket (ended otherwise than Done) are left out.
	Referred(ctx context.Context, messageID string) (Mail, bool, error)
	// Naming are the tickets of mails that have a Message-ID in their References, each once, that whose mail came first before others:
	// MostNaming at most.
	Naming(ctx context.Context, messageID string) ([]int64, error)
	// Conversation is what is known of a ticket without asking the PSA.
	Conversation(ctx context.Context, ticket int64) (Conversation, error)
	// List are the mails that a query asks for, one page of them.
	List(ctx context.Context, q Query) ([]Mail, error)
	// Balance counts the mails of a mailbox.
	Balance(ctx context.Context, mailbox string) (Balance, error)
	// Counts counts the mails of all mailboxes that any came to, by their names.
	Counts(ctx context.Context) (map[string]Counts, error)
	// Forget removes the bytes of mails of a mailbox that were done or suppressed before a time, and acknowledged; their rows stay, without
	// what the mails say (Mail.Forgotten). It returns how many there were. Those of suspended and dead mails are kept until people
	// have decided.
	Forget(ctx context.Context, mailbox string, before time.Time) (int, error)
	// Since is from when on the ledger knows all that was done. A mail that arrived before may have become a ticket that the ledger
	// knows nothing of: it was emptied, or set back to a backup. Zero: it knows all.
	Since(ctx context.Context) (time.Time, error)
}

// Balance is a mailbox's books: Seen is the sum of all others, or a mail is lost.
type Balance struct {
	Seen                                                 int
	Tickets, Notes, Suspended, Dead, Suppressed, Pending int
}

// Forgettable tells whether the bytes of a mail are to be removed which ended before a time: nobody will ask for them.
func (m Mail) Forgettable(before time.Time) bool {
	return (m.State == Done || m.State == Suppressed) && m.Acknowledged && m.Since.Before(before)
}

// Gap is how many mails are missing from the books.
func (b Balance) Gap() int {
	return b.Seen - b.Tickets - b.Notes - b.Suspended - b.Dead - b.Suppressed - b.Pending
}

// Count adds a mail.
func (b *Balance) Count(m Mail) {
	switch {
	case m.State == Done && m.IsNote:
		b.Notes++
	case m.State == Done:
		b.Tickets++
	case m.State == Suspended:
		b.Suspended++
	case m.State == Dead:
		b.Dead++
	case m.State == Suppressed:
		b.Suppressed++
	default:
		b.Pending++
	}
}

// Duplicate is how a mail ends whose reference another has.
func (r Rules) Duplicate(m Mail, now time.Time) Mail {
	m.Reference = ""
	return m.end(Suppressed, "duplicate", now)
}

// Before tells whether a mail must have ended before a note is made of another: it came first and is about the same ticket,
// or is not understood yet and in the same conversation. One that cannot be understood ends after some tries. (A note that
// answers the mail itself is not there yet: see Understood.WaitFor.) ticketOf is
// that of the mail with a Message-ID, as far as it is known, else 0. over is zero where the note is to be made by the API; where it is
// to be handed to the mail service, one that this is done with (Mail.Over) is before it no more.
func (m Mail) Before(note Mail, over time.Time, ticketOf func(messageID string) int64) bool {
	if m.ID >= note.ID || m.State.Ended() || m.Over(over) {
		return false
	}
	if m.State != Spooled {
		return m.Ticket == note.Ticket
	}
	return slices.ContainsFunc(m.References, func(id string) bool {
		return slices.Contains(note.References, id) || id == note.Number || ticketOf(id) == note.Ticket
	})
}

// WaitsFor tells whether a mail that belongs to the ticket of another must wait for that to have one. It waits for none that
// came later: two that name each other would wait for ever.
func (m Mail) WaitsFor(other Mail) bool {
	return other.ID < m.ID && !other.State.Ended() && other.Ticket == 0
}
