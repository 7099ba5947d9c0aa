package store

import (
	"context"
	"errors"
	"slices"
)

// flush is a writing of a table's rows that goes on without its lock, so that a disk that hangs keeps no call waiting that
// needs no I/O; or a writing whose commit failed, and may have been one all the same. Until it is known what came of it the
// database may have the table's stored rows, or these.
type flush struct {
	table // as it was when it began
	of    *table
	ended chan struct{}
	err   error
}

// newFlush begins one of the rows as they are. Called with the mutex held.
func (t *table) newFlush() *flush {
	f := &flush{table: table{store: t.store, key: t.key, rev: t.rev, epochs: t.epochs, cached: true}, of: t, ended: make(chan struct{})}
	f.rows.CopyFrom(&t.rows)
	f.stored.CopyFrom(&t.stored)
	t.flush = f
	return f
}

// end notes what came of it.
func (f *flush) end(err error) {
	f.err = err
	close(f.ended)
}

// settle waits for the flush that is under way, if one is, and notes what the database has since. Called with the mutex held.
func (t *table) settle() {
	f := t.flush
	if f == nil {
		return
	}
	switch <-f.ended; {
	case f.err == nil:
		t.written(&f.table)
		t.dirty = !t.rows.Equal(&t.stored)
	case !errors.Is(f.err, errUnsure): // else the next one that is written finds out
		t.flush = nil
	}
}

// flushed is how many logins are written in one transaction.
const flushed = 256

// flush writes what this process, while it is alone, has not written yet: units that were not in use since the last time are
// given back.
func (s *Store) flush(ctx context.Context) {
	for tables := range slices.Chunk(s.all(), flushed) {
		if s.mode.Load() != alone || s.down.Load() || !s.flushSome(ctx, tables) {
			return
		}
	}
}

// flushSome flushes tables, and reports whether that worked.
func (s *Store) flushSome(ctx context.Context, tables []*table) bool {
	var due []*flush
	works := true
	for _, t := range tables {
		if !t.mu.TryLock() { // in use
			continue
		}
		switch {
		case t.flush != nil, t.sick.Load() != nil: // what is wrong with it may be its own
			works = works && t.write(ctx) == nil
		case t.due():
			due = append(due, t.newFlush())
		}
		t.mu.Unlock()
	}
	return s.writeAll(ctx, due) && works
}

// writeAll writes all that is due in one transaction.
func (s *Store) writeAll(ctx context.Context, due []*flush) bool {
	if len(due) == 0 {
		return true
	}
	last := due[0]
	err := s.transact(ctx, func(ctx context.Context, x *tx) (err error) {
		for _, last = range due {
			if err = x.write(ctx, &last.table); err != nil {
				return err
			}
		}
		return nil
	})
	for _, f := range due {
		f.end(err)
		f.of.mu.Lock()
		if f.of.flush == f {
			f.of.settle()
		}
		f.of.mu.Unlock()
	}
	if err != nil {
		s.failed(last.of, err)
	}
	return err == nil
}

// due reports whether a table has something to be written now. While its units are in use it has not, for the next call
// would only take them again.
func (t *table) due() bool {
	used := t.most
	t.most = 0
	if !t.cached || !t.dirty {
		return false
	}
	kept := 0
	for i := range t.stored.Units {
		if t.store.kept(&t.stored.Units[i]) {
			kept++
		}
	}
	inUse, covered := t.covered()
	t.most = inUse
	if kept > used || kept == 0 || !covered {
		return !t.rows.Equal(&t.stored)
	}
	return false
}
