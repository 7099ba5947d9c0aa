package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// elsewhere is a credential that this process has not read.
func elsewhere(version uint64, state string) *report.CredentialStatus {
	return &report.CredentialStatus{Version: version, State: state, Fingerprint: "9f8e7d6c", Elsewhere: true}
}

// sentWith marks an attempt as one with a credential.
func sentWith(hash string) func(*report.FailedAttempt) {
	return func(a *report.FailedAttempt) { a.Credential = hash }
}

func TestWhatThisProcessHasNotReadIsNotToldAsIfAllHadIt(t *testing.T) {
	here := func(l *report.LoginFailures) { l.Serving.Fingerprint = "1a2b3c4d" }
	for name, c := range map[string]struct {
		l    report.LoginFailures
		want string
	}{
		"the newest is another's and was refused": {
			changed(troubled(failed(time.Minute, "", sentWith("9f8e7d6c"))), func(l *report.LoginFailures) { here(l); l.Newest = elsewhere(3, "refused") }),
			"Give all replicas the same secret: version 3 of another replica (or of this one before a restart) was refused, and version 3 serves on.",
		},
		"what serves is another's": {
			changed(troubled(failed(time.Minute, "", sentWith("1a2b3c4d"))), func(l *report.LoginFailures) {
				l.Serving, l.Newest = elsewhere(3, "proven"), &report.CredentialStatus{Version: 3, State: "refused", Fingerprint: "1a2b3c4d"}
			}),
			"Give all replicas the same secret: version 3 was refused, and version 3 of another replica (or of this one before a restart) serves on.",
		},
		"all were refused, the newest is another's": {
			changed(refused(nil, 1, failed(time.Minute, "", sentWith("9f8e7d6c"))), func(l *report.LoginFailures) { l.Newest = elsewhere(3, "refused") }),
			"Give all replicas the password that the PSA has now: it refused version 3 of another replica (or of this one before a restart), and this process has not read that.",
		},
		"another's password by the number of the one that serves": {
			changed(troubled(failed(time.Minute, "itglue", sentWith("9f8e7d6c"))), here),
			"Nothing: the next sign-in that the PSA accepts takes back what failed.",
		},
		"the one that serves": {
			changed(troubled(failed(time.Minute, "itglue", sentWith("1a2b3c4d"))), here),
			"See whether the PSA user may query Tickets",
		},
		"an attempt from before fingerprints were kept": {
			changed(troubled(failed(time.Minute, "itglue")), here),
			"See whether the PSA user may query Tickets",
		},
	} {
		c.l.Conclude()
		if !strings.HasPrefix(c.l.Next, c.want) {
			t.Errorf("%s: next %q", name, c.l.Next)
		}
		if c.l.Newest != nil && c.l.Newest.Elsewhere && c.l.Outside != "" {
			t.Errorf("%s: outside %q", name, c.l.Outside)
		}
	}
}

func TestAnAmbiguousVersionIsNotSaidToServe(t *testing.T) {
	l := changed(troubled(failed(time.Minute, "itglue", sentWith("9f8e7d6c"))), func(l *report.LoginFailures) { l.Serving.Fingerprint = "1a2b3c4d" })
	var out bytes.Buffer
	report.Printer{Out: &out, Location: time.UTC}.Failures(failures(l))
	text := strings.Join(strings.Fields(out.String()), " ")
	if !strings.Contains(text, "have different passwords by this number") || strings.Contains(text, "serves; last used") {
		t.Error(out.String())
	}
}

func TestStatusSaysWhoseTheCredentialIsAndNoAgeThatIsNotKnown(t *testing.T) {
	s := with("main", func(l *report.LoginStatus) {
		l.Serving, l.Newest = elsewhere(2, "proven"), &report.CredentialStatus{Version: 1, State: "refused", Since: before(time.Hour)}
	})
	s.Advise()
	var out bytes.Buffer
	report.Printer{Out: &out, Location: time.UTC}.Status(s)
	for _, want := range []string{
		"version 2 of another replica (or of this one before a restart) serves; version 1 is newest: refused, 1h 0m old",
		"→ Give all replicas the same secret: version 1 was refused, and version 2 of another replica",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
	s = with("main", func(l *report.LoginStatus) {
		l.State, l.Serving, l.Newest = report.LoginRefused, nil, elsewhere(2, "refused")
	})
	if s.Advise(); !strings.HasPrefix(s.Logins[0].Advice, "Give all replicas the password that the PSA has now: it refused version 2 of another replica") {
		t.Error(s.Logins[0].Advice)
	}
}
