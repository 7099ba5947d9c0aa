package guard

import "time"

// pump moves what can move: callers who may go get their units, callers for whom there is no hope their answer, and the
// prober is started where one of the guard's own kinds holds and somebody needs to know. Called with the mutex held,
// after whatever changed the queue or what else the kinds go by.
func (l *Login) pump() {
	_ = l.move(func(*Rows, time.Time) {}) // who waits has been told
}

// move changes the rows and pumps, in one transaction.
func (l *Login) move(change func(r *Rows, now time.Time)) *Denied { return l.moveAt(noClock, change) }

// moveAt is move for who has just read the clock; with noClock it is read.
func (l *Login) moveAt(now time.Time, change func(r *Rows, now time.Time)) *Denied {
	var m moves
	failed := l.untimed(func(r *Rows) {
		if now.IsZero() {
			now = time.Now()
		}
		change(r, now)
		m = l.decide(r, now)
	})
	l.carryOut(m, failed)
	return failed
}

// moves is what a transaction has decided, beside who leaves the queue.
type moves struct {
	probe Fingerprint // what the prober is to be started with, or zero
	bring *Ask        // whose credential is to be tried, or nil
	next  time.Time   // when something may begin to hold by itself; zero for never
}

// decide decides, within a transaction, what can move. Nobody may hear of it before that is committed.
func (l *Login) decide(r *Rows, now time.Time) (m moves) {
	if l.calm(r) {
		return moves{}
	}
	if l.queue.n > 0 {
		l.refuseWaiters(r, now)
		if !l.othersTurn(now) {
			l.grant(r, now)
		}
	}
	if l.stored && l.mayProbe(now) && !now.Before(l.prober.lacks.again) && l.wantsProbe(r, now) {
		if _, c := r.mayAlone(&l.settings, now); c != nil {
			m.probe = c.Fingerprint
		}
	}
	if m.probe.IsZero() && l.mayProbe(now) {
		m.bring = l.nextBrought(r, now)
	}
	m.next = l.next(r, now)
	if l.queue.n > 0 {
		m.next = sooner(m.next, l.turns.until)
		if l.table.Shared() {
			m.next = sooner(m.next, now.Add(sharedPoll))
		}
	}
	return m
}

// calm reports whether there is nothing to be decided, as after most calls: nobody waits, the newest serves, and nothing pauses.
func (l *Login) calm(r *Rows) bool {
	return l.queue.n == 0 && len(l.prober.checks) == 0 && r.Newest == r.Last && r.proven() != nil && !r.Gate.Shut &&
		l.needed.IsZero() && l.free.again.IsZero() && l.findings.pause.again.IsZero() && l.prober.lacks.again.IsZero()
}

// storeRetry is how often those who wait have a store asked that failed.
const storeRetry = 500 * time.Millisecond

// carryOut does what was decided. Where the transaction failed, nothing was: whoever waits goes on waiting while the lease
// lasts, and is answered once that is over.
func (l *Login) carryOut(m moves, failed *Denied) {
	if failed != nil {
		if !l.prober.running {
			l.report(CheckResult{Err: failed})
		}
		if !l.guard.lease.Ended() {
			l.queue.putBack()
			l.wake(time.Now().Add(storeRetry))
			return
		}
		l.queue.deny(func(*waiter) *Denied { return failed })
		l.queue.answerLeaving(failed)
		return
	}
	l.queue.answerLeaving(nil)
	if !m.probe.IsZero() {
		l.prober.running = true
		go l.probe(m.probe)
	}
	if m.bring != nil {
		l.prober.running = true
		go l.tryBrought(m.bring)
	}
	l.wake(m.next)
}

// refuseWaiters takes out those for whom waiting is of no use any more.
func (l *Login) refuseWaiters(r *Rows, now time.Time) {
	all := r.hopeless(&l.settings)
	if all == nil {
		all = l.unreachable(r, now)
	}
	served := r.proven()
	if l.settings.Observe {
		served = r.observed()
	}
	l.queue.deny(func(w *waiter) *Denied {
		if all == nil && w.ask.Brings != nil {
			return r.broughtHopeless(&w.ask, &l.settings, now)
		}
		if all == nil && served != nil && w.ask.Refused == served.Fingerprint {
			return &Denied{Reason: CredentialRefused, RetryAfter: pollHint, Text: "the PSA refused this call's sign-in and has taken the same credential for another call since"}
		}
		if all == nil {
			return l.blockedFor(&w.ask, now)
		}
		return all
	})
}

// grant takes units for waiters, in turn, while a serve kind holds.
func (l *Login) grant(r *Rows, now time.Time) {
	for l.queue.n > 0 {
		kind, cred := l.serving(r, now)
		if cred == nil && !l.mayServe(r, now) { // for nobody: no need to ask for each
			return
		}
		k, c := kind, cred
		w := l.queue.pop(func(w *waiter) bool {
			if k, c = kind, cred; w.ask.Brings != nil {
				k, c = l.servingBrought(r, &w.ask, now)
			} else if c != nil && !l.mayHave(r, &w.ask, c) {
				c = nil
			}
			return c != nil && w.claim()
		})
		if w == nil {
			return
		}
		l.queue.depart(w, answer{attempt: l.take(r, k, c, w.ask.of(), now)})
	}
}

// mayProbe reports whether the prober could be started now, did somebody need to know and one of its kinds hold.
func (l *Login) mayProbe(now time.Time) bool {
	return !l.prober.running && l.upstream != nil && !l.draining && !now.Before(l.free.again) && !now.Before(l.findings.pause.again)
}

// wantsProbe reports whether somebody needs to know: a caller who waits, an operator, or a rotation of a login in use.
func (l *Login) wantsProbe(r *Rows, now time.Time) bool {
	if l.queue.n > 0 || len(l.prober.checks) > 0 || now.Before(l.needed) {
		return true
	}
	c := r.find(r.Newest)
	return l.used && c != nil && (c.State == StateUntried || c.State == StateNoVerdict)
}

// next returns when, with nothing else happening, something may begin to hold; zero for never.
func (l *Login) next(r *Rows, now time.Time) time.Time {
	next := r.next(&l.settings, now)
	for _, again := range [...]time.Time{l.free.again, l.findings.pause.again, l.prober.lacks.again} {
		if again.After(now) && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	return l.broughtNext(r, next, now)
}

// sooner returns the one that comes first; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// wake arranges for a pump at a moment, or for none.
func (l *Login) wake(at time.Time) {
	if l.draining {
		at = time.Time{}
	}
	if p := &l.prober; !at.Equal(p.wakes) { // else the timer runs for that moment already, or no timer runs
		p.wakes = at
		switch {
		case at.IsZero():
			p.timer.Stop()
		case p.timer == nil:
			p.timer = time.AfterFunc(time.Until(at), l.woken)
		default:
			p.timer.Reset(time.Until(at))
		}
	}
}

// woken is the timer's: it runs no more, so the pump sets it anew where a moment is still to come.
func (l *Login) woken() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prober.wakes = time.Time{}
	l.pump()
}
