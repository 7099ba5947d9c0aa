package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// noon is the moment that all reports of these tests are made at.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

func at(d time.Duration) *time.Time { t := noon.Add(d); return &t }

// calm is a login that serves.
func calm(name string) report.LoginStatus {
	return report.LoginStatus{
		Name: name, State: report.LoginServing, Zone: "https://webservices5.autotask.net/ATServicesRest",
		Serving:  &report.CredentialStatus{Version: 3, State: "proven", Since: before(50 * time.Hour), AcceptedAt: at(-time.Second)},
		Units:    report.UnitCounts{Budget: 5, Free: 5},
		InFlight: 3, Gate: report.GateStatus{Open: true},
		Queue:   report.QueueStatus{Length: 256, DeadlineSeconds: 30},
		Lockout: report.LockoutStatus{Threshold: 7, Distance: 7},
		Seq:     12,
	}
}

// with returns a calm login that something happened to.
func with(name string, change func(*report.LoginStatus)) report.Status {
	login := calm(name)
	change(&login)
	return status(login)
}

func TestARefusalByALeftZoneSaysSo(t *testing.T) {
	var out bytes.Buffer
	report.Printer{Out: &out, Location: time.UTC}.Status(with("main", func(l *report.LoginStatus) {
		l.LastRefusal = &report.RefusalStatus{At: before(time.Minute), Version: 3, Integration: "rmm", Reason: report.WrongZone}
	}))
	if want := "version 3, rmm: by a zone that the login had left"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is missing from\n%s", want, out.String())
	}
}

func status(logins ...report.LoginStatus) report.Status {
	return report.Status{Time: noon, State: report.StateMemory, Policy: report.PolicyStatus{Source: report.PolicyDefault, Policies: 1}, Logins: logins, Stores: []report.StoreStatus{{
		Name: "file", Kind: "file", Records: []report.RecordStatus{{Path: "autotask/main", Version: 3, AgeSeconds: 4}},
	}}}
}

// policed is the status with policies.
func policed(p report.PolicyStatus) report.Status {
	s := status(calm("main"))
	s.Policy = p
	return s
}

// vault is the status with a store that has a sign-in.
func vault(session *report.SessionStatus, records ...report.RecordStatus) report.Status {
	s := status(calm("main"))
	s.Stores = []report.StoreStatus{{Name: "vault", Kind: "vault", Session: session, Records: records}}
	return s
}

// many is the status with a hundred records, one of them with trouble.
func many(s report.Status) report.Status {
	for i := range 100 {
		s.Stores[0].Records = append(s.Stores[0].Records, report.RecordStatus{Path: fmt.Sprintf("autotask/%d", i), Version: 1, AgeSeconds: float64(i) / 10})
	}
	s.Stores[0].Records[7].Error = "record not found"
	s.Problems = []string{`integration itglue: record "keys/itglue" of store vault: field "0a1b2c3d" is no hash`}
	return s
}

