package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"pgregory.net/rapid"
)

// Pieces of policies. The second half of the conditions ask for nothing of the single call; some of each fail, always or
// for some requests.
var (
	somePrincipals = []string{
		`principal`, `principal == Integration::"a"`, `principal == Integration::"b"`, `principal in IntegrationGroup::"g"`,
		`principal in IntegrationGroup::"h"`, `principal is Integration`, `principal is Integration in IntegrationGroup::"g"`,
		`principal == Person::"entra/a"`, `principal in PersonGroup::"entra/g"`, `principal is Person`, `principal in Integration::"a"`,
		`principal == Mailbox::"a"`, `principal is Person in PersonGroup::"okta/g"`,
	}
	someActions = []string{
		`action`, `action == Action::"read"`, `action in Action::"query"`, `action in [Action::"read", Action::"update"]`,
		`action in [Action::"create", Action::"update", Action::"delete"]`,
	}
	someResources = []string{
		`resource`, `resource == Entity::"Tickets"`, `resource in Entity::"Tickets"`, `resource is Entity`,
		`resource is Entity in Entity::"Companies"`, `resource == Entity::"Contacts"`,
	}
	someConditions = []string{
		`context.fields.contains("status")`, `context.fields_known && ["status", "title"].containsAll(context.fields)`,
		`context.returns.contains("email")`, `context.hour >= 8 && context.hour < 18`, `context.weekday + 9223372036854775801 > 0`,
		`resource has id && resource.id == "7"`, `resource has parent && resource.parent == Entity::"Tickets"`,
		`context.source_ip.isInRange(ip("192.0.2.0/24"))`, `context.groups.contains("entra/g")`, `context has returns`,
		`context.time < datetime("2026-11-25T12:00:01Z")`, `context.impersonates`,
		`principal in IntegrationGroup::"h"`, `resource in [Entity::"Tickets", Entity::"Contacts"]`, `principal is Person && principal.issuer == "entra"`,
		`9223372036854775807 + 1 > 0`, `principal.name like "a*"`, `resource.name == "Tickets"`, `action == Action::"read"`, `false`, `true`,
		`Entity::"Tickets".name == resource.name`,
	}
)

func drawPolicy(t *rapid.T) string {
	text := rapid.SampledFrom([]string{"permit", "permit", "forbid"}).Draw(t, "effect") + " (" +
		rapid.SampledFrom(somePrincipals).Draw(t, "principal") + ", " + rapid.SampledFrom(someActions).Draw(t, "action") + ", " +
		rapid.SampledFrom(someResources).Draw(t, "resource") + ")"
	for range rapid.IntRange(0, 2).Draw(t, "conditions") {
		text += " " + rapid.SampledFrom([]string{"when", "unless"}).Draw(t, "word") + " { " +
			rapid.SampledFrom(someConditions).Draw(t, "condition") + " }"
	}
	return text + ";\n"
}

func drawRequest(t *rapid.T) Request {
	names := func(label string) Names {
		if !rapid.Bool().Draw(t, label+" known") {
			return Names{}
		}
		return Known(rapid.SliceOfN(rapid.SampledFrom([]string{"status", "STATUS", "title", "email", "other"}), 0, 2).Draw(t, label)...)
	}
	r := Request{
		Principal: Principal{
			Kind: rapid.SampledFrom([]Kind{Integration, Integration, Person, Mailbox}).Draw(t, "kind"),
			Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"),
		},
		Action: rapid.SampledFrom(actions).Draw(t, "action"),
		Entity: rapid.SampledFrom([]string{"Tickets", "tickets", "Companies", "Contacts", "Unheard"}).Draw(t, "entity"),
		ID:     rapid.SampledFrom([]string{"", "7", "8"}).Draw(t, "id"), API: "rest", Method: "GET",
		Fields: names("fields"), Filters: names("filters"), Returns: names("returns"),
		Time:         noon.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "hours")) * time.Hour),
		Impersonates: rapid.Bool().Draw(t, "impersonates"),
	}
	r.Principal.Groups = rapid.SliceOfN(rapid.SampledFrom([]string{"g", "h"}), 0, 3).Draw(t, "groups")
	if r.Principal.Kind == Person {
		r.Principal.Issuer = rapid.SampledFrom([]string{"entra", "okta"}).Draw(t, "issuer")
	}
	if rapid.Bool().Draw(t, "child") {
		r.Parent = Parent{Entity: "tickets", ID: "9"}
	}
	if rapid.Bool().Draw(t, "address") {
		r.SourceIP = netip.MustParseAddr(rapid.SampledFrom([]string{"192.0.2.7", "::ffff:192.0.2.8", "2001:db8::1"}).Draw(t, "source_ip"))
	}
	return r
}

