package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/psagate/psagate/internal/report"
)

const five = "https://webservices5.autotask.net/ATServicesRest/"

// failed is an attempt of an integration's that the PSA refused some time before noon.
func failed(ago time.Duration, integration string, change ...func(*report.FailedAttempt)) report.FailedAttempt {
	a := report.FailedAttempt{
		At: before(ago), Login: "main", Integration: integration, Key: "1a2b3c4d", Client: "192.0.2.7", Entity: "Tickets", Action: "query",
		Version: 3, Zone: five, Verdict: "refused", Said: "401 with a Basic challenge", Unit: "failed",
	}
	if integration == "" {
		a.Key, a.Client, a.Own, a.Entity, a.Action = "", "", "first-try", "ThresholdInformation", "read"
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

// itsOwn makes it an attempt with a secret that its caller brought.
func itsOwn(a *report.FailedAttempt) { a.Version, a.Fingerprint, a.Key = 0, "9f8e7d6c", "" }

func forgiven(a *report.FailedAttempt) { a.Forgiven = true }

func mute(a *report.FailedAttempt) {
	a.Verdict, a.Said, a.Unit = "no-answer", "nothing: the connection broke off", "unknown"
}

// troubled is a login that serves and had failures.
func troubled(attempts ...report.FailedAttempt) report.LoginFailures {
	return report.LoginFailures{
		Login: "main", State: report.LoginServing, Lockout: report.LockoutStatus{Threshold: 7, Distance: 7},
		Serving:       &report.CredentialStatus{Version: 3, State: "proven", Since: before(50 * time.Hour), AcceptedAt: at(-time.Second)},
		LastSuccessAt: at(-time.Second), Attempts: attempts, Uses: []report.VersionUse{used(3, "itglue", time.Second, "rmm", time.Minute)},
	}
}

// used is a version's use: names, and how long before noon each was.
func used(version uint64, by ...any) report.VersionUse {
	use := report.VersionUse{Version: version}
	for i := 0; i < len(by); i += 2 {
		use.By = append(use.By, report.IntegrationUse{Integration: by[i].(string), LastAt: before(by[i+1].(time.Duration))})
	}
	return use
}

func changed(l report.LoginFailures, change func(*report.LoginFailures)) report.LoginFailures {
	change(&l)
	return l
}

func failures(logins ...report.LoginFailures) report.Failures {
	for i := range logins {
		logins[i].Conclude()
	}
	return report.Failures{Time: noon, Since: before(time.Hour), KeptSince: before(72 * time.Hour), Logins: logins, Callers: []report.CallerFailure{}}
}

// refused is a login whose last credential the PSA has refused; it was accepted before, some time ago.
func refused(acceptedAt *time.Time, failedSince int, attempts ...report.FailedAttempt) report.LoginFailures {
	return changed(troubled(attempts...), func(l *report.LoginFailures) {
		l.State, l.Serving, l.LastSuccessAt, l.FailedSinceSuccess = report.LoginRefused, nil, acceptedAt, failedSince
		l.Newest = &report.CredentialStatus{Version: 3, State: "refused", Since: before(time.Hour), AcceptedAt: acceptedAt}
	})
}

func flood() (all []report.FailedAttempt) {
	for i := range 64 {
		all = append(all, failed(time.Duration(3600-i)*time.Second, "rmm", mute, forgiven))
	}
	return append(all, failed(time.Minute, "itglue", mute))
}

var failureReports = map[string]report.Failures{
	"none":      failures(changed(troubled(), func(l *report.LoginFailures) { l.Attempts = []report.FailedAttempt{} })),
	"wrong":     failures(refused(nil, 1, failed(time.Minute, ""))),
	"operation": failures(troubled(failed(10*time.Minute, "itglue", forgiven), failed(9*time.Minute, "itglue", forgiven), failed(9*time.Minute, "", forgiven, func(a *report.FailedAttempt) { a.Own = "recheck" }))),
	"denied": failures(changed(troubled(failed(time.Minute, "itglue", forgiven)), func(l *report.LoginFailures) {
		l.Denied = []report.DeniedCalls{{Integration: "itglue", Operation: "delete Tickets", Until: noon.Add(time.Minute)}}
	})),
	"store-ahead": failures(changed(troubled(failed(time.Minute, "", func(a *report.FailedAttempt) { a.Version = 4 })), func(l *report.LoginFailures) {
		l.Newest, l.SharesWith = &report.CredentialStatus{Version: 4, State: "refused", Since: before(time.Minute)}, []string{"reports"}
		l.Uses = []report.VersionUse{used(3, "itglue", time.Second, "rmm", 25*time.Hour), used(2, "old", 49*time.Hour)}
	})),
	"locked": failures(changed(refused(at(-2*time.Minute), 1, failed(time.Minute, "itglue", func(a *report.FailedAttempt) {
		a.Verdict, a.Said = "locked", "500: This user account has been locked."
	})), func(l *report.LoginFailures) { l.State = report.LoginLocked })),
	"fell":  failures(refused(at(-2*time.Minute), 2, failed(time.Minute, "itglue"), failed(time.Minute, "", func(a *report.FailedAttempt) { a.Own = "recheck" }))),
	"ours":  failures(changed(refused(at(-2*time.Minute), 7, failed(time.Minute, "itglue")), func(l *report.LoginFailures) { l.State = report.LoginSpent })),
	"flood": failures(changed(troubled(flood()...), func(l *report.LoginFailures) { l.ForgottenBefore = at(-time.Hour) }), calmFailures("second")),
	"zone": failures(troubled(failed(time.Minute, "itglue", forgiven, func(a *report.FailedAttempt) { a.WrongZone = true }),
		failed(time.Minute, "", forgiven, func(a *report.FailedAttempt) { a.OtherUser = true; a.Version = 0; a.Own = "candidate" }))),
	"brought": failures(changed(troubled(failed(time.Minute, "rmm", itsOwn, func(a *report.FailedAttempt) { a.Own = "bring" })), func(l *report.LoginFailures) {
		l.Login, l.State, l.Serving, l.LastSuccessAt, l.FailedSinceSuccess = "main/alice@example.com", report.LoginRefused, nil, at(-time.Hour), 1
		l.Uses = []report.VersionUse{{Fingerprint: "1a2b3c4d", By: used(0, "rmm", time.Hour).By}}
	})),
	"brought-beside": failures(changed(troubled(failed(time.Minute, "rmm", itsOwn, func(a *report.FailedAttempt) { a.Own = "bring" })), func(l *report.LoginFailures) {
		l.Login, l.Serving = "main/alice@example.com", nil
	})),
	"hanging": failures(changed(calmFailures("main"), func(l *report.LoginFailures) {
		l.Hanging = &report.HangingStatus{Calls: 3, AllRoom: true, Since: before(45 * time.Second), Zone: five, Integrations: []string{"itglue"}}
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Held: 3}
	})),
	"crammed": failures(changed(troubled(failed(time.Minute, "itglue", mute), failed(time.Minute, "rmm", mute)), func(l *report.LoginFailures) {
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Lost: 4, LostUntil: at(48 * time.Second)}
	})),
	"killed": failures(changed(calmFailures("main"), func(l *report.LoginFailures) {
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 3, Distance: 4}
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Lost: 1, Unknown: 2}
		l.UnitsBy = []report.UnitsBy{{Integration: "billing", Unknown: 2}, {Lost: 1}}
	})),
	"restored": failures(changed(calmFailures("main"), func(l *report.LoginFailures) {
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 4, Distance: 3}
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Lost: 4, LostUntil: at(48 * time.Second)}
		l.UnitsBy = []report.UnitsBy{{Forgotten: true, Lost: 4}}
	})),
	"locked-killed": failures(changed(refused(at(-2*time.Minute), 1, failed(time.Minute, "itglue", func(a *report.FailedAttempt) { a.Verdict = "locked" })), func(l *report.LoginFailures) {
		l.State, l.Units = report.LoginLocked, report.UnitCounts{Budget: 5, Free: 1, Failed: 1, Unknown: 3}
		l.UnitsBy = []report.UnitsBy{{Integration: "itglue", Failed: 1, Unknown: 2}, {Integration: "rmm", Unknown: 1}}
	})),
	"no-store": unread(failures(changed(troubled(failed(time.Minute, "itglue")), func(l *report.LoginFailures) {
		l.State, l.Serving, l.Units = report.LoginNoStore, nil, report.UnitCounts{Budget: 5}
	}), calmFailures("second"))),
	"callers": callers(failures(calmFailures("main"))),
	"wide": failures(troubled(failed(25*time.Hour, strings.Repeat("long-name", 9), func(a *report.FailedAttempt) {
		a.Said = "500: " + strings.Repeat("a long text of the PSA's ", 7)
		a.Key, a.Client, a.Entity, a.Version = "cert:1a2b3c4d", "2001:db8:1111:2222:3333:4444:5555:6666", strings.Repeat("Entity", 9), 123456
	}))),
}

