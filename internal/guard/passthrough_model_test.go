package guard

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bringing is a move that tries a secret which a caller of an integration brings.
func (w *world) bringing(source string, secrets ...string) move {
	may := func(secret string) bool {
		_, ok := w.mayBring(source, secret)
		return ok
	}
	return move{
		func() bool { return slices.ContainsFunc(secrets, may) },
		func(t *rapid.T) {
			secret := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return !may(s) })).Draw(t, "brought")
			w.bring(rapid.SampledFrom(w.holders).Draw(t, "process"), source, secret)
		},
	}
}

func (w *world) bring(holder, source, secret string) {
	b := broughtBy(source, secret)
	k, _ := w.mayBring(source, secret)
	w.token++
	a := w.r.take(k, w.r.readyBrought(k, b, source, w.now), w.token, holder, pathOf{source: source}, w.now)
	w.wire = append(w.wire, &sent{a: a, secret: secret, holder: holder})
}

func broughtBy(source, secret string) *Brought {
	return &Brought{Fingerprint: fp(secret), Code: fp("code " + source)}
}

func (w *world) mayBring(source, secret string) (Kind, bool) {
	return w.r.mayBring(broughtBy(source, secret), source, w.reach == here, w.reach, &w.s, w.now)
}

// calling is a move that sends a call with a proven secret that its caller brings.
func (w *world) calling(source string, secrets ...string) move {
	may := func(secret string) bool {
		_, c := w.r.servesBrought(&Brought{Fingerprint: fp(secret)}, w.reach == here, &w.s, w.now)
		return c != nil
	}
	return move{
		func() bool { return slices.ContainsFunc(secrets, may) },
		func(t *rapid.T) {
			secret := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return !may(s) })).Draw(t, "brought")
			k, c := w.r.servesBrought(&Brought{Fingerprint: fp(secret)}, true, &w.s, w.now)
			w.token++
			a := w.r.take(k, c, w.token, "p1", pathOf{source: source}, w.now)
			w.wire = append(w.wire, &sent{a: a, secret: secret, holder: "p1"})
		},
	}
}

var guesses = []string{"g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"}

// strangers adds to the moves what callers with their own secrets do.
func (w *world) strangers(moves map[string]move) map[string]move {
	moves["bring"] = w.bringing("owner", "a", "b", "c", "d")
	moves["call"] = w.calling("owner", "a", "b", "c", "d")
	moves["bring too"] = w.bringing("second owner", "d", "e")
	moves["guess"] = w.bringing("stranger", guesses...)
	moves["guess too"] = w.bringing("another stranger", guesses...)
	moves["know"] = anytime(func(t *rapid.T) {
		w.reach = rapid.SampledFrom([]reach{beyond, elsewhere, here}).Draw(t, "by whom")
	})
	return moves
}

func TestModelStrangersWithSecretsOfTheirOwnLockNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.secrets = []string{"a", "b", "c", "d"}
		if rapid.Bool().Draw(t, "no store") {
			w.r = Rows{}
		}
		repeat(t, w.strangers(w.moves()), w.safe)
	})
}

// While the PSA takes what an owner has proven, and answers, nobody who guesses keeps him out: at any moment his calls are
// served in the end, with all guessing going on.
func TestModelNobodyProvenIsShutOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.r, w.psa.valid, w.reach = Rows{}, "d", here
		w.bring("p1", "owner", "d")
		w.answerAll()
		moves := w.moves()
		few := map[string]move{
			"guess":     w.bringing("stranger", guesses...),
			"guess too": w.bringing("another stranger", guesses...),
			"wrong too": w.bringing("owner", "w1", "w2", "w3", "w4", "w5", "w6", "w7"),
			"call":      w.calling("owner", "d"),
		}
		moves = w.strangers(moves)
		for _, name := range []string{"judge", "answer", "wait", "know"} { // "know": the process was started again, or is one of several
			few[name] = moves[name]
		}
		repeat(t, few, w.safe)
		w.answerAll()
		for range 5 {
			if _, c := w.r.servesBrought(brings("d", "owner"), w.reach == here, &w.s, w.now); c != nil {
				return
			}
			if _, ok := w.mayBring("owner", "d"); ok {
				w.bring("p1", "owner", "d")
				w.answerAll()
				w.reach = here // it has seen that the PSA takes it
			}
		}
		t.Fatalf("shut out: PSA %+v, rows %+v", w.psa, w.r)
	})
}

// A trusted integration whose secret the PSA takes comes in, as long as two units are not recorded: whatever was proven before and
// nobody has any more, whatever was lost, and whoever guesses. (guard.md, L1.)
func TestModelAGoodSecretOfATrustedIntegrationIsTakenInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.r, w.psa.valid, w.reach = Rows{}, "a", here
		w.s.NeverReset, w.psa.neverReset = false, false
		w.bring("p1", "owner", "a")
		w.answerAll()
		moves := w.strangers(w.moves())
		few := map[string]move{"rotate the PSA": anytime(func(t *rapid.T) { w.psa.valid = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "secret") })}
		for _, name := range []string{"bring", "call", "guess", "guess too", "know", "judge", "answer", "lose", "kill", "wait"} {
			few[name] = moves[name]
		}
		repeat(t, few, w.safe)
		w.answerAll()
		w.now = w.now.Add(24 * time.Hour)
		w.linger()
		if w.r.recorded() >= w.s.Budget-1 {
			return // the last unit may be spent on the one that was proven
		}
		w.psa.valid, w.reach = "new", rapid.SampledFrom([]reach{beyond, here}).Draw(t, "known by")
		if !w.takes("owner", "new") {
			t.Fatalf("stuck: PSA %+v, reach %d, rows %+v", w.psa, w.reach, w.r)
		}
	})
}

// takes has an integration bring a secret again and again, and reports whether it is proven in the end.
func (w *world) takes(source, secret string) bool {
	for range 40 {
		keeps := func(Fingerprint) bool { return w.reach == here }
		if k, c := w.r.broughtProbe(broughtBy(source, secret), source, &w.s, w.now, keeps); c != nil {
			w.token++
			a := w.r.take(k, c, w.token, "p1", pathOf{}, w.now)
			w.answer(a, w.psa.judge(w.secretOf(c.Fingerprint)))
		} else if _, ok := w.mayBring(source, secret); ok {
			w.bring("p1", source, secret)
			w.answerAll()
		}
		if c := w.r.find(fp(secret)); c != nil && c.State == StateProven {
			return true
		}
		w.now = w.now.Add(2 * time.Hour)
		w.linger()
	}
	return false
}

// secretOf is the secret that a fingerprint is of.
func (w *world) secretOf(of Fingerprint) string {
	for _, secret := range append([]string{"a", "b", "c", "d", "e"}, guesses...) {
		if fp(secret) == of {
			return secret
		}
	}
	return ""
}
