package guard

import (
	"context"
	"errors"
	"time"
)

// This is what a login does about callers who bring credentials of their own; the rules are in passthrough.go.

// ErrForgotten is an Upstream's answer where it does not have a credential any more.
var ErrForgotten = errors.New("the credential is not known to this process any more")

// servingBrought returns the serve kind that holds for a caller with his own credential, and its row.
func (l *Login) servingBrought(r *Rows, ask *Ask, now time.Time) (Kind, *Credential) {
	if l.holds > 0 && !l.settings.Observe || ask.Refused == ask.Brings.Fingerprint || l.takesTooMuch(r, ask.Source) {
		return 0, nil
	}
	return r.servesBrought(ask.Brings, l.confirmed[ask.Brings.Fingerprint], &l.settings, now)
}

// mayServe reports whether there is room for a call, whatever it would be sent with.
func (l *Login) mayServe(r *Rows, now time.Time) bool {
	s := &l.settings
	if s.Observe {
		return true
	}
	for k := Serve; k <= ServeOne; k++ {
		if rules[k].within(len(r.Units), s) && rules[k].holds(r, s, now) {
			return true
		}
	}
	return false
}

// refuseBrought says why a caller with his own credential need not wait, or nil.
func (l *Login) refuseBrought(r *Rows, ask *Ask) *Denied {
	if ask.Brings == nil {
		return nil
	}
	now := time.Now()
	if d := r.broughtHopeless(ask, &l.settings, now); d != nil {
		return d
	}
	return l.blockedFor(ask, now)
}

// lateBrought returns why a caller with his own credential waited in vain; nil where it is what all hear.
func (l *Login) lateBrought(r *Rows, ask *Ask, now time.Time) *Denied {
	b := ask.Brings
	if b == nil || r.Gate.Shut || r.ofStore(b.Fingerprint) != nil {
		return nil
	}
	if c := r.find(b.Fingerprint); c != nil && c.State == StateProven {
		if len(r.Units) < l.settings.Budget-1 {
			return l.full()
		}
		return l.crammed(r, now)
	}
	if l.free.err != nil {
		return &Denied{Reason: UpstreamUnreachable, RetryAfter: max(time.Second, l.free.again.Sub(now)), Text: "the PSA cannot be reached: nothing was sent"}
	}
	if again := r.broughtAt(ask.Source); again.After(now) {
		return &Denied{Reason: QueueDeadline, RetryAfter: max(time.Second, again.Sub(now)), Text: "the secret that this call brought is not proven, and one such is tried a minute for each integration"}
	}
	return &Denied{Reason: BudgetSpent, RetryAfter: bringPause, Text: "the secret that this call brought is not proven, and the user's budget does not stand another wrong one now: where it is right, an operator takes back what failed: psagate release"}
}

// nextBrought returns whose credential the guard is to try now, or nil. Integrations take turns.
func (l *Login) nextBrought(r *Rows, now time.Time) (next *Ask) {
	l.queue.eachAfter(l.bringer, func(w *waiter) bool {
		if w.ask.Brings == nil {
			return true
		}
		if _, _, ok := l.ownBrought(r, &w.ask, now); ok {
			ask := w.ask
			next = &ask
		}
		return next == nil
	})
	return next
}

// maxUnproven is how many of one integration's calls may wait with secrets that are not proven: one is tried a minute, and who
// is proven must find a place.
const maxUnproven = 8

// crowded says that too many of the caller's integration wait with secrets that are not proven, or nil.
func (l *Login) crowded(r *Rows, ask *Ask) *Denied {
	if ask.Brings == nil || l.queue.n < maxUnproven || !r.unproven(ask.Brings.Fingerprint) {
		return nil
	}
	n := 0
	l.queue.each(func(w *waiter) bool {
		if w.ask.Brings != nil && w.ask.Source == ask.Source && r.unproven(w.ask.Brings.Fingerprint) {
			n++
		}
		return n < maxUnproven
	})
	if n < maxUnproven {
		return nil
	}
	return &Denied{Reason: QueueFull, RetryAfter: bringPause, Text: "too many calls of this integration wait with secrets that are not proven: one is tried a minute"}
}

// unproven reports whether a caller's credential is not proven, nor the store's.
func (r *Rows) unproven(fp Fingerprint) bool {
	c := r.find(fp)
	return c == nil || c.State != StateProven && r.ofStore(fp) == nil
}

