package store

import (
	"context"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// forgetMost is how many mails are looked up at once.
const forgetMost = 500

// Forget implements ledger.Ledger. It also removes pieces that nobody will finish, and what is known of
// sign-ins that nobody has made for long.
func (b mailBooks) Forget(ctx context.Context, mailbox string, before time.Time) (forgotten int, err error) {
	if err := b.sweepUnfinished(ctx, time.Now().Add(-unfinishedFor)); err != nil {
		return 0, err
	}
	if err := b.sweepSignIns(ctx, time.Now()); err != nil {
		return 0, err
	}
	for {
		ids, err := b.forgettable(ctx, mailbox, before)
		if err != nil || len(ids) == 0 {
			return forgotten, err
		}
		for _, id := range ids {
			n, err := b.forgetOne(ctx, id, before)
			if err != nil {
				return forgotten, err
			}
			forgotten += n
		}
	}
}

func (b mailBooks) forgettable(ctx context.Context, mailbox string, before time.Time) (ids []int64, err error) {
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT id FROM mail_row WHERE kept AND NOT is_open AND state IN (?, ?) AND mailbox = ? AND since < ? ORDER BY since LIMIT ?`,
			[]any{string(ledger.Done), string(ledger.Suppressed), mailbox, microsOf(before), forgetMost}, func(scan func(...any) error) error {
				var id int64
				err := scan(&id)
				ids = append(ids, id)
				return err
			})
	})
	return ids, err
}

// forgetOne removes the bytes of a mail, unless people have decided otherwise meanwhile.
func (b mailBooks) forgetOne(ctx context.Context, id int64, before time.Time) (n int, err error) {
	var spool string
	err = b.change(ctx, func(ctx context.Context, x *tx) error {
		m, err := x.mail(ctx, id, `{lock}`)
		if err != nil || !m.Forgettable(before) {
			return err
		}
		done, err := x.exec(ctx, `UPDATE mail_row SET kept = FALSE, sender = '', subject = '', words = '', plan = ?, why = ?, epoch = epoch + 1 WHERE id = ? AND kept`,
			[]byte{}, []byte{}, id) // Mail.Forgotten
		if n = int(done); err != nil || n == 0 {
			return err
		}
		return x.row(ctx, `INSERT INTO mail_unfinished (spool, at) SELECT spool, 1 FROM mail_row WHERE id = ? RETURNING spool`, []any{id}, &spool)
	})
	if err != nil || spool == "" {
		return 0, err
	}
	return n, b.unspool(ctx, spool) // else it is swept
}

func (b mailBooks) sweepUnfinished(ctx context.Context, before time.Time) error {
	var spools []string
	err := b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT spool FROM mail_unfinished WHERE at < ?`, []any{microsOf(before)}, func(scan func(...any) error) error {
			var spool string
			err := scan(&spool)
			spools = append(spools, spool)
			return err
		})
	})
	for _, spool := range spools {
		if err != nil {
			return err
		}
		err = b.unspool(ctx, spool)
	}
	return err
}