var statuses = map[string]report.Status{
	"serving": status(calm("main"), calm("second")),
	"empty":   {Time: noon, State: report.StateMemory, Policy: report.PolicyStatus{Source: report.PolicyDefault, Policies: 1}, Logins: []report.LoginStatus{}, Stores: []report.StoreStatus{}},
	"policy-broken": policed(report.PolicyStatus{
		Source: report.PolicyFiles, Files: []string{"/etc/psagate/policies"}, Policies: 12, Since: at(-time.Hour), Observe: true,
		Problem: "/etc/psagate/policies/itglue.cedar:3:12: there is no action \"reed\"",
	}),
	"store-ahead": with("main", func(l *report.LoginStatus) {
		l.SharesWith = []string{"reports"}
		l.Newest = &report.CredentialStatus{Version: 4, State: "refused", Since: before(90 * time.Minute)}
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Held: 2, Failed: 1}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 3, Distance: 4}
		l.LastRefusal = &report.RefusalStatus{At: before(90 * time.Minute), Version: 4, Reason: "refused"}
		l.Problems = []string{`record "autotask/main", version 5: field "secret" is empty`}
	}),
	"put-refused": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 4, Failed: 1}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 1, Distance: 6}
		l.LastRefusal = &report.RefusalStatus{At: before(time.Minute), Reason: "refused"}
	}),
	"refused-before": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 4, Failed: 1}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 1, Distance: 6}
		l.LastRefusal = &report.RefusalStatus{At: before(time.Hour)}
	}),
	"vault-sealed": vault(&report.SessionStatus{Error: "vault is sealed"}, report.RecordStatus{Path: "autotask/main", Version: 3, AgeSeconds: 5400, Stale: true, Error: "vault is sealed"}),
	"many-records": many(vault(&report.SessionStatus{SignedIn: true, ExpiresAt: at(40 * time.Minute)})),
	"refused": with("main", func(l *report.LoginStatus) {
		l.State, l.Serving = report.LoginRefused, nil
		l.Newest = &report.CredentialStatus{Version: 4, State: "refused", Since: before(time.Minute), RecheckAt: at(14 * time.Minute)}
		l.Units = report.UnitCounts{Budget: 5, Free: 3, Failed: 2}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 2, Distance: 5}
		l.Queue.Waiting = 41
		l.LastRefusal = &report.RefusalStatus{At: before(61 * time.Second), Version: 4, Integration: "itglue", Reason: "refused"}
	}),
	"refused-last-unit": with("main", func(l *report.LoginStatus) {
		l.State, l.Serving = report.LoginRefused, nil
		l.Newest = &report.CredentialStatus{Version: 4, State: "refused", Since: before(26 * time.Hour)}
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Failed: 4}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 4, Distance: 3}
	}),
	"locked": with("main", func(l *report.LoginStatus) {
		l.State, l.Serving = report.LoginLocked, nil
		l.Newest = &report.CredentialStatus{Version: 4, State: "refused", Since: before(26 * time.Hour)}
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Lost: 1, Unknown: 1, Failed: 2}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 4, Distance: 3}
		l.LastRefusal = &report.RefusalStatus{At: before(25 * time.Hour), Version: 3, Integration: "itglue", Reason: "locked"}
	}),
	"gate-shut": with("main", func(l *report.LoginStatus) {
		l.State, l.Observe = report.LoginGateShut, true
		l.Gate = report.GateStatus{Since: at(-5 * time.Second), RetryAt: at(55 * time.Second)}
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Lost: 3}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 3, Distance: 4}
	}),
	"spent": with("main", func(l *report.LoginStatus) {
		l.State = report.LoginSpent
		l.Units = report.UnitCounts{Budget: 5, Failed: 5}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 5, Distance: 2}
	}),
	"crammed": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Lost: 4, LostUntil: at(48 * time.Second)}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 4, Distance: 3}
		l.Queue.Waiting = 6
	}),
	"crammed-shut": with("main", func(l *report.LoginStatus) {
		l.State, l.Gate = report.LoginGateShut, report.GateStatus{Since: at(-5 * time.Second), RetryAt: at(time.Hour)}
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Lost: 1, Unknown: 2, Failed: 1}
	}),
	"one-at-a-time": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 1, Held: 1, Lost: 3}
	}),
	"hanging": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Held: 3}
		l.Queue.Waiting = 12
		l.Hanging = &report.HangingStatus{Calls: 3, AllRoom: true, Since: before(45 * time.Second), Zone: five, Integrations: []string{"itglue", "rmm"}}
	}),
	"hanging-beside": with("main", func(l *report.LoginStatus) {
		l.Units = report.UnitCounts{Budget: 5, Free: 2, Held: 3}
		l.Queue.Waiting = 1
		l.Hanging = &report.HangingStatus{Calls: 1, Since: before(11 * time.Second), Zone: five, Integrations: []string{}}
	}),
	"brought": with("main/alice@example.com", func(l *report.LoginStatus) {
		l.Serving, l.SharesWith = nil, []string{"main"}
		l.LastRefusal = &report.RefusalStatus{At: before(time.Minute), Integration: "rmm", Reason: "refused"}
		l.Brought = []report.BroughtStatus{
			{Fingerprint: "1a2b3c4d", State: "proven", Integration: "rmm", Client: "192.0.2.7", AcceptedAt: at(-time.Second), TriedAt: at(-time.Hour)},
			{Fingerprint: "9f8e7d6c", State: "refused", Integration: "rmm", Client: "2001:db8:1111:2222:3333:4444:5555:6666", TriedAt: at(-time.Minute)},
		}
	}),
	"brought-none": with("main/alice@example.com", func(l *report.LoginStatus) { l.Serving, l.State = nil, report.LoginIdle }),
	"brought-refused": with("main/alice@example.com", func(l *report.LoginStatus) {
		l.Serving, l.State = nil, report.LoginRefused
		l.Brought = []report.BroughtStatus{{Fingerprint: "9f8e7d6c", State: "refused", Integration: "rmm", Client: "192.0.2.7", TriedAt: at(-time.Minute)}}
	}),
	"issuers": issuers(
		report.IssuerStatus{Name: "corp", URL: "https://login.example.com", KeysSince: at(-3 * time.Minute), ServesUntil: at(24 * time.Hour), TriedAt: at(-3 * time.Minute)},
		report.IssuerStatus{Name: "gone", URL: "https://gone.example.com", KeysSince: at(-25 * time.Hour), ServesUntil: at(-time.Hour), TriedAt: at(-40 * time.Second), Problem: "503 Service Unavailable"},
		report.IssuerStatus{Name: "never", URL: "https://never.example.com", TriedAt: at(-time.Second), Problem: "it calls itself \"https://other.example.com\""},
		report.IssuerStatus{Name: "new", URL: "https://new.example.com"},
		report.IssuerStatus{Name: "old", URL: "https://old.example.com", KeysSince: at(-48 * time.Hour), ServesUntil: at(-24 * time.Hour), TriedAt: at(-48 * time.Hour)},
		report.IssuerStatus{Name: "slow", URL: "https://slow.example.com", KeysSince: at(-3 * time.Hour), ServesUntil: at(21 * time.Hour), TriedAt: at(-time.Minute), Problem: "it did not answer in time"},
	),
	"no-store": with("main", func(l *report.LoginStatus) {
		l.State, l.Serving = report.LoginNoStore, nil
		l.Units = report.UnitCounts{Budget: 5}
		l.Lockout = report.LockoutStatus{Threshold: 7, Counted: 5, Distance: 2}
		l.Problems = []string{"the store of the guard could not be read, so that it is not known how the login stands: what is wrong with the store is said at the top"}
	}),
	"no-secret": {Time: noon, State: report.StateMemory, Policy: report.PolicyStatus{Source: report.PolicyDefault, Policies: 1}, Logins: []report.LoginStatus{{
		Name: "main", State: report.LoginNoSecret, Units: report.UnitCounts{Budget: 5, Free: 5}, InFlight: 3,
		Gate: report.GateStatus{Open: true}, Queue: report.QueueStatus{Length: 256, DeadlineSeconds: 30},
		Lockout: report.LockoutStatus{Threshold: 7, Distance: 7},
	}}, Stores: []report.StoreStatus{{Name: "shop", Kind: "file", Records: []report.RecordStatus{
		{Path: "autotask/main", Stale: true, Error: "record not found"},
		{Path: "autotask/old", Version: 2, AgeSeconds: 7300, Stale: true, Error: "secret source unavailable"},
	}}}},
}

