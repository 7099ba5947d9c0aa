package totp

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
)

func TestACodeIsTakenOfOneStepBeforeAndAfterAndOnce(t *testing.T) {
	for _, s := range []Settings{{}, {SHA256, 8, time.Minute}} {
		for steps, want := range map[int]error{-2: ErrWrong, -1: nil, 0: nil, 1: nil, 2: ErrWrong} {
			w := newWorld(t)
			a := w.enrol(ann, s)
			w.pass(time.Hour)
			code := w.code(a, time.Duration(steps)*a.settings.Period)
			if _, err := w.Verify(t.Context(), from(ann, home), code); err != want {
				t.Errorf("%+v, %d steps: %v", s, steps, err)
			}
			if want != nil {
				continue
			}
			if _, err := w.Verify(t.Context(), from(ann, home), code); err != ErrUsed {
				t.Errorf("%+v, %d steps, once more: %v", s, steps, err)
			}
			for before := -1; before < steps; before++ { // RFC 6238, 5.2
				if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, time.Duration(before)*a.settings.Period)); err != ErrUsed {
					t.Errorf("%+v, step %d after step %d: %v", s, before, steps, err)
				}
			}
			if b := len(w.store.buckets); b != 0 {
				t.Errorf("a used code counts as a failure: %d buckets", b)
			}
		}
	}
}

func TestACodeOfAnotherPersonOrFormIsNotTaken(t *testing.T) {
	w := newWorld(t)
	a, b := w.enrol(ann), w.enrol(bob)
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(b, 0)); err != ErrWrong {
		t.Errorf("bob's code: %v", err)
	}
	if _, err := w.Recover(t.Context(), from(ann, home), b.recovery[0]); err != ErrWrong {
		t.Errorf("bob's recovery code: %v", err)
	}
	if _, err := w.Verify(t.Context(), from(Person{"https://other.example.com", "ann"}, home), w.code(a, 0)); err != ErrNotEnrolled {
		t.Errorf("another issuer's ann: %v", err)
	}
	if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, 0)+"00"); !errors.As(err, new(FormError)) {
		t.Errorf("eight digits: %v", err)
	}
	code := w.code(a, 0)
	if _, err := w.Verify(t.Context(), from(ann, home), " "+code[:3]+"\u00a0"+code[3:]+"\n"); err != nil {
		t.Errorf("with spaces: %v", err)
	}
}

func TestASeedOfAnotherPersonIsNotOpened(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	w.enrol(bob)
	w.store.people[bob].Current.Seed = w.store.people[ann].Current.Seed // by whoever can write the store
	if _, err := w.Verify(t.Context(), from(bob, home), w.code(a, 0)); !errors.Is(err, installation.ErrSealed) {
		t.Error(err)
	}
}

func TestRecoveryCodesAreTakenOnceEach(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	for i, code := range a.recovery {
		p, err := w.Recover(t.Context(), from(ann, home), strings.ToLower(code))
		if err != nil || p.RecoveryLeft != 9-i || !p.At.Equal(w.now) {
			t.Errorf("code %d: %+v, error %v", i, p, err)
		}
		if _, err := w.Recover(t.Context(), from(ann, home), code); err != ErrUsed {
			t.Errorf("code %d once more: %v", i, err)
		}
	}
	codes, err := w.NewRecovery(t.Context(), ann)
	if err != nil || len(codes) != 10 {
		t.Fatal(err)
	}
	if _, err := w.Recover(t.Context(), from(ann, home), a.recovery[0]); err != ErrWrong {
		t.Errorf("one of the old set: %v", err)
	}
	if _, err := w.Recover(t.Context(), from(ann, home), codes[3].Reveal()); err != nil {
		t.Errorf("one of the new set: %v", err)
	}
	seen := map[string]bool{}
	for _, c := range append(codes, secret.NewValue(a.recovery[0])) {
		if text := c.Reveal(); seen[text] || len(text) != 19 || strings.Count(text, "-") != 3 {
			t.Errorf("%q", text)
		}
		seen[c.Reveal()] = true
	}
	if kept := fmt.Sprintf("%+v", w.store.people[ann].Recovery); strings.Contains(kept, strings.ReplaceAll(codes[0].Reveal(), "-", "")) {
		t.Error("the store has a recovery code")
	}
	if _, err := w.NewRecovery(t.Context(), bob); err != ErrNotEnrolled {
		t.Errorf("bob: %v", err)
	}
}

