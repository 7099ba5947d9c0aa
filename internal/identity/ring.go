package identity

import (
	"slices"
	"sync"
)

// Ring holds the keys that records give, by the records' names R. A key is that of the record that had it first, for as
// long as that one has it: one that claims it later gets it only when it is given up. The zero Ring is empty. Any number
// of callers may use it.
type Ring[R comparable] struct {
	mu     sync.RWMutex
	claims map[Hash][]R // in the order in which they came
	hashes map[R][]Hash
}

// Set replaces the keys of a record; none forgets it. It returns those that the record had, gives up, and that another
// record has now. The cost is that of the record's own keys, however many there are.
func (r *Ring[R]) Set(record R, hashes []Hash) (passed []Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claims == nil {
		r.claims, r.hashes = map[Hash][]R{}, map[R][]Hash{}
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
		if !slices.Contains(r.claims[h], record) {
			r.claims[h] = append(r.claims[h], record)
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
	at := slices.Index(r.claims[h], record)
	left := slices.Delete(slices.Clone(r.claims[h]), at, at+1)
	if len(left) == 0 {
		delete(r.claims, h)
		return false
	}
	r.claims[h] = left
	return at == 0
}

// Find returns the record that has a key, of those that count.
func (r *Ring[R]) Find(h Hash, counts func(R) bool) (record R, found bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, record := range r.claims[h] {
		if counts(record) {
			return record, true
		}
	}
	return record, false
}
