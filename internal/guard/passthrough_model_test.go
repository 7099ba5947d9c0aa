package guard

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// bringing is a move that tries a secret which a caller of an integration brings.
func (w *world) bringing(source string, secrets ...string) move {
	may := func(secret string) bool {
		_, ok := w.r.mayBring(&Brought{Fingerprint: fp(secret), Code: fp("code " + source)}, source, true, &w.s, w.now)
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
	b := &Brought{Fingerprint: fp(secret), Code: fp("code " + source)}
	k, _ := w.r.mayBring(b, source, true, &w.s, w.now)
	w.token++
	a := w.r.take(k, w.r.readyBrought(k, b, source, w.now), w.token, holder, pathOf{source: source}, w.now)
	w.wire = append(w.wire, &sent{a: a, secret: secret, holder: holder})
}

// calling is a move that sends a call with a proven secret that its caller brings.
func (w *world) calling(source string, secrets ...string) move {
	may := func(secret string) bool {
		_, c := w.r.servesBrought(&Brought{Fingerprint: fp(secret)}, true, &w.s, w.now)
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
		w.r, w.psa.valid = Rows{}, "d"
		w.bring("p1", "owner", "d")
		w.answerAll()
		moves := w.moves()
		few := map[string]move{
			"guess":     w.bringing("stranger", guesses...),
			"guess too": w.bringing("another stranger", guesses...),
			"wrong too": w.bringing("owner", "w1", "w2", "w3", "w4", "w5", "w6", "w7"),
			"call":      w.calling("owner", "d"),
		}
		for _, name := range []string{"judge", "answer", "wait"} {
			few[name] = moves[name]
		}
		repeat(t, few, w.safe)
		w.answerAll()
		for range 5 {
			if _, c := w.r.servesBrought(brings("d", "owner"), true, &w.s, w.now); c != nil {
				return
			}
			if _, ok := w.r.mayBring(&Brought{Fingerprint: fp("d")}, "owner", true, &w.s, w.now); ok {
				w.bring("p1", "owner", "d")
				w.answerAll()
			}
		}
		t.Fatalf("shut out: PSA %+v, rows %+v", w.psa, w.r)
	})
}
