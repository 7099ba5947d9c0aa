package route

import (
	"context"
	"fmt"
	"slices"

	"github.com/psagate/psagate/broker/message"
)

// knows says what the sender has to do with a ticket; nothing if it has not.
func knows(ctx context.Context, s Sender, ticket Ticket, threads Threads) (string, error) {
	switch {
	case s.Named: // which proves nothing: no server checks Reply-To as it does From
		return "", nil
	case s.Kind == Resource:
		return "its sender is a resource", nil
	case s.Kind == Contact && (s.Person.ID == ticket.Contact || s.Company == ticket.Company):
		return "its sender is a contact of the ticket's company", nil
	case s.Address.Domain == "":
		return "", nil
	}
	wrote, err := threads.Wrote(ctx, ticket.ID)
	if err != nil {
		return "", fmt.Errorf("looking up who has written to a ticket: %w", err)
	}
	if !machine.MatchString(s.Address.Local) && among(wrote, s.Address) { // a form sends what anybody fills in
		return "its sender has written to it before", nil
	}
	takes, err := threads.Participates(ctx, ticket.ID, s.Address.Key())
	if err != nil {
		return "", fmt.Errorf("looking up who takes part in a ticket: %w", err)
	}
	if takes {
		return "its sender has taken part in it", nil
	}
	return "", nil
}

// mayAnswer is knows for one who names a mail of the ticket, of whom less is asked: that somebody at the same company or domain has to do
// with it. Delivery reports come from servers, which nobody knows.
func (b Mailbox) mayAnswer(ctx context.Context, m *message.Message, s Sender, ticket Ticket, threads Threads) (string, error) {
	from := m.Author() // of a machine that names somebody for answers, it itself
	wrote, err := threads.Wrote(ctx, ticket.ID)
	switch {
	case err != nil:
		return "", fmt.Errorf("looking up who has written to a ticket: %w", err)
	case from.Domain != "" && among(wrote, from):
		return "its sender has written to it before", nil
	case b.sameDomain(wrote, from):
		return "somebody at its sender's domain has written to it before", nil
	case !s.Named && s.Kind == Company && s.Company != 0 && s.Company == ticket.Company:
		return "its sender is of the ticket's company", nil
	}
	why, err := knows(ctx, s, ticket, threads)
	if err == nil && why == "" && m.Bounce != nil {
		why = "reports about it"
	}
	return why, err
}

func among(list []message.Address, a message.Address) bool {
	return slices.ContainsFunc(list, func(have message.Address) bool { return have.Key() == a.Key() })
}

// sameDomain tells whether any of them is at the address's domain, or at another that was registered with it, where not anybody has addresses.
func (b Mailbox) sameDomain(list []message.Address, a message.Address) bool {
	domains := candidates(a.Domain, b.FreeMail)
	if len(domains) == 0 {
		return false
	}
	return slices.ContainsFunc(list, func(have message.Address) bool {
		of := candidates(have.Domain, b.FreeMail)
		return len(of) > 0 && of[len(of)-1] == domains[len(domains)-1]
	})
}
