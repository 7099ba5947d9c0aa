package guard

import (
	"context"
	"fmt"
	"time"
)

// Acquire waits for a unit and takes it. The attempt must be given to Settle, whatever becomes of it. The error is a
// *Denied, or the context's where the caller has left.
func (l *Login) Acquire(ctx context.Context, ask Ask) (Attempt, error) {
	if err := ctx.Err(); err != nil { // nothing is sent, nor found out, for one who is not there
		return Attempt{}, fmt.Errorf("the caller left: %w", err)
	}
	var a Attempt
	w, denied := l.enter(&ask, &a, nil)
	if denied != nil {
		return Attempt{}, denied
	}
	if w == nil {
		return a, nil
	}
	return l.wait(ctx, w)
}

// enter takes a unit at once, for a, where one is free and nobody waits, and queues the caller otherwise. of is his party,
// where he waits for other logins too.
func (l *Login) enter(ask *Ask, a *Attempt, of *party) (w *waiter, denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = l.used || len(l.uses) > 0
	var m moves
	failed := l.untimed(func(r *Rows) {
		if denied = l.refuseEntry(r, ask); denied != nil {
			return
		}
		if denied = l.refuseBrought(r, ask); denied != nil {
			return
		}
		if k, c := l.servesAtOnce(r, ask); c != nil && of == nil { // one of a party is taken from the queue, by whoever is first
			*a = l.take(r, k, c, ask.of(), noClock)
			return
		}
		if denied = l.crowded(r, ask); denied != nil {
			return
		}
		if w, denied = l.enqueue(ask, of); denied == nil {
			m = l.decide(r, time.Now())
		}
	})
	if w == nil && denied == nil && failed != nil && !l.guard.lease.Ended() {
		w, denied = l.enqueue(ask, of) // until the store can be used again
		l.queue.answerLeaving(nil)
	}
	if w != nil {
		l.carryOut(m, failed)
		l.setDeadline(w)
	}
	switch {
	case failed == nil, w != nil && (of != nil || w.queued): // one of a party has heard what there is to be heard
		return w, denied
	case denied != nil:
		return nil, denied
	}
	return nil, failed
}

// noClock stands for the time where what is called looks at no clock: the serve kinds go by the state alone, and only the
// guard's own attempts note when they are sent.
var noClock time.Time

// servesAtOnce returns the serve kind that holds for a newcomer, where nobody waits, and its credential.
func (l *Login) servesAtOnce(r *Rows, ask *Ask) (Kind, *Credential) {
	if l.queue.n > 0 || !l.turns.until.IsZero() && l.othersTurn(time.Now()) {
		return 0, nil
	}
	if ask.Brings != nil {
		return l.servingBrought(r, ask, noClock)
	}
	k, c := l.serving(r, noClock)
	if c == nil || !l.mayHave(r, ask, c) {
		return 0, nil
	}
	return k, c
}

// serving returns the serve kind that holds now, and its credential, whoever calls. While a refusal's zone is being looked
// up nothing is sent: the credential may be the one that is refused.
func (l *Login) serving(r *Rows, now time.Time) (Kind, *Credential) {
	if l.holds > 0 && !l.settings.Observe {
		return 0, nil
	}
	return r.serving(&l.settings, now)
}

// mayHave reports whether a caller may be sent with the credential that serves.
func (l *Login) mayHave(r *Rows, ask *Ask, c *Credential) bool {
	return c.Fingerprint != ask.Refused && !l.takesTooMuch(r, ask.Source)
}

