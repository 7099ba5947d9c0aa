package guard

import (
	"context"
	"errors"
	"slices"
	"time"
)

// CheckResult is what an own attempt, or the free call before it, found out.
type CheckResult struct {
	Attempt Attempt
	Verdict Verdict
	Err     error // nothing was sent, and why
}

// Newest tells the login that a credential is the newest that its store has.
func (l *Login) Newest(fp Fingerprint, version string) error {
	return l.NewestMade(fp, version, time.Time{})
}

// NewestMade is Newest where the store tells when it made the credential: one that was made before the newest is not newer,
// but was read by a process that lags behind.
func (l *Login) NewestMade(fp Fingerprint, version string, made time.Time) error {
	return l.change(func(r *Rows, now time.Time) {
		r.forgetGood(now)
		l.told = newest{fp, version, made}
		r.newestMade(l.told)
	})
}

// Relabel tells what a credential that the store gave is called now: it was saved again as it was. Which one is the newest stays
// as it is.
func (l *Login) Relabel(fp Fingerprint, version string, made time.Time) error {
	return l.change(func(r *Rows, _ time.Time) {
		if l.told.fp == fp {
			l.told.version, l.told.made = version, made
		}
		c := r.find(fp)
		switch {
		case c == nil || c.brought():
		case r.Newest == fp:
			r.newestMade(newest{fp, version, made})
		default:
			c.Version = version
		}
	})
}

// newest is what a process tells of the newest credential that its store has.
type newest struct {
	fp      Fingerprint
	version string
	made    time.Time // zero where the store does not tell
}

func (r *Rows) newestMade(n newest) {
	if r.Newest != n.fp && n.made.Before(r.NewestMade) && !n.made.IsZero() {
		return
	}
	r.newest(n.fp, n.version)
	r.NewestMade = n.made
}

// Retry makes the newest credential count as untried: it came with another user name, and the one that serves on
// meanwhile was refused.
func (l *Login) Retry() error {
	return l.change(func(r *Rows, _ time.Time) { r.retry() })
}

// Doubt makes a newest credential that is proven count as untried, where nobody else sends it: it may have been accepted
// long ago.
func (l *Login) Doubt() error {
	return l.change(func(r *Rows, _ time.Time) {
		if c := r.find(r.Newest); c != nil && c.State == StateProven && len(l.uses) == 1 {
			c.State, c.Tries = StateUntried, 0
		}
	})
}

// EndPause lets the next caller's credential be tried though the gate is shut, and so does the last unit: an operator wants to know.
func (l *Login) EndPause() error {
	return l.change(func(r *Rows, now time.Time) { r.endPause(now) })
}

// Lose says that nobody has a credential's secret any more: it cannot serve, and the newest has to. Where other processes use
// the login, one of them may have it: then it is not lost.
func (l *Login) Lose(fp Fingerprint) (lost bool, err error) {
	err = l.change(func(r *Rows, _ time.Time) {
		c := r.find(fp)
		if lost = c != nil && fp != r.Newest && !l.table.Shared(); lost {
			c.State = StateSuperseded
		}
	})
	return lost, err
}

// Need says that somebody waits, until a moment, for what the login's newest credential would be needed for: its rechecks are
// made as if he waited here.
func (l *Login) Need(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.needed = until
	l.pump()
}

// Shared reports whether more than one use is attached.
func (l *Login) Shared() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.uses) > 1
}

// Serves reports whether a credential is proven.
func (l *Login) Serves() (serves bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tx(func(r *Rows, _ time.Time) { serves = r.proven() != nil })
	return serves
}

// Want makes the login try its newest credential although nobody calls through it yet.
func (l *Login) Want() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = true
	l.pump()
}

// Release is the operator's word that the PSA's count is zero again, of the failures up to the seq that the operator was
// shown. It returns how many units came back. A seq that nobody can have been shown is ErrNotShown, and changes nothing.
func (l *Login) Release(shown uint64) (freed int, err error) {
	known := true
	err = l.change(func(r *Rows, now time.Time) {
		if known = shown <= r.Seq; known {
			freed = r.release(shown, now)
			l.findings.suspects, l.findings.blocked = nil, nil
		}
	})
	if err == nil && !known {
		err = ErrNotShown
	}
	return freed, err
}

