package identity

import (
	"slices"
	"sync"
	"time"
)

// Ring holds the keys that records give, by the records' names R. A key is that of the record that had it first, for as
// long as that one has it: one that claims it later gets it only when it is given up. Two that claim it within a minute,
// as all do when a process starts, have it neither: which of them was read first is chance, and whoever may write the one
// record must not get the other's calls by it. The zero Ring is empty. Any number of callers may use it.
type Ring[R comparable] struct {
	mu     sync.RWMutex
	claims map[Hash][]claim[R] // in the order in which they came
	hashes map[R][]Hash
}

type claim[R comparable] struct {
	by R
	at time.Time
}

// together is how near to each other two claims must be to be taken for equal.
const together = time.Minute

// Set replaces the keys of a record; none forgets it. It returns those that the record had, gives up, and that another
// record has now. The cost is that of the record's own keys, however many there are.
func (r *Ring[R]) Set(record R, hashes []Hash, now time.Time) (passed []Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claims == nil {
		r.claims, r.hashes = map[Hash][]claim[R]{}, map[R][]Hash{}
	}
	kept := make(map[Hash]bool, len(hashes))
	for _, h := range hashes {
		kept[h] = true
	}
	for _, h := range r.hashes[record] {
		if !kept[h] && r.drop(record, h) {
			passed = append(passed, h)
		}
	}
	for h := range kept {
		if !slices.ContainsFunc(r.claims[h], func(c claim[R]) bool { return c.by == record }) {
			r.claims[h] = append(r.claims[h], claim[R]{record, now})
		}
	}
	r.hashes[record] = slices.Clone(hashes)
	if len(hashes) == 0 {
		delete(r.hashes, record)
	}
	return passed
}

// drop takes a claim back, and reports whether another record has the key by that.
func (r *Ring[R]) drop(record R, h Hash) (passed bool) {
	at := slices.IndexFunc(r.claims[h], func(c claim[R]) bool { return c.by == record })
	left := slices.Delete(slices.Clone(r.claims[h]), at, at+1)
	if len(left) == 0 {
		delete(r.claims, h)
		return false
	}
	r.claims[h] = left
	return at == 0
}

// Find returns the record that has a key, of those that count. disputed: two of them claim it with the same right.
func (r *Ring[R]) Find(h Hash, counts func(R) bool) (record R, found, disputed bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var first claim[R]
	for _, c := range r.claims[h] {
		switch {
		case !counts(c.by):
		case !found:
			first, found = c, true
		case c.at.Sub(first.at) < together:
			return record, false, true
		default:
			return first.by, true, false
		}
	}
	return first.by, found, false
}
