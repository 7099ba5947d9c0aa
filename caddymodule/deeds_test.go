package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/policyfiles"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/policy"
)

const deedPolicy = `@id("helpdesk") permit (principal in PersonGroup::"corp/helpdesk", action in [Action::"disable", Action::"enable"], resource in IntegrationGroup::"nightly");
@id("admins") @stepup("5m") permit (principal in PersonGroup::"corp/admins", action in [Action::"release", Action::"show_code", Action::"end_session"], resource);
@id("nobody else") forbid (principal, action == Action::"show_code", resource) unless { context.source_ip.isInRange(ip("192.0.2.0/24")) };
`

// deskOf is one of a config whose policies are observed alone.
func deskOf(t *testing.T, log auditor) *deedDesk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.cedar")
	if err := os.WriteFile(file, []byte(deedPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	policies, err := policyfiles.Open(policyfiles.Settings{Paths: []string{file}, Observe: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	app := &App{Integrations: map[string]*Integration{"backup": {Groups: []string{"nightly"}}, "itglue": {}}}
	d := newDeedDesk(app, policies, sharedCodes(t, log))
	d.now = func() time.Time { return noon }
	return d
}

// ann is somebody of a group who proved a second factor three minutes ago.
func ann(group string) Doer {
	return Doer{Address: "192.0.2.7", Session: session.Session{
		ID:        "S1",
		Person:    session.Person{Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "7d1f", Email: "ann@example.com", Name: "Ann", Groups: []string{group}},
		SteppedUp: noon.Add(-3 * time.Minute),
	}}
}

var onMain = policy.Target{Kind: policy.Login, Name: "main"}

func TestADeedIsDecidedAndWrittenDown(t *testing.T) {
	deedRefusals = fewRefusals{}
	entry := func(word, decision string, change func(*audit.Entry)) audit.Entry {
		e := audit.Entry{
			Kind: audit.Event, Event: word, CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Groups: []string{"admins"}, Address: "192.0.2.7",
			Decision: audit.Decision(decision), DecidedBy: audit.ByPolicy, Login: "main",
			Data: map[string]string{"deed": "release", "outcome": "allow", "why": "permitted", "session": "S1", "login": "main", "factor_age": "3m0s"},
		}
		change(&e)
		return e
	}
	for _, c := range []struct {
		name string
		by   Doer
		what policy.Action
		on   policy.Target
		want policy.Outcome
		line audit.Entry
	}{
		{"what is permitted", ann("admins"), policy.Release, onMain, policy.Allow, entry("deed_permitted", "permit", func(*audit.Entry) {})},
		{"what is not, though calls are only observed", ann("helpdesk"), policy.Release, onMain, policy.Deny, entry("deed_refused", "deny", func(e *audit.Entry) {
			e.Groups = []string{"helpdesk"}
			e.Data["outcome"], e.Data["why"] = "deny", "not-permitted"
		})},
		{"an old factor", func() Doer { d := ann("admins"); d.Session.SteppedUp = noon.Add(-time.Hour); return d }(), policy.Release, onMain, policy.StepUp, entry("deed_refused", "deny", func(e *audit.Entry) {
			e.Data["outcome"], e.Data["why"], e.Data["factor_age"] = "step-up", "step-up", "1h0m0s"
		})},
		{"no factor", func() Doer { d := ann("admins"); d.Session.SteppedUp = time.Time{}; return d }(), policy.Release, onMain, policy.StepUp, entry("deed_refused", "deny", func(e *audit.Entry) {
			e.Data["outcome"], e.Data["why"] = "step-up", "step-up"
			delete(e.Data, "factor_age")
		})},
		{"an integration of a group", ann("helpdesk"), policy.Disable, policy.Target{Kind: policy.Integration, Name: "backup"}, policy.Allow, entry("deed_permitted", "permit", func(e *audit.Entry) {
			e.Groups, e.Login, e.Data["deed"], e.Data["integration"] = []string{"helpdesk"}, "", "disable", "backup"
			delete(e.Data, "login")
		})},
		{"an integration of no group", ann("helpdesk"), policy.Disable, policy.Target{Kind: policy.Integration, Name: "itglue"}, policy.Deny, entry("deed_refused", "deny", func(e *audit.Entry) {
			e.Groups, e.Login, e.Data["deed"], e.Data["integration"], e.Data["outcome"], e.Data["why"] = []string{"helpdesk"}, "", "disable", "itglue", "deny", "not-permitted"
			delete(e.Data, "login")
		})},
		{"a person", ann("admins"), policy.EndSession, policy.Target{Kind: policy.Person, Issuer: "corp", Name: "b/c"}, policy.Allow, entry("deed_permitted", "permit", func(e *audit.Entry) {
			e.Login, e.Data["deed"], e.Data["person"] = "", "end_session", "corp/b/c"
			delete(e.Data, "login")
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := new(auditBook)
			d := deskOf(t, log)
			series := "deeds_total " + string(c.want) + " " + string(c.what)
			before, _ := strconv.Atoi(gathered(t, counted.deeds)[series])
			defer func() {
				if got := gathered(t, counted.deeds)[series]; got != strconv.Itoa(before+1) {
					t.Errorf("%s is %s, and was %d", series, got, before)
				}
			}()
			lines := audited(t, func() {
				got, err := d.Permits(t.Context(), c.by, c.what, c.on)
				if err != nil || got.Outcome != c.want {
					t.Errorf("%s, error %v", got, err)
				}
				if may := d.May(c.by, c.what, c.on); may.Outcome != c.want {
					t.Errorf("it may: %s", may)
				}
			})
			lines = append(lines, log.entries...)
			if len(lines) != 1 {
				t.Fatalf("%d lines: %+v", len(lines), lines)
			}
			reasons := lines[0].Reasons
			lines[0].Reasons = nil
			if !reflect.DeepEqual(lines[0], c.line) || c.want != policy.Deny && len(reasons) != 1 {
				t.Errorf("%+v\nwant %+v", lines[0], c.line)
			}
			lines[0].Time = noon
			past, ok := (&pastCalls{}).recorded(lines[0])
			if asked := d.request(c.by, c.what, c.on); !ok || past.Outcome != c.want || asked.On.Name != past.Request.On.Name || asked.On.Issuer != past.Request.On.Issuer ||
				!asked.LastFactor.Equal(past.Request.LastFactor) || asked.SourceIP != past.Request.SourceIP || !reflect.DeepEqual(asked.Principal, past.Request.Principal) {
				t.Errorf("replayed it is %+v", past)
			}
		})
	}
}

func TestWhatCannotBeWrittenDownIsNotDone(t *testing.T) {
	full := errors.New("no space left")
	got, err := deskOf(t, &auditBook{err: full}).Permits(t.Context(), ann("admins"), policy.Release, onMain)
	if !errors.Is(err, full) || got.Allowed() {
		t.Errorf("%s, %v", got, err)
	}
	d := deskOf(t, nil)
	if got, err := d.Permits(t.Context(), ann("admins"), policy.Release, onMain); err != nil || !got.Allowed() {
		t.Errorf("where no audit log is wanted: %s, %v", got, err)
	}
	if _, _, err := d.ShowCode(t.Context(), ann("admins"), "main"); err == nil || !strings.Contains(err.Error(), "there is no audit log") {
		t.Errorf("a code: %v", err)
	}
}

func TestACodeIsShownToWhomPolicyPermits(t *testing.T) {
	deedRefusals = fewRefusals{}
	elsewhere := ann("admins")
	elsewhere.Address = "203.0.113.9"
	unknown := ann("admins")
	unknown.Address = ""
	old := ann("admins")
	old.Session.SteppedUp = noon.Add(-6 * time.Minute)
	for _, c := range []struct {
		name  string
		by    Doer
		want  policy.Outcome
		words string
	}{
		{"an administrator", ann("admins"), policy.Allow, "deed_permitted code_shown"},
		{"somebody else", ann("helpdesk"), policy.Deny, "deed_refused"},
		{"from elsewhere", elsewhere, policy.Deny, "deed_refused"},
		{"from nobody knows where", unknown, policy.Deny, "deed_refused"},
		{"with a factor of before", old, policy.StepUp, "deed_refused"},
	} {
		log := new(auditBook)
		d := deskOf(t, log)
		lines := audited(t, func() {
			code, decision, err := d.ShowCode(t.Context(), c.by, "main")
			if shown := len(code.Text.Reveal()) == 6; shown != (c.want == policy.Allow) || decision.Outcome != c.want || shown != (err == nil) || !shown && !errors.Is(err, errDenied) {
				t.Errorf("%s: shown %v, %s, %v", c.name, shown, decision, err)
			}
		})
		var words []string
		for _, e := range append(log.entries, lines...) {
			words = append(words, e.Event)
		}
		if got := strings.Join(words, " "); got != c.words {
			t.Errorf("%s: written down is %s", c.name, got)
		}
	}
	if _, decision, err := deskOf(t, new(auditBook)).ShowCode(t.Context(), ann("admins"), "third"); !decision.Allowed() || !errors.Is(err, errNoCodes) {
		t.Errorf("a login without codes: %s, %v", decision, err)
	}
}

func TestExplainTakesDeeds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.cedar")
	if err := os.WriteFile(file, []byte(deedPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(backupConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, want string
		status     int
	}{
		{"--groups admins release main", "a second factor not older than 5m0s is wanted by admins", exitNo},
		{"--groups helpdesk disable backup", `the config has no issuer "corp"`, exitNo},
		{"--groups helpdesk release main", `permit (principal == Person::"corp/7d1f", action == Action::"release", resource == Login::"main");`, exitNo},
		{"--groups helpdesk release mian", `the config has no login "mian"; did you mean "main"?`, exitNo},
		{"end_session corp/b", `resource == Person::"corp/b"`, exitNo},
		{"read Tickets", `resource == Entity::"Tickets"`, exitNo},
		{"end_session b", "end_session is done on <issuer>/<subject>", exitUsage},
		{"relaese main", `did you mean "release"?`, exitUsage},
		{"release", "with --person it takes", exitUsage},
	} {
		args := append(strings.Fields("policy explain --policy "+file+" --config "+config+" --adapter caddyfile --person corp/7d1f"), strings.Fields(c.args)...)
		if got := run(t, args...); got.status != c.status || !strings.Contains(got.out+got.err, c.want) {
			t.Errorf("%s: %s", c.args, fmt.Sprintf("%+v", got))
		}
	}
	if got := run(t, "policy", "explain", "--policy", file, "--person", "corp", "release", "main"); got.status != exitUsage {
		t.Errorf("%+v", got)
	}
}
