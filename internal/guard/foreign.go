package guard

import "time"

// Foreign records a sign-in that somebody else made as this user, past the guard, and that the PSA was seen to refuse: its count is the
// same. Nothing of it is any credential's fault. source says who is charged; locked, that the PSA said the user is locked.
//
// The PSA counted it before it was recorded, as with an attempt of ours, so a later success forgives it by the same rule. Units may thereby
// be more than the budget, but never more than lock the user: what was not ours to hold back has happened all the same.
//
// The error says that the store cannot be used, and nothing is recorded.
func (l *Login) Foreign(source string, locked bool) error {
	l.mu.Lock()
	var e Effect
	failed := l.move(func(r *Rows, now time.Time) {
		before := r.recorded()
		e = r.foreign(l.guard.token(), l.guard.tables.Holder(), source, locked, &l.settings, now)
		e.Spent = before < l.settings.Budget && r.recorded() >= l.settings.Budget
	})
	if failed != nil {
		l.mu.Unlock()
		return failed
	}
	log := l.guard.log.With("login", l.name)
	if log.Warn("the PSA refused a sign-in as this user that did not go through psagate's calls", "by", source); e.Locked {
		log.Error("the PSA says that the login is locked: nothing is sent until it is released")
	}
	l.tellSpent(e)
	told := l.listeners(e)
	l.mu.Unlock()
	for _, t := range told {
		t.changed(Attempt{of: pathOf{source: source}}, e, t.last)
	}
	return nil
}

func (r *Rows) foreign(token Token, holder, source string, locked bool, s *Settings, now time.Time) Effect {
	r.Seq++
	if r.recorded() < s.Threshold { // so many lock the user; what calls hold takes nobody's place
		r.Units = append(r.Units, Unit{State: Failed, Token: token, Holder: holder, Source: source, Seq: r.Seq})
	}
	r.LastRefusal = now
	e := Effect{Locked: locked && !r.Locked}
	r.Locked = r.Locked || locked
	return e
}

// Notified records what the PSA has said elsewhere than in an answer, in a mail of its own: that the user is locked. Nothing is sent
// from then on until Release, as after an answer that says so; no unit is taken, for no sign-in of ours is known to have failed. source
// says who is named as the cause. was tells that the login was known to be locked already.
//
// The error says that the store cannot be used, and nothing is recorded.
func (l *Login) Notified(source string) (was bool, err error) {
	l.mu.Lock()
	if failed := l.move(func(r *Rows, _ time.Time) { was, r.Locked = r.Locked, true }); failed != nil {
		l.mu.Unlock()
		return false, failed
	}
	e := Effect{Locked: !was}
	if e.Locked {
		l.guard.log.Error("the PSA says in a mail that the login is locked: nothing is sent until it is released", "login", l.name)
	}
	told := l.listeners(e)
	l.mu.Unlock()
	for _, t := range told {
		t.changed(Attempt{of: pathOf{source: source}}, e, t.last)
	}
	return was, nil
}
