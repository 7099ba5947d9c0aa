package guard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ask is what a caller wants a unit for.
type Ask struct {
	// Source is the integration that the unit is charged to.
	Source string
	// Path says which of the integration's calls this is: an operation, without its ids.
	Path string
	// Refused is the credential that this call was refused with already: it is sent with another or not at all.
	Refused Fingerprint
	// Since is when the call came in, from which its deadline counts; zero for now.
	Since time.Time
}

func (a Ask) of() pathOf { return pathOf{a.Source, a.Path} }

// Upstream makes the guard's own calls to the PSA.
type Upstream interface {
	// Free makes a call without sign-in to the host that a sign-in with the credential would go to. An error says that the
	// PSA cannot be reached; a *Denied is what callers with nothing proven are told at once.
	Free(ctx context.Context, fp Fingerprint) error
	// Check presents the attempt's credential to the PSA, once, and returns what came of it.
	Check(ctx context.Context, a Attempt) Outcome
}

// Use is what one entry of a config wants of a login.
type Use struct {
	// Name is the entry's, for logs.
	Name     string
	Settings Settings
	Upstream Upstream
	// Integrations is how many integrations call through the entry.
	Integrations int
	// Changed, where it is set, is told when an attempt proved or refused a credential, shut or opened the gate, locked the
	// login or spent its budget; a lost attempt may do the last long after its end. It is called with no lock held.
	Changed func(a Attempt, e Effect)
}

// Login is one login in this process. Where several entries of a config mean it, the strictest of their settings holds.
type Login struct {
	key   Key
	guard *Guard

	mu       sync.Mutex
	uses     map[*Use]struct{}
	name     string // of its uses
	settings Settings
	upstream Upstream
	shared   bool
	queue    queue
	reading  map[string]int           // answers that integrations have not read to their end
	latency  map[string]time.Duration // of served attempts, smoothed, by integration
	used     bool                     // a caller has asked for it in this process
	needed   time.Time                // until then somebody waits elsewhere for a verdict on the newest
	draining bool
	prober   prober
	free     freeCall
	suspects map[pathOf]Fingerprint // refused calls, and with which credential
	holds    int                    // refusals whose zone is being looked up
	blocked  map[pathOf]time.Time
	settled  [Locked + 1]uint64 // attempts by verdict
	refusal  Refusal            // the last
}

// Key returns the login's key.
func (l *Login) Key() Key { return l.key }

// Attach adds a use; the function that is returned takes it back. Rows outlive all uses.
func (l *Login) Attach(u Use) (detach func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.uses == nil {
		l.uses = make(map[*Use]struct{})
	}
	p := &u
	l.uses[p] = struct{}{}
	l.upstream = u.Upstream
	l.combine()
	l.pump()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.uses, p)
		l.combine()
		l.pump()
	}
}

// combine works out the strictest settings of all uses. Without a use the last settings stay, and nothing is tried.
func (l *Login) combine() {
	uses := slices.Collect(maps.Keys(l.uses))
	if len(uses) == 0 {
		l.upstream, l.used = nil, false
		return
	}
	s, integrations, names := uses[0].Settings, 0, []string(nil)
	for _, u := range uses {
		names = append(names, u.Name)
		s = s.Strictest(u.Settings)
		integrations += u.Integrations
	}
	slices.Sort(names)
	l.settings, l.shared, l.name = s, integrations > 1, strings.Join(slices.Compact(names), ", ")
	if !slices.ContainsFunc(uses, func(u *Use) bool { return u.Upstream == l.upstream }) {
		l.upstream = uses[0].Upstream
	}
}

