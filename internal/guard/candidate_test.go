package guard

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// try takes a unit for a candidate, which must be let go.
func (t *table) try(secret string) Attempt {
	t.Helper()
	c := t.r.candidate(fp(secret), secret)
	if d := t.r.mayTry(c, &t.s, false, t.now); d != nil {
		t.Fatalf("candidate %s: %v", secret, d)
	}
	t.n++
	return t.r.take(Candidate, c, t.n, "p1", pathOf{}, t.now)
}

// serves demands that calls are sent with a credential.
func (t *table) serves(name string) {
	t.Helper()
	if a := t.serve("x"); a.Credential != fp(name) {
		t.Fatalf("calls are sent with %s, want %s", a.Version, name)
	} else {
		t.end(a, NotSent)
	}
}

func (t *table) mayNotTry(secret string, want Reason) {
	t.Helper()
	d := t.r.mayTry(t.r.candidate(fp(secret), secret), &t.s, false, t.now)
	if d == nil || d.Reason != want {
		t.Fatalf("candidate %s: %v, want %s", secret, d, want)
	}
}

func TestACandidateThatIsAcceptedServesOnceItIsTheNewest(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(1)
	if e := t.end(t.try("b"), Accepted); e.Proven || e.Forgiven != 1 {
		t.Fatalf("effect %+v", e)
	}
	t.state("a", StateProven)
	t.serves("a")
	t.newest("b")
	t.state("b", StateProven)
	t.state("a", StateSuperseded)
	t.serves("b")
	t.units(0, 0, 0, 0)
}

func TestACandidateThatIsRefusedLeavesTheOthersAsTheyAre(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.try("b"), Refused)
	t.units(0, 0, 1, 0)
	t.state("a", StateProven)
	t.serves("a")
	t.state("b", StateRefused)
}

func TestACandidateThatIsForgottenIsTriedLikeAnyOther(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.try("b"), Accepted)
	t.r.find(fp("b")).Good = false
	t.newest("b")
	t.state("b", StateUntried)
	t.serves("a")
}

func TestACandidateServesNobodyWhereNothingElseDoes(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Refused)
	t.end(t.try("b"), Accepted)
	if p := t.r.proven(); p != nil {
		t.Fatalf("%+v serves", p)
	}
	t.newest("b")
	t.serves("b")
}

// The PSA is changed after a candidate was refused: what it said then tells nothing once what served is refused.
func TestACandidateThatWasRefusedTooEarlyIsUntriedWhenTheStoreHasIt(t0 *testing.T) {
	for _, late := range []bool{false, true} {
		t := newTable(t0)
		t.proven("a")
		try := t.try("b")
		if !late {
			t.end(try, Refused)
		}
		t.end(t.serve("x"), Refused)
		if late {
			t.end(try, Refused)
		}
		t.newest("b")
		t.state("b", StateUntried)
	}
}

func TestACandidateThatWasRefusedBeforeLeavesTwoUnits(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for t.r.recorded() < t.s.Budget-2 {
		t.end(t.try("b"), Refused)
	}
	t.mayNotTry("b", BudgetSpent)
	t.mayNotTry("c", BudgetSpent)
	t.end(t.serve("x"), Refused) // nothing serves any more: a new one may take them
	t.mayNotTry("b", BudgetSpent)
	t.end(t.try("c"), Refused)
	t.mayNotTry("d", BudgetSpent)
}

func TestACandidateWaitsForNobody(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.newest("b")
	own := t.own(FirstTry)
	t.mayNotTry("c", QueueDeadline)
	t.end(own, Refused)
	t.end(t.try("c"), NoAnswer)
	t.mayNotTry("d", GateShut)
	t.pass(2 * time.Second)
	t.end(t.try("d"), Locked)
	t.mayNotTry("e", LoginLocked)
}

func TestACandidateIsTriedOnceAfterAFreeCallAndServesWithoutAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: time.Second}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		d.valid = fp("b") // the PSA is changed
		if res := l.Try(t.Context(), fp("b"), "candidate", false); res.Err != nil || res.Verdict != Accepted {
			t.Fatalf("%+v", res)
		}
		if err := l.Newest(fp("b"), "2"); err != nil {
			t.Fatal(err)
		}
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d.checks != 2 || d.free != 2 || d.refused != 0 {
			t.Errorf("%d own sign-ins after %d free calls, %d refused", d.checks, d.free, d.refused)
		}
	})
}

func TestACandidateIsNotSentWhereThePSACannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("b"), down: errors.New("no route")}
		l := newLogin(t, d, Settings{})
		if res := l.Try(t.Context(), fp("b"), "candidate", false); !errors.Is(res.Err, d.down) || d.checks != 0 {
			t.Errorf("%+v, %d sign-ins", res, d.checks)
		}
	})
}

// aheadOf returns a login that a serves, with b, which the PSA did not have, as its newest, and its desk.
func aheadOf(t *testing.T) (*Login, *desk) {
	t.Helper()
	d := &desk{valid: fp("a")}
	l := newLogin(t, d, Settings{})
	if err := d.call(l, Ask{Source: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Newest(fp("b"), "2"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return l, d
}

func TestACandidateThatServesIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := aheadOf(t)
		before := d.checks
		if res := l.Try(t.Context(), fp("a"), "candidate", false); res.Err != nil || res.Verdict != Accepted {
			t.Fatalf("%+v", res)
		}
		if err := l.Newest(fp("a"), "3"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st, _ := l.Status(); d.checks != before+1 || st.Serving != fp("a") {
			t.Errorf("%d sign-ins, %+v", d.checks-before, st)
		}
	})
}

// What served until now tells nothing of what the PSA has: it may have been changed, and nobody has called since.
func TestACandidateThatServedUntilThePSAChangedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := aheadOf(t)
		d.valid = fp("b")
		if res := l.Try(t.Context(), fp("a"), "candidate", false); res.Err != nil || res.Verdict != Refused {
			t.Fatalf("%+v", res)
		}
		synctest.Wait()
		if st, _ := l.Status(); st.Serving != fp("b") {
			t.Errorf("what the store has is not tried again: %+v", st)
		}
	})
}

func TestCallsUnderWayKeepNoCandidateFromItsTurn(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for range t.s.InFlight {
		t.serve("x")
	}
	first := t.try("b")
	t.mayNotTry("c", QueueDeadline) // one at a time
	t.end(first, Refused)
	t.state("a", StateProven)
	t.mayNotTry("c", BudgetSpent) // until a call is served: two refusals and those of the calls would be too many
}

func TestACandidateWaitsWhereEveryUnitIsInUse(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(t.s.Budget - t.s.InFlight)
	for range t.s.InFlight {
		t.r.take(Serve, t.r.proven(), Token(len(t.r.Units)+100), "p1", pathOf{source: "x"}, t.now)
	}
	t.mayNotTry("b", BudgetSpent)
}

func TestACandidateOfAUserApartLeavesTwoUnitsThoughNothingServes(t0 *testing.T) {
	t := newTable(t0)
	may := func(apart bool) *Denied { return t.r.mayTry(new(Credential), &t.s, apart, t.now) }
	for _, secret := range []string{"a", "b", "c"} {
		if d := may(true); d != nil {
			t.Fatal(d)
		}
		t.end(t.try(secret), Refused)
	}
	if d := may(true); d == nil || d.Reason != BudgetSpent || d.RetryAfter != 0 {
		t.Errorf("%v", d)
	}
	if d := may(false); d != nil {
		t.Errorf("of the login's own user: %v", d)
	}
}
