package guard

import "time"

// pump moves what can move: callers who may go get their units, callers for whom there is no hope their answer, and the
// prober is started where one of the guard's own kinds holds and somebody needs to know. Called with the mutex held,
// after whatever changed the rows or the queue.
func (l *Login) pump() {
	var (
		probe   Fingerprint
		next    time.Time
		granted []grant
	)
	failed := l.tx(func(r *Rows, now time.Time) {
		l.refuseWaiters(r, now)
		granted = l.grant(r, now)
		if !l.prober.running && l.wantsProbe(r) && !now.Before(l.free.again) && !now.Before(l.prober.pause.again) {
			if _, c := r.mayAlone(&l.settings, now); c != nil {
				probe = c.Fingerprint
			}
		}
		next = r.next(&l.settings, now)
	})
	for _, g := range granted {
		g.to.leave(answer{attempt: g.attempt, denied: failed})
	}
	if failed != nil {
		l.queue.deny(func(*waiter) *Denied { return failed })
		return
	}
	if !probe.IsZero() {
		l.prober.running = true
		go l.probe(probe)
	}
	l.wake(next)
}

// grant is a unit for a waiter, handed over once the taking is committed.
type grant struct {
	to      *waiter
	attempt Attempt
}

// refuseWaiters answers those for whom waiting is of no use any more.
func (l *Login) refuseWaiters(r *Rows, now time.Time) {
	if l.queue.n == 0 {
		return
	}
	all := r.hopeless(&l.settings)
	if all == nil {
		all = l.unreachable(r, now)
	}
	served := r.proven()
	if l.settings.Observe {
		served = r.observed()
	}
	l.queue.deny(func(w *waiter) *Denied {
		if all == nil && served != nil && w.ask.Refused == served.Fingerprint {
			return &Denied{Reason: CredentialRefused, RetryAfter: pollHint, Text: "the PSA refused this call's sign-in and has taken the same credential for another call since"}
		}
		if all == nil {
			return l.blockedFor(w.ask, now)
		}
		return all
	})
}

// grant takes units for waiters, in turn, while a serve kind holds.
func (l *Login) grant(r *Rows, now time.Time) (granted []grant) {
	for l.queue.n > 0 {
		var kind Kind
		var cred *Credential
		w := l.queue.pop(func(w *waiter) bool {
			kind, cred = l.mayServe(r, w.ask, now)
			return cred != nil
		})
		if w == nil {
			break
		}
		granted = append(granted, grant{w, r.take(kind, cred, l.guard.token(), l.guard.holder, w.ask.of(), now)})
	}
	return granted
}

// wantsProbe reports whether somebody needs to know: a caller who waits, an operator, or a rotation of a login in use.
func (l *Login) wantsProbe(r *Rows) bool {
	if l.upstream == nil || l.draining {
		return false
	}
	if l.queue.n > 0 || len(l.prober.checks) > 0 || time.Now().Before(l.needed) {
		return true
	}
	c := r.find(r.Newest)
	return l.used && c != nil && (c.State == StateUntried || c.State == StateNoVerdict)
}

// wake arranges for a pump at the time when something may begin to hold by itself.
func (l *Login) wake(next time.Time) {
	for _, again := range [...]time.Time{l.free.again, l.prober.pause.again} {
		if time.Until(again) > 0 && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	if l.prober.timer != nil {
		l.prober.timer.Stop()
		l.prober.timer = nil
	}
	if next.IsZero() || l.draining {
		return
	}
	l.prober.timer = time.AfterFunc(time.Until(next), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pump()
	})
}

// Settle ends an attempt by what came of it.
func (l *Login) Settle(a Attempt, o Outcome) { l.conclude(a, o, func() {}) }

// conclude settles an attempt, after something that belongs to its end, and tells the listeners with no lock held.
func (l *Login) conclude(a Attempt, o Outcome, first func()) {
	l.mu.Lock()
	first()
	e := l.settle(a, o)
	l.pump()
	told := l.listeners(e)
	l.mu.Unlock()
	for _, changed := range told {
		changed(a, e)
	}
}