// tx runs f on the login's rows in one transaction. Called with the mutex held. The error says that nothing may be sent.
func (l *Login) tx(f func(r *Rows, now time.Time)) *Denied {
	tx, err := l.guard.tables.Begin(context.Background(), l.key)
	if err == nil {
		f(tx.Rows(), time.Now())
		err = tx.Commit()
	}
	if err != nil {
		l.guard.log.Error("the guard's store cannot be used, so nothing is sent", "login", l.name, "error", err)
		return &Denied{Reason: StoreUnavailable, RetryAfter: pollHint, Text: "the gateway's store cannot be used"}
	}
	return nil
}

// Acquire waits for a unit and takes it. The attempt must be given to Settle, whatever becomes of it. The error is a
// *Denied, or the context's where the caller has left.
func (l *Login) Acquire(ctx context.Context, ask Ask) (Attempt, error) {
	if err := ctx.Err(); err != nil { // nothing is sent, nor found out, for one who is not there
		return Attempt{}, fmt.Errorf("the caller left: %w", err)
	}
	w, a, denied := l.enter(ask)
	if denied != nil {
		return Attempt{}, denied
	}
	if w == nil {
		return a, nil
	}
	return l.wait(ctx, w)
}

// enter takes a unit at once where one is free and nobody waits, and queues the caller otherwise.
func (l *Login) enter(ask Ask) (*waiter, Attempt, *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = true
	var (
		a      Attempt
		denied *Denied
		taken  bool
	)
	failed := l.tx(func(r *Rows, now time.Time) {
		if denied = l.refuseEntry(r, ask, now); denied != nil || l.queue.n > 0 {
			return
		}
		if k, c := l.mayServe(r, ask, now); c != nil {
			a, taken = r.take(k, c, l.guard.token(), l.guard.holder, ask.of(), now), true
		}
	})
	switch {
	case failed != nil:
		return nil, a, failed
	case denied != nil || taken:
		return nil, a, denied
	}
	w := &waiter{ask: ask, answer: make(chan answer, 1)}
	if out := l.queue.push(w, l.settings.QueueLength); out == w {
		return nil, a, l.full()
	} else if out != nil {
		out.leave(answer{denied: l.full()})
	}
	l.pump()
	return w, a, nil
}

// mayServe returns the serve kind that holds for a caller now, and its credential. While a refusal's zone is being looked
// up nothing is sent: the credential may be the one that is refused.
func (l *Login) mayServe(r *Rows, ask Ask, now time.Time) (Kind, *Credential) {
	if l.holds > 0 && !l.settings.Observe {
		return 0, nil
	}
	if l.readsEnough(r, ask.Source) {
		return 0, nil
	}
	k, c := r.mayServe(ask.Source, l.shared, &l.settings, now)
	if c == nil || c.Fingerprint == ask.Refused {
		return 0, nil
	}
	return k, c
}

// readsEnough reports whether an integration has answers to read for all of its share: the PSA counts a thread until its
// answer has been taken, and has as many as in_flight. A unit is free at the verdict.
func (l *Login) readsEnough(r *Rows, source string) bool {
	n := l.reading[source]
	return n > 0 && l.shared && !l.settings.Observe && r.charged(source)+n >= max(1, l.settings.InFlight-1)
}

// Answering says that the answer to an attempt is about to be read; the function that it returns says that it has been.
func (l *Login) Answering(a Attempt) (read func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shared {
		return func() {}
	}
	if l.reading == nil {
		l.reading = make(map[string]int)
	}
	l.reading[a.Source()]++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.reading[a.Source()]--; l.reading[a.Source()] == 0 {
			delete(l.reading, a.Source())
		}
		if l.queue.n > 0 {
			l.pump()
		}
	})
}

// Hold keeps callers waiting until the function that it returns is called: an attempt was refused, and what that means is
// being found out.
func (l *Login) Hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.holds--
		l.pump()
	}
}