// issuers are those of a calm status.
func issuers(all ...report.IssuerStatus) report.Status {
	s := status(calm("main"))
	for i := range all {
		all[i].Judge(s.Time)
	}
	s.Issuers = all
	return s
}

func TestStatusReadsWell(t *testing.T) {
	for name, status := range statuses {
		t.Run(name, func(t *testing.T) {
			status.Advise()
			golden(t, "status-"+name, status, func(p report.Printer) { p.Status(status) })
		})
	}
}

func TestChecksReadWell(t *testing.T) {
	const shared = "a successful sign-in is assumed to reset the PSA's count: if it does not, set never_reset"
	checks := report.Checks{Config: []report.Warning{}, Logins: []report.CheckResult{
		{Login: "main", OK: true, Steps: []report.CheckStep{
			{Name: "secret", OK: true, Detail: "version 3 of autotask/main in store file"},
			{Name: "zone", OK: true, Detail: "https://webservices5.autotask.net/ATServicesRest"},
			{Name: "sign-in", OK: true, Detail: "accepted"},
		}, Warnings: []string{"with threshold 7 and budget 5 there is room for one failure outside psagate", shared}},
		{Login: "second", Steps: []report.CheckStep{{Name: "secret", Detail: "record not found"}}, Warnings: []string{shared}},
	}}
	golden(t, "check", checks, func(p report.Printer) { p.Checks(checks) })
	none := report.Checks{OK: true, Config: []report.Warning{}, Logins: []report.CheckResult{}}
	golden(t, "check-none", none, func(p report.Printer) { p.Checks(none) })
	unwise := report.Checks{OK: true, Config: unwise(), Logins: []report.CheckResult{
		{Login: "main", OK: true, Steps: []report.CheckStep{{Name: "sign-in", OK: true, Detail: "accepted"}}},
	}}
	golden(t, "check-config", unwise, func(p report.Printer) { p.Checks(unwise) })
}

