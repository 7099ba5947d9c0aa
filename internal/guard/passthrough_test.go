package guard

import (
	"fmt"
	"testing"
	"time"
)

func brings(secret, code string) *Brought {
	return &Brought{Fingerprint: fp(secret), Code: fp("code " + code), Address: "192.0.2.7"}
}

// tries tries a caller's secret, or fails the test where the guard would not.
func (t *table) tries(secret, code, source string, v Verdict) {
	t.Helper()
	b := brings(secret, code)
	k, ok := t.r.mayBring(b, source, true, here, &t.s, t.now)
	if !ok {
		t.Fatalf("%s of %s may not be tried: %+v", secret, source, t.r)
	}
	t.n++
	t.end(t.r.take(k, t.r.readyBrought(k, b, source, t.now), t.n, "p1", pathOf{source: source}, t.now), v)
}

func (t *table) mayNot(secret, code, source string) {
	t.Helper()
	if k, ok := t.r.mayBring(brings(secret, code), source, true, here, &t.s, t.now); ok {
		t.Fatalf("%s of %s may be tried as %v: %+v", secret, source, k, t.r)
	}
}

func TestTheSameWrongSecretCostsOneAttemptEver(t0 *testing.T) {
	t := newTable(t0)
	t.tries("wrong", "1", "x", Refused)
	for range 100 {
		t.pass(24 * time.Hour)
		t.mayNot("wrong", "1", "x")
		t.mayNot("wrong", "1", "another")
	}
	t.r.release(t.r.Seq, t.now)
	t.r.check(t.now)
	t.mayNot("wrong", "1", "x")
	if d := t.r.broughtHopeless(&Ask{Source: "x", Brings: brings("wrong", "1")}, &t.s, t.now); d == nil || d.Reason != CredentialRefused {
		t.Fatalf("the caller hears %v", d)
	}
}

func TestOneUnprovenSecretAMinuteOfAnIntegration(t0 *testing.T) {
	t := newTable(t0)
	t.tries("good", "1", "x", Accepted)
	t.pass(bringPause)
	t.tries("wrong", "1", "x", Refused)
	t.mayNot("next", "1", "x")
	t.tries("other's", "2", "y", Refused)
	t.pass(bringPause)
	t.tries("next", "1", "x", Refused)
}

func TestAStrangerStopsAtItsOneUnitAndTwoBelowTheBudget(t0 *testing.T) {
	t := newTable(t0)
	t.tries("guess", "s", "stranger", Refused)
	t.pass(time.Hour)
	t.mayNot("guess 2", "s", "stranger")
	for i := range t.s.Budget - 3 {
		t.tries(fmt.Sprint("other ", i), "s", fmt.Sprint("stranger ", i), Refused)
	}
	t.mayNot("guess 2", "s", "one more stranger")
	t.units(0, 0, t.s.Budget-2, 0)
}

// Nobody can be kept out by it where nobody else has the user, so that who errs at the very beginning may mend it, with any budget.
func TestTheSoleOneMayErrAtTheVeryBeginningWithAnyBudget(t0 *testing.T) {
	for budget := 3; budget <= 5; budget++ {
		t := newTable(t0)
		t.s.Budget = budget
		sent := 0
		for i := range budget + 1 {
			b := brings(fmt.Sprint("wrong ", i), "s")
			b.Sole = true
			if k, ok := t.r.mayBring(b, "x", true, here, &t.s, t.now); ok {
				t.n++
				t.end(t.r.take(k, t.r.readyBrought(k, b, "x", t.now), t.n, "p1", pathOf{source: "x"}, t.now), Refused)
				sent++
			}
			t.pass(bringPause)
		}
		if sent != budget-1 {
			t.Errorf("budget %d: %d were sent", budget, sent)
		}
	}
}

func TestNoUnprovenSecretTakesTheUnitsOfWhatIsProven(t0 *testing.T) {
	t := newTable(t0)
	t.s.NeverReset = true
	t.tries("good", "1", "x", Accepted)
	for i := range t.s.Budget - 2 {
		t.pass(bringPause)
		t.tries(fmt.Sprint("wrong ", i), "1", "x", Refused)
	}
	t.pass(bringPause)
	t.mayNot("one more", "1", "x")
	if _, c := t.r.servesBrought(brings("good", "1"), true, &t.s, t.now); c == nil {
		t.Fatal("the proven one is shut out")
	}
}

func TestWhereNothingIsProvenATrustedIntegrationMaySpendAllButTheStoresLastUnit(t0 *testing.T) {
	for _, withStore := range []bool{false, true} {
		t := newTable(t0)
		limit := t.s.Budget
		if withStore {
			t.newest("a")
			limit--
		}
		n := 0
		for range limit + 2 {
			b := brings(fmt.Sprint("wrong ", n), "1")
			b.Bound = true
			if k, ok := t.r.mayBring(b, "x", true, here, &t.s, t.now); ok {
				t.n++
				t.end(t.r.take(k, t.r.readyBrought(k, b, "x", t.now), t.n, "p1", pathOf{source: "x"}, t.now), Refused)
				n++
			}
			t.pass(bringPause)
		}
		if n != limit {
			t.Errorf("with a store %v: %d were sent, want %d", withStore, n, limit)
		}
	}
}

