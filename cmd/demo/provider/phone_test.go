package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The codes are those of RFC 6238, appendix B, with six digits.
func TestTheTelephoneShowsTheCodesOfTheMoment(t *testing.T) {
	p, _ := start(t)
	now := time.Unix(59, 0).UTC()
	p.now = func() time.Time { return now }
	if _, page := ask(t, p, pathPhone, ""); !strings.Contains(page, "knows no secret yet") {
		t.Errorf("at first it is\n%s", page)
	}
	res, _ := ask(t, p, pathPhone, url.Values{"secret": {" gezd gnbv-gy3t qojq GEZD GNBV GY3T QOJQ\n"}}.Encode())
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != pathPhone {
		t.Fatalf("%d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	for at, want := range map[int64]string{59: "287082</output></p>\nfor 1 more", 1111111109: "081804</output></p>\nfor 1 more", 1234567890: "005924</output></p>\nfor 30 more"} {
		now = time.Unix(at, 0).UTC()
		if _, page := ask(t, p, pathPhone, ""); !strings.Contains(page, want) || strings.Contains(page, "GEZDGNBV") {
			t.Errorf("at %d it is\n%s", at, page)
		}
	}
}

func TestTheTelephoneHasRoomForAFewSecretsOnceEach(t *testing.T) {
	p, _ := start(t)
	for _, letters := range []string{"A", "B", "C", "D", "E", "F", "E"} {
		ask(t, p, pathPhone, "secret="+strings.Repeat(letters, 16))
	}
	var first string
	for _, a := range p.apps {
		first += a.seed[:1]
	}
	if first != "EFDC" {
		t.Errorf("it has %s, the newest one first", first)
	}
}

func TestWhatIsNoSecretIsSaidSoAndNotShown(t *testing.T) {
	p, _ := start(t)
	for _, text := range []string{"", " - ", "GEZDGNBV1", "otpauth://totp/x?secret=GEZDGNBV", strings.Repeat("A", maxSeed+1), "ÄÖ"} {
		res, page := ask(t, p, pathPhone, "secret="+url.QueryEscape(text))
		if res.StatusCode != http.StatusBadRequest || strings.Contains(page, "GEZD") || len(p.apps) > 0 {
			t.Errorf("%q: %d %s", text, res.StatusCode, page)
		}
	}
}
