package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"pgregory.net/rapid"
)

var withLogins = Options{
	Entities: known.Entities, Integrations: []string{"itglue", "rmm"}, Groups: []string{"backup"}, Issuers: []string{"entra"}, Logins: []string{"main", "mail"}, Mailboxes: []string{"support", "sales"},
}

// asksTo is a deed of alice's, an administrator who showed a second factor a minute ago.
func asksTo(a Action, name string) Request {
	r := Request{
		Principal: Principal{Kind: Person, Issuer: "entra", Name: "alice", Groups: []string{"admins"}}, Action: a,
		On: Target{Kind: a.DoneOn(), Name: name}, Time: noon, SourceIP: netip.MustParseAddr("192.0.2.7"), LastFactor: noon.Add(-time.Minute),
	}
	if r.On.Kind == Person {
		r.On.Issuer = "entra"
	}
	return r
}

func TestDeeds(t *testing.T) {
	const admins = `permit (principal in PersonGroup::"entra/admins", action in [Action::"release", Action::"show_code"], resource == Login::"main");` + "\n"
	for _, test := range []struct {
		name, policy string
		r            Request
		want         Outcome
		why          Why
	}{
		{"a permit that names it", admins, asksTo(Release, "main"), Allow, Permitted},
		{"nobody is permitted anything", `permit (principal is Person, action == Action::"read", resource);`, asksTo(Release, "main"), Deny, NotPermitted},
		{"another login", admins, asksTo(Release, "mail"), Deny, NotPermitted},
		{"another deed", admins, asksTo(Check, "main"), Deny, NotPermitted},
		{"a permit for all calls is none for deeds", permitAll, asksTo(Release, "main"), Deny, NotPermitted},
		{"nor for those of people", `permit (principal is Person, action, resource);`, asksTo(EndSession, "bob"), Deny, NotPermitted},
		{"a forbid of everything but", admins + `forbid (principal, action, resource) unless { action == Action::"release" };`, asksTo(Release, "main"), Allow, Permitted},
		{"all that is done on a login", `permit (principal == Person::"entra/alice", action, resource is Login);`, asksTo(NewSecret, "mail"), Allow, Permitted},
		{"which is nothing on a person", `permit (principal == Person::"entra/alice", action, resource is Login);`, asksTo(ResetFactor, "bob"), Deny, NotPermitted},
		{"all that is done on a mailbox", `permit (principal == Person::"entra/alice", action, resource == Mailbox::"support");`, asksTo(ReadMail, "support"), Allow, Permitted},
		{"and on no other one", `permit (principal == Person::"entra/alice", action, resource == Mailbox::"support");`, asksTo(DropMail, "sales"), Deny, NotPermitted},
		{"one deed on mailboxes", `permit (principal, action == Action::"retry_mail", resource is Mailbox);`, asksTo(RetryMail, "sales"), Allow, Permitted},
		{"and no other one", `permit (principal, action == Action::"retry_mail", resource is Mailbox);`, asksTo(ReadMail, "sales"), Deny, NotPermitted},
		{"what a mailbox may do is none on it", `permit (principal is Mailbox, action, resource);`, asksTo(ReadMail, "support"), Deny, NotPermitted},
		{"a permit for calls and deeds", `permit (principal is Person, action in [Action::"read", Action::"disable"], resource);`, asksTo(Disable, "rmm"), Allow, Permitted},
		{"on an integration of a group", `permit (principal, action == Action::"disable", resource in IntegrationGroup::"backup");`, with(asksTo(Disable, "rmm"), func(r *Request) { r.On.Groups = []string{"backup"} }), Allow, Permitted},
		{"and on no other", `permit (principal, action == Action::"disable", resource in IntegrationGroup::"backup");`, asksTo(Disable, "itglue"), Deny, NotPermitted},
		{"a group that is asked for", `permit (principal, action == Action::"disable", resource) when { resource in IntegrationGroup::"backup" };`, with(asksTo(Disable, "rmm"), func(r *Request) { r.On.Groups = []string{"backup"} }), Allow, Permitted},
		{"a forbid of everything forbids it", admins + `forbid (principal, action, resource) when { context.hour >= 12 };`, asksTo(Release, "main"), Deny, Forbidden},
		{"and is not in the way by what deeds do not have", admins + `forbid (principal, action, resource) when { context.api == "soap" || context.method == "DELETE" || context.impersonates || context.fields.contains("x") || context.zone == "x" || (resource has id && resource.id == "7") || resource == Entity::"Tickets" };`, asksTo(Release, "main"), Allow, Permitted},
		{"an error denies", admins + `forbid (principal, action == Action::"release", resource) when { context.hour + 9223372036854775807 > 0 };`, asksTo(Release, "main"), Deny, Failed},
		{"a time that is not known", admins + `forbid (principal, action, resource) when { context.hour > 20 };`, with(asksTo(Release, "main"), func(r *Request) { r.Time = time.Time{} }), Deny, Failed},
		{"an address", `permit (principal, action == Action::"check", resource) when { context.source_ip.isInRange(ip("192.0.2.0/24")) };`, asksTo(Check, "main"), Allow, Permitted},
		{"groups of the person", `permit (principal, action == Action::"check", resource) when { context.groups.contains("entra/admins") };`, asksTo(Check, "main"), Allow, Permitted},
		{"another issuer's person of the same name", `permit (principal == Person::"okta/alice", action == Action::"check", resource);`, asksTo(Check, "main"), Deny, NotPermitted},
		{"nobody ends their own session by it", `permit (principal, action == Action::"end_session", resource) unless { resource == principal };`, asksTo(EndSession, "alice"), Deny, NotPermitted},
		{"but another's", `permit (principal, action == Action::"end_session", resource) unless { resource == principal };`, asksTo(EndSession, "bob"), Allow, Permitted},
		{"an integration does nothing of the kind", `permit (principal, action == Action::"check", resource);`, with(asksTo(Check, "main"), func(r *Request) { r.Principal = Principal{Kind: Integration, Name: "rmm"} }), Deny, NotUnderstood},
		{"a deed on what it is not done on", `permit (principal, action == Action::"check", resource);`, with(asksTo(Check, "main"), func(r *Request) { r.On.Kind = Integration }), Deny, NotUnderstood},
		{"a deed on nothing", `permit (principal, action == Action::"check", resource);`, with(asksTo(Check, "main"), func(r *Request) { r.On = Target{}; r.Entity = "Tickets" }), Deny, NotUnderstood},
		{"a call on something of psagate's own", permitAll, with(asksTo(Check, "main"), func(r *Request) { r.Action = Read; r.Entity = "Tickets" }), Deny, NotUnderstood},
		{"a login has no issuer", `permit (principal, action == Action::"check", resource);`, with(asksTo(Check, "main"), func(r *Request) { r.On.Issuer = "entra" }), Deny, NotUnderstood},
		{"a person has one", `permit (principal, action == Action::"end_session", resource);`, with(asksTo(EndSession, "bob"), func(r *Request) { r.On.Issuer = "" }), Deny, NotUnderstood},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Load([]Source{{"a.cedar", []byte(test.policy)}}, withLogins)
			if err != nil {
				t.Fatal(err)
			}
			d := p.Decide(test.r)
			if d.Outcome != test.want || d.Why != test.why {
				t.Errorf("%s, %s: %s", d.Outcome, d.Why, d)
			}
			if e := p.Explain(test.r); e.Decision.String() != d.String() || test.want == Allow && !slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Applies }) {
				t.Errorf("explained %+v", e)
			}
			if d.Why == NotPermitted {
				helps(t, d.Permit, test.r)
			}
		})
	}
	for _, a := range Deeds() {
		if d := load(t, string(Default().Text)).Decide(asksTo(a, "main")); d.Why != NotPermitted {
			t.Errorf("without a policy %s: %s", a, d)
		}
	}
}

