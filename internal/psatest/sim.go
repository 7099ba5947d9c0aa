package psatest

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Sim is one simulated PSA: all its zones, tenants and users. Safe for concurrent use.
type Sim struct {
	now  func() time.Time
	done chan struct{}

	serving sync.WaitGroup // servers
	running sync.WaitGroup // requests

	founding sync.Mutex // one discovery host at most

	// mu makes judgements one at a time, so that the ledger's order is the order of judgement.
	mu        sync.Mutex
	closed    bool
	behave    Behaviour
	zones     []*Zone
	discovery *Zone
	tenants   []*Tenant
	users     map[string]*User
	ledger    Ledger
	dropped   int // sign-ins that the ledger had and keeps no more
	keep      int // 0: all
	judged    pulse
	orders    []*Order
	threads   map[endpoint]int
	webs      []*Web
	sessions  []*WebSession // of people on the web pages
	sessionNo int
	visits    []WebVisit

	mailServices []*MailService
}

// Option is a choice made when a Sim is built.
type Option func(*Sim)

// WithClock sets the clock that stamps the ledger, the records and the hourly window. Delays always use the
// runtime's timers, which testing/synctest replaces.
func WithClock(now func() time.Time) Option { return func(s *Sim) { s.now = now } }

// New returns a PSA without zones. Close it when done.
func New(opts ...Option) *Sim {
	s := &Sim{now: time.Now, done: make(chan struct{}), users: map[string]*User{}, threads: map[endpoint]int{}}
	for _, o := range opts {
		o(s)
	}
	return s
}

// AddZone adds a zone on a free port of 127.0.0.1, listening at once. It panics when no port can be had.
func (s *Sim) AddZone(name string) *Zone { return s.AddZoneOn(name, loopback()) }

// AddZoneOn adds a zone served on l; nil leaves it to the caller to serve the Zone as an http.Handler. The
// zone's URL is http:// and the listener's address; where that is wrong (a tls.NewListener, a nil l, a name
// in DNS) say so with [Zone.SetURL]. Close closes l.
func (s *Sim) AddZoneOn(name string, l net.Listener) *Zone {
	z := &Zone{sim: s, name: name}
	s.mu.Lock()
	s.zones = append(s.zones, z)
	s.mu.Unlock()
	z.serveOn(l)
	return z
}

// Discovery is the host without a number: it answers zone and version lookups for everybody, and is the wrong
// zone for every tenant. The first call makes it, on a free port of 127.0.0.1.
func (s *Sim) Discovery() *Zone {
	s.founding.Lock()
	defer s.founding.Unlock()
	if s.discovery == nil {
		s.discover(loopback())
	}
	return s.discovery
}

// DiscoveryOn makes the host without a number on l, as AddZoneOn does. It panics when there is one already.
func (s *Sim) DiscoveryOn(l net.Listener) *Zone {
	s.founding.Lock()
	defer s.founding.Unlock()
	if s.discovery != nil {
		panic("psatest: the discovery host exists already")
	}
	s.discover(l)
	return s.discovery
}

// discover is called with founding held.
func (s *Sim) discover(l net.Listener) {
	z := &Zone{sim: s}
	s.mu.Lock()
	s.discovery = z
	s.mu.Unlock()
	z.serveOn(l)
}

// DiscoverURL is the base URL of the host without a number, making it if need be.
func (s *Sim) DiscoverURL() string { return s.Discovery().URL() }

// Close cuts what is held or delayed, without judging it, and returns when no request and no server is left.
func (s *Sim) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	zones := append([]*Zone(nil), s.zones...)
	if s.discovery != nil {
		zones = append(zones, s.discovery)
	}
	webs, mailServices := slices.Clone(s.webs), slices.Clone(s.mailServices)
	s.mu.Unlock()
	close(s.done)
	for _, w := range webs {
		w.down()
	}
	for _, m := range mailServices {
		m.down()
	}
	for _, z := range zones {
		z.Down()
	}
	s.serving.Wait()
	s.running.Wait()
}

// enter admits a request; false after Close.
func (s *Sim) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// pause waits for d; false means that the Sim was closed meanwhile.
func (s *Sim) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

func loopback() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("psatest: no port on 127.0.0.1 for a zone: %v", err))
	}
	return l
}
