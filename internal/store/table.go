package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/psagate/psagate/internal/guard"
)

// table keeps the rows of one login. It is locked from the beginning of a transaction to its end.
type table struct {
	store *Store
	key   guard.Key

	mu     sync.Mutex
	rows   guard.Rows // as the guard sees them
	stored guard.Rows // as the database has them
	rev    int64      // of the login's row there; 0 for none
	known  int64      // the highest that was ever seen
	epochs epochs     // of the row and of the store
	living []string   // the processes that live, as the transaction sees them
	cached bool       // rows and stored are true without a look: this process is alone
	unsure bool       // whether stored was committed is not known
	dirty  bool       // they differ
	most   int        // of the units that are held for callers, how many were in use at once since the last flush
	flush  *flush     // that is under way, or of which it is not known what came of it
	before guard.Rows // as rows were when the transaction began, while this process is alone
	tx     *tx        // of the database's, while others live
	cancel context.CancelFunc

	noted bool // beside the store: the login has no unit left

	sick atomic.Pointer[string] // why it could not use the store the last time
}

// Shared implements guard.Table.
func (t *table) Shared() bool { return t.store.mode.Load() == several }

// Begin implements guard.Table.
func (t *table) Begin(ctx context.Context) (guard.Tx, error) {
	t.mu.Lock()
	err := t.begin(ctx)
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	return t, nil
}

func (t *table) begin(ctx context.Context) error {
	switch t.store.mode.Load() {
	case alone:
		if t.store.lease.Ended() {
			return guard.ErrLease
		}
		if !t.cached {
			if err := t.load(ctx); err != nil {
				return err
			}
		}
		t.before.CopyFrom(&t.rows)
		return nil
	case several:
		if t.cached {
			if err := t.write(ctx); err != nil {
				return err
			}
			t.cached = false
		}
		return t.open(ctx)
	}
	return errAway
}

// look reads what is noted of the login beside the store.
func (t *table) look() {
	t.noted = t.store.spent.has(t.key)
	t.rows.Spent = t.noted
}

// Rows implements guard.Tx.
func (t *table) Rows() *guard.Rows { return &t.rows }

// Commit implements guard.Tx. That no unit is left is noted beside the store before the store has it, and that one is again
// afterwards.
func (t *table) Commit() error {
	defer t.mu.Unlock()
	err := t.note(t.noted || t.rows.Spent)
	switch {
	case t.tx == nil && err != nil:
		t.rows.CopyFrom(&t.before)
	case t.tx == nil:
		err = t.keep()
	case err != nil:
		t.abandon(err)
	default:
		err = t.commit()
	}
	if err == nil {
		_ = t.note(t.rows.Spent) // what is noted too long costs an operator a look, and the next transaction tries it again
	}
	return err
}

func (t *table) note(is bool) error {
	if is == t.noted {
		return nil
	}
	err := t.store.spent.note(t.key, is)
	if err == nil {
		t.noted = is
	}
	return err
}

// keep ends a transaction of a process that is alone.
func (t *table) keep() error {
	inUse, covered := t.covered()
	t.most = max(t.most, inUse)
	if covered {
		t.dirty = true
		return nil
	}
	t.settle()
	if err := t.write(context.Background()); err != nil {
		t.rows.CopyFrom(&t.before)
		return err
	}
	return nil
}

// load reads the rows of a process that is alone: from what it read of all logins when it became that, where nothing was
// changed since.
func (t *table) load(ctx context.Context) error {
	if i, ok := t.store.images.take(t.key); ok && i.rev >= t.known {
		t.stored, t.rev, t.known, t.epochs = i.rows, i.rev, i.rev, i.epochs
		t.rows.CopyFrom(&t.stored)
		t.look()
		t.rows.Adopt(func(holder string) bool { return holder != t.store.Holder() }, t.store.Holder())
		if err := t.write(ctx); err != nil {
			return err
		}
	} else {
		if err := t.open(ctx); err != nil {
			return err
		}
		if err := t.commit(); err != nil {
			return err
		}
	}
	t.cached, t.dirty, t.most, t.flush = true, false, 0, nil
	return nil
}

// open begins a transaction of the database's and reads the rows. Units of processes that are dead are this one's to count
// for from now on.
func (t *table) open(ctx context.Context) (err error) {
	if t.store.down.Load() {
		return errDown
	}
	ctx, t.cancel = context.WithTimeout(ctx, patience)
	defer func() {
		if err != nil {
			t.abandon(err)
		}
	}()
	if t.tx, err = t.store.open(ctx); err != nil {
		return err
	}
	if err = t.tx.read(ctx, t); err != nil {
		return err
	}
	t.rows.CopyFrom(&t.stored)
	t.look()
	t.rows.Adopt(func(holder string) bool { return !slices.Contains(t.living, holder) }, t.store.Holder())
	return nil
}

// commit writes what was changed and ends the transaction of the database's.
func (t *table) commit() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if t.rows.Equal(&t.stored) {
		err := t.tx.rollback()
		t.tx = nil
		t.cancel()
		return err
	}
	err := t.tx.write(ctx, t)
	if err == nil {
		err = t.store.committed(t.tx)
	}
	if err != nil {
		t.abandon(err)
		return err
	}
	t.tx = nil
	t.cancel()
	t.written(t)
	return nil
}

func (t *table) abandon(err error) {
	if t.tx != nil {
		_ = t.tx.rollback()
		t.tx = nil
	}
	t.cancel()
	t.unsure = true
	t.store.failed(t, err)
}

// written notes that the database has the rows as they are, or as they were.
func (t *table) written(as *table) {
	t.rev++
	t.known, t.dirty, t.flush = t.rev, false, nil
	t.epochs.settle(as.rows.Distrusted)
	t.stored.CopyFrom(&as.rows)
	t.store.wrote(t)
}

// write writes the rows of a process that is alone, in a transaction of its own.
func (t *table) write(ctx context.Context) error {
	if t.rows.Equal(&t.stored) && t.flush == nil {
		t.dirty = false
		return nil
	}
	if t.store.down.Load() {
		return errDown
	}
	err := t.store.transact(ctx, func(ctx context.Context, x *tx) error { return x.write(ctx, t) })
	if err != nil {
		if errors.Is(err, errUnsure) {
			t.newFlush().end(err)
		}
		t.store.failed(t, err)
		return err
	}
	t.written(t)
	return nil
}

// share writes everything: from now on the database alone has the rows.
func (t *table) share(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.cached {
		return nil
	}
	if err := t.write(ctx); err != nil {
		return err
	}
	t.cached = false
	return nil
}

// forget throws away what is known of the rows.
func (t *table) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cached, t.rev, t.known, t.flush, t.unsure = false, 0, 0, nil, true
}