// helps sees that the line that a denial tells permits the request.
func helps(t *testing.T, line string, r Request) {
	t.Helper()
	p, err := Load([]Source{{"b.cedar", []byte(line)}}, withLogins)
	if err != nil || !p.Decide(r).Allowed() {
		t.Errorf("%s does not help: %v", line, err)
	}
}

func TestADeedWantsASecondFactor(t *testing.T) {
	const (
		plain = `permit (principal, action == Action::"check", resource);` + "\n"
		short = `@stepup("5m") permit (principal, action == Action::"check", resource == Login::"main");` + "\n"
		long  = `@stepup("12h") permit (principal, action == Action::"check", resource is Login);` + "\n"
	)
	for _, test := range []struct {
		policy string
		most   time.Duration
	}{{plain, DeedMaxAge}, {short, 5 * time.Minute}, {long, 12 * time.Hour}, {plain + short, 5 * time.Minute}, {plain + long, DeedMaxAge}} {
		p := load(t, test.policy)
		for age, want := range map[time.Duration]Outcome{0: Allow, test.most: Allow, test.most + 1: StepUp} {
			d := p.Decide(with(asksTo(Check, "main"), func(r *Request) { r.LastFactor = noon.Add(-age) }))
			if d.Outcome != want || d.MaxAge != test.most {
				t.Errorf("%s after %s: %s, at most %s", test.policy, age, d, d.MaxAge)
			}
		}
		for name, r := range map[string]Request{
			"never": with(asksTo(Check, "main"), func(r *Request) { r.LastFactor = time.Time{} }), "no time": with(asksTo(Check, "main"), func(r *Request) { r.Time = time.Time{} }),
		} {
			if d := p.Decide(r); d.Outcome != StepUp {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
	if f := load(t, plain+short).Explain(asksTo(Check, "main")).Findings; f[0].StepUp != "15m0s" || f[1].StepUp != "5m0s" {
		t.Errorf("%+v", f)
	}
	if f := load(t, permitAll).Explain(ask(Read, "Tickets")).Findings; f[0].StepUp != "" {
		t.Errorf("a call: %+v", f)
	}
}

func TestPoliciesOfDeedsThatAreWrong(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`permit (principal, action == Action::"relaese", resource);`, `a.cedar:1:30: unknown action "relaese"; did you mean "release"?`},
		{`permit (principal, action, resource) when { action == Action::"release" };`, `a.cedar:1:55: a permit for what people do on psagate itself names it in its head: write action == Action::"release" there`},
		{`permit (principal, action == Action::"release", resource == Entity::"Tickets");`, `a.cedar:1:1: nobody does this: a Person does disable`},
		{`permit (principal is Integration, action == Action::"release", resource);`, `a.cedar:1:1: nobody does this: a Person does disable`},
		{`permit (principal, action == Action::"release", resource is Logn);`, `unknown type Logn; did you mean "Login"?`},
		{`permit (principal, action == Action::"read", resource is Login);`, `a.cedar:1:1: no call is like this`},
		{`permit (principal, action == Action::"release", resource) when { context.fields.contains("x") };`, "a.cedar:1:59: "},
		{`permit (principal, action in [Action::"read", Action::"release"], resource) when { context.api == "soap" };`, "a.cedar:1:77: "},
		{`permit (principal, action == Action::"end_session", resource == Person::"bob");`, `has no issuer in front`},
		{`permit (principal, action == Action::"end_session", resource in PersonGroup::"entra/admins");`, "a.cedar:1:65: the groups of a person on whom something is done are not known"},
		{`forbid (principal, action == Action::"end_session", resource) when { resource in [PersonGroup::"entra/admins"] };`, "a.cedar:1:83: the groups of a person on whom something is done are not known"},
		{`forbid (principal, action == Action::"end_session", resource) when { resource is Person in PersonGroup::"entra/admins" };`, "the groups of a person on whom something is done are not known"},
		{`@stepup("12h1s") permit (principal, action == Action::"check", resource);`, "a second factor of 12h0m0s at the most"},
		{`@stepup("15m") permit (principal, action in [Action::"check", Action::"read"], resource);`, "@stepup is for people"},
		{permitAll + `forbid (principal, action, resource);`, "this permits what the policy at a.cedar:2 forbids without a condition"},
	} {
		_, err := Load([]Source{{"a.cedar", []byte(test.text)}}, withLogins)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.text, err)
		}
	}
	p, err := Load([]Source{{"a.cedar", []byte(`permit (principal, action == Action::"release", resource == Login::"mian"); permit (principal, action == Action::"disable", resource == Integration::"rnm");`)}}, withLogins)
	if err != nil || len(p.Warnings()) != 2 || p.Warnings()[0].Text != `no login is called "mian"; did you mean "main"?` || p.Warnings()[1].Text != `no integration is called "rnm"; did you mean "rmm"?` {
		t.Errorf("%v, %v", p.Warnings(), err)
	}
}

