package drive

import (
	"context"
	"errors"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// Errors of a Ticketer and a Fallback, to be found with errors.Is. Any other says that nobody knows whether it was done.
var (
	// ErrRefused: the PSA does not take what it was told, and will not take it another time.
	ErrRefused = errors.New("the PSA refuses it")
	// ErrNotNow: it surely was not done, for a reason that passes: no connection was made, a limit is reached, the login may
	// not be used.
	ErrNotNow = errors.New("it cannot be done now")
)

// Ticketer makes tickets in a PSA. Nothing that it does may be repeated by itself or what is below it: one call is one
// request that makes something, at most. Nothing may be sent once the context is over: the mail is somebody else's then.
type Ticketer interface {
	// Create makes a ticket with the reference where Find finds it, and returns its id.
	Create(ctx context.Context, t Ticket) (int64, error)
	// Read is a ticket as the PSA has it.
	Read(ctx context.Context, id int64) (Kept, error)
	// Find is the ticket that was made with a reference.
	Find(ctx context.Context, reference string) (Kept, bool, error)
	// Repair gives a ticket that the PSA's mail service made what it should have had: queue, contact, reference. It may be
	// done twice.
	Repair(ctx context.Context, id int64, t Ticket) error
	// AddNote makes a note; HasNote tells whether a ticket has one whose last line is that of Note.Mark.
	AddNote(ctx context.Context, n Note) error
	HasNote(ctx context.Context, ticket int64, mark string) (bool, error)
	// Attach attaches a file to a ticket; HasFile tells whether there is one with this title.
	Attach(ctx context.Context, f File) error
	HasFile(ctx context.Context, ticket int64, title string) (bool, error)
}

// Ticket is one to be made.
type Ticket struct {
	// Mail is the mail's number in the ledger.
	Mail               int64
	Reference          string
	Title, Description string
	// Fields are names and ids as the config has them: what the PSA does not know of them is left out.
	Fields route.Fields
	// Otherwise are the mailbox's default, for what of them the PSA does not know.
	Otherwise route.Fields
	// Contact is 0 for none.
	Contact int64
	// Sender is the address of whoever wrote the mail; empty where nobody knows. A Ticketer has no use for it, a Fallback has.
	Sender string
	// Note is, for a Fallback alone, the number of the ticket that the mail becomes a note on; empty for a ticket of its own.
	Note string
}

// Kept is a ticket that is there. Reference is the one that it was made with, wherever the PSA keeps that; empty for none.
type Kept struct {
	ID        int64
	Number    string
	Reference string
}

// Note is one to be made. Text ends with the line Mark.
type Note struct {
	Ticket            int64
	Title, Text, Mark string
}

// File is one to be attached. Title is alike for no two files of a ticket; Name is the file's own.
type File struct {
	Ticket            int64
	Title, Name, Type string
	Data              []byte
}

// Source is where mails come from.
type Source interface {
	// Acknowledge puts a mail out of the way: to where the processed ones are, or for Dead to where those are of which
	// nothing became. false is that it is not there any more, which is no error.
	Acknowledge(ctx context.Context, object string, end ledger.State) (there bool, err error)
}

// Fallback is the PSA's mail service.
type Fallback interface {
	// HandOver hands a ticket to it. again says that it may be there already.
	HandOver(ctx context.Context, t Ticket, again bool) error
}

// answer is what an error of a Ticketer or Fallback says of a send.
func answer(err error) ledger.Answer {
	switch {
	case err == nil:
		return ledger.Yes
	case errors.Is(err, ErrRefused):
		return ledger.No
	case errors.Is(err, ErrNotNow):
		return ledger.NotNow
	}
	return ledger.Unknown
}

// seen is what a look says.
func seen(there bool, err error) ledger.Answer {
	switch {
	case err != nil:
		return ledger.NotNow
	case there:
		return ledger.Yes
	}
	return ledger.No
}
