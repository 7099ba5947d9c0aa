package zone

import (
	"context"
	"log/slog"
	"sync"
)

// Cache knows zones. Any number of callers may use it; of one key there is one lookup at a time.
type Cache struct {
	lookup  Lookup
	storage Storage
	logger  *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry // by Key.id
	spelled map[Key]*entry    // the same, found without working out the id
}

// entry is what is known of a key; the cache's mutex guards it, but for saved.
type entry struct {
	key      Key
	zone     Zone // zero Base: not known
	flight   *flight
	failure  *LookupError // of the last lookup; nil: it succeeded
	failures int          // in a row

	saving sync.Mutex
	saved  Zone // what the storage has; guarded by saving
}

// NewCache returns a cache that keeps zones in memory, and in storage unless that is nil. Close it after use.
func NewCache(lookup Lookup, storage Storage, logger *slog.Logger) *Cache {
	ctx, cancel := context.WithCancel(context.Background())
	return &Cache{lookup: lookup, storage: storage, logger: logger, ctx: ctx, cancel: cancel, entries: map[string]*entry{}, spelled: map[Key]*entry{}}
}

// Close ends the lookups that are under way and waits for them. Known zones stay readable.
func (c *Cache) Close() {
	c.mu.Lock()
	c.cancel()
	c.mu.Unlock()
	c.work.Wait()
}

// Get returns the pinned zone, the one in memory, the one in storage (not Verified), or the one that a lookup finds.
// Its error is a LookupError, or ctx's when that ends first: the lookup goes on for those who come later.
func (c *Cache) Get(ctx context.Context, key Key) (Zone, error) {
	if key.Pinned != "" {
		return pinned(key), nil
	}
	c.mu.Lock()
	e := c.entry(key)
	if e.zone.Base != "" {
		defer c.mu.Unlock()
		return e.zone, nil
	}
	f, err := c.fly(e, true)
	c.mu.Unlock()
	if err != nil {
		return Zone{}, err
	}
	return f.wait(ctx)
}

// Doubt returns the key's zone after an answer made the doubted one, as Get gave it, doubtful: by a lookup now, or by
// joining the one that is under way. Whoever doubts what others have already found wrong gets the newer zone at once.
// changed tells whether the zone is another than the doubted. With an error, which is as Get's, the zone is the one known
// before: a lookup that fails changes nothing.
func (c *Cache) Doubt(ctx context.Context, key Key, doubted Zone) (now Zone, changed bool, err error) {
	if key.Pinned != "" {
		now = pinned(key)
		return now, now.Base != doubted.Base, nil
	}
	for {
		f, known, err := c.doubt(key, doubted)
		if f == nil {
			return known, err == nil && known.Base != doubted.Base, err
		}
		now, err := f.wait(ctx)
		if err != nil {
			return known, false, err
		}
		if f.asked {
			return now, now.Base != doubted.Base, nil
		}
	}
}

// doubt returns the flight to wait for, or none where known or err is the answer already.
func (c *Cache) doubt(key Key, doubted Zone) (f *flight, known Zone, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(key)
	if e.zone.Verified && e.zone.Base != doubted.Base {
		return nil, e.zone, nil
	}
	f, err = c.fly(e, false)
	return f, e.zone, err
}

func pinned(key Key) Zone { return Zone{Base: key.Pinned, Verified: true} }

func (c *Cache) entry(key Key) *entry {
	if e := c.spelled[key]; e != nil {
		return e
	}
	id := key.id()
	e, known := c.entries[id]
	if !known {
		e = &entry{key: key}
		c.entries[id] = e
	}
	c.spelled[key] = e
	return e
}
