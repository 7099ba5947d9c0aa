package store

import (
	"context"

	"github.com/psagate/psagate/broker/ledger"
)

// onTicket is the condition of ledger.Mail.OnTicket.
const onTicket = `ticket = ? AND (NOT is_note OR state = '` + string(ledger.Done) + `' OR item > 0)`

// Conversation implements ledger.Ledger.
func (b mailBooks) Conversation(ctx context.Context, ticket int64) (c ledger.Conversation, err error) {
	if ticket == 0 {
		return c, nil
	}
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		c = ledger.Conversation{}
		err := x.each(ctx, `SELECT number FROM mail_row WHERE ticket = ? AND number <> ? ORDER BY id LIMIT 1`, []any{ticket, []byte{}}, func(scan func(...any) error) error {
			var number []byte
			err := scan(&number)
			c.Number = string(number)
			return err
		})
		if err != nil {
			return err
		}
		err = x.each(ctx, `SELECT DISTINCT sender FROM mail_row WHERE `+onTicket+` AND sender <> ''`, []any{ticket}, func(scan func(...any) error) error {
			var from string
			err := scan(&from)
			c.From = append(c.From, from)
			return err
		})
		if err != nil {
			return err
		}
		return x.each(ctx, `SELECT id FROM mail_row WHERE `+onTicket+` AND kept ORDER BY id DESC LIMIT ?`, []any{ticket, ledger.MostOfConversation}, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			c.Mails = append(c.Mails, id)
			return err
		})
	})
	return c, err
}

// Naming implements ledger.Ledger.
func (b mailBooks) Naming(ctx context.Context, messageID string) (tickets []int64, err error) {
	if messageID == "" {
		return nil, nil
	}
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		tickets = nil
		return x.each(ctx, `SELECT ticket FROM mail_row WHERE id IN (SELECT mail FROM mail_reference WHERE hash = ?) AND ticket <> 0 AND `+ofTicket+
			` GROUP BY ticket ORDER BY MIN(id) LIMIT ?`, []any{nameHash(messageID), ledger.MostNaming}, func(scan func(...any) error) error {
			var ticket int64
			err := scan(&ticket)
			tickets = append(tickets, ticket)
			return err
		})
	})
	return tickets, err
}
