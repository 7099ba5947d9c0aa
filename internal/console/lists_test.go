package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestIntegrationsAreToldWithTheirOwnersAndWhenTheyWereServed(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	w.set(func() {
		w.integrations = []Integration{
			{Name: "itglue", Owner: "kim@example.com", Login: "main", Proves: []string{"key 1a2b3c4d"}, Limits: []string{"60 calls a minute", "2 at once"}},
			{Name: "old", Login: "main", Disabled: true, Reason: "retired"},
			{Name: "rmm", Login: "main"},
		}
		w.status.Disabled = []report.SwitchedOff{{Integration: "rmm", Reason: "it loops", Since: w.at.Add(-time.Hour - 30*time.Second)}}
		w.failed.Logins = []report.LoginFailures{{Login: "main", State: report.LoginServing, Uses: []report.VersionUse{
			{Version: 3, By: []report.IntegrationUse{{Integration: "itglue", LastAt: w.at.Add(-3*time.Hour - 30*time.Second)}}},
		}}}
	})
	for range 3 {
		w.ledger.Answered(report.Call{Integration: "itglue", Entity: "Tickets", Action: "delete", Decision: report.Deny, Said: "no policy permits it"})
	}
	ann.opened("/console/integrations", "1 integration may call, 2 are disabled.",
		"itglue on kim@example.com main 3h 0m ago, with version 3 3 calls key 1a2b3c4d 60 calls a minute; 2 at once",
		"old disabled by the config: retired nobody is named", "rmm switched off 1h 0m ago: it loops", "not within a week")
	ann.opened("/console/decisions", "This process has denied 3 calls of 1 integration since", "itglue : 3 denied", "itglue delete Tickets deny 3 times since", "no policy permits it", "each has its own")
}

func TestTheLedgerOfDenialsIsBounded(t *testing.T) {
	at := time.Now()
	l := NewLedger(func() time.Time { return at })
	for _, c := range []report.Call{
		{Integration: "a", Decision: report.Allow}, {Integration: "a", Reason: "credential-refused"}, {Reason: "policy", Decision: report.Deny}, {Integration: "a"},
	} {
		l.Answered(c)
	}
	if d := l.Denials(); len(d.Kinds) != 0 || len(d.Total) != 0 {
		t.Errorf("what was not denied: %+v", d)
	}
	for n := range 3 * maxKinds {
		at = at.Add(time.Second)
		l.Answered(report.Call{Integration: "a", Entity: fmt.Sprint("entity", n), Action: "read", Decision: report.Deny, Said: strings.Repeat("x", 10*maxSaid)})
		l.Answered(report.Call{Integration: "loop", Entity: "Tickets", Action: "read", Decision: report.Deny}) // which takes one place
	}
	d := l.Denials()
	if len(d.Kinds) != maxKinds || d.Total["a"] != 3*maxKinds || len(d.Kinds[5].Said) != maxSaid {
		t.Errorf("%d kinds, %d denials of a, %d bytes of one", len(d.Kinds), d.Total["a"], len(d.Kinds[5].Said))
	}
	for _, k := range d.Kinds[:2] {
		if k.Integration == "loop" && k.Count != 3*maxKinds {
			t.Errorf("what was denied again and again: %+v", k)
		}
	}
	for n := range 2 * maxNames {
		l.Answered(report.Call{Integration: fmt.Sprint(n), Rule: report.Freeze})
	}
	if d := l.Denials(); len(d.Total) > maxNames || len(d.Kinds) > maxKinds {
		t.Errorf("%d names, %d kinds", len(d.Total), len(d.Kinds))
	}
}

func TestPeopleAreToldWhoIsSignedInAndHasASecondFactor(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	since := w.now().Add(-24 * time.Hour)
	w.set(func() {
		w.factors = []report.TOTPPerson{{Issuer: "corp", Subject: "ann", Enrolled: true, Since: &since, RecoveryLeft: 9}, {Issuer: "corp", Subject: "bob"}}
	})
	ann.opened("/console/people", "Signed in: 1 account, in 1 browser.", "ann@example.com account ann of corp second factor an app since", "which is yours here", "browser Browser/1.0", "bob account bob of corp second factor no app Not signed in now.")
	bob := w.browser()
	bob.opened("/console/")
	w.set(func() {})
	bob.opened("/console/people", "Signed in: 1 account, in 2 browsers.")
}

// A page that is live is made and sent again and again, for each who has it open.
func TestOfManyPeopleAPageShowsAPart(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	ann.opened("/console/")
	w.set(func() {
		for n := range 2 * maxPeople {
			w.factors = append(w.factors, report.TOTPPerson{Issuer: "corp", Subject: fmt.Sprintf("p%03d", n), Enrolled: true, Since: &w.at})
		}
	})
	first := ann.opened("/console/people", "These are 1 to 100 of 201", "ann of corp", "p098 of corp", "Those after")
	if strings.Contains(first.text(), "p099 of corp") || strings.Contains(first.text(), "Those before") {
		t.Error("it shows more")
	}
	ann.opened("/console/people?from=100", "101 to 200 of 201", "p099 of corp", "p198 of corp", "Those before", "Those after")
	last := ann.opened("/console/people?from=200", "201 to 201 of 201", "p199 of corp", "Those before")
	if !strings.Contains(last.body, `href="people?from=100"`) || strings.Contains(last.text(), "Those after") || !strings.Contains(last.body, "from=200&amp;page=people") {
		t.Errorf("it leads elsewhere: %s", last.body)
	}
	for _, from := range []string{"-1", "201", "x", "99999999999999999999"} {
		ann.opened("/console/people?from="+from, "These are 1 to 100 of 201")
	}
}

func TestSettingsAreShown(t *testing.T) {
	newWorld(t).browser().opened("/console/settings", "login main lockout.threshold 7")
}