// reach says who can ask about what is proven.
func (l *Login) reach(r *Rows) reach {
	if l.stored && r.proven() != nil {
		return here
	}
	for i := range r.Credentials {
		if c := &r.Credentials[i]; c.brought() && c.State == StateProven && l.keeps(c.Fingerprint) {
			return here
		}
	}
	if l.table.Shared() {
		return elsewhere
	}
	return beyond
}

// ownBrought returns the attempt of the guard's own that a waiting caller's credential lets go now: with it, or with what
// is proven already.
func (l *Login) ownBrought(r *Rows, ask *Ask, now time.Time) (Kind, *Brought, bool) {
	b, s := ask.Brings, &l.settings
	if k, c := r.broughtProbe(b, ask.Source, s, now, l.keeps); c != nil {
		return k, &Brought{Fingerprint: c.Fingerprint}, true
	}
	k, ok := r.mayBring(b, ask.Source, l.confirmed[b.Fingerprint], l.reach(r), s, now)
	return k, b, ok
}

// keeps reports whether this process can send a credential that it does not have from a store.
func (l *Login) keeps(fp Fingerprint) bool { return l.confirmed[fp] }

// broughtNext returns the earlier of a moment and the next at which a waiting caller's credential may be tried.
func (l *Login) broughtNext(r *Rows, next, now time.Time) time.Time {
	l.queue.each(func(w *waiter) bool {
		if b := w.ask.Brings; b != nil {
			if at := r.broughtNext(b, w.ask.Source, &l.settings, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		return true
	})
	return next
}

// tryBrought makes one own attempt for a caller's credential, after a free call has answered.
func (l *Login) tryBrought(ask *Ask) {
	l.mu.Lock()
	upstream := l.upstream
	l.bringer = ask.Source
	if upstream == nil {
		l.moot()
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	ctx := context.Background()
	a, ok := l.takeOwnBrought(ask, upstream.Free(ctx, ask.Brings.Fingerprint))
	if !ok {
		return
	}
	o := upstream.Check(ctx, a)
	l.conclude(&a, o, l.moot)
}

// takeOwnBrought takes a unit for what may go by now.
func (l *Login) takeOwnBrought(ask *Ask, free error) (a Attempt, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(free, ErrForgotten) { // its caller has left: that says nothing of the PSA
		l.moot()
		l.pump()
		return a, false
	}
	if free != nil {
		l.freeFailed(free)
		return a, false
	}
	l.free = freeCall{}
	if l.upstream == nil || l.draining {
		l.moot()
		return a, false
	}
	failed := l.tx(func(r *Rows, now time.Time) {
		k, b, may := l.ownBrought(r, ask, now)
		if !may {
			return
		}
		of := ask.of()
		if b != ask.Brings {
			of = pathOf{}
		}
		before := Credential{Fingerprint: b.Fingerprint}
		if c := r.find(b.Fingerprint); c != nil {
			before = *c
		}
		a, ok = l.take(r, k, r.readyBrought(k, b, of.source, now), of, now), true
		if k == Bring {
			a.prior = &before
		}
	})
	if failed != nil || !ok {
		l.moot()
		l.pump()
		return a, false
	}
	return a, true
}

// confirm notes that this process has seen the PSA take what a caller brought: an answer that a failed sign-in never gets
// tells that of one that is proven. Called within a transaction.
func (l *Login) confirm(r *Rows, a *Attempt, o Outcome) {
	if !a.Kind.Alone() || o.Verdict != Accepted && o.Verdict != Neutral {
		return
	}
	c := r.find(a.Credential)
	if c == nil || !c.brought() || c.State != StateProven {
		return
	}
	if l.confirmed == nil {
		l.confirmed = make(map[Fingerprint]bool)
	}
	l.confirmed[a.Credential] = true
}

// RenameBrought gives a credential that callers bring its fingerprint under another key of the installation's; former is what it
// was under the one before.
func (l *Login) RenameBrought(former Fingerprint, b *Brought) error {
	if former.IsZero() {
		return nil
	}
	return l.change(func(r *Rows, _ time.Time) {
		if c := r.find(former); c != nil && c.brought() && r.find(b.Fingerprint) == nil {
			c.Code = b.Code
			r.rename(former, b.Fingerprint)
		}
	})
}

// Forgotten says that this process does not keep the secrets any more that callers brought: the first call with each is
// preceded by an own sign-in again.
func (l *Login) Forgotten(fps ...Fingerprint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fp := range fps {
		delete(l.confirmed, fp)
	}
}
