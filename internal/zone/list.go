package zone

import (
	"slices"
	"strings"
)

// Entry is what the cache knows of a key that was asked for.
type Entry struct {
	// Discover and User are those of the key.
	Discover, User string
	// Zone is the zone; its Base is empty when it is not known.
	Zone Zone
	// Failure is the last lookup's, nil when it succeeded or there was none.
	Failure *LookupError
}

// List returns what is known of all keys that were asked for, pinned ones excepted, by Discover and User.
func (c *Cache) List() []Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Entry, 0, len(c.entries))
	for _, e := range c.entries {
		all = append(all, Entry{Discover: e.key.Discover, User: e.key.User, Zone: e.zone, Failure: e.failure})
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return strings.Compare(a.Discover+"\x00"+a.User, b.Discover+"\x00"+b.User)
	})
	return all
}
