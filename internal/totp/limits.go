package totp

import (
	"fmt"
	"net/netip"
	"time"
)

// LimitError is that too many codes were wrong. The one at hand was not looked at.
type LimitError struct {
	// Of says whose failures they are, for people and for the audit log.
	Of string
	// After is how long to wait until a code is looked at again.
	After time.Duration
}

// Error implements error.
func (e LimitError) Error() string {
	return fmt.Sprintf("too many wrong codes of %s: wait for %s", e.Of, e.After.Round(time.Second))
}

// rule says what failures in a bucket mean.
type rule interface {
	// wait is for how long nothing is looked at any more; zero: not at all.
	wait(b Bucket, now time.Time) time.Duration
	// fail counts a failure.
	fail(b Bucket, now time.Time) Bucket
}

// backoff lets a few failures be, and has each one after them wait twice as long.
type backoff struct {
	free          int64
	first, most   time.Duration
	forgottenWith time.Duration // after that without a failure all are forgotten
}

func (r backoff) wait(b Bucket, now time.Time) time.Duration {
	n := r.failures(b, now)
	if n < r.free {
		return 0
	}
	pause := r.pause(n)
	return min(pause, max(0, b.At.Add(pause).Sub(now))) // never more than that, where a clock was set back
}

func (r backoff) pause(n int64) time.Duration {
	pause := r.first
	for ; n > r.free && pause < r.most; n-- {
		pause *= 2
	}
	return min(pause, r.most)
}

func (r backoff) failures(b Bucket, now time.Time) int64 {
	if !now.Before(b.Ends) {
		return 0
	}
	return b.Failures
}

func (r backoff) fail(b Bucket, now time.Time) Bucket {
	return Bucket{Failures: r.failures(b, now) + 1, At: now, Ends: now.Add(r.forgottenWith)}
}

// bound lets so many failures be, and gives one back each time that every is over. Of any time there are at most so many failures in
// it, and one more for each every.
type bound struct {
	most  int64
	every time.Duration
}

func (r bound) wait(b Bucket, now time.Time) time.Duration {
	return max(0, r.owed(b, now)+r.every-r.all())
}

// owed is how long it takes until all are given back: never more than all of them, where a clock was set back.
func (r bound) owed(b Bucket, now time.Time) time.Duration {
	return min(r.all(), max(0, b.At.Sub(now)))
}

func (r bound) all() time.Duration { return time.Duration(r.most) * r.every }

func (r bound) fail(b Bucket, now time.Time) Bucket {
	at := now.Add(r.owed(b, now) + r.every)
	return Bucket{At: at, Ends: at}
}

// The limits: doc.go has the arithmetic.
var (
	ofOne     = backoff{free: 5, first: 30 * time.Second, most: time.Hour, forgottenWith: 24 * time.Hour}
	ofAddress = bound{most: 60, every: time.Minute}
	ofPerson  = bound{most: 10, every: 144 * time.Minute}
)

// gate is one limit that an attempt must pass.
type gate struct {
	of       string // for people
	bucket   string
	rule     rule
	forgives bool // a right code empties the bucket
}

// gates are the limits of an attempt by a browser that is known by its mark, or not; a recovery code is not to be guessed.
func (e *Engine) gates(a Attempt, known mark, recovery bool) []gate {
	address := group(a.Address).String()
	all := []gate{{"this session", e.bucket("session", a.Session), ofOne, true}}
	if known.id != "" {
		return append(all, gate{"this browser", e.personBucket("browser", a.Person, known.id), ofPerson, false})
	}
	all = append(all,
		gate{"this person from this address", e.personBucket("pair", a.Person, address), ofOne, true},
		gate{"this address", e.bucket("address", address), ofAddress, false})
	if !recovery {
		all = append(all, gate{"this person with browsers that are not known", e.personBucket("person", a.Person), ofPerson, false})
	}
	return all
}

// bucket names a bucket, so that the store shows neither sessions nor addresses.
func (e *Engine) bucket(kind string, names ...string) string {
	return e.cfg.Key().MACs("totp bucket "+kind, names...)[0].Sum[:32]
}

func (e *Engine) personBucket(kind string, p Person, names ...string) string {
	return e.bucket(kind, append(p.names(), names...)...)
}

// pass returns the LimitError of the gate with the longest wait; nil where there is none.
func pass(gates []gate, s *State, now time.Time) error {
	var worst LimitError
	for _, g := range gates {
		if wait := g.rule.wait(s.Buckets[g.bucket], now); wait > worst.After {
			worst = LimitError{g.of, wait}
		}
	}
	if worst.After > 0 {
		return worst
	}
	return nil
}

// count counts a failure at each gate.
func count(gates []gate, s *State, now time.Time) {
	for _, g := range gates {
		s.Buckets[g.bucket] = g.rule.fail(s.Buckets[g.bucket], now)
	}
}

// forgive empties what a right code empties.
func forgive(gates []gate, s *State) {
	for _, g := range gates {
		if g.forgives {
			delete(s.Buckets, g.bucket)
		}
	}
}

// group returns the address that stands for all that count as one: an IPv6 host has a /64 to itself.
func group(address netip.Addr) netip.Addr {
	address = address.Unmap()
	if !address.Is6() {
		return address
	}
	return netip.PrefixFrom(address.WithZone(""), 64).Masked().Addr()
}
