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
