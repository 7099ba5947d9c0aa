package guard

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// psa is the PSA at its worst. It knows nothing of the guard.
type psa struct {
	valid      string
	failed     int
	threshold  int
	neverReset bool
	locked     bool
}

func (p *psa) judge(secret string) bool {
	if secret == p.valid && !p.locked {
		if !p.neverReset {
			p.failed = 0
		}
		return true
	}
	p.failed++
	p.locked = p.locked || p.failed >= p.threshold
	return false
}

func (p *psa) unlock() { p.failed, p.locked = 0, false }

// sent is an attempt on the wire. The PSA may judge it at any time until linger after it was given up, and what it said
// may arrive late, or never.
type sent struct {
	a      Attempt
	secret string
	holder string
	judged bool
	good   bool
	gaveUp bool      // settled as lost, or its process died
	until  time.Time // when a lost one can no longer be judged
}

// world is the state that the model-based test moves: one login, several processes, and the PSA.
type world struct {
	r       Rows
	s       Settings
	now     time.Time
	psa     psa
	wire    []*sent
	token   Token
	holders []string
	secrets []string
	shown   uint64 // the seq that an operator saw before unlocking, if any
	seen    bool
	reach   reach // who has the secrets that callers brought
}

func newWorld(t *rapid.T) *world {
	threshold := rapid.IntRange(5, 8).Draw(t, "threshold")
	s := Settings{Threshold: threshold, NeverReset: rapid.Bool().Draw(t, "never reset")}.WithDefaults()
	w := &world{s: s, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), holders: []string{"p1", "p2"}, secrets: []string{"a", "b", "c"}}
	w.psa = psa{valid: "a", threshold: threshold, neverReset: s.NeverReset}
	w.r.newest(fp("a"), "a")
	return w
}

// move is something that may happen: at any moment, or where may says so. Only such are drawn, so that no step is wasted.
type move struct {
	may func() bool
	do  func(*rapid.T)
}

func anytime(do func(*rapid.T)) move { return move{func() bool { return true }, do} }

// repeat makes moves, one after the other, and checks each state.
func repeat(t *rapid.T, moves map[string]move, check func(*rapid.T)) {
	names := slices.Sorted(maps.Keys(moves))
	t.Repeat(map[string]func(*rapid.T){"": check, "move": func(t *rapid.T) {
		can := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !moves[name].may() })
		moves[rapid.SampledFrom(can).Draw(t, "which")].do(t)
	}})
}

// onWire is a move with one of the attempts that are on the wire.
func (w *world) onWire(ok func(*sent) bool, do func(*rapid.T, *sent)) move {
	not := func(m *sent) bool { return !ok(m) }
	return move{
		func() bool { return slices.ContainsFunc(w.wire, ok) },
		func(t *rapid.T) {
			do(t, rapid.SampledFrom(slices.DeleteFunc(slices.Clone(w.wire), not)).Draw(t, "attempt"))
		},
	}
}

// sending is a move that sends what a kind lets go.
func (w *world) sending(next func(*Settings, time.Time) (Kind, *Credential)) move {
	return move{
		func() bool { _, c := next(&w.s, w.now); return c != nil },
		func(t *rapid.T) { k, c := next(&w.s, w.now); w.send(t, k, c) },
	}
}

func (w *world) drop(m *sent) {
	w.wire = slices.DeleteFunc(w.wire, func(o *sent) bool { return o == m })
}

func (w *world) send(t *rapid.T, k Kind, c *Credential) {
	w.token++
	holder := rapid.SampledFrom(w.holders).Draw(t, "process")
	a := w.r.take(k, c, w.token, holder, pathOf{source: "x"}, w.now)
	// A process may have read the seq a while ago; a stale one is only cautious.
	a.Seen -= min(a.Seen, rapid.Uint64Range(0, 2).Draw(t, "stale by"))
	w.wire = append(w.wire, &sent{a: a, secret: c.Version, holder: holder})
}

// trying is a move that tries one of these secrets that the store has not.
func (w *world) trying(secrets ...string) move {
	may := func(secret string) bool {
		c := &Credential{Fingerprint: fp(secret)}
		if known := w.r.find(fp(secret)); known != nil {
			c = known
		}
		return c.Fingerprint != w.r.Newest && w.r.mayTry(c, &w.s, false, w.now) == nil
	}
	return move{
		func() bool { return slices.ContainsFunc(secrets, may) },
		func(t *rapid.T) {
			secret := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return !may(s) })).Draw(t, "candidate")
			w.send(t, Candidate, w.r.candidate(fp(secret), secret))
		},
	}
}

