package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/psagate/psagate/internal/report"
)

// told is an alert of changes, each of a minute before noon, with what is known of the login's failures.
func told(changes ...report.AlertChange) report.Alert {
	a := report.Alert{ID: "3ZQ5J6W7N2", Time: noon, Host: "gate", Changes: changes}
	a.Compose(time.UTC)
	return a
}

func change(state report.AlertState, l *report.LoginFailures, edit ...func(*report.AlertChange)) report.AlertChange {
	c := report.AlertChange{Login: "main", State: state, At: before(time.Minute), Version: 3, Integration: "itglue", Zone: five}
	for _, f := range edit {
		f(&c)
	}
	if l != nil {
		l.Conclude()
	}
	c.Explain(l)
	return c
}

func loginOf(name string) *report.LoginFailures { return &failureReports[name].Logins[0] }

func own(c *report.AlertChange) { c.Integration = "" }

var alerts = map[string]report.Alert{
	"refused": told(change(report.AlertRefused, loginOf("fell"))),
	"locked":  told(change(report.AlertLocked, loginOf("locked"), func(c *report.AlertChange) { c.HeldBack = 3 })),
	"ahead":   told(change(report.AlertRefused, loginOf("store-ahead"), own, func(c *report.AlertChange) { c.Version = 4 })),
	"no-secret": told(report.AlertChange{
		Login: "main", State: report.AlertNoSecret, At: before(time.Minute), Store: "vault", Problem: "stale", Next: "Find out.",
	}),
	"recovered": told(change(report.AlertRecovered, loginOf("operation"), func(c *report.AlertChange) {
		c.After = []report.AlertState{report.AlertGateShut, report.AlertRefused}
	})),
	"several": told(
		change(report.AlertReleased, loginOf("none"), func(c *report.AlertChange) { c.Integration, c.Version = "", 0 }),
		change(report.AlertGateShut, nil, func(c *report.AlertChange) { c.Login = "second" }),
		change(report.AlertUnusable, nil, own, func(c *report.AlertChange) { c.Login, c.Store = "third", "file" }),
		change(report.AlertSpent, loginOf("ours")),
	),
	"many": many100(),
	"test": func() report.Alert {
		a := report.Alert{ID: "3ZQ5J6W7N2", Time: noon, Host: "gate", Test: true, Changes: []report.AlertChange{}}
		a.Compose(time.UTC)
		return a
	}(),
}

// many100 is what is told when the store of very many logins is gone.
func many100() report.Alert {
	a := report.Alert{ID: "3ZQ5J6W7N2", Time: noon, Host: "gate", More: 3}
	for i := range 12 {
		a.Changes = append(a.Changes, report.AlertChange{
			Login: fmt.Sprint("login", i), State: report.AlertNoSecret, At: noon, Store: "vault", Problem: "stale", Next: "Find out.",
		})
	}
	a.Compose(time.UTC)
	return a
}

func TestAlertsReadWell(t *testing.T) {
	for name, a := range alerts {
		t.Run(name, func(t *testing.T) {
			golden(t, "alert-"+name, a, func(p report.Printer) { _, _ = fmt.Fprintf(p.Out, "%s\n\n%s", a.Subject, a.Text) })
			for line := range strings.Lines(a.Text) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 120 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

func TestEveryStateOfAnAlertHasItsWords(t *testing.T) {
	heads := map[string]bool{}
	for _, state := range report.AlertStates {
		c := change(state, nil)
		if strings.HasPrefix(string(state), "mail") {
			c.Login = "mail/support"
			c.Explain(nil)
		}
		a := told(c)
		if heads[a.Subject] || strings.HasSuffix(a.Subject, ": "+string(state)) || c.Next == "" {
			t.Errorf("%s: %q, next %q", state, a.Subject, c.Next)
		}
		heads[a.Subject] = true
	}
}

func TestTheSubjectIsTheGravestChange(t *testing.T) {
	for i, state := range report.AlertStates {
		var all []report.AlertChange
		for _, milder := range slices.Backward(report.AlertStates[i:]) {
			all = append(all, report.AlertChange{Login: string(milder), State: milder})
		}
		if got := told(all...).Subject; !strings.Contains(got, "login "+string(state)) {
			t.Errorf("%s: %q", state, got)
		}
	}
}

func TestTheCauseOfAnAlertIsTheLastAttemptThatFits(t *testing.T) {
	l := troubled(
		failed(4*time.Minute, "itglue"), failed(3*time.Minute, "itglue", mute), failed(2*time.Minute, "rmm"),
		failed(time.Minute, "", func(a *report.FailedAttempt) { a.Verdict = "locked" }),
	)
	for name, c := range map[string]struct {
		state       report.AlertState
		integration string
		version     uint64
		ago         time.Duration // 0: none
	}{
		"a refusal":                 {report.AlertRefused, "itglue", 3, 4 * time.Minute},
		"another's":                 {report.AlertRefused, "rmm", 3, 2 * time.Minute},
		"of another version":        {report.AlertRefused, "itglue", 4, 0},
		"no answer":                 {report.AlertGateShut, "itglue", 3, 3 * time.Minute},
		"a lockout":                 {report.AlertLocked, "", 3, time.Minute},
		"a lockout is a refusal":    {report.AlertRefused, "", 3, time.Minute},
		"no lockout of its own":     {report.AlertLocked, "itglue", 3, 0},
		"whatever spends":           {report.AlertSpent, "itglue", 3, 3 * time.Minute},
		"a recovery is not a fault": {report.AlertRecovered, "itglue", 3, 0},
	} {
		got := change(c.state, &l, func(a *report.AlertChange) { a.Integration, a.Version = c.integration, c.version }).Attempt
		if (got == nil) != (c.ago == 0) || got != nil && !got.At.Equal(before(c.ago)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The largest report there can be is cut to what a chat takes.
func TestAnAlertIsBoundedAndLeavesTheReportAsItIs(t *testing.T) {
	l := troubled()
	for i := range 256 {
		l.Attempts = append(l.Attempts, failed(time.Duration(300-i)*time.Second, fmt.Sprint("integration", i%8), func(a *report.FailedAttempt) {
			a.Key, a.Client, a.Said = fmt.Sprint("key", i), fmt.Sprint("2001:db8::", i), strings.Repeat("said ", 100)
		}))
	}
	for range 4 {
		var by []any
		for i := range 256 {
			by = append(by, fmt.Sprint("integration", i), time.Second)
		}
		l.Uses = append(l.Uses, used(3, by...))
	}
	l.Conclude()
	whole, _ := json.Marshal(l)
	a := told(change(report.AlertRefused, &l, func(c *report.AlertChange) { c.Integration = "integration7" }))
	if text, _ := json.Marshal(a); len(text) > 16<<10 {
		t.Errorf("%d bytes", len(text))
	}
	if again, _ := json.Marshal(l); !bytes.Equal(again, whole) {
		t.Error("the report was changed")
	}
}

func TestWhatCameOfTestAlertsReadsWell(t *testing.T) {
	for name, r := range map[string]report.AlertsTest{
		"none": {Targets: []report.AlertTarget{}},
		"two": {Targets: []report.AlertTarget{
			{Kind: "webhook", To: "hooks.example.com", OK: true, Detail: "it was taken"},
			{Kind: "mail", To: "ops@example.com", Detail: "mail.example.com:587: 535: no"},
		}},
	} {
		golden(t, "alerts-test-"+name, r, func(p report.Printer) { p.AlertsTest(r) })
	}
}
