package store

import (
	"context"
	"slices"

	"github.com/psagate/psagate/internal/guard"
)

// A process that is alone writes before it answers only what it must not forget. What the database has covers what is true
// where a process that died now would leave no unit out, and no verdict.

// kept reports whether a unit is held for a caller's call of this process: any other such call may go on with it.
func (s *Store) kept(u *guard.Unit) bool {
	return u.State == guard.Held && !u.Alone && u.Holder == s.Holder()
}

// covered reports whether the database covers the rows, and how many of the kept units are in use.
func (t *table) covered() (inUse int, ok bool) {
	inUse, ok = t.coversUnits()
	return inUse, ok && t.coversLogin() && t.coversCredentials()
}

// coversUnits: each unit is there as it is; those in use by callers stand for each other while their credential is the same.
func (t *table) coversUnits() (inUse int, ok bool) {
	ok = true
	var used uint64
	others := 0
	for i := range t.rows.Units {
		u := &t.rows.Units[i]
		kept := t.store.kept(u)
		if kept {
			inUse++
		} else {
			others++
		}
		ok = ok && t.coversUnit(u, kept, &used)
	}
	for i := range t.stored.Units {
		if !t.store.kept(&t.stored.Units[i]) {
			others--
		}
	}
	return inUse, ok && others == 0
}

func (t *table) coversUnit(u *guard.Unit, kept bool, used *uint64) bool {
	for j := range t.stored.Units {
		s := &t.stored.Units[j]
		switch {
		case !kept && *s == *u:
			return true
		case kept && j < 64 && *used&(1<<j) == 0 && t.store.kept(s) && s.Credential == u.Credential && s.WasProven == u.WasProven:
			*used |= 1 << j
			return true
		}
	}
	return false
}

// coversLogin: which credential the secret store has now need not be known while it was never sent, for it will be read again.
func (t *table) coversLogin() bool {
	r, s := &t.rows, &t.stored
	return r.Seq == s.Seq && r.Last == s.Last && r.Gate == s.Gate && r.Locked == s.Locked && r.Distrusted == s.Distrusted && r.LastRefusal == s.LastRefusal &&
		(r.Newest == s.Newest || find(s, r.Newest, 0) == nil)
}

// coversCredentials: when one was last accepted, and what its store calls it, can be told later.
func (t *table) coversCredentials() bool {
	found := 0
	for i := range t.rows.Credentials {
		c := &t.rows.Credentials[i]
		s := find(&t.stored, c.Fingerprint, i)
		if s == nil {
			if c.State != guard.StateUntried || c.SentSeq != 0 || c.RefusedSeq != 0 {
				return false
			}
			continue
		}
		found++
		as := *c
		as.ProvenAt, as.Version = s.ProvenAt, s.Version
		if as != *s {
			return false
		}
	}
	return found == len(t.stored.Credentials)
}

// find returns the credential of a fingerprint, which most likely is at a place; or nil.
func find(r *guard.Rows, fp guard.Fingerprint, at int) *guard.Credential {
	if at < len(r.Credentials) && r.Credentials[at].Fingerprint == fp {
		return &r.Credentials[at]
	}
	for i := range r.Credentials {
		if r.Credentials[i].Fingerprint == fp {
			return &r.Credentials[i]
		}
	}
	return nil
}

// flushed is how many logins are written in one transaction.
const flushed = 256

// flush writes what this process, while it is alone, has not written yet: units that were not in use since the last time are
// given back.
func (s *Store) flush(ctx context.Context) {
	for tables := range slices.Chunk(s.all(), flushed) {
		if s.mode.Load() != alone || s.down.Load() {
			return
		}
		if err := s.flushSome(ctx, tables); err != nil {
			s.failed(err)
			return
		}
	}
}

func (s *Store) flushSome(ctx context.Context, tables []*table) error {
	var due []*table
	defer func() {
		for _, t := range due {
			t.mu.Unlock()
		}
	}()
	for _, t := range tables {
		switch {
		case !t.mu.TryLock(): // in use
		case t.due():
			due = append(due, t)
		default:
			t.mu.Unlock()
		}
	}
	if len(due) == 0 {
		return nil
	}
	if err := s.transact(ctx, func(ctx context.Context, x *tx) error {
		for _, t := range due {
			if err := x.write(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, t := range due {
		t.written()
	}
	return nil
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
