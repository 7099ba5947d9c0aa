package guard

import "time"

// A lost unit stays lost for linger from the moment it was marked lost: by the process that marked it, or that has taken it
// over from one that died, from zero again.

// countdown is for the end of a lost unit's linger.
type countdown struct {
	as    string // this process's name when it began to count
	until time.Time
}

// newlyLost returns the lost units that are this process's to count for, and that it does not count for yet.
func (l *Login) newlyLost(r *Rows) (tokens []Token) {
	for i := range r.Units {
		if u := &r.Units[i]; u.State == Lost && u.Holder == l.guard.tables.Holder() && l.lingering[u.Token].as != u.Holder {
			tokens = append(tokens, u.Token)
		}
	}
	return tokens
}

// linger begins to count for a lost unit. Called with the mutex held.
func (l *Login) linger(t Token) {
	if l.lingering == nil {
		l.lingering = make(map[Token]countdown)
	}
	holder := l.guard.tables.Holder()
	l.lingering[t] = countdown{holder, time.Now().Add(l.settings.Linger)}
	time.AfterFunc(l.settings.Linger, func() { l.lingered(t, holder) })
}

// lingered makes a lost unit unknown, by which the last one may be recorded. A unit that somebody else counts for by now is
// his.
func (l *Login) lingered(t Token, holder string) {
	l.mu.Lock()
	if l.lingering[t].as != holder {
		l.mu.Unlock()
		return
	}
	var e Effect
	var a Attempt
	failed := l.move(func(r *Rows, _ time.Time) {
		i := r.unit(t)
		if i < 0 || r.Units[i].Holder != holder {
			return
		}
		a = Attempt{Credential: r.Units[i].Credential, Token: t, of: pathOf{source: r.Units[i].Source}}
		if c := r.find(a.Credential); c != nil {
			a.Version = c.Version
		}
		before := r.recorded()
		r.lingered(t)
		e.Spent = before < l.settings.Budget && r.recorded() >= l.settings.Budget
	})
	if failed != nil {
		time.AfterFunc(storePause, func() { l.lingered(t, holder) })
		l.mu.Unlock()
		return
	}
	delete(l.lingering, t)
	l.tellSpent(e)
	told := l.listeners(e)
	l.mu.Unlock()
	for _, t := range told {
		t.changed(a, e, t.last)
	}
}

// lostUntil is when the last of the lost units can be judged no more; zero where there is none, or another process counts for
// one.
func (l *Login) lostUntil(r *Rows) (last time.Time) {
	for i := range r.Units {
		if r.Units[i].State != Lost {
			continue
		}
		w, ours := l.lingering[r.Units[i].Token]
		if !ours {
			return time.Time{}
		}
		if w.until.After(last) {
			last = w.until
		}
	}
	return last
}
