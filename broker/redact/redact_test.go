package redact

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/url"
	"strings"
	"testing"
)

func TestSecretsAreTakenOut(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"correct-horse", `k=y&"<'>==`, `back\"slash\`, "schlüssel-0123", "ey.J0eXAi", strings.Repeat("a=", 60)} {
		var qp bytes.Buffer
		w := quotedprintable.NewWriter(&qp)
		_, _ = w.Write([]byte(`<Autotask><PW name="` + xml.Replace(secret) + `"/></Autotask>`))
		_ = w.Close()
		b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
		for _, form := range []string{
			secret, url.QueryEscape(secret), xml.Replace(secret), backslashed.Replace(secret), qp.String(), strings.ToLower(qp.String()), b64(secret), b64("\x00user\x00" + secret), b64("user\x00user\x00" + secret),
			b64("user=jo\x01auth=Bearer " + secret + "\x01\x01"), b64("n,a=jo,\x01host=a\x01port=1\x01auth=Bearer " + secret + "\x01\x01"),
		} {
			if form == strings.ToLower(qp.String()) && strings.ToLower(secret) != secret {
				continue
			}
			got := Text("500 no: "+form+" (so)", "", secret)
			if !strings.HasPrefix(got, "500 no: ") || !strings.HasSuffix(got, " (so)") || !strings.Contains(got, instead) || strings.Contains(got, form) {
				t.Errorf("%q: %q", form, got)
			}
		}
	}
	for _, lines := range []string{"no: ke\ny-of", "no: ke\r\ny-of\n", "k\ne\ny\n-\no\nf", "no: AHVzZXIA\na2V5LW9m"} {
		if got := Text(lines, "key-of"); !strings.HasSuffix(strings.TrimSpace(got), instead) {
			t.Errorf("%q: %q", lines, got)
		}
	}
	if got := Text("two\r\nlines", "key-of"); got != "two\r\nlines" {
		t.Error(got)
	}
	if got := Text("a text of which nothing is secret", "", "abc", "q"); got != "a text of which nothing is secret" {
		t.Error(got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("500 correct-horse", "correct-horse")
	f.Add("=ff\xff", "\xff")
	f.Add("", "=\n")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := Text(text+secret+text, secret)
		if secret != "" && !strings.ContainsAny(secret, instead) && strings.Contains(got, secret) {
			t.Errorf("%q is in %q", secret, got)
		}
	})
}

func TestALineIsOneAndShort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "it is\r\nbusy\x1b[2J ": "it is  busy [2J", "a\u2028b\u202ec": "a b c", "\xff": "?",
		strings.Repeat("é", 20): strings.Repeat("é", 20), strings.Repeat("é", 21): strings.Repeat("é", 20) + "…",
	} {
		if got := Line(text, 20); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
