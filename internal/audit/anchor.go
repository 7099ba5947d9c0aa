package audit

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Head is how far a chain has come. It is no secret.
type Head struct {
	// Chain is the chain's id, Host the host of its process, Key the id of its key.
	Chain, Host, Key string
	// Number tells which chain was anchored for the first time before which, whatever the clocks said. The Anchors set it, from 1;
	// 0: they do not know, as of chains from before they counted.
	Number uint64
	// Seq and MAC are of the last line that is surely on disk.
	Seq uint64
	MAC string
	// At is when that was.
	At time.Time
	// Closed: it is the chain's last line.
	Closed bool
}

// Anchors keeps the heads of chains where whoever can write the log cannot: in the store. It may be used by any number of
// callers at once.
type Anchors interface {
	// Put notes a chain's head. Of one chain the head with the highest Seq is kept, whatever comes later.
	Put(context.Context, Head) error
	// Heads returns the head of each chain, in any order.
	Heads(context.Context) ([]Head, error)
}

// LastOf returns the head of the host's chain that began last: what a new chain of that host follows.
func LastOf(heads []Head, host string) (last Head, ok bool) {
	for _, h := range heads {
		if h.Host == host && (!ok || h.isAfter(last)) {
			last, ok = h, true
		}
	}
	return last, ok
}

// isAfter reports whether the head is of a chain that began after another one's. A clock, which may have been set, is asked only
// where nobody counted.
func (h Head) isAfter(other Head) bool {
	if h.Number != other.Number {
		return h.Number > other.Number
	}
	return h.At.After(other.At)
}

// Memory is Anchors that end with the process, for tests and for a log that nobody anchors.
type Memory struct {
	mu    sync.Mutex
	heads map[string]Head
}

// Put implements Anchors.
func (m *Memory) Put(_ context.Context, h Head) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heads == nil {
		m.heads = make(map[string]Head)
	}
	before, known := m.heads[h.Chain]
	if h.Number = before.Number; !known {
		h.Number = uint64(len(m.heads)) + 1
	}
	if h.Seq > before.Seq {
		m.heads[h.Chain] = h
	}
	return nil
}

// Heads implements Anchors.
func (m *Memory) Heads(context.Context) ([]Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	byChain := func(a, b Head) int { return strings.Compare(a.Chain, b.Chain) }
	return slices.SortedFunc(maps.Values(m.heads), byChain), nil
}