// refuseEntry says why a caller need not wait, or nil.
func (l *Login) refuseEntry(r *Rows, ask Ask, now time.Time) *Denied {
	if l.draining {
		return &Denied{Reason: Draining, RetryAfter: time.Second, Text: "this gateway is about to stop"}
	}
	if d := l.blockedFor(ask, now); d != nil {
		return d
	}
	if d := l.unreachable(r, now); d != nil {
		return d
	}
	if d := r.hopeless(&l.settings); d != nil {
		return d
	}
	if r.proven() != nil && l.waitOf(ask.Source) > l.settings.QueueDeadline {
		return l.full()
	}
	return nil
}

// unreachable is what callers are told at once while nothing is proven and the free call has said why nothing can be.
func (l *Login) unreachable(r *Rows, now time.Time) *Denied {
	if d, ok := l.free.err.(*Denied); ok && r.proven() == nil && now.Before(l.free.again) {
		return &Denied{Reason: d.Reason, Text: d.Text, RetryAfter: max(time.Second, l.free.again.Sub(now))}
	}
	return nil
}

func (l *Login) full() *Denied {
	return &Denied{Reason: QueueFull, RetryAfter: max(time.Second, l.drainTime()), Text: "too many calls wait for this login"}
}

// drainTime estimates how long those who wait now will take.
func (l *Login) drainTime() time.Duration {
	return l.estimate(func(lane *lane) int { return len(lane.waiters) })
}

// waitOf estimates how long those will take who go before a newcomer of an integration: its own waiters, and as many of each
// other one's and one more. So neither a flood of another integration nor its slow calls are held against him.
func (l *Login) waitOf(source string) time.Duration {
	own := 0
	if lane := l.queue.lane(source); lane != nil {
		own = len(lane.waiters)
	}
	return l.estimate(func(lane *lane) int {
		if lane.source == source {
			return own
		}
		return min(len(lane.waiters), own+1)
	})
}

// estimate is how long as many waiters of each integration will take.
func (l *Login) estimate(n func(*lane) int) (sum time.Duration) {
	for _, lane := range l.queue.lanes {
		sum += time.Duration(n(lane)) * l.latency[lane.source]
	}
	return sum / time.Duration(l.settings.InFlight)
}

// wait ends with a unit, a reason, or the caller's leaving.
func (l *Login) wait(ctx context.Context, w *waiter) (Attempt, error) {
	deadline := time.NewTimer(l.patience(w.ask))
	defer deadline.Stop()
	select {
	case a := <-w.answer:
		return a.result()
	case <-ctx.Done():
		if l.withdraw(w) {
			return Attempt{}, fmt.Errorf("the caller left: %w", ctx.Err())
		}
		a := <-w.answer
		if a.denied == nil {
			l.Settle(a.attempt, Outcome{Verdict: NotSent})
		}
		return Attempt{}, fmt.Errorf("the caller left: %w", ctx.Err())
	case <-deadline.C:
		if l.withdraw(w) {
			return Attempt{}, l.tooLate()
		}
		return (<-w.answer).result()
	}
}

// patience returns how much longer a caller may wait.
func (l *Login) patience(ask Ask) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ask.Since.IsZero() {
		return l.settings.QueueDeadline
	}
	return time.Until(ask.Since.Add(l.settings.QueueDeadline))
}

func (a answer) result() (Attempt, error) {
	if a.denied != nil {
		return Attempt{}, a.denied
	}
	return a.attempt, nil
}

// withdraw takes a caller out of the queue; false where it has been answered.
func (l *Login) withdraw(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued {
		return false
	}
	l.queue.remove(w)
	return true
}

func (l *Login) tooLate() (denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.tx(func(r *Rows, now time.Time) { denied = l.late(r, now) }); failed != nil {
		return failed
	}
	return denied
}

// Dismiss answers every waiting caller with Moved.
func (l *Login) Dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.deny(func(*waiter) *Denied {
		return &Denied{Reason: Moved, Text: "the login goes on under another user name"}
	})
}

func (l *Login) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	l.queue.deny(func(*waiter) *Denied {
		return &Denied{Reason: Draining, RetryAfter: time.Second, Text: "this gateway is about to stop"}
	})
}
