package guard

import (
	"testing"
	"time"
)

// table drives Rows in tests: one login, a clock of its own, credentials named by a letter.
type table struct {
	*testing.T
	r   Rows
	s   Settings
	now time.Time
	n   Token
}

func newTable(t *testing.T) *table {
	return &table{T: t, s: Settings{}.WithDefaults(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func fp(name string) (f Fingerprint) {
	copy(f[:], name)
	return f
}

func (t *table) newest(name string) { t.r.newest(fp(name), name) }

func (t *table) pass(d time.Duration) { t.now = t.now.Add(d) }

// serve takes a unit for a caller, or fails the test.
func (t *table) serve(source string) Attempt {
	t.Helper()
	k, c := t.r.serving(&t.s, t.now)
	if c == nil {
		t.Fatalf("no serve kind holds: %+v", t.r)
	}
	t.n++
	return t.r.take(k, c, t.n, "p1", pathOf{source: source}, t.now)
}

// own takes a unit for the guard's own attempt of a kind, or fails the test.
func (t *table) own(want Kind) Attempt {
	t.Helper()
	k, c := t.r.mayAlone(&t.s, t.now)
	if c == nil || k != want {
		t.Fatalf("own kind %v of %v holds, want %v: %+v", k, c, want, t.r)
	}
	t.n++
	return t.r.take(k, c, t.n, "p1", pathOf{}, t.now)
}

func (t *table) end(a Attempt, v Verdict) Effect {
	return t.r.settle(&a, Outcome{Verdict: v}, &t.s, t.now)
}

// lose ends attempts without an answer and lets linger pass.
func (t *table) lose(attempts ...Attempt) {
	for _, a := range attempts {
		t.end(a, NoAnswer)
	}
	t.pass(t.s.Linger)
	for _, a := range attempts {
		t.r.lingered(a.Token)
	}
}

// proven makes a credential the newest and accepted.
func (t *table) proven(name string) {
	t.Helper()
	t.newest(name)
	t.end(t.own(FirstTry), Accepted)
}

// fails records failed units without touching the credential: refusals from a zone that the login has left.
func (t *table) fails(n int) {
	t.Helper()
	for range n {
		a := t.serve("x")
		t.r.settle(&a, Outcome{Verdict: Refused, WrongZone: true}, &t.s, t.now)
	}
}

func (t *table) state(name string, want CredentialState) {
	t.Helper()
	if c := t.r.find(fp(name)); c.State != want {
		t.Fatalf("credential %s is %v, want %v", name, c.State, want)
	}
}

func (t *table) units(held, lost, failed, unknown int) {
	t.Helper()
	got := [4]int{t.r.count(Held), t.r.count(Lost), t.r.count(Failed), t.r.count(Unknown)}
	if want := [4]int{held, lost, failed, unknown}; got != want {
		t.Fatalf("held, lost, failed, unknown units: %v, want %v", got, want)
	}
}

func (t *table) no(k Kind) {
	t.Helper()
	if c := t.r.may(k, &t.s, t.now); c != nil {
		t.Fatalf("%v holds with %s: %+v", k, c.Version, t.r)
	}
}
