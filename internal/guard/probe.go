package guard

import (
	"context"
	"time"
)

// prober finds out, one attempt at a time, what callers may not.
type prober struct {
	running bool
	timer   *time.Timer
	checks  []chan CheckResult // operators who wait for the next result
}

// freeCall remembers how the free call before an own attempt went.
type freeCall struct {
	err   error
	again time.Time     // not before; zero where the last one answered
	pause time.Duration // from 5 s, doubling to 60 s
}

const (
	freePause    = 5 * time.Second
	freePauseMax = time.Minute
	// blockFor is how long a path is answered without being sent, after the PSA refused it and took the same credential elsewhere.
	blockFor = 15 * time.Minute
)

// probe makes one own attempt, after a free call has answered.
func (l *Login) probe() {
	l.mu.Lock()
	upstream, cold := l.upstream, l.cold()
	l.mu.Unlock()
	if cold {
		l.guard.cold <- struct{}{}
		defer func() { <-l.guard.cold }()
	}
	ctx := context.Background()
	a, ok := l.takeAlone(upstream.Free(ctx))
	if !ok {
		return
	}
	o := upstream.Check(ctx, a)
	l.mu.Lock()
	l.prober.running = false
	l.mu.Unlock()
	l.Settle(a, o)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(CheckResult{Attempt: a, Verdict: o.Verdict})
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
	if free != nil {
		l.freeFailed(free)
		return a, false
	}
	l.free = freeCall{}
	failed := l.tx(func(r *Rows, now time.Time) {
		var k Kind
		var c *Credential
		if k, c = r.mayAlone(&l.settings, now); c != nil {
			a, ok = r.take(k, c, l.guard.token(), l.guard.holder, pathOf{}, now), true
		}
	})
	if failed != nil || !ok {
		l.prober.running = false
		l.pump()
		return a, false
	}
	return a, true
}

func (l *Login) freeFailed(err error) {
	l.free.pause = min(max(2*l.free.pause, freePause), freePauseMax)
	l.free.err, l.free.again = err, time.Now().Add(l.free.pause)
	l.prober.running = false
	l.guard.log.Warn("the PSA did not answer a call that needs no sign-in, so no sign-in is tried", "login", l.name, "again_in", l.free.pause, "error", err)
	l.report(CheckResult{Err: err})
	l.pump()
}

// suspect remembers which calls the proven credential was refused for, while they are few, and acts on it once its
// recheck is answered: if the credential is good after all, it was the call.
func (l *Login) suspect(a Attempt, o Outcome, e Effect, recorded int) {
	switch {
	case e.Refused && !a.Kind.Alone() && recorded <= l.settings.Budget-3:
		if l.suspects == nil {
			l.suspects = make(map[pathOf]struct{})
		}
		l.suspects[a.of] = struct{}{}
	case e.Proven && a.Kind == Recheck:
		l.block(time.Now().Add(blockFor))
	case e.Proven, o.Verdict == Refused && (a.Kind == Recheck || recorded > l.settings.Budget-3):
		l.suspects = nil
	}
}

func (l *Login) block(until time.Time) {
	for p, t := range l.blocked {
		if time.Now().After(t) {
			delete(l.blocked, p)
		}
	}
	for p := range l.suspects {
		if l.blocked == nil {
			l.blocked = make(map[pathOf]time.Time)
		}
		l.blocked[p] = until
	}
	l.suspects = nil
}

// report tells the operators who wait.
func (l *Login) report(res CheckResult) {
	for _, c := range l.prober.checks {
		c <- res
	}
	l.prober.checks = nil
}
