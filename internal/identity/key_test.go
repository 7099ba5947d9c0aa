package identity

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

func newKey(t testing.TB) Key {
	t.Helper()
	key, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestANewKeyHasItsFormWhateverTheBits(t *testing.T) {
	form := regexp.MustCompile(`^psagate_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$`)
	for name, random := range map[string]io.Reader{
		"random":    rand.Reader,
		"all zeros": bytes.NewReader(make([]byte, 32)),
		"all ones":  bytes.NewReader(bytes.Repeat([]byte{0xff}, 32)),
		"in bytes":  iotest.OneByteReader(rand.Reader),
	} {
		key, err := NewKey(random)
		if err != nil || !form.MatchString(key.Reveal()) {
			t.Errorf("%s: %q, %v", name, key.Reveal(), err)
		}
		if again, err := ParseKey(key.Reveal()); err != nil || again.Hash() != key.Hash() {
			t.Errorf("%s: parsed as %q, %v", name, again.Reveal(), err)
		}
	}
}

func TestKeysOfDifferentBitsDifferAndFewBitsMakeNoKey(t *testing.T) {
	low, _ := NewKey(bytes.NewReader(append(make([]byte, 31), 1)))
	high, _ := NewKey(bytes.NewReader(append([]byte{1}, make([]byte, 31)...)))
	if low.Reveal() == high.Reveal() {
		t.Error("two keys are one")
	}
	if key, err := NewKey(bytes.NewReader(make([]byte, 31))); err == nil || key.Reveal() != "" {
		t.Errorf("31 bytes made %q, %v", key.Reveal(), err)
	}
}

// The form is a promise: keys outlive versions of psagate.
func TestAKeyAndItsHashAreAlwaysTheSameForTheSameBits(t *testing.T) {
	bits := make([]byte, 32)
	for i := range bits {
		bits[i] = byte(i)
	}
	key, err := NewKey(bytes.NewReader(bits))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := key.Reveal(), goldenKey; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if got, want := key.Hash().String(), goldenHash; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if got, want := key.Hash().ID(), goldenHash[7:15]; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

func TestAKeyPrintsAsRedacted(t *testing.T) {
	key := newKey(t)
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, thing := range []any{key, &key, struct{ K Key }{key}, struct{ k Key }{key}, []Key{key}} {
			if text := fmt.Sprintf(form, thing); strings.Contains(text, key.Reveal()) || strings.Contains(text, fmt.Sprintf("%x", key.Reveal())) {
				t.Errorf("%s of %T shows the key", form, thing)
			}
		}
	}
	if got := fmt.Sprint(key); got != "[redacted]" {
		t.Errorf("prints as %s", got)
	}
}

func TestAMistypedKeyIsToldFromWhatIsNoKey(t *testing.T) {
	good := newKey(t).Reveal()
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"nothing":                       {"", ErrNotAKey},
		"a password":                    {"hunter2", ErrNotAKey},
		"half of the prefix":            {"psagate", ErrNotAKey},
		"the prefix in capitals":        {strings.ToUpper(prefix) + good[len(prefix):], ErrNotAKey},
		"a space before":                {" " + good, ErrNotAKey},
		"the prefix alone":              {prefix, ErrMistyped},
		"a line break after":            {good + "\n", ErrMistyped},
		"the last character missing":    {good[:len(good)-1], ErrMistyped},
		"a character outside of base62": {good[:20] + "-" + good[21:], ErrMistyped},
		"an umlaut for two characters":  {good[:20] + "ü" + good[22:], ErrMistyped},
		"the checksum of another key":   {good[:len(good)-6] + newKey(t).Reveal()[len(good)-6:], ErrMistyped},
	} {
		key, err := ParseKey(test.text)
		if !errors.Is(err, test.want) || key.Reveal() != "" {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err != nil && len(test.text) > len(prefix) && strings.Contains(err.Error(), test.text[len(prefix):]) {
			t.Errorf("%s: the error shows the text", name)
		}
	}
}

func mustBeMistyped(t *testing.T, text []byte) {
	t.Helper()
	if _, err := ParseKey(string(text)); !errors.Is(err, ErrMistyped) {
		t.Errorf("%s: %v", text, err)
	}
}

func TestEveryWrongCharacterAndEveryExchangeOfNeighboursIsFound(t *testing.T) {
	good := newKey(t).Reveal()
	for at := len(prefix); at < len(good); at++ {
		for _, other := range []byte(digits) {
			wrong := []byte(good)
			if wrong[at] = other; string(wrong) != good {
				mustBeMistyped(t, wrong)
			}
		}
		if at+1 < len(good) && good[at] != good[at+1] {
			wrong := []byte(good)
			wrong[at], wrong[at+1] = wrong[at+1], wrong[at]
			mustBeMistyped(t, wrong)
		}
	}
}
