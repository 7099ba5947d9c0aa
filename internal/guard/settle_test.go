package guard

import (
	"log/slog"
	"testing"
	"time"
)

func TestVerdictAcceptedForgivesProvesAndOpens(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.lose(t.serve("x"))
	t.units(0, 0, 0, 1)
	t.newest("b")
	e := t.end(t.own(Probe), Accepted)
	if !e.Opened || e.Forgiven != 1 {
		t.Fatalf("effect %+v", e)
	}
	t.end(t.own(FirstTry), Accepted)
	t.state("b", StateProven)
	t.state("a", StateSuperseded)
	t.units(0, 0, 0, 0)
}

func TestVerdictRefusedFailsTheUnitAndTheCredential(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	if e := t.end(t.own(FirstTry), Refused); !e.Refused {
		t.Fatalf("effect %+v", e)
	}
	t.units(0, 0, 1, 0)
	t.state("a", StateRefused)
}

func TestVerdictRefusedOpensTheGateForThePSASpeaks(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.lose(t.own(FirstTry))
	if !t.r.Gate.Shut {
		t.Fatal("no answer did not shut the gate")
	}
	t.end(t.own(Again), Refused)
	if t.r.Gate.Shut {
		t.Fatal("a refusal left the gate shut")
	}
}

func TestVerdictRefusedOfASupersededCredentialRefusesIt(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	old := t.serve("x")
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	t.end(old, Refused)
	t.state("a", StateRefused)
	t.state("b", StateProven)
}

func TestVerdictRefusedFromAZoneThatWasLeftDoesNotBlameTheCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.r.settle(new(t.serve("x")), Outcome{Verdict: Refused, WrongZone: true}, &t.s, t.now)
	t.units(0, 0, 1, 0)
	t.state("a", StateProven)
	t.newest("b")
	t.r.settle(new(t.own(FirstTry)), Outcome{Verdict: Refused, WrongZone: true}, &t.s, t.now)
	t.state("b", StateUntried)
}

func TestVerdictLockedStopsEverythingUntilRelease(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	if e := t.end(t.serve("x"), Locked); !e.Locked {
		t.Fatalf("effect %+v", e)
	}
	t.units(0, 0, 1, 0)
	if d := t.r.hopeless(&t.s); d == nil || d.Reason != LoginLocked {
		t.Fatalf("denied %+v", d)
	}
	t.r.release(t.r.Seq, t.now)
	if t.r.hopeless(&t.s) != nil {
		t.Fatal("still locked after release")
	}
	t.end(t.own(Recheck), Accepted)
	t.serve("x")
}

func TestVerdictNeutralGivesAProvenCredentialsUnitBack(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	a, b := t.serve("x"), t.serve("x")
	t.end(a, NoAnswer)
	if e := t.end(b, Neutral); !e.Opened {
		t.Fatal("an answer of the PSA did not open the gate")
	}
	t.units(0, 1, 0, 0)
}

func TestVerdictNeutralToAnUnprovenCredentialTellsNothing(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.lose(t.own(FirstTry))
	if e := t.end(t.own(Again), Neutral); e.Opened {
		t.Fatal("opened the gate")
	}
	t.units(0, 0, 0, 2)
	t.state("a", StateNoVerdict)
}

func TestVerdictNotSentChangesNothing(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), NotSent)
	t.state("a", StateUntried)
	t.units(0, 0, 0, 0)
	t.own(FirstTry)
}

func TestVerdictNoAnswerLosesTheUnitAndShutsTheGate(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	a := t.serve("x")
	if e := t.end(a, NoAnswer); !e.Shut || !e.Lost {
		t.Fatalf("effect %+v", e)
	}
	t.units(0, 1, 0, 0)
	t.state("a", StateProven)
	t.r.lingered(a.Token)
	t.units(0, 0, 0, 1)
}

func TestGatePausesGrowWithEachLostAttemptAfterItShut(t0 *testing.T) {
	t := newTable(t0)
	t.s.Budget, t.s.InFlight, t.s.Threshold = 10, 3, 12
	t.proven("a")
	a, b := t.serve("x"), t.serve("x")
	t.end(a, NoAnswer)
	t.end(b, NoAnswer) // sent before the gate shut: does not count again
	for _, pause := range []time.Duration{2 * time.Second, time.Minute, 4 * time.Minute, 16 * time.Minute, time.Hour, time.Hour} {
		t.pass(pause - time.Millisecond)
		t.no(Probe)
		t.pass(time.Millisecond)
		t.end(t.own(Probe), NoAnswer)
	}
}

func TestReleaseGivesBackWhatWasShown(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Refused)
	shown := t.r.Seq
	t.newest("b")
	t.end(t.own(FirstTry), Refused)
	if freed := t.r.release(shown, t.now); freed != 1 {
		t.Fatalf("freed %d", freed)
	}
	t.units(0, 0, 1, 0)
	t.no(Serve)
	t.own(Recheck)
}

func TestTheSameContentAgainIsTheSameCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for range 5 {
		t.newest("b")
		if k, c := t.r.mayAlone(&t.s, t.now); c != nil {
			t.n++
			t.end(t.r.take(k, c, t.n, "p1", pathOf{}, t.now), Refused)
		}
		t.newest("a")
	}
	t.units(0, 0, 1, 0)
}

func TestContentThatComesBackIsTheNewestAgain(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.newest("b")
	t.end(t.own(FirstTry), Accepted)
	t.newest("a")
	t.state("a", StateUntried)
	t.end(t.own(FirstTry), Refused)
	t.state("b", StateProven)
	t.newest("b")
	t.newest("a")
	t.no(Recheck) // while b is proven a refused one is not sent
	t.end(t.serve("x"), Refused)
	t.state("a", StateUntried)
}

func TestRefusedCredentialsAreRememberedLongest(t0 *testing.T) {
	t := newTable(t0)
	t.proven("good")
	t.newest("bad")
	t.end(t.own(FirstTry), Refused)
	for i := range 2 * maxCredentials {
		t.newest("c" + string(rune('0'+i)))
	}
	if t.r.find(fp("bad")) == nil || t.r.find(fp("good")) == nil {
		t.Fatal("a refused credential was forgotten: saved again it would be sent again")
	}
	if len(t.r.Credentials) > maxCredentials {
		t.Fatalf("%d credentials", len(t.r.Credentials))
	}
}

func TestANewLabelDoesNotMakeAnOlderCredentialTheNewest(t *testing.T) {
	l := New(new(Memory), slog.New(slog.DiscardHandler)).Login("k")
	for _, name := range []string{"a", "b"} {
		if err := l.Newest(fp(name), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b", "unknown"} {
		if err := l.Relabel(fp(name), name+" again", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := l.Status()
	if err != nil || s.Newest != fp("b") || len(s.Credentials) != 2 || s.Credentials[0].Version != "a again" || s.Credentials[1].Version != "b again" {
		t.Errorf("%+v %v", s, err)
	}
}