func TestAnAcceptedSecretSupersedesThoseWithItsIntegrationCodeAlone(t0 *testing.T) {
	t := newTable(t0)
	t.proven("store")
	t.tries("old", "1", "x", Accepted)
	t.tries("other", "2", "y", Accepted)
	t.pass(bringPause)
	t.tries("new", "1", "x", Accepted)
	for secret, want := range map[string]CredentialState{"store": StateProven, "old": StateSuperseded, "other": StateProven, "new": StateProven} {
		if got := t.r.find(fp(secret)).State; got != want {
			t.Errorf("%s is %v, want %v", secret, got, want)
		}
	}
	if t.r.proven() == nil || t.r.proven().Fingerprint != fp("store") {
		t.Error("callers of the login would be sent with a secret that another brought")
	}
	t.newest("store 2")
	t.end(t.own(FirstTry), Accepted)
	if t.r.find(fp("new")).State != StateProven {
		t.Error("the store's newest superseded what a caller brought")
	}
}

func TestAProvenSecretIsCheckedFirstByAProcessThatHasNotSeenItAccepted(t0 *testing.T) {
	t := newTable(t0)
	t.tries("good", "1", "x", Accepted)
	b := brings("good", "1")
	if _, c := t.r.servesBrought(b, false, &t.s, t.now); c != nil {
		t.Error("it serves before it was checked")
	}
	if k, ok := t.r.mayBring(b, "x", false, here, &t.s, t.now); !ok || k != Probe {
		t.Errorf("%v %v, want a probe", k, ok)
	}
	if _, ok := t.r.mayBring(b, "x", true, here, &t.s, t.now); ok {
		t.Error("a confirmed one is checked again with the gate open")
	}
}

func TestTheLastAcceptedIsTriedAgainAndNoOther(t0 *testing.T) {
	t := newTable(t0)
	t.tries("first", "1", "x", Accepted)
	t.pass(bringPause)
	t.tries("second", "2", "y", Accepted)
	for _, secret := range []string{"first", "second"} {
		k, c := t.r.servesBrought(brings(secret, "?"), true, &t.s, t.now)
		t.n++
		t.end(t.r.take(k, c, t.n, "p1", pathOf{source: "x"}, t.now), Refused)
	}
	t.mayNot("first", "1", "x")
	if k, ok := t.r.mayBring(brings("second", "2"), "y", true, here, &t.s, t.now); !ok || k != Recheck {
		t.Errorf("%v %v, want a recheck", k, ok)
	}
}

func TestAGuesserMakesNothingForgottenWithinADay(t0 *testing.T) {
	t := newTable(t0)
	t.s.Observe = false
	t.tries("honest but wrong", "1", "honest", Refused)
	t.r.Units = nil
	sent := 0
	for i := range 1000 {
		if k, ok := t.r.mayBring(brings(fmt.Sprint("guess ", i), "s"), "guesser", true, here, &t.s, t.now); ok {
			t.n++
			a := t.r.take(k, t.r.readyBrought(k, brings(fmt.Sprint("guess ", i), "s"), "guesser", t.now), t.n, "p1", pathOf{source: "guesser"}, t.now)
			t.end(a, Refused)
			t.r.Units = nil // somebody who is proven called
			sent++
		}
		t.pass(bringPause)
	}
	if sent != maxBrought {
		t.Errorf("%d guesses were sent within a day, want %d", sent, maxBrought)
	}
	t.mayNot("guess 0", "s", "guesser")
	t.pass(48 * time.Hour)
	t.tries("guess 5000", "s", "guesser", Refused)
	if len(t.r.Credentials) != maxBrought+1 || t.r.find(fp("honest but wrong")) == nil {
		t.Errorf("%d are remembered; the honest one's is %v", len(t.r.Credentials), t.r.find(fp("honest but wrong")))
	}
}

func TestTheStoresContentIsTheStoresWhoeverBringsIt(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	if _, c := t.r.servesBrought(brings("a", "1"), false, &t.s, t.now); c == nil {
		t.Error("what the store has proven does not serve who brings it")
	}
	t.tries("b", "1", "x", Accepted)
	t.newest("b")
	if c := t.r.proven(); c == nil || c.Fingerprint != fp("b") || c.brought() {
		t.Errorf("the store took over an accepted one, and %+v serves", c)
	}
}

func TestATrustedOnesNewSecretHasTheProvenOneProbedForRoom(t0 *testing.T) {
	t := newTable(t0)
	t.tries("old", "1", "x", Accepted)
	t.fails0(t.s.Budget - 2)
	t.pass(bringPause)
	t.mayNot("new", "1", "x")
	keeps := func(Fingerprint) bool { return true }
	k, c := t.r.broughtProbe(brings("new", "1"), "x", &t.s, t.now, keeps)
	if c == nil || k != Probe || c.Fingerprint != fp("old") {
		t.Fatalf("%v of %v, want a probe of the old one", k, c)
	}
	if _, c := t.r.broughtProbe(brings("new", "s"), "stranger", &t.s, t.now, keeps); c != nil {
		t.Error("a stranger has the proven one probed")
	}
	t.n++
	t.end(t.r.take(k, t.r.readyBrought(k, &Brought{Fingerprint: c.Fingerprint}, "", t.now), t.n, "p1", pathOf{}, t.now), Refused)
	t.tries("new", "1", "x", Accepted)
}

// fails0 records failed units.
func (t *table) fails0(n int) {
	for range n {
		t.n++
		t.r.Seq++
		t.r.Units = append(t.r.Units, Unit{State: Failed, Token: t.n, Seq: t.r.Seq})
	}
}
