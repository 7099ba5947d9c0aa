package guard

import (
	"slices"
	"time"
)

// Settle ends an attempt by what came of it.
func (l *Login) Settle(a Attempt, o Outcome) { l.conclude(&a, o, func() {}) }

// conclude settles an attempt, after something that belongs to its end, and tells the listeners with no lock held.
func (l *Login) conclude(a *Attempt, o Outcome, first func()) {
	l.mu.Lock()
	first()
	l.note(a.of.source, o) // before units are granted to those who wait
	e := l.settle(a, o)
	told := l.listeners(e)
	l.mu.Unlock()
	for _, t := range told {
		t.changed(*a, e, t.last)
	}
}

// listener is who is to be told of an effect.
type listener struct {
	changed func(a Attempt, e Effect, last bool)
	last    bool // of the uses of its name
}

func (l *Login) listeners(e Effect) (told []listener) {
	if !e.worthTelling() {
		return nil
	}
	for i, u := range l.uses {
		if u.Changed != nil {
			later := slices.ContainsFunc(l.uses[i+1:], func(o *Use) bool { return o.Name == u.Name && o.Changed != nil })
			told = append(told, listener{u.Changed, !later})
		}
	}
	return told
}

// settle ends an attempt in the rows, with what this process makes of it, and moves what can move then.
func (l *Login) settle(a *Attempt, o Outcome) (e Effect) {
	var n int
	var at time.Time
	if l.moveAt(o.At, func(r *Rows, now time.Time) {
		l.meet(r, now)
		before := r.recorded()
		e, at = r.settle(a, o, &l.settings, now), now
		l.confirm(r, a, o)
		recorded := r.recorded()
		n, e.Spent = len(r.Units), before < l.settings.Budget && recorded >= l.settings.Budget
		e.Freed = before >= l.settings.Budget && recorded < l.settings.Budget
		l.findOut(a, o, e, recorded, now)
		l.giveTurn(r, now)
	}) != nil {
		l.unwritten = append(l.unwritten, verdict{*a, o})
		return Effect{}
	}
	l.settled[o.Verdict]++
	if o.Verdict == Refused || o.Verdict == Locked {
		l.refusal = Refusal{At: at, Version: a.Version, Source: a.of.source, Verdict: o.Verdict, WrongZone: o.WrongZone}
	}
	l.tell(a, o, e, n)
	l.tellSpent(e)
	return e
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
func (l *Login) tell(a *Attempt, o Outcome, e Effect, units int) {
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
