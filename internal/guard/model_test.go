package guard

import (
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
}

func newWorld(t *rapid.T) *world {
	threshold := rapid.IntRange(5, 8).Draw(t, "threshold")
	s := Settings{Threshold: threshold, NeverReset: rapid.Bool().Draw(t, "never reset")}.WithDefaults()
	w := &world{s: s, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), holders: []string{"p1", "p2"}, secrets: []string{"a", "b", "c"}}
	w.psa = psa{valid: "a", threshold: threshold, neverReset: s.NeverReset}
	w.r.newest(fp("a"), "a")
	return w
}

func (w *world) pick(t *rapid.T, ok func(*sent) bool) *sent {
	var can []*sent
	for _, m := range w.wire {
		if ok(m) {
			can = append(can, m)
		}
	}
	if len(can) == 0 {
		t.Skip("nothing on the wire")
	}
	return rapid.SampledFrom(can).Draw(t, "attempt")
}

func (w *world) drop(m *sent) {
	w.wire = slices.DeleteFunc(w.wire, func(o *sent) bool { return o == m })
}

func (w *world) send(t *rapid.T, k Kind, c *Credential) {
	if c == nil {
		t.Skip("no kind holds")
	}
	w.token++
	holder := rapid.SampledFrom(w.holders).Draw(t, "process")
	a := w.r.take(k, c, w.token, holder, pathOf{source: "x"}, w.now)
	// A process may have read the seq a while ago; a stale one is only cautious.
	a.Seen -= min(a.Seen, rapid.Uint64Range(0, 2).Draw(t, "stale by"))
	w.wire = append(w.wire, &sent{a: a, secret: c.Version, holder: holder})
}

// candidate tries a secret that the store has not.
func (w *world) candidate(t *rapid.T, secret string) {
	c := w.r.candidate(fp(secret), secret)
	if c.Fingerprint == w.r.Newest || w.r.mayTry(c, &w.s, w.now) != nil {
		t.Skip("it may not be tried")
	}
	w.send(t, Candidate, c)
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
func (w *world) moves() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"serve": func(t *rapid.T) {
			k, c := w.r.serving(&w.s, w.now)
			w.send(t, k, c)
		},
		"own": func(t *rapid.T) {
			k, c := w.r.mayAlone(&w.s, w.now)
			w.send(t, k, c)
		},
		"candidate": func(t *rapid.T) { w.candidate(t, rapid.SampledFrom(w.secrets).Draw(t, "candidate")) },
		"judge": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return !m.judged })
			m.judged, m.good = true, w.psa.judge(m.secret)
		},
		"answer": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return m.judged && !m.gaveUp })
			w.r.settle(&m.a, Outcome{Verdict: w.verdict(t, m)}, &w.s, w.now)
			w.drop(m)
		},
		"answer late": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return m.judged && m.gaveUp })
			w.r.settle(&m.a, Outcome{Verdict: w.verdict(t, m)}, &w.s, w.now)
			w.drop(m)
		},
		"lose": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return !m.gaveUp })
			w.r.settle(&m.a, Outcome{Verdict: NoAnswer}, &w.s, w.now)
			m.gaveUp, m.until = true, w.now.Add(w.s.Linger)
		},
		"not sent": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return !m.judged && !m.gaveUp })
			w.r.settle(&m.a, Outcome{Verdict: NotSent}, &w.s, w.now)
			w.drop(m)
		},
		"wrong zone": func(t *rapid.T) {
			m := w.pick(t, func(m *sent) bool { return m.judged && !m.good && !m.gaveUp })
			w.r.settle(&m.a, Outcome{Verdict: Refused, WrongZone: true}, &w.s, w.now)
			w.drop(m)
		},
		"kill": func(t *rapid.T) {
			holder := rapid.SampledFrom(w.holders).Draw(t, "process")
			w.r.bury(holder)
			for _, m := range w.wire {
				if m.holder == holder && !m.gaveUp {
					m.gaveUp, m.until = true, w.now.Add(w.s.Linger)
				}
			}
		},
		"wait": func(t *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, time.Minute, 15 * time.Minute, time.Hour, 5 * time.Hour}).Draw(t, "for")
			w.now = w.now.Add(d)
			w.linger()
		},
		"rotate the PSA":   func(t *rapid.T) { w.psa.valid = rapid.SampledFrom(w.secrets).Draw(t, "secret") },
		"rotate the store": func(t *rapid.T) { s := rapid.SampledFrom(w.secrets).Draw(t, "secret"); w.r.newest(fp(s), s) },
		"forget":           func(t *rapid.T) { w.forget(rapid.SampledFrom(w.secrets).Draw(t, "candidate")) },
		"check":            func(*rapid.T) { w.r.check(w.now) },
		"retry":            func(*rapid.T) { w.r.retry() },
		"look and unlock":  func(*rapid.T) { w.shown, w.seen = w.r.Seq, true; w.psa.unlock() },
		"release": func(t *rapid.T) {
			if !w.seen {
				t.Skip("nobody has unlocked it")
			}
			w.seen = false
			w.r.release(w.shown, w.now)
		},
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
		actions := w.moves()
		actions[""] = w.safe
		t.Repeat(actions)
	})
}

// A caller who need not wait is let go without a look at the clock.
func TestModelTheServeKindsLookAtNoClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.s.Observe = rapid.Bool().Draw(t, "observe")
		actions := w.moves()
		actions[""] = func(t *rapid.T) {
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
		}
		t.Repeat(actions)
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
		once := func(done *bool, f func()) func(*rapid.T) {
			return func(t *rapid.T) {
				if *done {
					t.Skip("rotated")
				}
				*done = true
				f()
			}
		}
		var store, psa bool
		actions := map[string]func(*rapid.T){
			"":                 w.safe,
			"rotate the PSA":   once(&psa, func() { w.psa.valid = "b" }),
			"rotate the store": once(&store, func() { w.r.newest(fp("b"), "b") }),
			"candidate":        func(t *rapid.T) { w.candidate(t, "b") },
		}
		for _, name := range []string{"serve", "own", "judge", "answer", "wait"} {
			actions[name] = moves[name]
		}
		t.Repeat(actions)
		w.psa.valid = "b"
		w.r.newest(fp("b"), "b")
		w.answerAll()
		if !w.serves(t) {
			t.Fatalf("stuck: PSA %+v, rows %+v", w.psa, w.r)
		}
	})
}
