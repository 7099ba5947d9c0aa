package totp

import (
	"net/netip"
	"time"
)

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
