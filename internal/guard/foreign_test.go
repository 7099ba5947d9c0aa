package guard

import "testing"

func (t *table) foreign(locked bool) Effect {
	t.n++
	return t.r.foreign(t.n, "p1", "a stranger", locked, &t.s, t.now)
}

func TestAForeignFailureTakesAUnitAndBlamesNoCredential(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	before := t.serve("x")
	t.foreign(false)
	t.units(1, 0, 1, 0)
	t.state("a", StateProven)
	t.end(before, Accepted) // sent before the failure was recorded: the PSA may have counted it after that success
	t.units(0, 0, 1, 0)
	t.end(t.serve("x"), Accepted)
	t.units(0, 0, 0, 0)
}

func TestForeignFailuresEndCallsBeforeTheLock(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	for range t.s.Budget {
		t.foreign(false)
	}
	if k, c := t.r.serving(&t.s, t.now); c != nil {
		t.Fatalf("%v is served", k)
	}
	if k, c := t.r.mayAlone(&t.s, t.now); c != nil {
		t.Fatalf("%v is tried", k)
	}
	for range 2 * t.s.Threshold {
		t.foreign(false)
	}
	t.units(0, 0, t.s.Threshold, 0)
}

// What calls hold while others fail is given back, and the PSA has counted each of the failures.
func TestForeignFailuresAreAllCountedWhileCallsAreUnderWay(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	first, second := t.serve("x"), t.serve("x")
	for range t.s.Threshold - 1 {
		t.foreign(false)
	}
	t.end(first, Accepted)
	t.end(second, Accepted)
	t.units(0, 0, t.s.Threshold-1, 0)
}

func TestAForeignLockLocks(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	if e := t.foreign(true); !e.Locked {
		t.Fatalf("effect %+v", e)
	}
	if e := t.foreign(true); e.Locked {
		t.Fatalf("told twice: %+v", e)
	}
	if k, c := t.r.serving(&t.s, t.now); c != nil {
		t.Fatalf("%v is served", k)
	}
	t.r.release(t.r.Seq, t.now)
	t.units(0, 0, 0, 0)
}
