package store

import "github.com/psagate/psagate/internal/guard"

// A process that is alone writes before it answers only what it must not forget. What the database has covers what is true
// where a process that died now would leave no unit out, and no verdict.

// kept reports whether a unit is held for a caller's call of this process: any other such call may go on with it.
func (s *Store) kept(u *guard.Unit) bool {
	return u.State == guard.Held && !u.Alone && u.Holder == s.Holder()
}

// covered reports whether the database covers the rows, and how many of the kept units are in use. While it may have either
// of two, both must.
func (t *table) covered() (inUse int, ok bool) {
	inUse, ok = t.coveredBy(&t.stored)
	if ok && t.flush != nil {
		_, ok = t.coveredBy(&t.flush.rows)
	}
	return inUse, ok
}

func (t *table) coveredBy(stored *guard.Rows) (inUse int, ok bool) {
	inUse, ok = t.coversUnits(stored)
	return inUse, ok && t.coversLogin(stored) && t.coversCredentials(stored)
}

// coversUnits: each unit is there as it is; those in use by callers stand for each other while their credential is the same.
func (t *table) coversUnits(stored *guard.Rows) (inUse int, ok bool) {
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
		ok = ok && t.coversUnit(stored, u, kept, &used)
	}
	for i := range stored.Units {
		if !t.store.kept(&stored.Units[i]) {
			others--
		}
	}
	return inUse, ok && others == 0
}

func (t *table) coversUnit(stored *guard.Rows, u *guard.Unit, kept bool, used *uint64) bool {
	for j := range stored.Units {
		s := &stored.Units[j]
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
func (t *table) coversLogin(s *guard.Rows) bool {
	r := &t.rows
	return r.Seq == s.Seq && r.Last == s.Last && r.Gate == s.Gate && r.Locked == s.Locked && r.Distrusted == s.Distrusted && r.LastRefusal == s.LastRefusal &&
		(r.Newest == s.Newest || find(s, r.Newest, 0) == nil)
}

// coversCredentials demands that what is known of each is there.
func (t *table) coversCredentials(stored *guard.Rows) bool {
	found := 0
	for i := range t.rows.Credentials {
		c := &t.rows.Credentials[i]
		s := find(stored, c.Fingerprint, i)
		if s == nil {
			if c.State != guard.StateUntried || c.SentSeq != 0 || c.RefusedSeq != 0 {
				return false
			}
			continue
		}
		found++
		if !coversCredential(s, c) {
			return false
		}
	}
	return found == len(stored.Credentials)
}

// coversCredential: when one was last accepted, and what its store calls it, can be told later. Field by field it is quicker than
// to compare the whole.
func coversCredential(s, c *guard.Credential) bool {
	return s.State == c.State && s.SentSeq == c.SentSeq && s.RefusedSeq == c.RefusedSeq && s.Rank == c.Rank && s.Tries == c.Tries &&
		s.Accepted == c.Accepted && s.Due == c.Due && s.Rechecked == c.Rechecked && s.Good == c.Good && s.AgainAt.Equal(c.AgainAt) &&
		s.Code == c.Code && (c.Code.IsZero() || s.By == c.By && s.Address == c.Address && s.AcceptedBy == c.AcceptedBy && s.TriedAt.Equal(c.TriedAt))
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