func TestDeedsInCases(t *testing.T) {
	const policies = `@id("admins") permit (principal in PersonGroup::"entra/admins", action == Action::"disable", resource);`
	p, err := Load([]Source{{"a.cedar", []byte(policies)}}, withLogins)
	if err != nil {
		t.Fatal(err)
	}
	request := func(rest string) string {
		return `{"cases": [{"name": "x", "want": "allow", "request": {"person": "entra/alice", "groups": ["admins"], "time": "2026-11-25T12:00:00Z", "factor_age": "1m", ` + rest + `}}]}`
	}
	for _, test := range []struct{ rest, want string }{
		{`"action": "disable", "on": {"integration": "rmm", "groups": ["backup"]}`, ""},
		{`"action": "disable", "on": {"integration": "rnm"}`, `no integration is called "rnm"; did you mean "rmm"?`},
		{`"action": "read_mail", "on": {"mailbox": "support"}`, "want allow, got deny"},
		{`"action": "enable", "on": {"integration": "rmm"}`, "want allow, got deny"},
	} {
		cases, err := ParseCases("a.json", []byte(request(test.rest)))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Test(cases)[0].Failure; !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %s", test.rest, got)
		}
	}
	for _, test := range []struct{ rest, want string }{
		{`"action": "disable"`, `disable is done "on" one thing, {"integration": …}`},
		{`"action": "disable", "entity": "Tickets"`, `disable is done "on" one thing`},
		{`"action": "disable", "on": {"login": "main"}`, `disable is done "on" one thing, {"integration": …}`},
		{`"action": "read_mail", "on": {"login": "main"}`, `read_mail is done "on" one thing, {"mailbox": …}`},
		{`"action": "disable", "on": {}`, `a deed is done "on" one "integration", "login", "person" or "mailbox"`},
		{`"action": "disable", "on": {"integration": "a", "login": "b"}`, `a deed is done "on" one`},
		{`"action": "check", "on": {"login": "a", "groups": ["b"]}`, `only an "integration" has "groups" here`},
		{`"action": "end_session", "on": {"person": "bob"}`, `a person has the issuer in front`},
		{`"action": "read", "on": {"login": "main"}`, `read is done to an "entity", and not "on" anything`},
		{`"action": "disable", "on": {"integration": "rmm"}, "zone": "x"`, `"zone" is a call's; disable has none`},
		{`"action": "disable", "on": {"integration": "rmm"}, "fields": []`, `"fields" is a call's; disable has none`},
		{`"action": "disabel", "on": {"integration": "rmm"}`, `did you mean "disable"?`},
	} {
		_, err := ParseCases("a.json", []byte(request(test.rest)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.rest, err)
		}
	}
	if _, err := ParseCases("a.json", []byte(`{"cases": [{"name": "x", "want": "deny", "request": {"integration": "a", "action": "check", "on": {"login": "main"}}}]}`)); err == nil || !strings.Contains(err.Error(), `check is done by a "person" alone`) {
		t.Error(err)
	}
}

