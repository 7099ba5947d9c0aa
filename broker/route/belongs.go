package route

import (
	"context"
	"fmt"
	"slices"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// belonging is the ticket that a mail belongs to, or claims to.
type belonging struct {
	ticket  Ticket
	found   bool
	claimed string // the number of a ticket that the sender has nothing to do with
	why     string
}

// belongs looks for the ticket: by token, by the mails that it answers, by the number in its subject.
func (b Mailbox) belongs(ctx context.Context, m *message.Message, s Sender, dir Directory, threads Threads) (belonging, error) {
	if id, where, found := b.Keys.Find(b.Tenant, m); found {
		ticket, there, err := dir.TicketByID(ctx, id)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up the ticket of a token: %w", err)
		}
		if there {
			return belonging{ticket, true, "", fmt.Sprintf("it belongs to ticket %s: our token is in %s", ticket.Number, where)}, nil
		}
	}
	for _, id := range answered(m) {
		of, known, err := threads.TicketOf(ctx, id)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up the ticket of a mail: %w", err)
		}
		if !known {
			continue
		}
		ticket, there, err := dir.TicketByID(ctx, of)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up the ticket of a mail: %w", err)
		}
		if there {
			return belonging{ticket, true, "", fmt.Sprintf("it belongs to ticket %s: it answers a mail of that", ticket.Number)}, nil
		}
	}
	return b.byNumber(ctx, m, s, dir, threads)
}

// answered are the mails that a mail is about, the newest first.
func answered(m *message.Message) (ids []string) {
	all := m.References
	if m.Bounce != nil && m.Bounce.MessageID != "" {
		all = append(slices.Clone(all), m.Bounce.MessageID)
	}
	for _, id := range slices.Backward(all) {
		if id != m.MessageID && !thread.NamesTicket(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// byNumber takes a number for the ticket where the sender has to do with that.
func (b Mailbox) byNumber(ctx context.Context, m *message.Message, s Sender, dir Directory, threads Threads) (belonging, error) {
	var out belonging
	for _, number := range thread.Numbers(m.Subject) {
		ticket, there, err := dir.TicketByNumber(ctx, number)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up a ticket by its number: %w", err)
		}
		if !there {
			continue
		}
		why, err := knows(ctx, s, ticket, threads)
		if err != nil {
			return belonging{}, err
		}
		if why != "" {
			return belonging{ticket, true, "", fmt.Sprintf("it belongs to ticket %s: its subject names that, and %s", number, why)}, nil
		}
		if out.claimed == "" {
			out.claimed = number
			out.why = fmt.Sprintf("its subject names ticket %s, with which its sender has nothing to do: it makes a ticket of its own", number)
		}
	}
	return out, nil
}

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
	takes, err := threads.Participates(ctx, ticket.ID, s.Address.Key())
	if err != nil {
		return "", fmt.Errorf("looking up who takes part in a ticket: %w", err)
	}
	if takes {
		return "its sender has taken part in it", nil
	}
	return "", nil
}