// listeners returns who is to be told of an effect.
func (l *Login) listeners(e Effect) (told []func(Attempt, Effect)) {
	if !e.worthTelling() {
		return nil
	}
	for u := range l.uses {
		if u.Changed != nil {
			told = append(told, u.Changed)
		}
	}
	return told
}

func (l *Login) settle(a Attempt, o Outcome) (e Effect) {
	var n, recorded int
	if l.tx(func(r *Rows, now time.Time) {
		before := r.recorded()
		e = r.settle(a, o, &l.settings, now)
		n, recorded = len(r.Units), r.recorded()
		e.Spent = before < l.settings.Budget && recorded >= l.settings.Budget
	}) != nil {
		return Effect{}
	}
	l.settled[o.Verdict]++
	if a.Kind.Alone() && a.Kind != Candidate {
		l.prober.rest(o, e)
	}
	if o.Verdict == Refused || o.Verdict == Locked {
		l.refusal = Refusal{At: time.Now(), Version: a.Version, Source: a.of.source, Verdict: o.Verdict, WrongZone: o.WrongZone}
	}
	if e.Lost {
		time.AfterFunc(l.settings.Linger, func() { l.lingered(a) })
	}
	l.suspect(a, o, e, recorded)
	l.tell(a, o, e, n)
	l.tellSpent(e)
	return e
}

// Took tells the login how long an attempt that the PSA answered took, by which it estimates its queue.
func (l *Login) Took(a Attempt, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latency == nil {
		l.latency = make(map[string]time.Duration)
	}
	d = min(d, l.settings.QueueDeadline)
	if before, known := l.latency[a.Source()]; known {
		d = before + (d-before)/8
	}
	l.latency[a.Source()] = d
}

// lingered makes a lost attempt's unit unknown, by which the last one may be recorded.
func (l *Login) lingered(a Attempt) {
	l.mu.Lock()
	var e Effect
	if l.tx(func(r *Rows, _ time.Time) {
		before := r.recorded()
		r.lingered(a.Token)
		e.Spent = before < l.settings.Budget && r.recorded() >= l.settings.Budget
	}) != nil {
		l.mu.Unlock()
		return
	}
	l.tellSpent(e)
	l.pump()
	told := l.listeners(e)
	l.mu.Unlock()
	for _, changed := range told {
		changed(a, e)
	}
}

// tellSpent logs that the budget is spent. Called with the mutex held.
func (l *Login) tellSpent(e Effect) {
	if !e.Spent {
		return
	}
	log := l.guard.log.With("login", l.name, "budget", l.settings.Budget)
	if l.settings.Observe {
		log.Warn("every unit of the login's budget is recorded: without observe nothing would be sent until an operator has looked at it")
		return
	}
	log.Error("every unit of the login's budget is recorded: nothing is sent until an operator has looked at it")
}

// tell logs what an operator would want to know.
func (l *Login) tell(a Attempt, o Outcome, e Effect, units int) {
	if e == (Effect{Forgiven: e.Forgiven, Lost: e.Lost}) && !o.WrongZone {
		return
	}
	log := l.guard.log.With("login", l.name, "credential", a.Credential, "version", a.Version, "kind", a.Kind, "verdict", o.Verdict,
		"units", units, "budget", l.settings.Budget)
	switch {
	case e.Locked:
		log.Error("the PSA says that the login is locked: nothing is sent until it is released")
	case o.WrongZone && o.Verdict == Refused:
		log.Warn("the login's old zone refused a sign-in: it has moved")
	case e.Refused:
		log.Warn("the PSA refused the credential")
	case e.Proven:
		log.Info("the PSA accepted the credential", "forgiven", e.Forgiven)
	case e.Shut:
		log.Warn("the PSA left a call unanswered: the gate is shut until it answers a sign-in again")
	case e.Opened:
		log.Info("the PSA answers again: the gate is open")
	}
}
