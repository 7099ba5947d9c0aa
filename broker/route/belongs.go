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
	claims  string // how the mail names that, in words that end before the number
	why     string
}

// stranger is a claim of somebody who has nothing to do with the ticket.
func stranger(number, claims, how string) belonging {
	return belonging{claimed: number, claims: claims, why: fmt.Sprintf("%s ticket %s, with which its sender has nothing to do: it makes a ticket of its own", how, number)}
}

// belongs looks for the ticket: by token, by the mails that it answers, by the number in its subject.
func (b Mailbox) belongs(ctx context.Context, m *message.Message, s Sender, dir Directory, threads Threads) (belonging, error) {
	if id, where, found := b.Keys.Find(b.Tenant, m); found {
		ticket, there, err := dir.TicketByID(ctx, id)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up the ticket of a token: %w", err)
		}
		if there {
			return belonging{ticket: ticket, found: true, why: fmt.Sprintf("it belongs to ticket %s: our token is in %s", ticket.Number, where)}, nil
		}
	}
	answers, err := b.byAnswer(ctx, m, s, dir, threads)
	if err != nil || answers.found {
		return answers, err
	}
	numbered, err := b.byNumber(ctx, m, s, dir, threads)
	if err != nil || numbered.found || answers.claimed == "" {
		return numbered, err
	}
	return answers, nil
}

// byAnswer takes the ticket of a mail that this one answers, where the sender has to do with that: whoever knows a mail's id has seen the
// mail, or one that names it; but mails are forwarded, and stand in archives, and some programs give theirs ids that can be guessed.
func (b Mailbox) byAnswer(ctx context.Context, m *message.Message, s Sender, dir Directory, threads Threads) (out belonging, err error) {
	seen := map[int64]bool{}
	for _, id := range answered(m) {
		tickets, err := threads.TicketsOf(ctx, id)
		if err != nil {
			return belonging{}, fmt.Errorf("looking up the tickets of a mail: %w", err)
		}
		for _, of := range tickets {
			if seen[of] {
				continue
			}
			seen[of] = true
			is, err := b.byTicket(ctx, m, s, of, dir, threads)
			if err != nil || is.found {
				return is, err
			}
			if out.claimed == "" {
				out = is
			}
		}
	}
	return out, nil
}

func (b Mailbox) byTicket(ctx context.Context, m *message.Message, s Sender, of int64, dir Directory, threads Threads) (belonging, error) {
	ticket, there, err := dir.TicketByID(ctx, of)
	if err != nil {
		return belonging{}, fmt.Errorf("looking up the ticket of a mail: %w", err)
	}
	if !there {
		return belonging{}, nil
	}
	why, err := b.mayAnswer(ctx, m, s, ticket, threads)
	if err != nil {
		return belonging{}, err
	}
	if why == "" {
		return stranger(ticket.Number, "The mail answers one of ticket ", "it answers a mail of"), nil
	}
	return belonging{ticket: ticket, found: true, why: fmt.Sprintf("it belongs to ticket %s: it answers a mail of that, and %s", ticket.Number, why)}, nil
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
			return belonging{ticket: ticket, found: true, why: fmt.Sprintf("it belongs to ticket %s: its subject names that, and %s", number, why)}, nil
		}
		if out.claimed == "" {
			out = stranger(number, "The subject names ticket ", "its subject names")
		}
	}
	return out, nil
}
