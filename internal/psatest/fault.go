package psatest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Point is where in its life a request meets a [Fault].
type Point int

// The points, in order.
const (
	Received  Point = iota // read whole, not judged
	Judged                 // the sign-in is in the ledger, nothing else was done; accepted or not
	Applied                // what it asked for is done (stored); only accepted ones and open paths come here
	Answering              // within the body of the answer, if it has three bytes or more
)

// Ending is what a [Fault] does after its wait.
type Ending int

// The endings.
const (
	GoOn   Ending = iota // nothing: the request goes on
	HangUp               // the connection is closed in order, without an answer (at Answering: in the middle of it)
	Reset                // the same with a TCP reset
	Answer               // Status, Header and Body are the answer, and the request is over (not at Answering)
	Refuse               // at Received: the sign-in will be refused although it is right, and counts
)

// Fault is something that goes wrong to order: where, for whom, how often; a wait, then an ending. For example
//
//	{At: Applied, Then: Reset, Method: "POST"}           stored, and nobody is told
//	{At: Judged, Then: HangUp, Times: 3}                 three sign-ins judged without an answer
//	{At: Received, Gone: true, Delay: 20 * time.Second}  judged 20 s after the client gave up
//	{At: Received, Then: Refuse}                         a storm of 401
//	{At: Received, Hold: true}                           held until Release
//	{At: Answering, Chunk: 100, Delay: time.Second}      a body that trickles
type Fault struct {
	// Match: what is empty matches everything.
	Zone   string // name of the zone; the discovery host's is empty, so it cannot be singled out
	User   string // in any spelling; also the one that a zone lookup asks for
	Method string
	Path   string // part of the path, in any case

	At    Point
	Times int // how often it happens; 0 means always

	// The wait, in this order.
	Gone  bool          // until the client has hung up
	Delay time.Duration // that long
	Hold  bool          // until Release

	Then   Ending
	Status int         // of Answer; 0 means 500
	Header http.Header // of Answer; {user}, {secret} and {code} stand for what the request presented
	Body   string      // likewise; its type is text/html when it begins with "<", else JSON

	Chunk int // at Answering: bytes between two waits; 0 means two halves
}

func (f *Fault) matches(p Point, c *call) bool {
	user := c.user
	if user == "" {
		user = c.lookedUp()
	}
	return f.At == p &&
		(f.Zone == "" || f.Zone == c.zone.name) &&
		(f.User == "" || canonical(f.User) == canonical(user)) &&
		(f.Method == "" || strings.EqualFold(f.Method, c.method)) &&
		strings.Contains(strings.ToLower(c.path), strings.ToLower(f.Path))
}

// Order is a Fault in force.
type Order struct {
	sim   *Sim
	fault Fault

	mu      sync.Mutex
	left    int // -1: always
	hits    int
	open    bool
	held    []chan struct{}
	changed pulse
}

// Fault puts a fault in force. Where several match a request at one point they happen one after the other, in
// the order in which they were ordered, until one ends the request (at Answering: the first alone).
func (s *Sim) Fault(f Fault) *Order {
	o := &Order{sim: s, fault: f, left: f.Times}
	if f.Times == 0 {
		o.left = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	return o
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

// use counts one happening; false if there were enough.
func (o *Order) use() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left == 0 {
		return false
	}
	if o.left > 0 {
		o.left--
	}
	o.hits++
	o.changed.beat()
	return true
}
