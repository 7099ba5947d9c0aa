package identity

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresAllowed in a failureWindow are answered as failures; the next is one too many.
	failuresAllowed = 10
	failureWindow   = time.Minute
	// maxAddresses bounds what is remembered, to some 15 MB. Beyond it the address that failed longest ago is
	// forgotten. Who has more addresses than this at hand gains nothing by that: each allows ten failures anyway.
	maxAddresses = 1 << 16
)

// Limiter counts the failures to identify of each address: 10 a minute. An IPv6 address counts as its /64, which one
// host has to itself; an IPv4 address mapped to IPv6 as itself; the zero Addr as an address like any other.
// It is asked only about failures, so a valid key is never slowed. Any number of callers may use it.
type Limiter struct {
	now   func() time.Time
	start time.Time
	most  int

	mu        sync.Mutex
	byAddress map[netip.Addr]*list.Element
	order     *list.List // of *failures; the front failed last
}

// failures are the times of an address's last counted failures, as a ring: at[next] is the oldest.
type failures struct {
	address netip.Addr
	at      [failuresAllowed]time.Duration // since the limiter's start
	next, n int
}

// NewLimiter returns a limiter that reads the time from now.
func NewLimiter(now func() time.Time) *Limiter {
	return &Limiter{now: now, start: now(), most: maxAddresses, byAddress: map[netip.Addr]*list.Element{}, order: list.New()}
}

// Fail is called when a call from address was not identified. Blocked means that the address had its ten failures
// within the last minute: this one is not counted, and another is allowed after retryAfter, which is above zero then.
func (l *Limiter) Fail(address netip.Addr) (retryAfter time.Duration, blocked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now().Sub(l.start)
	f := l.find(group(address), now)
	if oldest := f.at[f.next]; f.n == failuresAllowed && now-oldest < failureWindow {
		return failureWindow - (now - oldest), true
	}
	f.at[f.next] = now
	f.next = (f.next + 1) % failuresAllowed
	f.n = min(f.n+1, failuresAllowed)
	l.order.MoveToFront(l.byAddress[f.address])
	return 0, false
}

// find returns the failures of an address, new if there are none, after forgetting what no longer counts.
func (l *Limiter) find(address netip.Addr, now time.Duration) *failures {
	for last := l.order.Back(); last != nil && now-last.Value.(*failures).last() >= failureWindow; last = l.order.Back() {
		l.forget(last)
	}
	if e, known := l.byAddress[address]; known {
		return e.Value.(*failures)
	}
	if len(l.byAddress) >= l.most {
		l.forget(l.order.Back())
	}
	f := &failures{address: address}
	l.byAddress[address] = l.order.PushFront(f)
	return f
}

func (l *Limiter) forget(e *list.Element) {
	delete(l.byAddress, l.order.Remove(e).(*failures).address)
}

func (f *failures) last() time.Duration {
	return f.at[(f.next+failuresAllowed-1)%failuresAllowed]
}

// group returns the address that stands for all that count as one.
func group(address netip.Addr) netip.Addr {
	address = address.Unmap()
	if !address.Is6() {
		return address
	}
	return netip.PrefixFrom(address.WithZone(""), 64).Masked().Addr()
}
