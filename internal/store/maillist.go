package store

import (
	"context"
	"strings"

	"github.com/psagate/psagate/broker/ledger"
)

// List implements ledger.Ledger.
func (b mailBooks) List(ctx context.Context, q ledger.Query) (page []ledger.Mail, err error) {
	if q.Most <= 0 {
		return nil, nil
	}
	which, args := mailsOf(q)
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		page, err = x.mails(ctx, which, args...)
		return err
	})
	return page, err
}

// mailsOf is what follows the table's name in the statement for a query.
func mailsOf(q ledger.Query) (which string, args []any) {
	which = `WHERE TRUE`
	and := func(is bool, condition string, with ...any) {
		if is {
			which, args = which+` AND `+condition, append(args, with...)
		}
	}
	and(q.Mailbox != "", `mailbox = ?`, q.Mailbox)
	and(q.Cause != "", `cause = ?`, q.Cause)
	var states []any
	for _, s := range q.States {
		states = append(states, string(s))
	}
	and(len(states) > 0, `state IN (?`+strings.Repeat(`, ?`, max(0, len(states)-1))+`)`, states...)
	and(!q.Since.IsZero(), `arrived >= ?`, dueMicros(q.Since))
	and(!q.Until.IsZero(), `arrived < ?`, dueMicros(q.Until))
	and(q.Text != "", `(words LIKE ? ESCAPE '!' OR number = ?)`, "%"+asIs.Replace(q.Sought())+"%", []byte(q.Text))
	and(q.After != 0 && q.Oldest, `id > ?`, q.After)
	and(q.After != 0 && !q.Oldest, `id < ?`, q.After)
	order := ` ORDER BY id DESC LIMIT ?`
	if q.Oldest {
		order = ` ORDER BY id LIMIT ?`
	}
	return which + order, append(args, q.Most)
}

// asIs has LIKE take what is looked for as it is.
var asIs = strings.NewReplacer(`!`, `!!`, `%`, `!%`, `_`, `!_`)

// mails reads the rows that are asked for, with their references.
func (x *tx) mails(ctx context.Context, which string, args ...any) (all []ledger.Mail, err error) {
	err = x.each(ctx, `SELECT `+mailColumns+` FROM mail_row `+which, args, func(scan func(...any) error) error {
		m, err := scanMail(scan)
		all = append(all, m)
		return err
	})
	for i := range all {
		if err != nil {
			return nil, err
		}
		all[i].References, err = x.mailReferences(ctx, all[i].ID)
	}
	return all, err
}