func TestAfterTheKeyWasReplacedSeedsAreSealedAnew(t *testing.T) {
	for what, meet := range map[string]func(w *world, a app) error{
		"a code": func(w *world, a app) error {
			_, err := w.Verify(w.t.Context(), from(ann, home), w.code(a, 0))
			return err
		},
		"a sweep": func(w *world, a app) error {
			_, resealed, err := w.Sweep(w.t.Context())
			if resealed != 1 {
				w.t.Errorf("%d are sealed anew", resealed)
			}
			return err
		},
	} {
		w := newWorld(t)
		a := w.enrol(ann)
		w.key = keyOf(t, "n", "k")
		if s, err := w.Status(t.Context(), ann); err != nil || s.RecoveryLeft != 10 {
			t.Errorf("%d recovery codes are left, error %v", s.RecoveryLeft, err)
		}
		if err := meet(w, a); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := w.Recover(t.Context(), from(ann, home), a.recovery[0]); err != nil {
			t.Errorf("%s: a recovery code of the old key: %v", what, err)
		}
		if _, resealed, err := w.Sweep(t.Context()); resealed != 0 || err != nil {
			t.Errorf("%s: %d are sealed anew twice, error %v", what, resealed, err)
		}
		w.key = keyOf(t, "n")
		w.pass(time.Minute)
		if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, 0)); err != nil {
			t.Errorf("%s: once the old key is gone: %v", what, err)
		}
		if s, err := w.Status(t.Context(), ann); err != nil || s.RecoveryLeft != 0 {
			t.Errorf("%d recovery codes of a key that is gone are left, error %v", s.RecoveryLeft, err)
		}
	}
}

func TestASeedOfAKeyThatIsGoneSaysSo(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	w.key = keyOf(t, "x")
	_, err := w.Verify(t.Context(), from(ann, home), w.code(a, 0))
	if !errors.Is(err, installation.ErrKeyGone) || !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}

func TestABrowserIsKnownByItsMarkAlone(t *testing.T) {
	w := newWorld(t)
	a, b := w.enrol(ann), w.enrol(bob)
	changed := []byte(a.browser)
	changed[40] ^= 1
	forged := base64.RawURLEncoding.EncodeToString(keyOf(t, "x").Seal(markPurpose, ann.names(), []byte("12345678\x01xy")))
	for what, text := range map[string]string{
		"none": "", "bob's": b.browser, "changed": string(changed), "cut": a.browser[:20], "of another key": forged,
		"a seed": base64.RawURLEncoding.EncodeToString(w.store.people[ann].Current.Seed), "long": strings.Repeat("A", 1<<20),
	} {
		at := from(ann, home)
		at.Browser = text
		p, err := w.Verify(t.Context(), at, w.code(a, 0))
		if err != nil || p.Known {
			t.Errorf("%s: known %v, error %v", what, p.Known, err)
		}
		w.pass(time.Minute)
	}
	at := from(ann, home)
	at.Browser = a.browser
	p, err := w.Verify(t.Context(), at, w.code(a, 0))
	if err != nil || !p.Known {
		t.Fatalf("its own: known %v, error %v", p.Known, err)
	}
	w.pass(markLasts - time.Second)
	at.Browser = p.Browser.Reveal()
	if p, err = w.Verify(t.Context(), at, w.code(a, 0)); err != nil || !p.Known {
		t.Errorf("before it ends: known %v, error %v", p.Known, err)
	}
	w.pass(time.Minute)
	if p, err := w.Verify(t.Context(), at, w.code(a, 0)); err != nil || p.Known {
		t.Errorf("when it has ended: known %v, error %v", p.Known, err)
	}
	at.Browser = p.Browser.Reveal()
	w.pass(time.Minute)
	if p, err := w.Verify(t.Context(), at, w.code(a, 0)); err != nil || !p.Known {
		t.Errorf("its new one: known %v, error %v", p.Known, err)
	}
	if first, second := w.readMark(ann, a.browser), w.readMark(ann, at.Browser); first.id != second.id {
		t.Error("a browser that is known gets another name, and with it a budget of failures")
	}
}

