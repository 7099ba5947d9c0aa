package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// mailPiece is how much of a mail is written at once. Others wait for the file of SQLite meanwhile, the guard among them: a mail of
// 40 MB in one transaction would keep calls from being sent. So all pieces but the last come before, each in its own, and count for
// nothing until the row is there, which comes with the last.
const mailPiece = 1 << 20

// unfinishedFor is after how long pieces without a row are taken for those of a process that died.
const unfinishedFor = time.Hour

// Spool implements ledger.Ledger.
func (b mailBooks) Spool(ctx context.Context, m ledger.Mail, raw []byte) (ledger.Mail, bool, error) {
	kept, fresh, err := b.spool(ctx, m, raw)
	if err != nil && b.store.started.Load() && b.store.dialect.full(err) {
		err = fmt.Errorf("%w: %w", ledger.ErrFull, err)
	}
	return kept, fresh, err
}

func (b mailBooks) spool(ctx context.Context, m ledger.Mail, raw []byte) (kept ledger.Mail, fresh bool, err error) {
	var there bool
	err = b.store.peek(ctx, func(ctx context.Context, x *tx) (err error) {
		kept, there, err = x.mailAt(ctx, m)
		return err
	})
	if err != nil || there {
		return kept, false, err
	}
	spool, last := rand.Text(), max(0, (len(raw)-1)/mailPiece)
	for n := range last {
		if err := b.spoolPiece(ctx, spool, n, raw[n*mailPiece:(n+1)*mailPiece]); err != nil {
			return ledger.Mail{}, false, errors.Join(err, b.unspool(ctx, spool))
		}
	}
	kept, fresh, err = b.finish(ctx, m, spool, raw, last)
	if err != nil {
		return ledger.Mail{}, false, err // it may be there all the same; if not, the pieces are swept
	}
	if !fresh && last > 0 { // another process came first
		_ = b.unspool(ctx, spool) // else they are swept
	}
	return kept, fresh, nil
}

// finish makes the row of a mail, with its last piece.
func (b mailBooks) finish(ctx context.Context, m ledger.Mail, spool string, raw []byte, last int) (kept ledger.Mail, fresh bool, err error) {
	err = b.change(ctx, func(ctx context.Context, x *tx) (err error) {
		if kept, fresh, err = x.spoolRow(ctx, m, spool, raw); err != nil || !fresh {
			return err
		}
		if err = x.addPiece(ctx, spool, last, raw[last*mailPiece:]); err == nil && last > 0 {
			var n int64
			n, err = x.exec(ctx, `DELETE FROM mail_unfinished WHERE spool = ? AND at > 0`, spool)
			if err == nil && n != 1 {
				err = errors.New("the mail was being written for so long that its pieces were taken for those of a process that died: it is to be fetched again")
			}
		}
		return err
	})
	return kept, fresh, err
}

func (x *tx) mailAt(ctx context.Context, m ledger.Mail) (ledger.Mail, bool, error) {
	return x.oneMail(ctx, `WHERE mailbox = ? AND object = ?`, m.Mailbox, m.Object)
}

// spoolRow makes a mail's row, if there is none. The row of the last id is locked first: ids come in the order of commits, and of
// two processes with the same mail the second one sees it.
func (x *tx) spoolRow(ctx context.Context, m ledger.Mail, spool string, raw []byte) (ledger.Mail, bool, error) {
	var id int64
	if err := x.row(ctx, `UPDATE mail_last SET id = id + 1 WHERE one = 1 RETURNING id`, nil, &id); err != nil {
		return m, false, err
	}
	if have, there, err := x.mailAt(ctx, m); err != nil || there {
		return have, false, err
	}
	m = m.Fresh(len(raw))
	m.ID = id
	if _, err := x.exec(ctx, `INSERT INTO mail_seen (mailbox, seen) VALUES (?, 1) ON CONFLICT (mailbox) DO UPDATE SET seen = mail_seen.seen + 1`, m.Mailbox); err != nil {
		return m, false, err
	}
	return asKept(m), true, x.addMail(ctx, m, spool, raw)
}

func (x *tx) addPiece(ctx context.Context, spool string, n int, piece []byte) error {
	_, err := x.exec(ctx, `INSERT INTO mail_raw (spool, number, bytes) VALUES (?, ?, ?)`, spool, n, notNil(piece))
	return err
}

func (b mailBooks) spoolPiece(ctx context.Context, spool string, n int, piece []byte) error {
	return b.change(ctx, func(ctx context.Context, x *tx) error {
		if n == 0 {
			if _, err := x.exec(ctx, `INSERT INTO mail_unfinished (spool, at) VALUES (?, ?)`, spool, time.Now().UnixMicro()); err != nil {
				return err
			}
		}
		return x.addPiece(ctx, spool, n, piece)
	})
}

// unspool takes pieces away that have no row, or whose row does not keep them any more, one after the other: they are overwritten, which
// takes as long as writing them. Whoever is writing them still, is told at its end.
func (b mailBooks) unspool(ctx context.Context, spool string) error {
	ctx = context.WithoutCancel(ctx)
	var mine bool
	err := b.change(ctx, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, `UPDATE mail_unfinished SET at = 0 WHERE spool = ?`, spool)
		mine = n == 1 // else it has a row
		return err
	})
	for left := mine; left && err == nil; {
		err = b.change(ctx, func(ctx context.Context, x *tx) error {
			n, err := x.exec(ctx, `DELETE FROM mail_raw WHERE spool = ? AND number = (SELECT MAX(number) FROM mail_raw WHERE spool = ?)`, spool, spool)
			if left = n > 0; err != nil || left {
				return err
			}
			_, err = x.exec(ctx, `DELETE FROM mail_unfinished WHERE spool = ?`, spool)
			return err
		})
	}
	return err
}

// Raw implements ledger.Ledger. It reads piece by piece, for the same reason.
func (b mailBooks) Raw(ctx context.Context, id int64) ([]byte, error) {
	var spool string
	var size int
	var kept bool
	var sum []byte
	err := b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		err := x.row(ctx, `SELECT spool, size, sum, kept FROM mail_row WHERE id = ?`, []any{id}, &spool, &size, &sum, &kept)
		if errors.Is(err, sql.ErrNoRows) {
			return ledger.ErrUnknown
		}
		return errors.Join(err, wrong(err == nil && !kept, ledger.ErrGone))
	})
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, size)
	for n := range max(0, (size-1)/mailPiece) + 1 {
		if raw, err = b.rawPiece(ctx, raw, spool, n); err != nil {
			return nil, fmt.Errorf("piece %d of mail %d: %w", n, id, err)
		}
	}
	if sha256.Sum256(raw) != [sha256.Size]byte(sum) {
		return nil, fmt.Errorf("the bytes of mail %d are damaged in the store: they are not those that came", id)
	}
	return raw, nil
}

func (b mailBooks) rawPiece(ctx context.Context, raw []byte, spool string, n int) ([]byte, error) {
	there := false
	err := b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT bytes FROM mail_raw WHERE spool = ? AND number = ?`, []any{spool, n}, func(scan func(...any) error) error {
			var piece sql.RawBytes // which is not copied once more
			err := scan(&piece)
			raw, there = append(raw, piece...), true
			return err
		})
	})
	if err == nil && !there {
		err = ledger.ErrGone // since its row was read
	}
	return raw, err
}