func (w *world) forget(secret string) {
	if c := w.r.find(fp(secret)); c != nil {
		c.Good = false
	}
}

func (w *world) verdict(t *rapid.T, m *sent) Verdict {
	switch {
	case !m.good:
		return Refused
	case !m.a.Kind.Alone() && rapid.IntRange(0, 3).Draw(t, "neutral") == 0:
		return Neutral
	}
	return Accepted
}

// moves are what may happen at any moment.
func (w *world) moves() map[string]move {
	return map[string]move{
		"serve":     w.sending(w.r.serving),
		"own":       w.sending(w.r.mayAlone),
		"candidate": w.trying(w.secrets...),
		"judge": w.onWire(func(m *sent) bool { return !m.judged }, func(t *rapid.T, m *sent) {
			m.judged, m.good = true, w.psa.judge(m.secret)
		}),
		"answer": w.onWire(func(m *sent) bool { return m.judged && !m.gaveUp }, func(t *rapid.T, m *sent) {
			w.r.settle(&m.a, Outcome{Verdict: w.verdict(t, m)}, &w.s, w.now)
			w.drop(m)
		}),
		"answer late": w.onWire(func(m *sent) bool { return m.judged && m.gaveUp }, func(t *rapid.T, m *sent) {
			w.r.settle(&m.a, Outcome{Verdict: w.verdict(t, m)}, &w.s, w.now)
			w.drop(m)
		}),
		"lose": w.onWire(func(m *sent) bool { return !m.gaveUp }, func(t *rapid.T, m *sent) {
			w.r.settle(&m.a, Outcome{Verdict: NoAnswer}, &w.s, w.now)
			m.gaveUp, m.until = true, w.now.Add(w.s.Linger)
		}),
		"not sent": w.onWire(func(m *sent) bool { return !m.judged && !m.gaveUp }, func(t *rapid.T, m *sent) {
			w.r.settle(&m.a, Outcome{Verdict: NotSent}, &w.s, w.now)
			w.drop(m)
		}),
		"wrong zone": w.onWire(func(m *sent) bool { return m.judged && !m.good && !m.gaveUp }, func(t *rapid.T, m *sent) {
			w.r.settle(&m.a, Outcome{Verdict: Refused, WrongZone: true}, &w.s, w.now)
			w.drop(m)
		}),
		"kill": anytime(func(t *rapid.T) {
			holder := rapid.SampledFrom(w.holders).Draw(t, "process")
			w.r.Adopt(func(h string) bool { return h == holder }, "another")
			for _, m := range w.wire {
				if m.holder == holder && !m.gaveUp {
					m.gaveUp, m.until = true, w.now.Add(w.s.Linger)
				}
			}
		}),
		"wait": anytime(func(t *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, time.Minute, 15 * time.Minute, time.Hour, 5 * time.Hour}).Draw(t, "for")
			w.now = w.now.Add(d)
			w.linger()
		}),
		"rotate the PSA":   anytime(func(t *rapid.T) { w.psa.valid = rapid.SampledFrom(w.secrets).Draw(t, "secret") }),
		"rotate the store": anytime(func(t *rapid.T) { s := rapid.SampledFrom(w.secrets).Draw(t, "secret"); w.r.newest(fp(s), s) }),
		"forget":           anytime(func(t *rapid.T) { w.forget(rapid.SampledFrom(w.secrets).Draw(t, "candidate")) }),
		"check":            anytime(func(*rapid.T) { w.r.check(w.now) }),
		"retry":            anytime(func(*rapid.T) { w.r.retry() }),
		"look and unlock":  anytime(func(*rapid.T) { w.shown, w.seen = w.r.Seq, true; w.psa.unlock() }),
		"release": {func() bool { return w.seen }, func(*rapid.T) {
			w.seen = false
			w.r.release(w.shown, w.now)
		}},
	}
}

// linger ends what can no longer be judged, and then, as its process does, makes its unit unknown.
func (w *world) linger() {
	for _, m := range slices.Clone(w.wire) {
		if m.gaveUp && !w.now.Before(m.until) {
			if !m.judged {
				w.drop(m)
			}
			w.r.lingered(m.a.Token)
		}
	}
}

