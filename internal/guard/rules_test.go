package guard

import (
	"testing"
	"time"
)

// Each of these rules, left out, locks a login or leaves a good credential dead.

// 1. A call without verdict is not forgiven before linger: the PSA may judge it after the success.
func TestRuleLostUnitsAreNotForgiven(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	lost, ok := t.serve("x"), t.serve("x")
	t.end(lost, NoAnswer)
	t.end(ok, Accepted)
	t.units(0, 1, 0, 0)
	t.pass(t.s.Linger)
	t.r.lingered(lost.Token)
	t.end(t.serve("x"), Accepted)
	t.units(0, 0, 0, 0)
}

// 3. A 404, 403 or 429 is no success.
func TestRuleNeutralForgivesNothing(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(2)
	t.end(t.serve("x"), Neutral)
	t.units(0, 0, 2, 0)
}

// 4. What forgives is the order of what had been read before the first byte, not the order of settling.
func TestRuleASuccessForgivesOnlyWhatItsProcessHadRead(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	early := t.serve("x")
	t.fails(1)
	t.end(early, Accepted)
	t.units(0, 0, 1, 0)
	t.end(t.serve("x"), Accepted)
	t.units(0, 0, 0, 0)
}

// 4. Nor do clocks decide: a refusal is recorded after the attempt was sent, by a process whose clock is an hour behind.
func TestRuleNoClockDecidesWhatIsForgiven(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	early := t.serve("x")
	t.pass(-time.Hour)
	t.fails(1)
	t.pass(time.Hour)
	t.end(early, Accepted)
	t.units(0, 0, 1, 0)
	t.pass(-2 * time.Hour)
	t.end(t.serve("x"), Accepted)
	t.units(0, 0, 0, 0)
}

// 4. A unit that became unknown after an attempt was sent is not forgiven by it, however long ago its call was made.
func TestRuleUnknownTakesItsPlaceWhenItIsRecorded(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	lost := t.serve("x")
	t.end(lost, NoAnswer)
	t.r.open()
	before := t.serve("x")
	t.r.lingered(lost.Token)
	t.end(before, Accepted)
	t.units(0, 0, 0, 1)
}

// 5. A silent process's units become lost, neither free nor unknown.
func TestRuleADeadProcessLosesItsUnits(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	a := t.serve("x")
	lost := bury(&t.r, "p1")
	t.units(0, 1, 0, 0)
	if len(lost) != 1 || lost[0] != a.Token {
		t.Fatalf("lost %v", lost)
	}
}

// 5. A process that is heard from after all settles its lost unit by token.
func TestRuleALateVerdictSettlesALostUnit(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for _, c := range []struct {
		verdict Verdict
		linger  bool
		failed  int
	}{{Accepted, false, 0}, {Accepted, true, 0}, {Neutral, false, 0}, {NotSent, true, 0}, {Refused, false, 1}} {
		a := t.serve("x")
		bury(&t.r, "p1")
		if c.linger {
			t.r.lingered(a.Token)
		}
		t.end(a, c.verdict)
		t.units(0, 0, c.failed, 0)
	}
}

// 5. Refused late, an unknown unit keeps its place in the order: a success that had read it was judged after it.
func TestRuleALateRefusalKeepsItsPlace(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	a := t.serve("x")
	bury(&t.r, "p1")
	t.r.lingered(a.Token)
	seq := t.r.Seq
	after := t.serve("x")
	t.end(a, Refused)
	if t.r.Seq != seq {
		t.Fatal("a late refusal of an unknown unit took a new place")
	}
	t.end(after, Accepted)
	t.units(0, 0, 0, 0)
}

// 6. Release leaves lost units, and failures younger than what the operator saw.
func TestRuleReleaseLeavesWhatTheOperatorDidNotSee(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.fails(1)
	shown := t.r.Seq
	t.fails(1)
	t.end(t.serve("x"), NoAnswer)
	t.r.release(shown, t.now)
	t.units(0, 1, 1, 0)
}

// 6. After release the guard's own attempt comes first.
func TestRuleReleaseLetsTheGuardAskFirst(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.r.release(t.r.Seq, t.now)
	t.no(Serve)
	t.no(ServeOne)
	t.own(Probe)
}

