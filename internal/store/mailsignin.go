package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/refused"
)

// MailSignIns keep which secrets the servers of mailboxes have refused, for all processes of the store. They may be used before the store
// is started, and give an error then.
type MailSignIns struct{ store *Store }

// MailSignIns returns them.
func (s *Store) MailSignIns() MailSignIns { return MailSignIns{s} }

// errAsItWas ends a transaction that has changed nothing.
var errAsItWas = errors.New("nothing has changed")

// Change does what refused.Books say. What f leaves as it was is not written.
func (b MailSignIns) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	if problem := b.store.unusable(); problem != nil {
		return problem
	}
	err := b.store.transact(ctx, func(ctx context.Context, x *tx) error {
		before, r, err := x.signIns(ctx, place)
		if err != nil {
			return err
		}
		f(&r)
		after, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("what is known of the passwords at a mail server cannot be written: %w", err)
		}
		if bytes.Equal(before, after) {
			return errAsItWas
		}
		_, err = x.exec(ctx, `UPDATE mail_sign_in SET record = ?, at = ? WHERE place = ?`, after, microsOf(time.Now()), []byte(place))
		return err
	})
	if errors.Is(err, errAsItWas) {
		return nil
	}
	return err
}

// signIns reads what is known of a place, and keeps others from changing it until the transaction ends.
func (x *tx) signIns(ctx context.Context, place string) (text []byte, r refused.Record, err error) {
	// Of two who come at once to a place of which nothing is known, the second waits here.
	if _, err := x.exec(ctx, `INSERT INTO mail_sign_in (place, record, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, []byte(place), []byte(`{}`), microsOf(time.Now())); err != nil {
		return nil, r, err
	}
	if err := x.row(ctx, `SELECT record FROM mail_sign_in WHERE place = ? {lock}`, []any{[]byte(place)}, &text); err != nil {
		return nil, r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, r, fmt.Errorf("what is known of the passwords at a mail server cannot be read: %w", err)
	}
	return text, r, nil
}

// signInsFor is how long is kept what has not changed since: no config may have the place any more.
const signInsFor = 180 * 24 * time.Hour

func (b mailBooks) sweepSignIns(ctx context.Context, now time.Time) error {
	return b.change(ctx, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `DELETE FROM mail_sign_in WHERE at < ?`, microsOf(now.Add(-signInsFor)))
		return err
	})
}