func calmFailures(name string) report.LoginFailures {
	return report.LoginFailures{Login: name, State: report.LoginServing, Attempts: []report.FailedAttempt{}, Uses: []report.VersionUse{}}
}

func callers(f report.Failures) report.Failures {
	f.Callers = []report.CallerFailure{
		{Reason: "unknown-key", Key: "9f8e7d6c", Client: "203.0.113.9", Count: 12, FirstAt: before(time.Hour), LastAt: before(time.Minute)},
		{Reason: "expired", Integration: "itglue", Login: "main", Key: "1a2b3c4d", Client: "192.0.2.7", Count: 1, FirstAt: before(time.Second), LastAt: before(time.Second)},
	}
	f.KeptSince = before(time.Minute)
	return f
}

func unread(f report.Failures) report.Failures {
	f.Unread, f.KeptSince = true, before(2*time.Minute)
	return f
}

func TestFailuresReadWell(t *testing.T) {
	for name, f := range failureReports {
		t.Run(name, func(t *testing.T) {
			golden(t, "failures-"+name, f, func(p report.Printer) { p.Failures(f) })
			var out bytes.Buffer
			report.Printer{Out: &out, Location: time.UTC}.Failures(f)
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 120 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			if n := strings.Count(out.String(), "next:"); name != "none" && name != "callers" && n != 1 {
				t.Errorf("%d times next", n)
			}
		})
	}
}

