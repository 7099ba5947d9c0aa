package guard

import (
	"context"
	"time"
)

// A candidate is a credential that an operator is about to write to the store, and has tried before that. It is none of
// the login's until the store has it: a candidate that was accepted serves nobody, and one that was refused leaves the
// others as they are. Once it is the newest it is proven without another attempt.

// Try presents a candidate to the PSA, once at most, and waits for what comes of it. Where nothing is sent the result says
// why. Until Forget is called, the candidate is proven as soon as it is the newest.
func (l *Login) Try(ctx context.Context, fp Fingerprint, version string) CheckResult {
	l.mu.Lock()
	upstream := l.upstream
	l.mu.Unlock()
	if upstream == nil {
		return CheckResult{Err: errNoUpstream}
	}
	if err := upstream.Free(ctx, fp); err != nil {
		return CheckResult{Err: err}
	}
	a, good, denied := l.takeCandidate(fp, version)
	switch {
	case denied != nil:
		return CheckResult{Err: denied}
	case good:
		return CheckResult{Attempt: a, Verdict: Accepted}
	}
	o := upstream.Check(context.WithoutCancel(ctx), a)
	l.conclude(&a, o, func() {})
	return CheckResult{Attempt: a, Verdict: o.Verdict}
}

// Forget ends what a candidate's attempt has shown, for one that is not the newest by now.
func (l *Login) Forget(fp Fingerprint) error {
	return l.change(func(r *Rows, _ time.Time) {
		if c := r.find(fp); c != nil {
			c.Good = false
		}
	})
}

// takeCandidate takes a unit for a candidate's attempt. One that serves already needs none: it is good.
func (l *Login) takeCandidate(fp Fingerprint, version string) (a Attempt, good bool, denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining || l.upstream == nil {
		return a, false, errNoUpstream
	}
	failed := l.tx(func(r *Rows, now time.Time) {
		c := r.candidate(fp, version)
		if good = c.State == StateProven; good {
			c.Good = true
			a = Attempt{Kind: Candidate, Credential: fp, Version: version}
			return
		}
		if denied = r.mayTry(c, &l.settings, now); denied == nil {
			a = r.take(Candidate, c, l.guard.token(), l.guard.holder, pathOf{}, now)
		}
	})
	if failed != nil {
		return a, false, failed
	}
	return a, good, denied
}

// candidate returns the row of a candidate, which it makes where there is none: older than every credential that the store
// has given.
func (r *Rows) candidate(fp Fingerprint, version string) *Credential {
	if c := r.find(fp); c != nil {
		return c
	}
	r.forgetOldest()
	r.Credentials = append(r.Credentials, Credential{Fingerprint: fp, Version: version})
	return &r.Credentials[len(r.Credentials)-1]
}

// mayTry says why a candidate's attempt may not go, or nil. Beside one that serves, and where it was refused before, it
// leaves two units: one for the refusal of what serves, by which a change of the PSA is found out, and one for what is
// newest then.
func (r *Rows) mayTry(c *Credential, s *Settings, now time.Time) *Denied {
	limit := s.Budget
	if c.State == StateRefused || r.proven() != nil {
		limit -= 2
	}
	switch hopeless := r.hopeless(s); {
	case hopeless != nil:
		return hopeless
	case r.aloneHeld():
		return &Denied{Reason: QueueDeadline, RetryAfter: time.Second, Text: "another sign-in of the gateway's own is under way: try again in a moment"}
	case !r.gateLets(now):
		return &Denied{Reason: GateShut, RetryAfter: max(time.Second, r.Gate.Until.Sub(now)), Text: "the PSA left a call unanswered and has not answered a sign-in since: try again later, or run: psagate check"}
	case len(r.Units) >= limit && !s.Observe:
		return &Denied{Reason: BudgetSpent, RetryAfter: s.Linger, Text: "the budget does not stand a sign-in now, but for what serves: a call that is served, or psagate check, takes back what failed"}
	}
	return nil
}

// candidateAccepted notes that the PSA took a candidate.
func (r *Rows) candidateAccepted(c *Credential, a *Attempt, now time.Time) {
	c.Good, c.ProvenAt = a.Seen >= c.RefusedSeq, now
	if c.State == StateNoVerdict {
		c.State, c.Tries = StateUntried, 0
	}
}
