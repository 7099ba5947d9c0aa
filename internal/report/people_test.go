package report

import (
	"strings"
	"testing"
	"time"
)

func TestPeoplesFailuresAreShownWithTheirNames(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	f := Failures{Time: at, Since: at.Add(-time.Hour), KeptSince: at.Add(-time.Hour), People: []PersonFailure{
		{At: at, Web: "main", User: UserLogin, Login: "main", Person: "anna@example.com", Client: "192.0.2.7", Sign: "the password is asked for again"},
		{At: at, Web: "main", User: UserAnother, Client: "192.0.2.8", Sign: "otp token is invalid"},
		{At: at, Web: "main", User: UserUnknown, Sign: "the answer is a 401"},
	}}
	l := LoginFailures{Login: "main", State: LoginServing, Attempts: []FailedAttempt{
		{At: at, Login: "main", Integration: ByWebUI, Person: "anna@example.com", Client: "192.0.2.7", Action: "sign-in", Verdict: "refused", Said: "the password is asked for again", Unit: "failed"},
	}}
	l.Conclude()
	f.Logins = []LoginFailures{l}
	var b strings.Builder
	Printer{Out: &b, Location: time.UTC}.Failures(f)
	for _, want := range []string{"sign-ins of people that failed", "anna@example.com", "login main", "a user of their own", "not known", "anna@example.com on the PSA's web pages: the password", `"otp token is invalid"`, "a person, by the web UI: 1 refused"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(l.Next, ByWebUI) {
		t.Errorf("next: %s", l.Next)
	}
}