// 8. Beside a proven credential a refused one is never rechecked.
func TestRuleNoRecheckBesideAProvenCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.newest("b")
	t.end(t.own(FirstTry), Refused)
	t.pass(10000 * time.Hour)
	t.r.check(t.now)
	t.no(Recheck)
	t.serve("x")
}

// 9. A refusal of the proven one makes the newest count as untried.
func TestRuleTheNewestIsUntriedAgainWhenTheProvenOneIsRefused(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.newest("b")
	t.end(t.own(FirstTry), Refused)
	t.end(t.serve("x"), Refused)
	t.state("b", StateUntried)
	t.end(t.own(FirstTry), Accepted)
	t.state("b", StateProven)
}

// 9. Not when the newest is the proven one.
func TestRuleTheProvenNewestIsRefusedAsAny(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), Refused)
	t.state("a", StateRefused)
	t.no(FirstTry)
}

// 9. The newest is not blamed for an attempt that was sent before the proven one's refusal was recorded.
func TestRuleTheNewestIsNotBlamedForAnAttemptSentBefore(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	serving := t.serve("x")
	t.newest("b")
	try := t.own(FirstTry)
	t.end(serving, Refused)
	t.end(try, Refused)
	t.units(0, 0, 2, 0)
	t.state("b", StateUntried)
	t.end(t.own(FirstTry), Accepted)
}

// 9. Unless the newest was accepted in between.
func TestRuleANewestThatWasAcceptedInBetweenIsBlamed(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	serving := t.serve("x")
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	late := t.serve("x")
	t.end(serving, Refused)
	t.end(late, Refused)
	t.state("b", StateRefused)
}

// 10. The last unit is there, for the proven one and for a newest without verdict alike.
func TestRuleTheLastUnitIsNotReservedForUntriedOnes(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.newest("b")
	t.end(t.own(FirstTry), Refused)
	t.fails(2) // units: 3 failed, b refused, a proven
	t.end(t.serve("x"), NoAnswer)
	t.pass(t.s.Linger)
	t.r.lingered(t.r.Units[3].Token)
	t.pass(time.Hour)
	t.end(t.own(LastUnit), Accepted)
	t.units(0, 0, 0, 0)
}

// 11. An older credential does not stay proven beside a newer accepted one, and does not come back by a late success.
func TestRuleALateSuccessOfAnOlderCredentialProvesNothing(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	old := t.serve("x")
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	t.end(old, Accepted)
	t.state("a", StateSuperseded)
	if t.serve("x").Credential != fp("b") {
		t.Fatal("the older one serves")
	}
}

// 11. A refused credential is not superseded: it would count as untried when the store comes back to it.
func TestRuleARefusedCredentialStaysRefused(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Refused)
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	t.state("a", StateRefused)
}

// A success that was sent before its credential's refusal was recorded proves nothing.
func TestRuleASuccessOlderThanTheRefusalProvesNothing(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	early, refused := t.serve("x"), t.serve("x")
	t.end(refused, Refused)
	t.end(early, Accepted)
	t.state("a", StateRefused)
}

// Where a success does not reset the PSA's count, it forgives only its own credential's unanswered calls.
func TestRuleNeverResetForgivesOnlyUnknownOnesOfTheSameCredential(t0 *testing.T) {
	t := newTable(t0)
	t.s.NeverReset = true
	t.proven("a")
	t.lose(t.serve("x"))
	t.pass(time.Minute)
	t.r.settle(new(t.own(Probe)), Outcome{Verdict: Refused, WrongZone: true}, &t.s, t.now)
	t.units(0, 0, 1, 1)
	t.end(t.serve("x"), Accepted)
	t.units(0, 0, 1, 0)
}

// bury makes the units of a process that died p2's to count for, and returns their tokens.
func bury(r *Rows, died string) (lost []Token) {
	r.Adopt(func(holder string) bool { return holder == died }, "p2")
	for _, u := range r.Units {
		if u.State == Lost {
			lost = append(lost, u.Token)
		}
	}
	return lost
}