func drawDeed(t *rapid.T) Request {
	a := rapid.SampledFrom(deeds).Draw(t, "deed")
	r := asksTo(a, rapid.SampledFrom([]string{"a", "b", "Tickets"}).Draw(t, "on"))
	r.Principal.Name, r.Principal.Groups = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), rapid.SliceOfN(rapid.SampledFrom([]string{"g", "h"}), 0, 3).Draw(t, "groups")
	if r.On.Kind == Integration && rapid.Bool().Draw(t, "in a group") {
		r.On.Groups = []string{"g"}
	}
	r.Time = noon.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "hours")) * time.Hour)
	r.LastFactor = r.Time
	return r
}

func TestADeedComesBackFromJSONAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawDeed(t)
		if len(r.Principal.Groups) == 0 {
			r.Principal.Groups = nil
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Request
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(r, back) {
			t.Fatalf("%s: %v\n%+v\n%+v", text, err, r, back)
		}
	})
}

// Whatever the policies, a deed is decided as Cedar decides it, but for permits that name neither it nor what it is done on.
func TestDeedsAreDecidedAsCedarDoes(t *testing.T) {
	heads := []string{
		`action == Action::"check", resource`, `action in [Action::"disable", Action::"end_session"], resource`, `action, resource is Login`, `action, resource == Integration::"a"`,
		`action == Action::"disable", resource in IntegrationGroup::"g"`, `action == Action::"end_session", resource == Person::"entra/a"`,
	}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "policies") {
			if rapid.Bool().Draw(t, "of calls") {
				text.WriteString(drawPolicy(t))
				continue
			}
			fmt.Fprintf(&text, "%s (%s, %s) when { %s };\n", rapid.SampledFrom([]string{"permit", "permit", "forbid"}).Draw(t, "effect"),
				rapid.SampledFrom([]string{"principal", `principal == Person::"entra/a"`, `principal in PersonGroup::"entra/g"`}).Draw(t, "principal"),
				rapid.SampledFrom(heads).Draw(t, "head"),
				rapid.SampledFrom([]string{"true", "context.hour < 18", `context.groups.contains("entra/h")`, `resource.name == "a"`, "9223372036854775807 + 1 > 0"}).Draw(t, "condition"))
		}
		p, err := Load([]Source{{"a.cedar", []byte(text.String())}}, Options{Entities: known.Entities})
		if err != nil {
			if !strings.Contains(err.Error(), "without a condition; remove one of them") {
				t.Fatalf("%s: %v", text.String(), err)
			}
			return
		}
		r := drawDeed(t)
		set := cedar.NewPolicySet()
		for _, rule := range p.rules {
			if !rule.permit || !rule.namesNoAction() || rule.resource.ofDeeds() {
				set.Add(cedar.PolicyID(rule.reason.Policy), rule.whole)
			}
		}
		c := p.newCall(&r)
		in := r.deed()
		w := &world{policies: p, call: c, in: (^need(0)).of(&in), needs: ^need(0)}
		decision, said := cedar.Authorize(set, w, types.Request{Principal: c.principal.UID, Action: c.action, Resource: c.resource.UID, Context: w.context()})
		want := Deny
		if decision == cedar.Allow && len(said.Errors) == 0 {
			want = Allow
		}
		if d := p.Decide(r); d.Outcome != want {
			t.Fatalf("%s: %s\nCedar: %v %+v\n%+v", text.String(), d, decision, said, r)
		}
	})
}

// What docs/policy.md says of people is policies and cases that pass.
func TestTheDocsOfDeedsAreRight(t *testing.T) {
	page, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## People\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for i, piece := range strings.Split(section, "```") {
		if i%2 == 1 {
			_, text, _ := strings.Cut(piece, "\n")
			blocks = append(blocks, text)
		}
	}
	if len(blocks) < 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	cases, err := ParseCases("policy.md", []byte(blocks[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range load(t, blocks[0]).Test(cases) {
		if r.Failure != "" {
			t.Errorf("%s: %s", r.Name, r.Failure)
		}
	}
	for _, a := range deeds {
		if row := "`" + string(a) + "`"; !strings.Contains(section, row) {
			t.Errorf("the table has no %s", row)
		}
	}
}
