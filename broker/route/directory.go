package route

import (
	"context"
	"errors"

	"github.com/psagate/psagate/broker/message"
)

// Person is a resource (one who works at the PSA's owner) or a contact (one of a company).
type Person struct {
	ID int64
	// Company is a contact's; a resource's is 0, the PSA's owner.
	Company int64
	Name    string
}

// Ticket is one that is there.
type Ticket struct {
	ID      int64
	Number  string
	Company int64
	Contact int64 // 0 for none
}

// Directory is what the PSA knows of people and tickets. It answers with active records alone. Its errors are those of
// asking; that there is nobody is no error.
type Directory interface {
	// Resources are those with this mail address.
	Resources(ctx context.Context, address string) ([]Person, error)
	// Contacts are those with this mail address in their first, second or third field for one (1 to 3).
	Contacts(ctx context.Context, address string, field int) ([]Person, error)
	// Companies are the ids of those whose web site or mail is at this domain.
	Companies(ctx context.Context, domain string) ([]int64, error)
	// TicketByNumber and TicketByID find a ticket; false is that there is none.
	TicketByNumber(ctx context.Context, number string) (Ticket, bool, error)
	TicketByID(ctx context.Context, id int64) (Ticket, bool, error)
}

// ErrPending is what Threads return for a mail that is to become a ticket and has not yet: Route returns it, and the mail
// that answers is routed again later.
var ErrPending = errors.New("the mail that it answers has not become a ticket yet")

// Threads is what this broker remembers of mails and tickets.
type Threads interface {
	// TicketsOf are the ids of the tickets that a mail with this Message-ID may belong to, the likeliest first: that of a mail that came,
	// or was sent, or those of mails that name it in their References.
	TicketsOf(ctx context.Context, messageID string) ([]int64, error)
	// Wrote are those whose mails are on the ticket, as far as that is remembered.
	Wrote(ctx context.Context, ticket int64) ([]message.Address, error)
	// Participates tells whether an address that is lower case has to do with the ticket otherwise: mails of it were sent there as well.
	Participates(ctx context.Context, ticket int64, address string) (bool, error)
}

// Sender is who wrote a mail, as far as the directory knows.
type Sender struct {
	// Kind is resource, contact, company or unknown.
	Kind SenderKind
	// Address is whom it is taken to be from. Named says that the mail is a machine's, which names it for answers: whoever can send a mail
	// may name anybody there.
	Address message.Address
	Named   bool
	// Person is set for a resource and a contact, Company for a contact and a company.
	Person  Person
	Company int64
}

// SenderKind is how a sender is known.
type SenderKind string

// Kinds of senders.
const (
	Resource      SenderKind = "resource"
	Contact       SenderKind = "contact"
	Company       SenderKind = "company" // by its domain alone
	UnknownSender SenderKind = "unknown"
)
