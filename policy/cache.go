package policy

import (
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// The cache has room for 16,384 calls, of about 1 KiB each, in sets of four: a place in the set is chosen for a new one
// by its hash, and it takes the place of what is there.
const (
	cacheSets = 1 << 12
	cacheWays = 4
)

// These bound what one place of the cache holds. Longer names come from no config and no PSA; who has more groups is
// looked up each time.
const (
	maxCachedName   = 256
	maxCachedGroups = 100
)

// cache remembers calls. What is found under a hash counts only if it is the same.
type cache struct {
	seed maphash.Seed
	sets [cacheSets][cacheWays]atomic.Pointer[call]
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// find returns the call with a key and groups, nil where it is not remembered, and the place that is next.
func (c *cache) find(k *callKey, groups []string) (found *call, place *atomic.Pointer[call]) {
	hash := maphash.Comparable(c.seed, *k)
	set := &c.sets[hash%cacheSets]
	for i := range set {
		known := set[i].Load()
		switch {
		case known == nil:
			return nil, &set[i]
		case known.key == *k && slices.Equal(known.groupsGiven, groups):
			return known, nil
		}
	}
	return nil, &set[hash>>32%cacheWays]
}