// enqueue makes a caller wait, where there is a place for him.
func (l *Login) enqueue(ask *Ask, of *party) (*waiter, *Denied) {
	w := &waiter{ask: *ask, load: wholeLoad}
	if of == nil {
		w.answered = make(chan struct{})
	} else {
		w.party, w.of, w.load = of, l, of.load
	}
	out := l.queue.push(w, l.settings.QueueLength)
	if out == w {
		return nil, l.full()
	}
	if out != nil {
		l.queue.depart(out, answer{denied: l.full()})
	}
	return w, nil
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
func (l *Login) refuseEntry(r *Rows, ask *Ask) *Denied {
	switch {
	case l.draining:
		return draining()
	case len(l.uses) == 0:
		return moved() // its last use has gone while the caller was on its way here
	}
	if len(l.findings.blocked) > 0 || l.free.err != nil { // else the clock has nothing to end
		now := time.Now()
		if d := l.blockedFor(ask, now); d != nil {
			return d
		}
		if d := l.unreachable(r, now); d != nil {
			return d
		}
	}
	if d := r.hopeless(&l.settings); d != nil {
		return d
	}
	// Where nobody waits there is no queue to be too long.
	if l.queue.n > 0 && r.proven() != nil && l.waitOf(ask.Source) > l.settings.QueueDeadline {
		return l.full()
	}
	return nil
}

func moved() *Denied {
	return &Denied{Reason: Moved, Text: "the login goes on under another user name"}
}

func draining() *Denied {
	return &Denied{Reason: Draining, RetryAfter: time.Second, Text: "this gateway is about to stop"}
}

// unreachable is what callers are told at once while nothing is proven and the free call has said why nothing can be.
func (l *Login) unreachable(r *Rows, now time.Time) *Denied {
	if d, ok := l.free.err.(*Denied); ok && !r.anyProven() && now.Before(l.free.again) {
		return &Denied{Reason: d.Reason, Text: d.Text, RetryAfter: max(time.Second, l.free.again.Sub(now))}
	}
	return nil
}

func (l *Login) full() *Denied {
	return &Denied{Reason: QueueFull, RetryAfter: max(time.Second, l.drainTime()), Text: "too many calls wait for this login"}
}

// drainTime estimates how long those who wait now will take.
func (l *Login) drainTime() time.Duration {
	return l.estimate(func(lane *lane) int { return lane.load })
}

// waitOf estimates how long those will take who go before a newcomer of an integration: its own waiters, and as many of each
// other one's and one more. So neither a flood of another integration nor its slow calls are held against him.
func (l *Login) waitOf(source string) time.Duration {
	own := 0
	if lane := l.queue.lane(source); lane != nil {
		own = lane.load
	}
	return l.estimate(func(lane *lane) int {
		if lane.source == source {
			return own
		}
		return min(lane.load, own+wholeLoad)
	})
}

// estimate is how long so much of each integration's load will take.
func (l *Login) estimate(load func(*lane) int) (sum time.Duration) {
	for i := range l.queue.lanes {
		lane := &l.queue.lanes[i]
		if c := l.callers[lane.source]; c != nil {
			sum += time.Duration(load(lane)) * c.latency / wholeLoad
		}
	}
	return sum / time.Duration(l.settings.InFlight)
}

// setDeadline arranges for the answer to a waiter for whom nothing comes in time.
func (l *Login) setDeadline(w *waiter) {
	if !w.queued {
		return
	}
	patience := l.settings.QueueDeadline
	if !w.ask.Since.IsZero() {
		patience = time.Until(w.ask.Since.Add(patience))
	}
	w.late = time.AfterFunc(patience, func() { l.expire(w) })
}

// expire answers a waiter who has waited in vain, where he has not been answered.
func (l *Login) expire(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.queued {
		l.queue.remove(w)
		w.answer.denied = l.tooLate(&w.ask)
		w.leave()
	}
}

// wait ends with a unit, a reason, or the caller's leaving.
func (l *Login) wait(ctx context.Context, w *waiter) (Attempt, error) {
	if w.late != nil {
		defer w.late.Stop()
	}
	select {
	case <-w.answered:
		return w.answer.result()
	case <-ctx.Done():
		if !l.withdraw(w) {
			<-w.answered
			if w.answer.denied == nil {
				l.Settle(w.answer.attempt, Outcome{Verdict: NotSent})
			}
		}
		return Attempt{}, fmt.Errorf("the caller left: %w", ctx.Err())
	}
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

func (l *Login) tooLate(ask *Ask) (denied *Denied) {
	if failed := l.tx(func(r *Rows, now time.Time) {
		if denied = l.lateBrought(r, ask, now); denied == nil {
			denied = l.late(r, now)
		}
	}); failed != nil {
		return failed
	}
	return denied
}
