package caddymodule

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestAKeyIsMaskedInWhateverFormItIsShown(t *testing.T) {
	key := "psagate_" + strings.Repeat("A1b2C3d4", 6) + "Z"
	forms := []string{key, "psagate%5F" + key[8:], "psagate%5f" + key[8:], key[:30]}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for _, before := range []string{"", "u", "ab", "itglue:", "a@example.com:"} {
			forms = append(forms, encoding.EncodeToString([]byte(before+key)))
		}
	}
	for _, form := range forms {
		if !mayHoldKey([]byte("x=" + form + "&y")) {
			t.Errorf("%s is not looked at in logs", form)
		}
		got := shown("x=" + form + "&y")
		if !strings.Contains(got, maskedKey) || strings.Contains(got, form[len(form)-12:]) {
			t.Errorf("%s is shown as %s", form, got)
		}
	}
	for _, text := range []string{"psagate_status", "psagate.example.com", "https://psa.example.com/ATServicesRest/V1.0/Tickets/query", "cHNhZ2F0ZQ=="} {
		if got := shown(text); got != text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

func FuzzWhatIsLikeAKeyIsLookedAt(f *testing.F) {
	for _, mark := range keyMarks {
		f.Add(append(append([]byte("x"), mark...), "f0123456789abcdef"...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if keyLike.Match(text) && !mayHoldKey(text) {
			t.Errorf("%q would be written as it is", text)
		}
	})
}

// A mark that begins no key would have lines looked at for nothing.
func TestEachMarkBeginsAKey(t *testing.T) {
	for _, mark := range keyMarks {
		text := string(mark) + "f0123456789abcdef"
		if !keyLike.MatchString(text) {
			t.Errorf("%s begins no key", mark)
		}
	}
}
