package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// lane is one login of the config at work: its record, its zone, its wire, and the PSA user that its record names.
type lane struct {
	Login
	integrations int
	passThrough  map[string]passThrough // by the PSA user whose credentials callers bring
	rule         autotask.HostRule
	discover     autotask.Base
	pinned       autotask.Base
	store        Store
	shared       *Shared
	wire         *inject.Wire
	people       *http.Transport // to the PSA's web pages
	zones        *zone.Cache
	log          *slog.Logger

	committed chan struct{} // closed once the config is in force
	ending    sync.Once
	over      chan struct{} // closed once nothing goes through the lane any more
	release   func()        // of the record
	parsed    atomic.Pointer[parsed]
	pinnedTo  atomic.Pointer[webOfPinned]

	mu      sync.Mutex
	calls   int              // under way
	closed  bool             // its config is not in force any more
	said    string           // the last warning
	saidAt  time.Time        // and when it was given
	seeking bool             // a lookup that failed after a refusal is being repeated
	lacking bool             // it was told that there is no credential, and there was none since
	movedTo string           // the zone that the login was last told to have moved to
	read    time.Time        // of the reading that was applied last
	problem error            // why it could not be used; nil where it could
	seat    *seat            // what calls go through
	next    *seat            // another PSA user that the record names since, not accepted yet
	guests  map[string]*seat // by the canonical name of the PSA user whose credentials callers bring
}

func newLane(cfg Config, l Login, shared *Shared, integrations int) (*lane, error) {
	rule, discover, pinned, err := l.places()
	if err != nil {
		return nil, err
	}
	store, ok := cfg.Stores[l.Store]
	if !ok {
		return nil, fmt.Errorf("login %s: there is no secret store %q", l.Name, l.Store)
	}
	n := &lane{
		Login: l, integrations: integrations, passThrough: passThroughs(cfg, l.Name), rule: rule, discover: discover, pinned: pinned, store: store, shared: shared,
		people: inject.NewPeoplesTransport(rule, cfg.Dial),
		wire:   inject.NewWire(shared.guard.Lease(), rule, cfg.Dial), log: cfg.Log.With("login", l.Name), committed: make(chan struct{}), over: make(chan struct{}), release: func() {},
	}
	n.zones = zone.NewCache(n.lookup, cfg.Zones, n.log)
	return n, nil
}

// commit puts the lane into force: its record is read from now on.
func (n *lane) commit() {
	n.mu.Lock()
	n.attachGuests()
	n.mu.Unlock()
	n.shared.applied.hold(n.record())
	release := n.store.Use(n.Path, n.apply)
	n.release = func() {
		release()
		n.shared.applied.letGo(n.record())
	}
	close(n.committed)
}

func (n *lane) record() record { return record{n.store.Store, n.Path} }

// enter begins a call through the lane, and leave ends it.
func (n *lane) enter() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
}

func (n *lane) leave() {
	n.mu.Lock()
	n.calls--
	over := n.closed && n.calls == 0
	n.mu.Unlock()
	if over {
		n.giveBack()
	}
}

// admit is enter for who may come too late: it reports whether the lane's config is in force still.
func (n *lane) admit() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.calls++
	return true
}

// close ends the lane. What it holds is given back when the last call that it admitted has ended.
func (n *lane) close() {
	n.mu.Lock()
	over := !n.closed && n.calls == 0
	n.closed = true
	n.mu.Unlock()
	if over {
		n.giveBack()
	}
}

