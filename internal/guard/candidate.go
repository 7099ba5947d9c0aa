package guard

import (
	"context"
	"time"
)

// A candidate is a credential that an operator is about to write to the store, and has tried before that. It is none of
// the login's until the store has it: a candidate that was accepted serves nobody, and one that was refused leaves the
// others as they are. Once it is the newest it is proven without another attempt.

// Try presents a candidate to the PSA, once at most, and waits for what comes of it. Where nothing is sent the result says
// why. Until Forget is called, the candidate is proven as soon as it is the newest. apart: the PSA user is not the one that
// whoever tries calls as, or is about to.
func (l *Login) Try(ctx context.Context, fp Fingerprint, version string, apart bool) CheckResult {
	l.mu.Lock()
	upstream := l.upstream
	l.mu.Unlock()
	if upstream == nil {
		return CheckResult{Err: errNoUpstream}
	}
	if err := upstream.Free(ctx, fp); err != nil {
		return CheckResult{Err: err}
	}
	a, denied := l.takeCandidate(fp, version, apart)
	if denied != nil {
		return CheckResult{Err: denied}
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

// takeCandidate takes a unit for a candidate's attempt, also of one that serves: the PSA may have changed since.
func (l *Login) takeCandidate(fp Fingerprint, version string, apart bool) (a Attempt, denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining || l.upstream == nil {
		return a, errNoUpstream
	}
	failed := l.tx(func(r *Rows, now time.Time) {
		c := r.candidate(fp, version)
		if denied = r.mayTry(c, &l.settings, apart, now); denied == nil {
			a = l.take(r, Candidate, c, pathOf{}, now)
		}
	})
	if failed != nil {
		return a, failed
	}
	return a, denied
}

// MayTry says why nothing can be tried of which nothing is known yet, or nil. It takes nothing.
func (l *Login) MayTry(apart bool) (denied *Denied) {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := l.tx(func(r *Rows, now time.Time) { denied = r.mayTry(new(Credential), &l.settings, apart, now) })
	if failed != nil {
		return failed
	}
	return denied
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
// newest then. Of a user apart it leaves them too, whatever serves: nobody sees that user's budget, and none but who calls as it may
// spend it. Calls under way alone do not keep it from its turn: if they are all refused too, one unit is left for the newest.
func (r *Rows) mayTry(c *Credential, s *Settings, apart bool, now time.Time) *Denied {
	held, serves := r.count(Held), r.proven() != nil
	n, limit := len(r.Units), s.Budget
	if n > held && (c.State == StateRefused || serves || apart) {
		limit -= 2
	}
	switch hopeless := r.hopeless(s); {
	case hopeless != nil:
		return hopeless
	case r.aloneHeld():
		return ownUnderWay()
	case !r.gateLets(now):
		return &Denied{Reason: GateShut, RetryAfter: max(time.Second, r.pauseEnds(s).Sub(now)), Text: "the PSA left a call unanswered and has not answered a sign-in since: try again later, or run: psagate check"}
	case s.Observe || n < limit:
		return nil
	case n > held && serves:
		return &Denied{Reason: BudgetSpent, RetryAfter: s.Linger, Text: "the budget does not stand a sign-in now, but for what serves: a call that is served, or psagate check, takes back what failed"}
	case n > held && apart:
		return &Denied{Reason: BudgetSpent, Text: "sign-ins of this PSA user failed, and its last two units are left to whoever calls as this user: if the PSA has this password, save it in the store by hand, where it is tried once"}
	case n > held && c.State == StateRefused:
		return &Denied{Reason: BudgetSpent, Text: "the PSA refused this password before, and what is left of the budget is for another one: if the PSA has it now, save it in the store by hand, where it is tried once, or unlock the user there and run: psagate release"}
	}
	return &Denied{Reason: BudgetSpent, RetryAfter: time.Second, Text: "every unit that is left of the budget is in use by a call that is under way: try again in a moment"}
}

// candidateAccepted notes that the PSA took a candidate.
func (r *Rows) candidateAccepted(c *Credential, a *Attempt, now time.Time) {
	c.Good, c.ProvenAt = a.Seen >= c.RefusedSeq, now
	if c.State == StateNoVerdict {
		c.State, c.Tries = StateUntried, 0
	}
}

// goodFor is for how long it counts that the PSA took a candidate: it is in the store by then, or whoever put it was killed.
const goodFor = 10 * time.Minute

// forgetGood forgets of candidates that the PSA took them, long ago: it may have been given another password since.
func (r *Rows) forgetGood(now time.Time) {
	for i := range r.Credentials {
		if c := &r.Credentials[i]; c.Good && now.Sub(c.ProvenAt) > goodFor {
			c.Good = false
		}
	}
}