func TestWhatCountsAsFailed(t *testing.T) {
	stranger := failures(calmFailures("main"))
	stranger.Callers = callers(stranger).Callers[:1]
	lost := failures(changed(calmFailures("main"), func(l *report.LoginFailures) { l.ForgottenBefore = at(-time.Minute) }))
	for name, c := range map[string]struct {
		report.Failures
		want bool
	}{
		"nothing":                            {failureReports["none"], false},
		"an attempt":                         {failureReports["wrong"], true},
		"an attempt that was forgiven":       {failureReports["operation"], true},
		"a stranger's call":                  {stranger, false},
		"a call of a known integration":      {failureReports["callers"], true},
		"an attempt that is not kept longer": {lost, true},
		"units that no attempt tells of":     {failureReports["killed"], true},
		"a store that cannot be read":        {unread(failures(calmFailures("main"))), true},
		"calls under way":                    {failureReports["hanging"], false},
	} {
		if got := c.Any(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// With what a killed process had under way as many may have failed as lock a user: others are not accused.
func TestOthersAreNotAccusedWhereOursMayHaveFailed(t *testing.T) {
	for unknown, outside := range map[int]bool{5: true, 6: false} {
		l := refused(at(-2*time.Minute), 1, failed(time.Minute, "itglue"))
		l.State, l.Units = report.LoginLocked, report.UnitCounts{Budget: 7, Failed: 1, Unknown: unknown}
		l.Conclude()
		if (l.Outside != "") != outside {
			t.Errorf("1 failed and %d unknown: %q", unknown, l.Outside)
		}
	}
}

// What to do next is said of every state that a login may be in.
func TestWhatToDoNextIsSaidOfEveryState(t *testing.T) {
	for _, state := range []report.LoginState{
		report.LoginIdle, report.LoginServing, report.LoginGateShut, report.LoginRefused, report.LoginNoSecret, report.LoginSpent, report.LoginLocked,
	} {
		l := troubled(failed(time.Minute, "itglue"), failed(time.Minute, "rmm", mute), failed(time.Minute, "", mute))
		l.State = state
		l.Conclude()
		if l.Next == "" || strings.Contains(fmt.Sprint(l.Next), "%!") {
			t.Errorf("%s: %q", state, l.Next)
		}
	}
}

// The file's versions count from 1 in each process: a refused version 3 of the process before is not the one that serves.
func TestARefusalFromBeforeTheServingVersionWasReadIsNotBlamedOnTheOperation(t *testing.T) {
	for since, blamed := range map[time.Duration]bool{time.Hour: true, time.Second: false} {
		l := troubled(failed(time.Minute, "itglue"))
		l.Serving.Since = before(since)
		l.Conclude()
		if strings.HasPrefix(l.Next, "See whether the PSA user may query Tickets") != blamed {
			t.Errorf("since %s: %s", since, l.Next)
		}
	}
}