func (n *lane) giveBack() {
	n.ending.Do(func() {
		close(n.over)
		n.release()
		n.zones.Close()
		n.wire.Close()
		n.people.CloseIdleConnections()
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shared.speakers.yield(n)
	for _, s := range [...]*seat{n.seat, n.next} {
		if s != nil {
			s.detach()
		}
	}
	n.seat, n.next = nil, nil
	n.detachGuests()
}

// Wire implements inject.Login.
func (n *lane) Wire() *inject.Wire { return n.wire }

// Reserve implements inject.Entrance.
func (n *lane) Reserve(ctx context.Context, ask guard.Ask) (inject.Ticket, error) {
	start := time.Now()
	defer func() { n.shared.observer.Waited(n.Name, time.Since(start)) }()
	for again := false; ; again = true {
		s, a, err := n.acquire(ctx, ask)
		if err != nil {
			return inject.Ticket{}, err
		}
		t, err := n.ticket(ctx, s, a)
		if err == nil {
			return t, nil
		}
		n.settle(s.guard, a, guard.Outcome{Verdict: guard.NotSent})
		switch {
		case !errors.Is(err, errNotKnown):
			return inject.Ticket{}, err
		case again || !n.knows(ctx, s, a.Credential, ask.Since):
			return inject.Ticket{}, n.unavailable(err)
		}
	}
}

// acquire waits for a unit of the PSA user that calls go through.
func (n *lane) acquire(ctx context.Context, ask guard.Ask) (*seat, guard.Attempt, error) {
	for {
		s, err := n.sit(ctx, ask.Since)
		if err != nil {
			n.storeless(n.Name, err)
			return nil, guard.Attempt{}, err
		}
		n.needNext(s)
		a, err := s.guard.Acquire(ctx, ask)
		s.stored(err)
		if !hasMoved(err) { // else move has put the next seat in its place before that is said
			return s, a, err
		}
	}
}

func hasMoved(err error) bool {
	if err == nil {
		return false
	}
	var d *guard.Denied
	return errors.As(err, &d) && d.Reason == guard.Moved
}

// needNext says that somebody waits for the PSA user that the record names since, where the one that calls go through serves
// nobody.
func (n *lane) needNext(s *seat) {
	n.mu.Lock()
	next := n.next
	n.mu.Unlock()
	if next != nil && !s.guard.Serves() {
		next.guard.Need(time.Now().Add(n.Settings.QueueDeadline))
	}
}

// settle ends an attempt.
func (n *lane) settle(g *guard.Login, a guard.Attempt, o guard.Outcome) {
	n.shared.observer.Attempted(n.Name, o.Verdict)
	n.shared.underWay.end(g.Key(), a)
	g.Settle(a, o)
}

// Settle implements inject.Login. After a refusal the zone is looked up again, for a login that has moved looks like a
// wrong password, and the store is read again, for it may know a newer one.
func (n *lane) Settle(ctx context.Context, t inject.Ticket, o guard.Outcome) (moved bool) {
	switch o.Verdict {
	case guard.Refused, guard.Locked:
		n.store.Refresh(n.Path)
		defer t.Guard.Hold()()
		o.WrongZone = n.moved(ctx, t)
	case guard.NotSent:
		o.WrongZone = n.moved(ctx, t)
	case guard.NoAnswer:
		n.later(func() { n.moved(ctx, t) })
	}
	n.settle(t.Guard, t.Attempt, o)
	n.note(ctx, t, o)
	return o.WrongZone
}

// reading returns the record as it was read last. It waits where the config is not in force yet, or the record never was read.
func (n *lane) reading(ctx context.Context, since time.Time) (rec secret.Record, err error) {
	select {
	case <-n.committed:
		if rec, err = n.store.Get(n.Path); !errors.Is(err, secret.ErrPending) {
			return rec, err
		}
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, since.Add(n.Settings.QueueDeadline))
	defer cancel()
	defer context.AfterFunc(n.shared.draining, cancel)()
	select {
	case <-n.committed: // even if the time is over: then it is the guard that says why
	default:
		select {
		case <-n.committed:
		case <-ctx.Done():
			return rec, ctx.Err()
		}
	}
	if rec, err = n.store.Get(n.Path); errors.Is(err, secret.ErrPending) {
		rec, err = n.store.Wait(ctx, n.Path)
	}
	return rec, err
}

// sit returns the PSA user that calls go through, waiting for the first reading of the record where need be.
func (n *lane) sit(ctx context.Context, since time.Time) (*seat, error) {
	rec, err := n.reading(ctx, since)
	if err != nil {
		return nil, n.lacks(problemOf(err), err)
	}
	n.mu.Lock()
	s := n.seat
	again := n.lacking && s != nil
	n.lacking = n.lacking && s == nil
	n.mu.Unlock()
	if again {
		n.recovered("")
	}
	if s == nil { // the reading's notification is still on its way
		n.apply(rec)
		n.mu.Lock()
		var problem error
		s, problem = n.seat, n.problem
		n.mu.Unlock()
		if s == nil {
			return nil, n.lacks(Unusable, cmp.Or(problem, errNoRecord))
		}
	}
	return s, nil
}

// later does something beside the call that it is done for.
func (n *lane) later(do func()) {
	n.enter()
	go func() {
		defer n.leave()
		do()
	}()
}

// unavailable logs why there is no credential; callers hear only that there is none.
func (n *lane) unavailable(err error) error {
	switch {
	case n.shared.draining.Err() != nil:
		return &guard.Denied{Reason: guard.Draining, RetryAfter: time.Second, Text: "this gateway is about to stop"}
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("the caller left: %w", err)
	case errors.Is(err, context.DeadlineExceeded) && len(n.shared.problems()) > 0:
		return &guard.Denied{Reason: guard.StoreUnavailable, RetryAfter: 5 * time.Second, Text: "the gateway's store is not open yet, so nothing is sent: an operator finds the cause in psagate status"}
	}
	n.warn("the login has no credential", err)
	return &guard.Denied{Reason: guard.Reason(autotask.SecretUnavailable), RetryAfter: 5 * time.Second, Text: "the gateway has no credential for this login: an operator finds the cause with psagate status"}
}

// ticket finds what an attempt is to send, and where. From then on it counts as sent, until it is settled.
func (n *lane) ticket(ctx context.Context, s *seat, a guard.Attempt) (inject.Ticket, error) {
	c := n.shared.card(s.guard.Key(), a.Credential)
	if c == nil {
		return inject.Ticket{}, errNotKnown
	}
	base, err := n.base(ctx, c.credential)
	if err != nil {
		n.warn("the login's zone is not known", err)
		return inject.Ticket{}, zoneUnknown()
	}
	n.shared.underWay.begin(s.guard.Key(), a, base)
	return inject.Ticket{Login: n, Attempt: a, Guard: s.guard, Base: base, Credential: c.credential, Redactor: c.redactor}, nil
}

// warn logs what every call of a login may run into: once a minute, or when it changes.
func (n *lane) warn(text string, err error) {
	n.mu.Lock()
	said := text + ": " + err.Error()
	again := said != n.said || time.Since(n.saidAt) > time.Minute
	if again {
		n.said, n.saidAt = said, time.Now()
	}
	n.mu.Unlock()
	if again {
		n.log.Warn(text, "store", n.Store, "record", n.Path, "error", err)
	}
}

func zoneUnknown() *guard.Denied {
	return &guard.Denied{Reason: guard.ZoneUnknown, RetryAfter: 5 * time.Second, Text: "the PSA's zone for this login could not be found: an operator finds the cause with psagate zones"}
}
