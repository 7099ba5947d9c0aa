package installation

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// keyOf is a key made of one letter, which has replaced another where one is given.
func keyOf(t testing.TB, current string, former ...string) Key {
	t.Helper()
	fields := map[string]string{FieldKey: strings.Repeat(current, 40)}
	for _, f := range former {
		fields[FieldFormer] = strings.Repeat(f, 40)
	}
	k, err := FromFields(fields)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var (
	ann   = []string{"https://id.example.com", "ann"}
	plain = []byte("twenty bytes of seed")
)

func TestWhatIsSealedIsOpenedByTheSameKeyForTheSamePersonAndPurpose(t *testing.T) {
	k := keyOf(t, "k")
	sealed := k.Seal("seed", ann, plain)
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, k.Seal("seed", ann, plain)) {
		t.Error("it can be read, or is sealed in the same way twice")
	}
	if got, old, err := k.Open("seed", ann, sealed); err != nil || old || !bytes.Equal(got, plain) {
		t.Errorf("%q, old %v, error %v", got, old, err)
	}
	for what, open := range map[string]func() ([]byte, bool, error){
		"another person":      func() ([]byte, bool, error) { return k.Open("seed", []string{ann[0], "bob"}, sealed) },
		"another issuer":      func() ([]byte, bool, error) { return k.Open("seed", []string{"https://x.example.com", ann[1]}, sealed) },
		"names that run over": func() ([]byte, bool, error) { return k.Open("seed", []string{ann[0] + "a", "nn"}, sealed) },
		"nobody":              func() ([]byte, bool, error) { return k.Open("seed", nil, sealed) },
		"another purpose":     func() ([]byte, bool, error) { return k.Open("browser", ann, sealed) },
	} {
		if got, _, err := open(); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %q, error %v", what, got, err)
		}
	}
	if got, _, err := keyOf(t, "x").Open("seed", ann, sealed); !errors.Is(err, ErrKeyGone) || got != nil {
		t.Errorf("another key: %q, error %v", got, err)
	}
}

func TestNothingThatWasChangedIsOpened(t *testing.T) {
	k := keyOf(t, "k")
	sealed := k.Seal("seed", ann, plain)
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if got, _, err := k.Open("seed", ann, changed); err == nil || got != nil {
				t.Errorf("byte %d, bit %d: it is opened", i, bit)
			}
		}
		if got, _, err := k.Open("seed", ann, sealed[:i]); err == nil || got != nil {
			t.Errorf("its first %d bytes are opened", i)
		}
	}
	if _, _, err := k.Open("seed", ann, append(bytes.Clone(sealed), 0)); !errors.Is(err, ErrSealed) {
		t.Errorf("one more byte: %v", err)
	}
}

func TestWhatWasSealedWithTheKeyOfBeforeIsOpenedUntilThatIsGone(t *testing.T) {
	sealed := keyOf(t, "a").Seal("seed", ann, plain)
	next := keyOf(t, "b", "a")
	if got, old, err := next.Open("seed", ann, sealed); err != nil || !old || !bytes.Equal(got, plain) {
		t.Errorf("%q, old %v, error %v", got, old, err)
	}
	if got, old, err := keyOf(t, "b").Open("seed", ann, next.Seal("seed", ann, plain)); err != nil || old || !bytes.Equal(got, plain) {
		t.Errorf("what is sealed now: %q, old %v, error %v", got, old, err)
	}
	if _, _, err := keyOf(t, "c", "b").Open("seed", ann, sealed); !errors.Is(err, ErrKeyGone) {
		t.Errorf("two keys later: %v", err)
	}
}

func TestKeyedHashesDifferInKeyPurposeAndNames(t *testing.T) {
	k := keyOf(t, "b", "a")
	macs := k.MACs("code", "ann", "1")
	if len(macs) != 2 || macs[0].Key != k.ID() || macs[1] != keyOf(t, "a").MACs("code", "ann", "1")[0] {
		t.Fatalf("%v", macs)
	}
	seen := map[string]bool{macs[0].Sum: true}
	for _, other := range [][]MAC{k.MACs("other", "ann", "1"), k.MACs("code", "ann1"), k.MACs("code", "ann", "1", ""), macs[1:]} {
		if seen[other[0].Sum] || len(other[0].Sum) != 64 {
			t.Errorf("%v is no hash of its own", other[0])
		}
		seen[other[0].Sum] = true
	}
}

func FuzzOpen(f *testing.F) {
	k := keyOf(f, "b", "a")
	f.Add(k.Seal("seed", ann, plain), false)
	f.Add(keyOf(f, "a").Seal("seed", ann, plain), false)
	f.Add(plain, true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			data = k.Seal("seed", ann, data)
		}
		got, _, err := k.Open("seed", ann, data)
		switch {
		case err == nil && !seal && !bytes.Equal(got, plain):
			t.Fatal("bytes that nobody sealed are opened")
		case err != nil && seal:
			t.Fatal(err)
		case err != nil && !errors.Is(err, ErrSealed) && !errors.Is(err, ErrKeyGone):
			t.Fatalf("another error: %v", err)
		}
	})
}
