package autotask

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
)

func TestWhatThePSASaidIsShownWithoutWhatItQuotes(t *testing.T) {
	t.Parallel()
	challenge := http.Header{"Www-Authenticate": {`Basic Realm="webservices5.autotask.net"`}, "Content-Length": {"0"}}
	html := http.Header{"Content-Type": {"text/html"}}
	d := NewRedactor("hunter2", "it's-a'secret")
	for name, c := range map[string]struct {
		answer Answer
		want   string
	}{
		"a bare 401":                      {Answer{Status: 401, Header: challenge}, "401 with a Basic challenge"},
		"a 401 without the marks":         {Answer{Status: 401}, "401 without the PSA's challenge: something in between answered"},
		"a lockout":                       {Answer{Status: 500, Body: []byte(`{"errors":["Invalid password.","This user account has been locked."]}`)}, "500: This user account has been locked."},
		"a refusal among others":          {Answer{Status: 500, Body: []byte(`{"errors":["Something else.","IntegrationCode is invalid"]}`)}, "500: IntegrationCode is invalid"},
		"a secret":                        {Answer{Status: 500, Body: []byte(`{"errors":["The password hunter2 is incorrect"]}`)}, "500: The password [redacted] is incorrect"},
		"a secret with quotation marks":   {Answer{Status: 500, Body: []byte(`{"errors":["The password it's-a'secret is incorrect"]}`)}, "500: The password [redacted] is incorrect"},
		"a caller's text":                 {Answer{Status: 500, Body: []byte(`{"errors":["The user name \"a caller's\" is invalid"]}`)}, "500: The user name is invalid"},
		"lines and controls":              {Answer{Status: 500, Body: []byte(`{"errors":["The password\r\nis\u001b[31m incorrect"]}`)}, "500: The password is [31m incorrect"},
		"a text that tells nothing":       {Answer{Status: 503, Body: []byte(`{"errors":["Try later"]}`)}, "503 without a text of the PSA's"},
		"a page":                          {Answer{Status: 200, Header: html}, "200 as HTML, which the PSA never sends: something in between answered"},
		"a proxy's page with such a text": {Answer{Status: 502, Header: html, Body: []byte(`{"errors":["The password is incorrect"]}`)}, "502 without a text of the PSA's"},
	} {
		if got := Said(getTicket, c.answer, d); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	lockout := Answer{Status: 500, Body: []byte(`{"errors":["This user account has been locked."]}`)}
	if got := Said(getTicket, lockout, nil); got != "500 without a text of the PSA's" {
		t.Errorf("without a redactor: %q", got)
	}
	lockout.Body = []byte(`{"errors":["This user account has been locked` + strings.Repeat(" é", 500) + `"]}`)
	if got := []rune(Said(getTicket, lockout, d)); len(got) != len("500: ")+maxSaid || got[len(got)-1] != '…' {
		t.Errorf("%d runes: %q", len(got), string(got))
	}
}

func FuzzSaid(f *testing.F) {
	f.Add(500, []byte(`{"errors":["The password hunter2 is incorrect"]}`))
	f.Add(401, []byte(`{"errors":["This user account has been locked 'hunter2'"]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := Said(getTicket, Answer{Status: status, Body: body}, NewRedactor("hunter2"))
		if strings.Contains(got, "hunter2") || len([]rune(got)) > maxSaid+25 || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}
