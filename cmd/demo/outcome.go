package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// outcome is what a chapter came to: what the demo's clients saw, and what the simulated PSA has in its books.
type outcome struct {
	calls  []made
	ledger psatest.Ledger // every sign-in that the PSA judged in the chapter, whoever's
	stored map[string]int // tickets in the PSA, by title
	seen   map[string]int // what people saw of psagate
}

func (o outcome) count(counts func(made) bool) (n int) {
	for _, m := range o.calls {
		if counts(m) {
			n++
		}
	}
	return n
}

func (o outcome) served() int   { return o.count(func(m made) bool { return m.reason == "" }) }
func (o outcome) unserved() int { return len(o.calls) - o.served() }
func (o outcome) failed() int   { return len(o.ledger.Failed()) }

// most is how near the PSA came to locking a user: the most failed sign-ins since a success.
func (o outcome) most() (most int) {
	for _, signIn := range o.ledger {
		most = max(most, signIn.Count)
	}
	return most
}

// distance is how many failed sign-ins were missing for a lock.
func (o outcome) distance() int { return max(0, threshold-o.most()) }

// beyond is how many sign-ins the PSA saw that were not those of a call served.
func (o outcome) beyond() int { return len(o.ledger) - o.served() }

// at is how many sign-ins a zone accepted.
func (o outcome) at(zone string) (n int) {
	for _, signIn := range o.ledger {
		if signIn.Zone == zone && signIn.OK() {
			n++
		}
	}
	return n
}

// mislaid is how many creates did not leave what the client was told: one ticket if it was served, none if not.
func (o outcome) mislaid() int {
	return o.count(func(m made) bool {
		told := 0
		if m.reason == "" {
			told = 1
		}
		return m.title != "" && o.stored[m.title] != told
	})
}

// longest is the longest time that a call took that was served.
func (o outcome) longest() (longest time.Duration) {
	for _, m := range o.calls {
		if m.reason == "" {
			longest = max(longest, m.took)
		}
	}
	return longest
}

// reasons are why calls were not served, the most frequent first.
func (o outcome) reasons() string {
	counts := map[string]int{}
	for _, m := range o.calls {
		if m.reason != "" {
			counts[m.reason]++
		}
	}
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	for i, word := range words {
		words[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return strings.Join(words, ", ")
}