// unwise are warnings of one place, of several of a kind, of several kinds, and of more than are named.
func unwise() []report.Warning {
	var many []string
	for _, name := range strings.Fields("backup billing itglue mail portal reports rmm") {
		many = append(many, "integration "+name)
	}
	return []report.Warning{
		{Kind: "admin-tcp", Where: []string{"admin"}, What: "listens on localhost:2019: every user of this machine can read and replace the config and release logins", Do: "Put it on a socket that only Caddy's user can open: `admin unix//run/psagate/admin.sock|0600`."},
		{Kind: "plain-http", Where: []string{"site psa.example.com", "server srv1"}, What: "served over plain HTTP on :80: keys and data can be read on the way", Do: "Serve it over HTTPS, or bind it to a loopback address or a socket behind a proxy that does."},
		{Kind: "impersonate", Where: many[:5], What: "may act as any resource that the login may impersonate", Do: "Take impersonate away where it is not needed."},
		{Kind: "no-owner", Where: many, What: "nobody is named who answers for it", Do: "Write `owner <mail address>`: whoever sees its failures needs to know whom to ask."},
	}
}

func TestZonesReadWell(t *testing.T) {
	zones := report.Zones{Time: noon, Zones: []report.ZoneStatus{
		{Login: "main", URL: "https://webservices5.autotask.net/ATServicesRest", WebURL: "https://ww5.autotask.net/", Name: "America East", Tenant: 70012, Source: report.ZoneLookedUp, LookedUpAt: at(-2 * time.Minute)},
		{Login: "fixed", URL: "https://psa.example.com", Source: report.ZoneConfigured},
		{Login: "kept", URL: "https://webservices2.autotask.net/ATServicesRest", Source: report.ZoneCached, LookedUpAt: at(-30 * time.Hour), Error: "no such host"},
		{Login: "new"},
	}}
	golden(t, "zones", zones, func(p report.Printer) { p.Zones(zones) })
	none := report.Zones{Time: noon, Zones: []report.ZoneStatus{}}
	golden(t, "zones-none", none, func(p report.Printer) { p.Zones(none) })
}

// golden compares a report's JSON and text with the files of its name.
func golden(t *testing.T, name string, value any, print func(report.Printer)) {
	t.Helper()
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("testdata", name+".json"), append(data, '\n'))
	var text bytes.Buffer
	print(report.Printer{Out: &text, Location: time.UTC})
	compare(t, filepath.Join("testdata", name+".txt"), text.Bytes())
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if that is meant, run the test with -update.\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}
