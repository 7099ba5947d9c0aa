package guard

import (
	"testing"
	"time"
)

func TestServeKeepsWithinInFlight(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for range t.s.InFlight {
		if a := t.serve("x"); a.Kind != Serve {
			t.Fatalf("kind %v", a.Kind)
		}
	}
	t.no(Serve)
	t.no(ServeOne)
}

func TestServeNeedsTheGateOpen(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), NoAnswer)
	t.pass(time.Hour)
	t.no(Serve)
	t.no(ServeOne)
}

func TestServeOneServesOneAtATimeWhereFewUnitsAreLeft(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(3)
	a := t.serve("x")
	if a.Kind != ServeOne {
		t.Fatalf("kind %v", a.Kind)
	}
	t.no(ServeOne)
	t.end(a, Neutral)
	t.fails(1)
	t.no(ServeOne)
}

func TestProbeAsksAloneOnceTheGatesPauseIsOver(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.no(Probe)
	t.end(t.serve("x"), NoAnswer)
	t.no(Probe)
	t.pass(2 * time.Second)
	a := t.own(Probe)
	t.no(Probe)
	t.end(a, Accepted)
	if t.r.Gate.Shut {
		t.Fatal("the gate is shut after an accepted probe")
	}
	t.serve("x")
}

func TestFirstTryGoesBesideAServingCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.serve("x")
	t.newest("b")
	a := t.own(FirstTry)
	if a.Credential != fp("b") {
		t.Fatalf("tried %s", a.Version)
	}
	t.serve("x")
	t.no(FirstTry)
}

func TestFirstTryMayTakeTheLastUnit(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(4)
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	t.units(0, 0, 0, 0)
}

func TestAgainWaitsLongerEachTime(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	a := t.own(FirstTry)
	t.end(a, Neutral) // a 404: the answer tells nothing of an unproven credential
	t.state("a", StateNoVerdict)
	for _, pause := range []time.Duration{time.Minute, 4 * time.Minute} {
		t.pass(pause - time.Second)
		t.no(Again)
		t.pass(time.Second)
		t.end(t.own(Again), Neutral)
	}
	t.units(0, 0, 0, 3)
	t.pass(16 * time.Minute)
	t.own(Again)
}

func TestRecheckWaitsLongerWithEachUnitRecorded(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Refused)
	for _, pause := range []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour} {
		t.pass(pause - time.Second)
		t.no(Recheck)
		t.pass(time.Second)
		t.end(t.own(Recheck), Refused)
	}
	t.units(0, 0, 4, 0)
	t.pass(1000 * time.Hour)
	t.no(Recheck) // no rescue beyond the budget
}

func TestRecheckOfTheOneThatServedIsDueAtOnceAfterOneRefusal(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), Refused)
	t.state("a", StateRefused)
	t.end(t.own(Recheck), Accepted)
	t.state("a", StateProven)
}

func TestRecheckIsNotDueAtOnceAfterThreeRefusals(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	x, y, z := t.serve("x"), t.serve("x"), t.serve("x")
	for _, a := range []Attempt{x, y, z} {
		t.end(a, Refused)
	}
	t.no(Recheck)
	t.pass(15*16*time.Minute - time.Second)
	t.no(Recheck)
	t.pass(time.Second)
	t.own(Recheck)
}

func TestLastUnitAsksForTheProvenCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(4)
	t.no(ServeOne)
	t.end(t.own(LastUnit), Accepted)
	t.units(0, 0, 0, 0)
}

func TestLastUnitWaitsAnHourAtAShutGate(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(3)
	t.lose(t.serve("x"))
	t.pass(time.Hour - t.s.Linger - time.Second)
	t.no(LastUnit)
	t.pass(time.Second)
	t.own(LastUnit)
}

func TestLastUnitWaitsForLostUnits(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(3)
	a := t.serve("x")
	t.end(a, NoAnswer)
	t.pass(2 * time.Hour)
	t.no(LastUnit)
	t.r.lingered(a.Token)
	t.own(LastUnit)
}

func TestLastUnitServesANewestWithoutVerdict(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Neutral)
	for i := 1; i < 4; i++ {
		t.pass(time.Hour)
		t.end(t.own(Again), Neutral)
	}
	t.no(Again)
	t.own(LastUnit)
}

func TestOwnKindsAreAlone(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.own(FirstTry)
	t.newest("b")
	for k := Probe; k < kinds; k++ {
		t.no(k)
	}
}

func TestNothingIsSentOnALockedLogin(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), Locked)
	t.newest("b")
	t.pass(1000 * time.Hour)
	for k := Serve; k < kinds; k++ {
		t.no(k)
	}
}

func TestOneIntegrationLeavesAUnitToTheOthers(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for range t.s.InFlight - 1 {
		t.serve("x")
	}
	if !t.r.overShare("x", 0, &t.s) {
		t.Fatal("one of several integrations may take all units")
	}
	if t.r.overShare("y", 0, &t.s) || !t.r.overShare("y", t.s.InFlight-1, &t.s) {
		t.Fatal("the other integration may not take the unit that is left, or more while it does not read its answers")
	}
	if _, c := t.r.serving(&t.s, t.now); c == nil {
		t.Fatal("no unit is left")
	}
}

func TestLostUnitsCountForTheirIntegration(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), NoAnswer)
	t.r.open()
	t.serve("x")
	if !t.r.overShare("x", 0, &t.s) {
		t.Fatal("a client that times out and retries takes the others' units")
	}
}

func TestObserveBlocksNothing(t0 *testing.T) {
	t := newTable(t0)
	t.s.Observe = true
	t.newest("a")
	for range 3 * t.s.Budget {
		t.end(t.serve("x"), Refused)
	}
	t.units(0, 0, 3*t.s.Budget, 0)
}