// plainCedar asks Cedar with all policies as they were written, and with all that is known of the request.
func plainCedar(p *Policies, r Request) string {
	set := cedar.NewPolicySet()
	asked := p.newCall(&r)
	var ids []string
	for _, rule := range p.rules {
		if asked.lacksID(rule.needs, &r) && rule.headDiffers(asked) == "" { // which Cedar takes for a record without one
			ids = append(ids, "failed "+rule.reason.Policy)
			continue
		}
		set.Add(cedar.PolicyID(rule.reason.Policy), rule.whole)
	}
	c := &call{resource: types.Entity{
		UID:        types.NewEntityUID("Entity", types.String(p.spelled(r.Entity))),
		Attributes: types.NewRecord(types.RecordMap{"name": types.String(p.spelled(r.Entity))}),
	}}
	c.setPrincipal(r.Principal)
	w := &world{policies: p, call: c, in: (^need(0)).of(&r), needs: ^need(0)}
	entities := types.EntityMap{c.principal.UID: c.principal, c.resource.UID: w.resourceOfCall()}
	if tickets := types.NewEntityUID("Entity", "Tickets"); tickets != c.resource.UID {
		entities[tickets] = types.Entity{UID: tickets, Attributes: nameOf("Tickets")}
	}
	decision, said := cedar.Authorize(set, entities, types.Request{
		Principal: c.principal.UID, Action: types.NewEntityUID("Action", types.String(r.Action)), Resource: c.resource.UID,
		Context: w.context(),
	})
	for _, e := range said.Errors {
		ids = append(ids, "failed "+string(e.PolicyID))
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		return fmt.Sprintf("%s %v", Deny, ids)
	}
	for _, reason := range said.Reasons {
		ids = append(ids, string(reason.PolicyID))
	}
	slices.Sort(ids)
	return fmt.Sprintf("%s %v", decision, ids)
}

func inShort(d Decision) string {
	var ids []string
	for _, e := range d.Errors {
		ids = append(ids, "failed "+e.Policy)
	}
	for _, r := range d.Reasons {
		ids = append(ids, r.Policy)
	}
	slices.Sort(ids)
	return fmt.Sprintf("%s %v", d.Outcome, ids)
}

// drawPolicies returns random policies. That some contradict each other is wanted here.
func drawPolicies(t *rapid.T) *Policies {
	text := strings.Join(rapid.SliceOfN(rapid.Custom(drawPolicy), 0, 8).Draw(t, "policies"), "")
	l := newLoader(Options{Entities: []string{"Tickets", "Companies", "Contacts"}})
	l.read(Source{Name: "a.cedar", Text: []byte(text)})
	if len(l.problems) > 0 {
		t.Fatalf("%v in\n%s", l.problems, text)
	}
	return l.policies()
}

func TestSlicingAndRememberingGivePlainCedarsAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicies(t)
		for _, r := range rapid.SliceOfN(rapid.Custom(drawRequest), 1, 12).Draw(t, "requests") {
			for range 2 { // the second from memory
				if got, want := inShort(p.Decide(r)), plainCedar(p, r); got != want {
					t.Fatalf("%s\nCedar says %s\n%+v", got, want, r)
				}
			}
		}
	})
}

func TestAnExplanationAgreesWithTheDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicies(t)
		r := drawRequest(t)
		e := p.Explain(r)
		var said []string
		failed := slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Error != "" })
		forbidden := slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Applies && f.Effect == "forbid" })
		outcome := Deny
		for _, f := range e.Findings {
			switch {
			case failed && f.Error != "":
				said = append(said, "failed "+f.Policy)
			case !failed && f.Applies && (f.Effect == "forbid") == forbidden:
				said = append(said, f.Policy)
			}
		}
		if !failed && !forbidden && len(said) > 0 {
			outcome = Allow
		}
		slices.Sort(said)
		if got, want := fmt.Sprintf("%s %v", outcome, said), inShort(p.Decide(r)); got != want {
			t.Fatalf("explained %s, decided %s", got, want)
		}
	})
}