// safe is the promise, checked on the PSA's side.
func (w *world) safe(t *rapid.T) {
	if w.psa.failed > len(w.r.Units) || len(w.r.Units) > w.s.Budget || w.psa.locked {
		t.Fatalf("the PSA counted %d failed sign-ins, %d units of %d are not free, locked %v", w.psa.failed, len(w.r.Units), w.s.Budget, w.psa.locked)
	}
	alone := 0
	for _, u := range w.r.Units {
		if u.Alone && u.State == Held {
			alone++
		}
	}
	if alone > 1 {
		t.Fatalf("%d own attempts at once", alone)
	}
}

func TestModelThePSANeverCountsMoreThanTheUnitsThatAreNotFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		repeat(t, w.moves(), w.safe)
	})
}

// A caller who need not wait is let go without a look at the clock.
func TestModelTheServeKindsLookAtNoClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.s.Observe = rapid.Bool().Draw(t, "observe")
		repeat(t, w.moves(), func(t *rapid.T) {
			k, c := w.r.serving(&w.s, w.now)
			if k2, c2 := w.r.serving(&w.s, noClock); k2 != k || c2 != c {
				t.Fatalf("%v with %v, and %v with %v without a clock", k, c, k2, c2)
			}
			if c == nil {
				return
			}
			with, without := copied(&w.r), copied(&w.r)
			a := with.take(k, with.find(c.Fingerprint), 1, "p1", pathOf{}, w.now)
			b := without.take(k, without.find(c.Fingerprint), 1, "p1", pathOf{}, noClock)
			if a != b || !reflect.DeepEqual(with, without) {
				t.Fatalf("taken %+v with a clock, %+v without", with, without)
			}
		})
	})
}

// answerAll answers, truthfully, what is on the wire.
func (w *world) answerAll() {
	for _, m := range slices.Clone(w.wire) {
		if !m.judged {
			m.judged, m.good = true, w.psa.judge(m.secret)
		}
		w.answer(m.a, m.good)
		w.drop(m)
	}
}

func (w *world) answer(a Attempt, good bool) {
	v := Refused
	if good {
		v = Accepted
	}
	w.r.settle(&a, Outcome{Verdict: v}, &w.s, w.now)
}

// attempt sends a credential, if one may go, and answers at once.
func (w *world) attempt(k Kind, c *Credential) (sent, good bool) {
	if c == nil {
		return false, false
	}
	w.token++
	secret := c.Version
	a := w.r.take(k, c, w.token, "p1", pathOf{}, w.now)
	good = w.psa.judge(secret)
	w.answer(a, good)
	return true, good
}

// serves reports whether a call is served in the end, with nothing else happening and no operator.
func (w *world) serves(t *rapid.T) bool {
	for range 20 {
		if _, good := w.attempt(w.r.serving(&w.s, w.now)); good {
			return true
		}
		if sent, _ := w.attempt(w.r.mayAlone(&w.s, w.now)); sent {
			w.safe(t)
		} else if at := w.r.next(&w.s, w.now); !at.IsZero() {
			w.now = at
		}
	}
	return false
}

// One rotation in either order, any interleaving, nothing lost: the good credential serves again without an operator.
func TestModelOneRotationNeverGetsStuck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.s.NeverReset, w.psa.neverReset = false, false
		w.attempt(w.r.mayAlone(&w.s, w.now)) // it served before
		moves := w.moves()
		once := func(done *bool, f func()) move {
			return move{func() bool { return !*done }, func(*rapid.T) { *done = true; f() }}
		}
		var store, psa bool
		few := map[string]move{
			"rotate the PSA":   once(&psa, func() { w.psa.valid = "b" }),
			"rotate the store": once(&store, func() { w.r.newest(fp("b"), "b") }),
			"candidate":        w.trying("b"),
		}
		for _, name := range []string{"serve", "own", "judge", "answer", "wait"} {
			few[name] = moves[name]
		}
		repeat(t, few, w.safe)
		w.psa.valid = "b"
		w.r.newest(fp("b"), "b")
		w.answerAll()
		if !w.serves(t) {
			t.Fatalf("stuck: PSA %+v, rows %+v", w.psa, w.r)
		}
	})
}
