package psatest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Order is a Fault in force.
type Order struct {
	sim   *Sim
	fault Fault

	until time.Time // zero: until Release

	mu      sync.Mutex
	left    int // -1: always
	met     int // requests that matched
	hits    int
	open    bool
	held    []chan struct{}
	changed pulse
}

// Fault puts a fault in force. Where several match a request at one point they happen one after the other, in
// the order in which they were ordered, until one ends the request (at Answering: the first alone). It panics
// when the fault wants at Answering what does not go there.
func (s *Sim) Fault(f Fault) *Order {
	if f.At == Answering && (f.Then >= Raw || f.Change != nil) {
		panic("psatest: a fault at Answering can neither be Raw, nor endless, nor make a Change")
	}
	if f.Then == Later && f.At != Judged {
		panic("psatest: only a call that was judged can be done Later")
	}
	o := &Order{sim: s, fault: f, left: f.Times}
	if f.For > 0 {
		o.until = s.now().Add(f.For)
	}
	if f.Times == 0 {
		o.left = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	return o
}

// Fault is what was ordered.
func (o *Order) Fault() Fault { return o.fault }

// Orders returns the orders in force, the oldest first.
func (s *Sim) Orders() []*Order {
	now := s.now()
	return slices.DeleteFunc(s.ordered(), func(o *Order) bool { return o.over(now) })
}

// over tells whether no further request can meet the order.
func (o *Order) over(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.left == 0 || !o.until.IsZero() && !now.Before(o.until)
}

// Hits is how often it happened, the waiting ones included.
func (o *Order) Hits() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hits
}

// Held is how many requests are held now.
func (o *Order) Held() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.held)
}

// WaitHits waits until it happened n times; the error is the context's.
func (o *Order) WaitHits(ctx context.Context, n int) error {
	return o.changed.until(ctx, &o.mu, func() bool { return o.hits >= n })
}

// WaitHeld waits until n requests are held at once; the error is the context's.
func (o *Order) WaitHeld(ctx context.Context, n int) error {
	return o.changed.until(ctx, &o.mu, func() bool { return len(o.held) >= n })
}

// ReleaseOne lets the request go on that is held longest; false if none is.
func (o *Order) ReleaseOne() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.held) == 0 {
		return false
	}
	close(o.held[0])
	o.held = o.held[1:]
	return true
}

// Release lets all held requests go on and ends the order: no further request meets it.
func (o *Order) Release() {
	o.mu.Lock()
	o.left, o.open = 0, true
	for _, ch := range o.held {
		close(ch)
	}
	o.held = nil
	o.mu.Unlock()
	o.sim.mu.Lock()
	defer o.sim.mu.Unlock()
	o.sim.orders = slices.DeleteFunc(o.sim.orders, func(other *Order) bool { return other == o })
}

// hold waits for Release; false means that the Sim was closed.
func (o *Order) hold() bool {
	o.mu.Lock()
	if o.open {
		o.mu.Unlock()
		return true
	}
	ch := make(chan struct{})
	o.held = append(o.held, ch)
	o.changed.beat()
	o.mu.Unlock()
	select {
	case <-ch:
		return true
	case <-o.sim.done:
		return false
	}
}

// use counts a request that matches; false if it goes on as if there were no order.
func (o *Order) use() bool {
	if o.over(o.sim.now()) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.met++; o.left == 0 || o.fault.Every > 0 && o.met%o.fault.Every != 0 {
		return false
	}
	if o.left > 0 {
		o.left--
	}
	o.hits++
	o.changed.beat()
	return true
}
