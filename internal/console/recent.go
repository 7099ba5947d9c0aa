package console

import (
	"sync"
	"time"
)

// freshFor is how old what is shown may be. However many pages are open, and live, the store is read so often at the most.
const freshFor = time.Second

// recent remembers what was read for a moment.
type recent[K comparable, V any] struct {
	now  func() time.Time
	read func(K) V

	mu sync.Mutex
	of map[K]*reading[V]
}

// reading is one reading. Those who want the same wait for it.
type reading[V any] struct {
	mu    sync.Mutex
	at    time.Time
	value V
}

func newRecent[K comparable, V any](now func() time.Time, read func(K) V) *recent[K, V] {
	return &recent[K, V]{now: now, read: read, of: map[K]*reading[V]{}}
}

// get returns what was read lately, or reads it. Of keys there must be few.
func (r *recent[K, V]) get(key K) V {
	r.mu.Lock()
	one := r.of[key]
	if one == nil {
		one = new(reading[V])
		r.of[key] = one
	}
	r.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if now := r.now(); one.at.IsZero() || now.Sub(one.at) >= freshFor || now.Before(one.at) {
		one.value = r.read(key)
		one.at = r.now()
	}
	return one.value
}

// forget has the next one read it anew: something was done.
func (r *recent[K, V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.of)
}
