package totp

import (
	"errors"
	"strings"
	"testing"
)

func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", " 123 456\n": "123456", "123-456": "123456", "12\u00a034\u202f56": "123456", "123\u2013456": "123456",
		"1234 5678": "12345678", "000000": "000000", "123\u2212456": "123456",
	} {
		if got, err := ParseCode(typed); err != nil || got != want {
			t.Errorf("%q: %q, error %v", typed, got, err)
		}
	}
	for typed, says := range map[string]string{
		"": "is empty", " - ": "is empty", "12345": "has 5 digits", "123456789": "has 9 digits", "１２３４５６": "another script",
		"١٢٣٤٥٦": "another script", "१२३४५६": "another script", "12345a": "digits 0 to 9 alone", "12345²": "digits 0 to 9 alone", "123456\x00": "digits 0 to 9 alone",
		"123456\u200e": "digits 0 to 9 alone", "12345\xff": "digits 0 to 9 alone", strings.Repeat("1", 65): "too long", strings.Repeat(" ", 1<<20): "too long",
		"+12345": "digits 0 to 9 alone", "1e5000": "digits 0 to 9 alone",
	} {
		_, err := ParseCode(typed)
		if form := new(FormError); !errors.As(err, form) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.70q: want %q, got: %v", typed, says, err)
		}
	}
}

func TestRecoveryCodesAreReadAsPeopleTypeThem(t *testing.T) {
	const want = "0123456789ABCDEF"
	for _, typed := range []string{want, "0123-4567-89AB-CDEF", "oi23 4567 89ab cdef", "OL23\u201345678\u00a09abcdef"} {
		if got, err := ParseRecovery(typed); err != nil || got != want {
			t.Errorf("%q: %q, error %v", typed, got, err)
		}
	}
	for typed, says := range map[string]string{
		"": "is empty", want[1:]: "has 15 characters", want + "0": "has 17 characters", "U" + want[1:]: "without U", "\u017f" + want[1:]: "letters and digits alone",
		"\u212a" + want[1:]: "letters and digits alone", "１" + want[1:]: "letters and digits alone", "123456": "has 6 characters", strings.Repeat("A", 65): "too long",
	} {
		_, err := ParseRecovery(typed)
		if form := new(FormError); !errors.As(err, form) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.70q: want %q, got: %v", typed, says, err)
		}
	}
}

func FuzzTypedCode(f *testing.F) {
	for _, seed := range []string{"123456", "1234 5678", "１２３４５６", "", "0123-4567-89AB-CDEF", "oi23 4567 89ab cdef", "12\xff456"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := ParseCode(typed)
		if err == nil && (strings.Trim(code, "0123456789") != "" || len(code) < 6 || len(code) > 8) {
			t.Fatalf("%q is taken for %q", typed, code)
		}
		if form := new(FormError); err != nil && !errors.As(err, form) {
			t.Fatal(err)
		}
		recovery, err := ParseRecovery(typed)
		if form := new(FormError); err != nil && !errors.As(err, form) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		raw, err := crockford.DecodeString(recovery)
		if err != nil || len(raw) != recoveryBytes || crockford.EncodeToString(raw) != recovery {
			t.Fatalf("%q is taken for %q, which is no code of ours", typed, recovery)
		}
		if again, err := ParseRecovery(grouped(recovery, "-")); err != nil || again != recovery {
			t.Fatalf("%q is not read as it is shown: %q, %v", recovery, again, err)
		}
	})
}
