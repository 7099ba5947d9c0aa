package ledger

import (
	"context"
	"slices"
)

// Conversation is what the books know of a ticket by the mails that are on it.
type Conversation struct {
	// Number is the ticket's, as people write it; empty where the PSA has never told it.
	Number string
	// From are those who wrote (Mail.From), each once, in any order. Whose mails are not kept any more is not known.
	From []string
	// Mails are the newest of those mails whose bytes are kept, the newest first: MostOfConversation at most.
	Mails []int64
}

// MostOfConversation is how many mails of a ticket are read to find out whom they were sent to.
const MostOfConversation = 5

// MostNaming is how many tickets are told of whose mails name another.
const MostNaming = 5

// OnTicket tells whether the mail's text is surely on its ticket: it is what that was made of, or a note that is there.
func (m Mail) OnTicket() bool { return m.Ticket != 0 && (!m.IsNote || m.State == Done || m.Item > 0) }

// Conversation looks.
func (l *Memory) Conversation(_ context.Context, ticket int64) (c Conversation, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range slices.Backward(l.rows) {
		if ticket == 0 || m.Ticket != ticket {
			continue
		}
		if m.Number != "" {
			c.Number = m.Number // that of the oldest
		}
		if !m.OnTicket() {
			continue
		}
		if m.From != "" && !slices.Contains(c.From, m.From) {
			c.From = append(c.From, m.From)
		}
		if len(c.Mails) < MostOfConversation && l.raw[i] != nil {
			c.Mails = append(c.Mails, m.ID)
		}
	}
	return c, nil
}

// Naming looks.
func (l *Memory) Naming(_ context.Context, messageID string) (tickets []int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.rows {
		names := messageID != "" && slices.Contains(m.References, messageID) && (m.State == Done || !m.State.Ended())
		if names && m.Ticket != 0 && len(tickets) < MostNaming && !slices.Contains(tickets, m.Ticket) {
			tickets = append(tickets, m.Ticket)
		}
	}
	return tickets, nil
}