func FuzzMark(f *testing.F) {
	w := newWorld(f)
	a := w.enrol(ann)
	w.key = keyOf(f, rand.Text()) // another one in each process that fuzzes, so that no text that one finds is a mark of the other's
	mark := w.sealMark(ann, w.readMarkOf(a)).Reveal()
	f.Add(a.browser, 40, byte(1))
	f.Add(mark, len(mark)-1, byte(3))
	f.Add("", 0, byte(0))
	f.Fuzz(func(t *testing.T, text string, at int, xor byte) {
		if m := w.readMark(ann, text); m.id != "" && text != mark {
			t.Fatalf("%q makes a browser known", text)
		}
		changed := []byte(mark)
		changed[uint(at)%uint(len(changed))] ^= xor
		if m := w.readMark(ann, string(changed)); (m.id != "") != (xor == 0) {
			t.Fatalf("with byte %d changed by %d: known %v", at, xor, m.id != "")
		}
		w.readMark(ann, base64.RawURLEncoding.EncodeToString(w.key.Seal(markPurpose, ann.names(), []byte(text)))) // whatever is in a mark of ours
	})
}

// readMarkOf is what the mark of an app's browser says, which was sealed with the key "k".
func (w *world) readMarkOf(a app) mark {
	w.t.Helper()
	now := w.key
	defer func() { w.key = now }()
	w.key = keyOf(w.t, "k")
	m := w.readMark(ann, a.browser)
	if m.id == "" {
		w.t.Fatal("a mark of ours is none")
	}
	return m
}

func TestAStoreThatFailsIsAnErrorAndNobodyPasses(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	w.store.down = errors.New("the disk is full")
	_, beginning := w.Begin(t.Context(), Beginning{Person: bob})
	_, confirming := w.Confirm(t.Context(), ann, "x", "123456")
	_, verifying := w.Verify(t.Context(), from(ann, home), w.code(a, 0))
	_, recovering := w.Recover(t.Context(), from(ann, home), a.recovery[0])
	_, renewing := w.NewRecovery(t.Context(), ann)
	_, resetting := w.Reset(t.Context(), ann)
	_, asking := w.Status(t.Context(), ann)
	_, listing := w.People(t.Context())
	_, _, sweeping := w.Sweep(t.Context())
	_, showing := w.Begun(t.Context(), Beginning{Person: ann}, "x")
	for i, err := range []error{beginning, confirming, verifying, recovering, renewing, resetting, asking, listing, sweeping, showing} {
		if !errors.Is(err, w.store.down) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	for reader := range map[string]bool{"": true, "short": true} {
		w := newWorld(t)
		w.cfg.Random = strings.NewReader(reader)
		if _, err := w.Begin(t.Context(), Beginning{Person: ann}); err == nil {
			t.Error("it begins without random bytes")
		}
	}
}

func TestTheStoreHasNoSeed(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	key, err := noPadding.DecodeString(a.base32.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if seed := w.store.people[ann].Current.Seed; bytes.Contains(seed, key) || bytes.Contains(seed, []byte(a.base32.Reveal())) {
		t.Error("it can be read")
	}
}
