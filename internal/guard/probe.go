package guard

import (
	"context"
	"errors"
	"sync"
	"time"
)

// prober finds out, one attempt at a time, what callers may not.
type prober struct {
	running bool
	timer   *time.Timer        // of the next pump by itself
	wakes   time.Time          // when it fires; zero where it does not run
	checks  []chan CheckResult // operators who wait for the next result
	lacks   backoff            // where this process does not know the credential that is to be sent
}

// backoff is a pause that doubles.
type backoff struct {
	again time.Time // not before
	pause time.Duration
}

func (b *backoff) grow(now time.Time) {
	b.pause = min(max(2*b.pause, pauseMin), pauseMax)
	b.again = now.Add(b.pause)
}

// freeCall remembers how the free call before an own attempt went.
type freeCall struct {
	backoff
	err error
}

const (
	pauseMin = 5 * time.Second
	pauseMax = time.Minute
	// blockFor is how long a path is answered without being sent, after the PSA refused it and took the same credential elsewhere.
	blockFor = 15 * time.Minute
	// coldPatience is how long a check of a login that was never accepted keeps others from theirs.
	coldPatience = 10 * time.Second
)

// errMoot ends the wait of an operator whose own attempt is not needed any more: ask again.
var errMoot = errors.New("no own attempt is due any more")

// probe makes one own attempt, after a free call has answered. fp is the credential that is to be sent as far as is known
// before the free call.
func (l *Login) probe(fp Fingerprint) {
	l.mu.Lock()
	upstream, cold := l.upstream, l.cold()
	if upstream == nil { // the last config with the login has gone since
		l.moot()
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if cold {
		defer l.guard.coldSlot()()
	}
	ctx := context.Background()
	a, ok := l.takeAlone(upstream.Free(ctx, fp))
	if !ok {
		return
	}
	o := upstream.Check(ctx, a)
	l.conclude(&a, o, func() {
		l.prober.running = false
		l.report(CheckResult{Attempt: a, Verdict: o.Verdict})
	})
}

// moot ends the prober without an attempt.
func (l *Login) moot() {
	l.prober.running = false
	l.report(CheckResult{Err: errMoot})
}

// rest makes the next own attempt wait where this one told nothing new: it would go on telling it.
func (f *findings) rest(o Outcome, e Effect, now time.Time) {
	if o.Verdict == NotSent || o.Verdict == Neutral || o.Verdict == Accepted && !e.Proven && !e.Opened && e.Forgiven == 0 {
		f.pause.grow(now)
	} else {
		f.pause = backoff{}
	}
}

// coldSlot waits for one of the few places of cold checks, and returns what gives it back; that happens after a while
// anyway, for a check that hangs must not keep others waiting.
func (g *Guard) coldSlot() (release func()) {
	g.cold <- struct{}{}
	release = sync.OnceFunc(func() { <-g.cold })
	time.AfterFunc(coldPatience, release)
	return release
}

// cold reports whether no credential of the login was ever accepted.
func (l *Login) cold() (cold bool) {
	l.tx(func(r *Rows, _ time.Time) { cold = r.Last.IsZero() })
	return cold
}

// takeAlone takes a fresh unit for the kind that holds now. Without one, or after a free call that failed, the prober ends.
func (l *Login) takeAlone(free error) (a Attempt, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(free, ErrForgotten) { // that says nothing of the PSA, nor of what callers bring
		l.prober.lacks.grow(time.Now())
		l.prober.running = false
		l.guard.log.Warn("an own sign-in has to wait, for this process does not have its credential", "login", l.name, "again_in", l.prober.lacks.pause, "error", free)
		l.report(CheckResult{Err: free})
		l.pump()
		return a, false
	}
	if free != nil {
		l.freeFailed(free)
		return a, false
	}
	l.free, l.prober.lacks = freeCall{}, backoff{}
	if l.upstream == nil || l.draining {
		l.moot()
		return a, false
	}
	failed := l.tx(func(r *Rows, now time.Time) {
		var k Kind
		var c *Credential
		if k, c = r.mayAlone(&l.settings, now); c != nil {
			a, ok = l.take(r, k, c, pathOf{}, now), true
		}
	})
	if failed != nil || !ok {
		l.moot()
		l.pump()
		return a, false
	}
	return a, true
}

func (l *Login) freeFailed(err error) {
	l.free.grow(time.Now())
	l.free.err = err
	l.prober.running = false
	l.guard.log.Warn("the PSA did not answer a call that needs no sign-in, so no sign-in is tried", "login", l.name, "again_in", l.free.backoff.pause, "error", err)
	l.report(CheckResult{Err: err})
	l.pump()
}

// findOut is what this process makes of an attempt's end.
func (l *Login) findOut(a *Attempt, o Outcome, e Effect, recorded int, now time.Time) {
	if a.Kind.Alone() && a.Kind != Candidate && (a.Kind != Bring || o.Verdict == NotSent) { // what a caller brings has its own pause
		l.findings.rest(o, e, now)
	}
	l.findings.suspect(a, o, e, recorded <= l.settings.Budget-3, now)
}

// suspect remembers which calls the proven credential was refused for, while the units recorded are few, and acts on it once
// its recheck is answered: if the credential is good after all, it was the call.
func (f *findings) suspect(a *Attempt, o Outcome, e Effect, few bool, now time.Time) {
	switch {
	case o.Verdict == Refused && !o.WrongZone && !a.Kind.Alone() && few:
		suspects := map[pathOf]Fingerprint{a.of: a.Credential}
		for p, fp := range f.suspects {
			if p != a.of {
				suspects[p] = fp
			}
		}
		f.suspects = suspects
	case e.Proven && a.Kind == Recheck:
		f.block(a.Credential, now)
	case e.Proven, o.Verdict == Refused && (a.Kind == Recheck || !few):
		f.suspects = nil
	}
}

// block blocks the calls that a credential was refused for.
func (f *findings) block(fp Fingerprint, now time.Time) {
	blocked := make(map[pathOf]time.Time)
	for p, until := range f.blocked {
		if !now.After(until) {
			blocked[p] = until
		}
	}
	for p, refused := range f.suspects {
		if refused == fp {
			blocked[p] = now.Add(blockFor)
		}
	}
	f.suspects, f.blocked = nil, blocked
}

// blockedFor says that a call's path is blocked, or nil.
func (l *Login) blockedFor(ask *Ask, now time.Time) *Denied {
	until := l.findings.blocked[ask.of()]
	if !now.Before(until) || l.settings.Observe {
		return nil
	}
	return &Denied{Reason: CredentialRefused, RetryAfter: until.Sub(now), Text: "the PSA refused this call's sign-in and took the same credential for another call: it may refuse this integration this operation"}
}

// report tells the operators who wait.
func (l *Login) report(res CheckResult) {
	for _, c := range l.prober.checks {
		c <- res
	}
	l.prober.checks = nil
}