// ErrNotShown: the seq is higher than the login's own.
var ErrNotShown = errors.New("the seq is higher than the login's: look at its status again")

func (l *Login) change(f func(*Rows, time.Time)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.free
	l.free = freeCall{}
	if failed := l.move(func(r *Rows, now time.Time) {
		f(r, now)
		l.findings.pause = backoff{}
	}); failed != nil {
		l.free = free
		return failed
	}
	return nil
}

// Due makes the rechecks of refused credentials due: something else was wrong, and no call is to blame.
func (l *Login) Due() error {
	return l.change(func(r *Rows, _ time.Time) {
		r.due()
		l.findings.suspects = nil
	})
}

// Absolve says that refused calls went to a zone that the login had left: none of them is denied to its caller.
func (l *Login) Absolve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findings.suspects, l.findings.blocked = nil, nil
	l.pump()
}

// Check finds out whether the login's credential is taken, with at most one sign-in, and waits for the result. Where the
// budget would not stand one, nothing is sent and the result says why.
func (l *Login) Check(ctx context.Context) CheckResult {
	for {
		wait, denied := l.startCheck()
		if denied != nil {
			return CheckResult{Err: denied}
		}
		if wait == nil {
			return l.checkServing(ctx)
		}
		select {
		case res := <-wait:
			if !errors.Is(res.Err, errMoot) {
				return res
			}
		case <-ctx.Done():
			l.mu.Lock()
			l.prober.checks = slices.DeleteFunc(l.prober.checks, func(c chan CheckResult) bool { return c == wait })
			l.mu.Unlock()
			return CheckResult{Err: ctx.Err()}
		}
	}
}

// errNoUpstream: there is nobody to make an own call through.
var errNoUpstream = &Denied{Reason: Draining, RetryAfter: time.Second, Text: "this gateway is about to stop, or has no such login any more"}

// ownUnderWay is what an own attempt is told where there is one already: this process's, or another one's.
func ownUnderWay() *Denied {
	return &Denied{Reason: QueueDeadline, RetryAfter: time.Second, Text: "another sign-in of the gateway's own is under way: try again in a moment"}
}

// startCheck asks the prober, where one of the guard's own kinds holds. It returns nothing where a proven credential serves.
func (l *Login) startCheck() (wait chan CheckResult, denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var serving, own, another bool
	var crammed *Denied
	failed := l.tx(func(r *Rows, now time.Time) {
		r.check(now)
		denied, crammed = r.hopeless(&l.settings), l.crammed(r, now)
		_, alone := r.mayAlone(&l.settings, now)
		own, another = alone != nil || l.prober.running, r.aloneHeld()
		serving = r.proven() != nil && !r.Gate.Shut
	})
	switch {
	case failed != nil:
		return nil, failed
	case denied != nil:
		return nil, denied
	case l.draining || l.upstream == nil:
		return nil, errNoUpstream
	case serving && !own:
		return nil, nil
	case !own && another:
		return nil, ownUnderWay()
	case !own:
		return nil, crammed
	}
	wait = make(chan CheckResult, 1)
	l.prober.checks = append(l.prober.checks, wait)
	l.free.again, l.findings.pause.again = time.Time{}, time.Time{}
	l.pump()
	return wait, nil
}

// checkServing waits for a unit as a caller does.
func (l *Login) checkServing(ctx context.Context) CheckResult {
	a, err := l.Acquire(ctx, Ask{})
	if err != nil {
		return CheckResult{Err: err}
	}
	l.mu.Lock()
	upstream := l.upstream
	l.mu.Unlock()
	if upstream == nil {
		err = errNoUpstream
	} else {
		err = upstream.Free(ctx, a.Credential)
	}
	if err != nil {
		l.Settle(a, Outcome{Verdict: NotSent})
		return CheckResult{Err: err}
	}
	o := upstream.Check(context.WithoutCancel(ctx), a)
	l.Settle(a, o)
	return CheckResult{Attempt: a, Verdict: o.Verdict}
}
