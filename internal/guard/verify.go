package guard

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrNotNewest: the store has given another credential since.
var ErrNotNewest = errors.New("the store has given another credential since")

// verifyRounds bounds how many own attempts Verify waits for: one of the credential itself, and before it one of what serves.
const verifyRounds = 4

// Verify finds out whether the PSA takes the newest credential, as the guard does by itself after a change of the store, but
// now, and waits for what comes of it. What is known already is not asked again: a credential that is proven is Accepted,
// one that was refused is Refused, and one that was sent without a verdict is NoAnswer while the gate's pause runs. Where the budget would not stand an attempt, nothing is sent and the result says why.
func (l *Login) Verify(ctx context.Context, fp Fingerprint) CheckResult {
	for range verifyRounds {
		wait, known := l.startVerify(fp)
		if wait == nil {
			return known
		}
		select {
		case res := <-wait:
			if res.Err == nil && res.Attempt.Credential == fp || res.Err != nil && !errors.Is(res.Err, errMoot) {
				return res
			}
		case <-ctx.Done():
			l.mu.Lock()
			l.prober.checks = slices.DeleteFunc(l.prober.checks, func(c chan CheckResult) bool { return c == wait })
			l.mu.Unlock()
			return CheckResult{Err: ctx.Err()}
		}
	}
	return CheckResult{Err: errUndecided}
}

// errUndecided: own attempts were made, and none of them was the credential's.
var errUndecided = errors.New("other sign-ins of the gateway's own came first: try again in a moment")

// startVerify asks the prober, or returns what is known without it.
func (l *Login) startVerify(fp Fingerprint) (wait chan CheckResult, known CheckResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var denied *Denied
	settled := false
	failed := l.tx(func(r *Rows, now time.Time) {
		if known, settled = r.verdictOn(fp, now); !settled {
			denied = l.mayVerify(r, now)
		}
	})
	switch {
	case failed != nil:
		return nil, CheckResult{Err: failed}
	case settled:
		return nil, known
	case denied != nil:
		return nil, CheckResult{Err: denied}
	}
	wait = make(chan CheckResult, 1)
	l.prober.checks = append(l.prober.checks, wait)
	l.free.again, l.findings.pause.again = time.Time{}, time.Time{}
	l.pump()
	return wait, CheckResult{}
}

// verdictOn returns what is known of the newest credential; false where that is to be found out.
func (r *Rows) verdictOn(fp Fingerprint, now time.Time) (CheckResult, bool) {
	c := r.find(fp)
	if c == nil || r.Newest != fp {
		return CheckResult{Err: ErrNotNewest}, true
	}
	known := CheckResult{Attempt: Attempt{Credential: fp, Version: c.Version}}
	switch {
	case c.State == StateProven:
		known.Verdict = Accepted
	case c.State == StateRefused:
		known.Verdict = Refused
	case c.State == StateNoVerdict && !r.gateLets(now):
		known.Verdict = NoAnswer
	default:
		return known, false
	}
	return known, true
}

// mayVerify says why no own attempt may go, or nil. The pause after an attempt of the newest that got no verdict is over: it is
// asked for now. The gate's is not: whoever wants to end that runs a check.
func (l *Login) mayVerify(r *Rows, now time.Time) *Denied {
	if l.draining || l.upstream == nil {
		return errNoUpstream
	}
	if d := r.hopeless(&l.settings); d != nil {
		return d
	}
	if c := r.find(r.Newest); c.State == StateNoVerdict && now.Before(c.AgainAt) {
		c.AgainAt = now
	}
	if _, alone := r.mayAlone(&l.settings, now); alone != nil || l.prober.running {
		return nil
	}
	if !r.gateLets(now) {
		return l.shut(r, now, ": try again later, or run: psagate check")
	}
	return l.crammed(r, now)
}

// UnderWay returns how many attempts are under way with another credential than one.
func (l *Login) UnderWay(but Fingerprint) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := l.tx(func(r *Rows, _ time.Time) {
		for i := range r.Units {
			if u := &r.Units[i]; u.State == Held && u.Credential != but {
				n++
			}
		}
	})
	if failed != nil {
		return 0, failed
	}
	return n, nil
}
