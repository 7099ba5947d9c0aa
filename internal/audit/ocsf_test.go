package audit

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files")

// examples are entries of each shape.
func examples() map[string]Entry {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC)
	of := func(seq uint64, change func(*Entry)) Entry {
		e := read("4711")
		e.Chain, e.Seq, e.Time, e.Process, e.Up = "ABCDEFGHIJKLMNOP", seq, at, "gate-1/77", 90*time.Second
		e.Zone = "https://webservices14.autotask.net/ATServicesRest"
		change(&e)
		return e
	}
	event := func(seq uint64, word string, change func(*Entry)) Entry {
		return of(seq, func(e *Entry) {
			*e = Entry{Chain: e.Chain, Seq: e.Seq, Time: e.Time, Process: e.Process, Up: e.Up, Kind: Event, Event: word}
			change(e)
		})
	}
	return map[string]Entry{
		"a call": of(2, func(*Entry) {}),
		"a call of a child that policy refused": of(3, func(e *Entry) {
			e.Action, e.Method, e.Child, e.Fields = "create", "POST", "Notes", []string{"title", "description"}
			e.Decision, e.Reasons, e.DecidedBy, e.Reason, e.Status = Deny, []string{"no permit"}, ByPolicy, "policy", 403
			e.CredentialVersion, e.Zone = "", ""
		}),
		"a call that would be refused": of(4, func(e *Entry) { e.Decision, e.Observed = Deny, true }),
		"an intent":                    of(5, func(e *Entry) { e.Phase, e.Status, e.Duration, e.DecidedBy = Intent, 0, 0, "" }),
		"an outcome":                   of(6, func(e *Entry) { e.Phase, e.Of = Outcome, 5 }),
		"a stranger": of(7, func(e *Entry) {
			*e = Entry{Kind: Call, Chain: e.Chain, Seq: e.Seq, Time: e.Time, Address: "198.51.100.9", Method: "GET", DecidedBy: ByIdentity, Status: 401}
		}),
		"a person":               of(8, func(e *Entry) { e.CallerKind, e.Caller, e.Groups, e.Key = Person, "7d1f", []string{"desk"}, "" }),
		"a login that is locked": event(9, "login_locked", func(e *Entry) { e.Login, e.CredentialVersion = "main", "3" }),
		"an integration that is disabled": event(10, "integration_disabled", func(e *Entry) {
			e.CallerKind, e.Data = Operator, map[string]string{"integration": "itglue", "reason": "leaver"}
		}),
		"a person who signs in": event(12, "signed_in", func(e *Entry) {
			e.CallerKind, e.Caller, e.Issuer, e.Groups, e.Address = Person, "7d1f", "corp", []string{"desk"}, "192.0.2.9"
			e.Data = map[string]string{"session": "ABCDEFGHIJKLMNOP"}
		}),
		"a sign-in that was refused": event(13, "sign_in_refused", func(e *Entry) {
			e.Issuer, e.Address, e.Data = "corp", "192.0.2.9", map[string]string{"reason": "lapsed"}
		}),
		"a session that an operator ended": event(14, "session_ended", func(e *Entry) {
			e.CallerKind, e.Caller, e.Issuer, e.Data = Person, "7d1f", "corp", map[string]string{"session": "ABCDEFGHIJKLMNOP", "by": "operator"}
		}),
		"a second factor that was proven": event(16, "stepped_up", func(e *Entry) {
			e.CallerKind, e.Caller, e.Issuer, e.Address = Person, "7d1f", "corp", "192.0.2.9"
			e.Data = map[string]string{"session": "ABCDEFGHIJKLMNOP", "recovery_code": "false", "known_browser": "true"}
		}),
		"an app that was enrolled": event(17, "app_enrolled", func(e *Entry) {
			e.CallerKind, e.Caller, e.Issuer, e.Address, e.Data = Person, "7d1f", "corp", "192.0.2.9", map[string]string{"session": "ABCDEFGHIJKLMNOP"}
		}),
		"a second factor that an operator took away": event(18, "totp_reset", func(e *Entry) {
			e.CallerKind, e.Data = Operator, map[string]string{"issuer": "corp", "subject": "7d1f", "sessions": "2", "ok": "true"}
		}),
		"a deed that was refused": event(19, "deed_refused", func(e *Entry) {
			e.CallerKind, e.Caller, e.Issuer, e.Groups, e.Address, e.Login = Person, "7d1f", "corp", []string{"desk"}, "192.0.2.9", "main"
			e.Decision, e.DecidedBy, e.Reasons = Deny, ByPolicy, []string{"nights (a.cedar:7)"}
			e.Data = map[string]string{"deed": "release", "outcome": "deny", "why": "forbidden", "session": "ABCDEFGHIJKLMNOP", "login": "main", "factor_age": "3m0s"}
		}),
		"a code that was shown":               event(15, "code_shown", func(e *Entry) { e.CallerKind, e.Login = Operator, "main" }),
		"an event that OCSF has no class for": event(11, "zone_moved", func(e *Entry) { e.Login, e.Zone = "main", "https://webservices3.autotask.net" }),
	}
}

func TestGoldenEntriesAsLinesAndAsOCSF(t *testing.T) {
	var out strings.Builder
	all := examples()
	byNumber := func(a, b string) int { return int(all[a].Seq) - int(all[b].Seq) }
	for _, name := range slices.SortedFunc(maps.Keys(all), byNumber) {
		e := all[name]
		s := sealer{chain: e.Chain, key: keyNow.ID, process: e.Process, coder: newCoder(keyNow), seq: e.Seq - 1}
		s.last = s.coder.of([]byte("the line before"))
		line := s.entry(nil, &e)
		text, err := json.MarshalIndent(OCSF(e), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("# " + name + "\n" + string(line) + string(text) + "\n\n")
	}
	golden(t, "testdata/entries.golden", out.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it, and run with -update:\n%s", path, got)
	}
}

// required are the attributes that a class must have (schema.ocsf.io, 1.3.0).
var required = map[int][]string{
	classBase:           {},
	classAuthentication: {"user", "service"},
	classAccountChange:  {"user"},
	classEntity:         {"entity"},
	classAPI:            {"actor", "api", "src_endpoint"},
}

func TestEachEntryHasWhatOCSFRequires(t *testing.T) {
	all := slices.Collect(maps.Values(examples()))
	for word := range mappings {
		all = append(all, Entry{Kind: Event, Event: word}, Entry{Kind: Event, Event: word, Login: "main", Data: map[string]string{"policy": "a.cedar"}})
	}
	all = append(all, Entry{Kind: Event, Event: "something_new"}, Entry{Kind: Call}, Entry{})
	for _, e := range all {
		o := OCSF(e)
		class := o["class_uid"].(int)
		for _, name := range append([]string{"category_uid", "class_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"}, required[class]...) {
			if _, ok := o[name]; !ok {
				t.Errorf("%s %s: class %d has no %s", e.Kind, e.Event, class, name)
			}
		}
		if o["type_uid"] != class*100+o["activity_id"].(int) || o["category_uid"] != class/1000 {
			t.Errorf("%s: the ids do not fit: %v", e.Event, o)
		}
		if u, ok := o["actor"].(object); ok {
			checkUser(t, u["user"])
		}
		if u, ok := o["user"]; ok {
			checkUser(t, u)
		}
	}
}

func checkUser(t *testing.T, u any) {
	t.Helper()
	o := u.(object)
	if (o["name"] == nil || o["name"] == "") && (o["uid"] == nil || o["uid"] == "") {
		t.Errorf("a user has neither a name nor a uid: %v", o)
	}
}
