package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// Referred implements ledger.Ledger.
func (b mailBooks) Referred(ctx context.Context, messageID string) (m ledger.Mail, there bool, err error) {
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		m, there, err = x.referred(ctx, messageID)
		return err
	})
	return m, there, err
}

// ofTicket is the condition of a mail that belongs to a ticket, or may yet.
const ofTicket = `state NOT IN ('` + string(ledger.Suspended) + `', '` + string(ledger.Dead) + `', '` + string(ledger.Suppressed) + `')`

// belongsOrder is the order of those that an answer may belong to: the newest with a ticket, or else the oldest.
const belongsOrder = ` ORDER BY ticket = 0, CASE WHEN ticket = 0 THEN id ELSE -id END LIMIT 1`

func (x *tx) referred(ctx context.Context, messageID string) (m ledger.Mail, there bool, err error) {
	if messageID == "" {
		return m, false, nil
	}
	for _, which := range []string{
		`WHERE message_hash = ? AND ` + ofTicket + belongsOrder,
		`WHERE id IN (SELECT mail FROM mail_reference WHERE hash = ?) AND ` + ofTicket + belongsOrder,
	} {
		if m, there, err = x.oneMail(ctx, which, nameHash(messageID)); err != nil || there {
			return m, there, err
		}
	}
	return m, false, nil
}

// Blocked implements ledger.Ledger.
func (b mailBooks) Blocked(ctx context.Context, m ledger.Mail, over time.Time) (is bool, err error) {
	if !m.IsNote {
		return false, nil
	}
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		if is, err = x.earlierOfTicket(ctx, m, over); err == nil && !is {
			is, err = x.earlierOfThread(ctx, m)
		}
		return err
	})
	return is, err
}

// earlierOfTicket tells whether a mail about the same ticket came first and is understood, but has not ended.
func (x *tx) earlierOfTicket(ctx context.Context, note ledger.Mail, over time.Time) (is bool, err error) {
	which, args := `ticket = ? AND id < ? AND state NOT IN (?, ?, ?, ?, ?)`,
		[]any{note.Ticket, note.ID, string(ledger.Spooled), string(ledger.Done), string(ledger.Suspended), string(ledger.Dead), string(ledger.Suppressed)}
	if !over.IsZero() { // ledger.Mail.Over
		which += ` AND NOT (state = ? AND (cause = ? OR sent_at < ?))`
		args = append(args, string(ledger.AtesSent), ledger.AtesMade, microsOf(over))
	}
	err = x.row(ctx, `SELECT COUNT(*) > 0 FROM mail_row WHERE `+which, args, &is)
	return is, err
}

// earlierOfThread tells whether a mail came first that is not understood yet and names what the note names, or a mail of its
// ticket. What mails of the ticket are called is looked up by the ticket, so that it does not matter how many are spooled.
func (x *tx) earlierOfThread(ctx context.Context, note ledger.Mail) (bool, error) {
	names := append(slices.Clone(note.References), note.Number)
	hashes := make([]any, 0, len(names)+4)
	hashes = append(hashes, string(ledger.Spooled), note.ID)
	for _, name := range names {
		hashes = append(hashes, nameHash(name))
	}
	var candidates []string
	err := x.each(ctx, `SELECT DISTINCT r.name FROM mail_reference r JOIN mail_row m ON m.id = r.mail
		WHERE m.state = ? AND m.id < ? AND (r.hash IN (?`+strings.Repeat(`, ?`, len(names)-1)+`)
		OR r.hash IN (SELECT message_hash FROM mail_row WHERE ticket = ?)
		OR r.hash IN (SELECT f.hash FROM mail_reference f JOIN mail_row o ON o.id = f.mail WHERE o.ticket = ?))`,
		append(hashes, note.Ticket, note.Ticket), func(scan func(...any) error) error {
			var name []byte
			err := scan(&name)
			candidates = append(candidates, string(name))
			return err
		})
	for _, name := range candidates {
		if err != nil || slices.Contains(names, name) {
			return err == nil, err
		}
		m, there, lookErr := x.referred(ctx, name)
		if lookErr != nil {
			return false, lookErr
		}
		if there && m.Ticket == note.Ticket {
			return true, nil
		}
	}
	return false, err
}
