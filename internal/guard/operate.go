package guard

import (
	"context"
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
	return l.change(func(r *Rows, _ time.Time) { r.newest(fp, version) })
}

// Retry makes the newest credential count as untried: it came with another user name, and the one that serves on
// meanwhile was refused.
func (l *Login) Retry() error {
	return l.change(func(r *Rows, _ time.Time) { r.retry() })
}

// Want makes the login try its newest credential although nobody calls through it yet.
func (l *Login) Want() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = true
	l.pump()
}

// Release is the operator's word that the PSA's count is zero again, of the failures up to the seq that the operator was
// shown. It returns how many units came back.
func (l *Login) Release(shown uint64) (freed int, err error) {
	err = l.change(func(r *Rows, now time.Time) { freed = r.release(shown, now) })
	return freed, err
}

func (l *Login) change(f func(*Rows, time.Time)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.tx(f); failed != nil {
		return failed
	}
	l.free = freeCall{}
	l.pump()
	return nil
}

// Check finds out whether the login's credential is taken, with at most one sign-in, and waits for the result. Where the
// budget would not stand one, nothing is sent and the result says why.
func (l *Login) Check(ctx context.Context) CheckResult {
	wait, a, denied := l.startCheck()
	if denied != nil {
		return CheckResult{Err: denied}
	}
	if wait == nil {
		return l.checkServing(ctx, a)
	}
	select {
	case res := <-wait:
		return res
	case <-ctx.Done():
		return CheckResult{Err: ctx.Err()}
	}
}

// startCheck takes a unit of the serve kinds where a proven credential serves, else asks the prober.
func (l *Login) startCheck() (wait chan CheckResult, a Attempt, denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var serving, own bool
	failed := l.tx(func(r *Rows, now time.Time) {
		r.check(now)
		denied = r.hopeless(&l.settings)
		_, alone := r.mayAlone(&l.settings, now)
		own = alone != nil || l.prober.running
		k, c := r.mayServe("", false, &l.settings, now)
		if serving = denied == nil && !own && c != nil; serving {
			a = r.take(k, c, l.guard.token(), l.guard.holder, pathOf{}, now)
		}
	})
	switch {
	case failed != nil:
		return nil, a, failed
	case denied != nil || serving:
		return nil, a, denied
	case !own:
		return nil, a, &Denied{Reason: BudgetSpent, RetryAfter: l.settings.Linger, Text: "the budget does not stand a sign-in now"}
	}
	wait = make(chan CheckResult, 1)
	l.prober.checks = append(l.prober.checks, wait)
	l.free.again = time.Time{}
	l.pump()
	return wait, a, nil
}

func (l *Login) checkServing(ctx context.Context, a Attempt) CheckResult {
	l.mu.Lock()
	upstream := l.upstream
	l.mu.Unlock()
	if err := upstream.Free(ctx); err != nil {
		l.Settle(a, Outcome{Verdict: NotSent})
		return CheckResult{Err: err}
	}
	o := upstream.Check(context.WithoutCancel(ctx), a)
	l.Settle(a, o)
	return CheckResult{Attempt: a, Verdict: o.Verdict}
}
