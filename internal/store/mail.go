package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// Mail returns the books of the mail broker, of all processes of the store. They may be used before the store is started, and give
// an error then. After an error of a write it is not always known whether it was done; whoever does it again finds that out:
// ledger.ErrStale, or a mail that is there.
func (s *Store) Mail() ledger.Ledger { return mailBooks{s} }

type mailBooks struct{ store *Store }

// change runs a transaction, where the store can be used.
func (b mailBooks) change(ctx context.Context, f func(ctx context.Context, x *tx) error) error {
	if problem := b.store.unusable(); problem != nil {
		return problem
	}
	return b.store.transact(ctx, f)
}

// Update implements ledger.Ledger.
func (b mailBooks) Update(ctx context.Context, m ledger.Mail) (kept ledger.Mail, err error) {
	err = b.change(ctx, func(ctx context.Context, x *tx) (err error) {
		kept, err = x.updateMail(ctx, m)
		return err
	})
	if err != nil && m.Reference != "" && !errors.Is(err, ledger.ErrReference) && b.taken(ctx, m) {
		err = errors.Join(ledger.ErrReference, err) // another process took it between the look and the write
	}
	if err != nil {
		return ledger.Mail{}, err
	}
	return kept, nil
}

func (b mailBooks) taken(ctx context.Context, m ledger.Mail) (is bool) {
	err := b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		is, err = x.referenceTaken(ctx, m)
		return err
	})
	return err == nil && is
}

func (x *tx) referenceTaken(ctx context.Context, m ledger.Mail) (is bool, err error) {
	err = x.row(ctx, `SELECT COUNT(*) > 0 FROM mail_row WHERE reference = ? AND reference <> '' AND id <> ?`, []any{m.Reference, m.ID}, &is)
	return is, err
}

func (x *tx) updateMail(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	have, err := x.mail(ctx, m.ID, `{lock}`)
	if err != nil {
		return m, err
	}
	if have.Epoch != m.Epoch {
		return m, ledger.ErrStale
	}
	if taken, err := x.referenceTaken(ctx, m); err != nil || taken {
		return m, errors.Join(err, wrong(taken, ledger.ErrReference))
	}
	m = m.Kept(have)
	return asKept(m), x.writeMail(ctx, m)
}

func wrong(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// Get implements ledger.Ledger.
func (b mailBooks) Get(ctx context.Context, id int64) (m ledger.Mail, err error) {
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		m, err = x.mail(ctx, id, ``)
		return err
	})
	return m, err
}

// mail reads a row. lock is {lock} or empty.
func (x *tx) mail(ctx context.Context, id int64, lock string) (ledger.Mail, error) {
	m, there, err := x.oneMail(ctx, `WHERE id = ? `+lock, id)
	if err == nil && !there {
		err = ledger.ErrUnknown
	}
	return m, err
}

// oneMail reads the first row of those that are asked for, with its references.
func (x *tx) oneMail(ctx context.Context, which string, args ...any) (ledger.Mail, bool, error) {
	m, err := scanMail(x.QueryRowContext(ctx, x.dialect.bind(`SELECT `+mailColumns+` FROM mail_row `+which), args...).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ledger.Mail{}, false, nil
	case err != nil:
		return ledger.Mail{}, false, err
	}
	m.References, err = x.mailReferences(ctx, m.ID)
	return m, err == nil, err
}

// Due implements ledger.Ledger.
func (b mailBooks) Due(ctx context.Context, mailbox string, now time.Time, most int) (due []ledger.Mail, err error) {
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		due, err = x.mails(ctx, `WHERE mailbox = ? AND is_open AND (due <= ? OR due > ?) ORDER BY id LIMIT ?`, mailbox, microsOf(now), microsOf(now.Add(ledger.Furthest)), most)
		return err
	})
	return due, err
}

// Hasten implements ledger.Ledger: what it changes is what ledger.Mail.Hastens.
func (b mailBooks) Hasten(ctx context.Context, mailbox string, now time.Time) (n int, err error) {
	err = b.change(ctx, func(ctx context.Context, x *tx) error {
		hastened, err := x.exec(ctx, `UPDATE mail_row SET due = ?, epoch = epoch + 1 WHERE mailbox = ? AND is_open AND fails > 0 AND due > ? AND state <> ? AND state <> ?`,
			dueMicros(now), mailbox, microsOf(now.Add(ledger.Hasty)), string(ledger.InFlight), string(ledger.AtesInFlight))
		n = int(hastened)
		return err
	})
	return n, err
}

// objectsAtOnce is how many objects are asked for in one statement.
const objectsAtOnce = 500

// Missing implements ledger.Ledger. What is spooled between two of its statements may be in what it returns: Spool finds that out.
func (b mailBooks) Missing(ctx context.Context, mailbox string, objects []string) (missing []string, err error) {
	there := map[string]bool{}
	for some := range slices.Chunk(objects, objectsAtOnce) {
		args := []any{mailbox}
		for _, object := range some {
			args = append(args, object)
		}
		err := b.store.peek(ctx, func(ctx context.Context, x *tx) error {
			return x.each(ctx, `SELECT object FROM mail_row WHERE mailbox = ? AND object IN (?`+strings.Repeat(`, ?`, len(some)-1)+`)`, args, func(scan func(...any) error) error {
				var object string
				err := scan(&object)
				there[object] = true
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	for _, object := range objects {
		if !there[object] {
			missing = append(missing, object)
		}
	}
	return missing, nil
}

// Begun implements ledger.Ledger. Of two processes that say it at once, one is taken at its word.
func (b mailBooks) Begun(ctx context.Context, mailbox, inbox string, next uint32) (begun uint32, err error) {
	err = b.change(ctx, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, `INSERT INTO mail_inbox (mailbox, inbox, begun) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, mailbox, inbox, next); err != nil {
			return err
		}
		return x.row(ctx, `SELECT begun FROM mail_inbox WHERE mailbox = ? AND inbox = ?`, []any{mailbox, inbox}, &begun)
	})
	return begun, err
}

// Balance implements ledger.Ledger. It is one statement, so that nothing comes between the two counts.
func (b mailBooks) Balance(ctx context.Context, mailbox string) (balance ledger.Balance, err error) {
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT '' AS state, FALSE AS is_note, seen FROM mail_seen WHERE mailbox = ?
			UNION ALL SELECT state, is_note, COUNT(*) FROM mail_row WHERE mailbox = ? GROUP BY state, is_note`,
			[]any{mailbox, mailbox}, func(scan func(...any) error) error {
				var m ledger.Mail
				var n int
				if err := scan((*string)(&m.State), &m.IsNote, &n); err != nil {
					return fmt.Errorf("counting mails: %w", err)
				}
				if m.State == "" {
					balance.Seen = n
					return nil
				}
				for range n {
					balance.Count(m)
				}
				return nil
			})
	})
	return balance, err
}

// Since implements ledger.Ledger: since the store was made, or last found to have forgotten something.
func (b mailBooks) Since(ctx context.Context) (at time.Time, err error) {
	var made, epoch micros
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.row(ctx, `SELECT made, epoch_at FROM store WHERE one = 1`, nil, &made, &epoch)
	})
	return max(made, epoch).time(), err
}
