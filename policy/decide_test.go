package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is a Wednesday.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

var known = Options{
	Entities: []string{"Tickets", "TicketNotes", "Companies", "Contacts", "Resources"},
}

// load returns policies of one file, whose text is to be good.
func load(t testing.TB, text string) *Policies {
	t.Helper()
	p, err := Load([]Source{{Name: "a.cedar", Text: []byte(text)}}, known)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask returns a request of the integration itglue, with everything known.
func ask(a Action, entity string) Request {
	return Request{
		Principal: Principal{Kind: Integration, Name: "itglue", Groups: []string{"docs"}},
		Action:    a, Entity: entity, API: "rest", Method: "GET",
		Fields: Known(), Filters: Known(), Returns: Known(),
		Time: noon, SourceIP: netip.MustParseAddr("192.0.2.7"), Zone: "https://webservices2.autotask.net",
	}
}

// with returns a request with something else in it.
func with(r Request, change func(*Request)) Request {
	change(&r)
	return r
}

func alice(a Action, entity string) Request {
	return with(ask(a, entity), func(r *Request) {
		r.Principal = Principal{Kind: Person, Issuer: "entra", Name: "alice@example.com", Groups: []string{"admins"}}
	})
}

func mail(a Action, entity string) Request {
	return with(ask(a, entity), func(r *Request) { r.Principal = Principal{Kind: Mailbox, Name: "support"} })
}

const permitAll = "permit (principal, action, resource);\n"

// verdictTest is a policy, a request and the decision, with the lines of the policies that decided.
type verdictTest struct {
	name   string
	policy string
	ask    Request
	want   Outcome
	why    Why
	lines  []int
}

func (v verdictTest) run(t *testing.T) {
	p := load(t, v.policy)
	for _, from := range []string{"Cedar", "memory"} {
		d := p.Decide(v.ask)
		var lines []int
		for _, r := range slices.Concat(d.Reasons, d.Errors) {
			lines = append(lines, r.Line)
		}
		if d.Outcome != v.want || d.Why != v.why || !slices.Equal(lines, v.lines) {
			t.Errorf("from %s: %s (%s) by lines %v, want %s (%s) by %v: %s", from, d.Outcome, d.Why, lines, v.want, v.why, v.lines, d)
		}
		if wantLine := d.Why == NotPermitted; wantLine != (d.Permit != "") {
			t.Errorf("the line that would permit it is %q", d.Permit)
		}
	}
}

func TestDecisions(t *testing.T) {
	for _, test := range []verdictTest{
		{"what nothing permits is denied", "", ask(Read, "Companies"), Deny, NotPermitted, nil},
		{"an integration is permitted by name", `permit (principal == Integration::"itglue", action in [Action::"read", Action::"query"], resource in Entity::"Companies");`, ask(Query, "Companies"), Allow, Permitted, []int{1}},
		{"another action is not", `permit (principal == Integration::"itglue", action in [Action::"read", Action::"query"], resource in Entity::"Companies");`, ask(Update, "Companies"), Deny, NotPermitted, nil},
		{"nor another entity", `permit (principal == Integration::"itglue", action, resource in Entity::"Companies");`, ask(Read, "Contacts"), Deny, NotPermitted, nil},
		{"nor another integration", `permit (principal == Integration::"datto", action, resource);`, ask(Read, "Companies"), Deny, NotPermitted, nil},
		{"an entity is named by == as by in", `permit (principal, action, resource == Entity::"Companies");`, ask(Read, "Companies"), Allow, Permitted, []int{1}},
		{"an entity is the same in any case", `forbid (principal, action, resource == Entity::"Tickets");` + "\n" + permitAll, ask(Read, "tickets"), Deny, Forbidden, []int{1}},
		{"one that is new at the PSA, too", `forbid (principal, action, resource == Entity::"Opportunities");` + "\n" + permitAll, ask(Read, "OPPORTUNITIES"), Deny, Forbidden, []int{1}},
		{"a group takes its integrations", `permit (principal in IntegrationGroup::"docs", action, resource);`, ask(Read, "Companies"), Allow, Permitted, []int{1}},
		{"and no others", `permit (principal in IntegrationGroup::"backup", action, resource);`, ask(Read, "Companies"), Deny, NotPermitted, nil},
		{"a person is permitted with the issuer's name in front", `permit (principal == Person::"entra/alice@example.com", action, resource);`, alice(Read, "Companies"), Allow, Permitted, []int{1}},
		{"another issuer's alice is somebody else", `permit (principal == Person::"okta/alice@example.com", action, resource);`, alice(Read, "Companies"), Deny, NotPermitted, nil},
		{"a group of people is its issuer's", `permit (principal in PersonGroup::"entra/admins", action, resource);`, alice(Read, "Companies"), Allow, Permitted, []int{1}},
		{"another issuer's group is another", `permit (principal in PersonGroup::"okta/admins", action, resource);`, alice(Read, "Companies"), Deny, NotPermitted, nil},
		{"an integration is in no group of people", `permit (principal in PersonGroup::"entra/docs", action, resource);`, ask(Read, "Companies"), Deny, NotPermitted, nil},
		{"the mail broker is a principal of its own", `permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"Tickets");`, mail(Create, "Tickets"), Allow, Permitted, []int{1}},
		{"a kind is named by is", "permit (principal is Person, action, resource);\npermit (principal is Mailbox, action, resource);", mail(Read, "Tickets"), Allow, Permitted, []int{2}},
		{"forbid wins wherever it stands", permitAll + `forbid (principal, action == Action::"read", resource == Entity::"Companies");`, ask(Read, "Companies"), Deny, Forbidden, []int{2}},
		{"all forbids that apply are told", permitAll + "forbid (principal, action == Action::\"read\", resource);\nforbid (principal, action, resource) when { !context.impersonates };\nforbid (principal, action, resource) when { context.impersonates };", ask(Read, "Companies"), Deny, Forbidden, []int{2, 3}},
		{"all permits that apply are told, in the order of the file", "permit (principal, action, resource) when { !context.impersonates };\npermit (principal == Integration::\"itglue\", action, resource);\npermit (principal, action, resource) when { context.impersonates };\n" + permitAll, ask(Read, "Companies"), Allow, Permitted, []int{1, 2, 4}},
		{"an unless keeps a policy from applying", `permit (principal, action, resource) unless { principal.name == "itglue" };`, ask(Read, "Companies"), Deny, NotPermitted, nil},
		{"a forbid that cannot be evaluated denies, which Cedar alone would skip", permitAll + `forbid (principal, action, resource) when { context.hour + 9223372036854775807 > 0 };`, ask(Read, "Companies"), Deny, Failed, []int{2}},
		{"so does one that asks for nothing of the call", permitAll + `forbid (principal, action, resource) when { principal.name == "itglue" && 1 + 9223372036854775807 > 0 };`, ask(Read, "Companies"), Deny, Failed, []int{2}},
		{"so does a permit that cannot be evaluated, whatever else permits", permitAll + `permit (principal, action, resource) when { context.hour + 9223372036854775807 > 0 };`, ask(Read, "Companies"), Deny, Failed, []int{2}},
		{"all that cannot be evaluated is told", permitAll + "forbid (principal, action, resource) when { 1 + 9223372036854775807 > 0 };\npermit (principal, action, resource) when { context.hour + 9223372036854775807 > 0 };", ask(Read, "Companies"), Deny, Failed, []int{2, 3}},
		{"an error is told before a forbid", `forbid (principal, action == Action::"read", resource);` + "\n" + `permit (principal, action, resource) when { context.hour + 9223372036854775807 > 0 };`, ask(Read, "Companies"), Deny, Failed, []int{2}},
		{"a policy for others cannot fail", permitAll + `forbid (principal == Integration::"datto", action, resource) when { context.hour + 9223372036854775807 > 0 };`, ask(Read, "Companies"), Allow, Permitted, []int{1}},
		{"without a file one may read", string(Default().Text), ask(Read, "Companies"), Allow, Permitted, []int{1}},
		{"without a file one may query", string(Default().Text), mail(Query, "Companies"), Allow, Permitted, []int{1}},
		{"without a file one may not create", string(Default().Text), ask(Create, "Companies"), Deny, NotPermitted, nil},
		{"without a file one may not update", string(Default().Text), alice(Update, "Companies"), Deny, NotPermitted, nil},
		{"without a file a mailbox makes tickets", string(Default().Text), mail(Create, "Tickets"), Allow, Permitted, []int{5}},
		{"without a file a mailbox puts tickets right", string(Default().Text), mail(Update, "Tickets"), Allow, Permitted, []int{5}},
		{"without a file a mailbox adds notes", string(Default().Text), mail(Create, "TicketNotes"), Allow, Permitted, []int{9}},
		{"without a file a mailbox adds files", string(Default().Text), mail(Create, "TicketAttachments"), Allow, Permitted, []int{13}},
		{"without a file a mailbox deletes no file", string(Default().Text), mail(Delete, "TicketAttachments"), Deny, NotPermitted, nil},
		{"without a file a mailbox changes no note", string(Default().Text), mail(Update, "TicketNotes"), Deny, NotPermitted, nil},
		{"without a file a mailbox makes no contact", string(Default().Text), mail(Create, "Contacts"), Deny, NotPermitted, nil},
		{"without a file nobody else makes tickets", string(Default().Text), ask(Create, "Tickets"), Deny, NotPermitted, nil},
		{"without a file nobody else adds notes", string(Default().Text), alice(Create, "TicketNotes"), Deny, NotPermitted, nil},
		{"without a file one may not delete", string(Default().Text), ask(Delete, "Companies"), Deny, NotPermitted, nil},
		{"a record is told by its id", `permit (principal, action, resource) when { resource has id && resource.id == "175" };`, with(ask(Read, "Companies"), func(r *Request) { r.ID = "175" }), Allow, Permitted, []int{1}},
		{"another record is not", `permit (principal, action, resource) when { resource has id && resource.id == "175" };`, with(ask(Read, "Companies"), func(r *Request) { r.ID = "176" }), Deny, NotPermitted, nil},
		{"a query has no id", `permit (principal, action, resource) when { resource has id && resource.id == "175" };`, ask(Query, "Companies"), Deny, NotPermitted, nil},
		{"an update whose id is not known is none of another record", permitAll + `forbid (principal, action, resource) when { resource has id && resource.id == "175" };`, ask(Update, "Companies"), Deny, Failed, []int{2}},
		{"an update is told by its id", permitAll + `forbid (principal, action, resource) when { resource has id && resource.id == "175" };`, with(ask(Update, "Companies"), func(r *Request) { r.ID = "175" }), Deny, Forbidden, []int{2}},
		{"an update of another record passes", permitAll + `forbid (principal, action, resource) when { resource has id && resource.id == "175" };`, with(ask(Update, "Companies"), func(r *Request) { r.ID = "176" }), Allow, Permitted, []int{1}},
		{"who does not ask for its id does not fail", permitAll + "forbid (principal, action, resource) when { resource has id && resource.id == \"175\" && !(context.time < datetime(\"2000-01-01\")) };\nforbid (principal, action, resource) when { context.fields.contains(\"x\") && context.time > datetime(\"2000-01-01\") };", with(ask(Update, "Companies"), func(r *Request) { r.Fields = Known("x") }), Deny, Failed, []int{2}},
		{"a user-defined field is returned without being called one", permitAll + `forbid (principal, action, resource) when { context.returns.contains("udf:Rack") };`, with(ask(Query, "Companies"), func(r *Request) { r.Returns = Known("id", "rack") }), Deny, Forbidden, []int{2}},
		{"and permitted likewise", `permit (principal, action, resource) when { ["id", "udf:Rack"].containsAll(context.returns) };`, with(ask(Query, "Companies"), func(r *Request) { r.Returns = Known("id", "rack") }), Allow, Permitted, []int{1}},
		{"a name that is both is both", permitAll + `forbid (principal, action, resource) when { context.returns.contains("rack") && !context.returns.contains("udf:Rack") };`, with(ask(Query, "Companies"), func(r *Request) { r.Returns = Known("rack") }), Allow, Permitted, []int{1}},
		{"a child is told by its parent", `permit (principal, action, resource == Entity::"TicketNotes") when { resource has parent && resource.parent == Entity::"Tickets" && resource has parent_id && resource.parent_id == "7" };`, with(ask(Create, "TicketNotes"), func(r *Request) { r.Parent = Parent{"tickets", "7"} }), Allow, Permitted, []int{1}},
		{"a child is not its parent", `permit (principal, action, resource in Entity::"Tickets");`, with(ask(Create, "TicketNotes"), func(r *Request) { r.Parent = Parent{"Tickets", "7"} }), Deny, NotPermitted, nil},
		{"one of several entities is named by a condition", `permit (principal, action, resource) when { resource in [Entity::"Tickets", Entity::"Contacts"] };`, ask(Read, "Contacts"), Allow, Permitted, []int{1}},
		{"whoever impersonates is told apart", permitAll + `forbid (principal, action, resource) when { context.impersonates };`, with(ask(Read, "Contacts"), func(r *Request) { r.Impersonates = true }), Deny, Forbidden, []int{2}},
		{"a network is told from another", `permit (principal, action, resource) when { context.source_ip.isInRange(ip("192.0.2.0/24")) };`, ask(Read, "Contacts"), Allow, Permitted, []int{1}},
		{"an IPv4 address within IPv6 is the same", `permit (principal, action, resource) when { context.source_ip.isInRange(ip("192.0.2.0/24")) };`, with(ask(Read, "Contacts"), func(r *Request) { r.SourceIP = netip.MustParseAddr("::ffff:192.0.2.7") }), Allow, Permitted, []int{1}},
		{"an address that is not known fails who asks for it", `permit (principal, action, resource) when { context.source_ip.isInRange(ip("192.0.2.0/24")) };`, with(ask(Read, "Contacts"), func(r *Request) { r.SourceIP = netip.Addr{} }), Deny, Failed, []int{1}},
		{"the method and the interface are told", `permit (principal, action, resource) when { context.method == "GET" && context.api == "rest" && context.zone like "https://webservices2.*" };`, ask(Read, "Contacts"), Allow, Permitted, []int{1}},
		{"the groups of people are told by name", `permit (principal, action, resource) when { context.groups.contains("entra/admins") };`, alice(Read, "Contacts"), Allow, Permitted, []int{1}},
		{"those of integrations are not", `permit (principal, action, resource) when { context.groups.contains("docs") };`, ask(Read, "Contacts"), Deny, NotPermitted, nil},
		{"without an action nothing is understood", permitAll, ask("", "Contacts"), Deny, NotUnderstood, nil},
		{"nor with an unknown one", permitAll, ask("Read", "Contacts"), Deny, NotUnderstood, nil},
		{"nor without an entity", permitAll, ask(Read, ""), Deny, NotUnderstood, nil},
		{"nor with an entity that is no text", permitAll, ask(Read, "Ti\xffckets"), Deny, NotUnderstood, nil},
		{"nor with a name that is no text", permitAll, with(ask(Read, "Contacts"), func(r *Request) { r.Principal.Name = "\xff" }), Deny, NotUnderstood, nil},
		{"nor without a principal", permitAll, with(ask(Read, "Contacts"), func(r *Request) { r.Principal = Principal{} }), Deny, NotUnderstood, nil},
		{"nor without its name", permitAll, with(ask(Read, "Contacts"), func(r *Request) { r.Principal.Name = "" }), Deny, NotUnderstood, nil},
		{"an integration has no issuer", permitAll, with(ask(Read, "Contacts"), func(r *Request) { r.Principal.Issuer = "entra" }), Deny, NotUnderstood, nil},
		{"a person has one", permitAll, with(alice(Read, "Contacts"), func(r *Request) { r.Principal.Issuer = "" }), Deny, NotUnderstood, nil},
		{"and one without a slash, which would make it another", permitAll, with(alice(Read, "Contacts"), func(r *Request) { r.Principal.Issuer = "entra/x" }), Deny, NotUnderstood, nil},
	} {
		t.Run(test.name, test.run)
	}
}

func TestFields(t *testing.T) {
	writes := func(names ...string) Request {
		return with(ask(Update, "Companies"), func(r *Request) { r.Fields = Known(names...) })
	}
	const (
		noWriting  = permitAll + `forbid (principal, action, resource) when { context.fields.contains("isActive") };`
		onlyStatus = `permit (principal, action == Action::"update", resource) when { ["status", "title"].containsAll(context.fields) };`
		noReading  = permitAll + `forbid (principal, action, resource) when { context.returns.contains("salary") || context.filters.contains("salary") };`
		careful    = `permit (principal, action, resource) when { context.returns_known && ["id", "name"].containsAll(context.returns) };`
	)
	for _, test := range []verdictTest{
		{"writing a field can be forbidden", noWriting, writes("name", "isActive"), Deny, Forbidden, []int{2}},
		{"writing others is not", noWriting, writes("name"), Allow, Permitted, []int{1}},
		{"in any case of the name", noWriting, writes("ISACTIVE"), Deny, Forbidden, []int{2}},
		{"in letters that the PSA may take for others", noWriting, writes("iſActive"), Deny, Forbidden, []int{2}},
		{"fields that are not known deny", noWriting, with(writes(), func(r *Request) { r.Fields = Names{} }), Deny, Failed, []int{2}},
		{"a read writes none, whatever is told", noWriting, with(ask(Read, "Companies"), func(r *Request) { r.Fields = Names{} }), Allow, Permitted, []int{1}},
		{"a list of fields can be permitted", onlyStatus, writes("Status", "title"), Allow, Permitted, []int{1}},
		{"one more is not permitted", onlyStatus, writes("status", "title", "queueID"), Deny, NotPermitted, nil},
		{"returning a field can be forbidden", noReading, with(ask(Query, "Resources"), func(r *Request) { r.Returns = Known("id", "Salary") }), Deny, Forbidden, []int{2}},
		{"filtering on it, too", noReading, with(ask(Query, "Resources"), func(r *Request) { r.Filters = Known("salary") }), Deny, Forbidden, []int{2}},
		{"a query whose filters are not known is denied", noReading, with(ask(Query, "Resources"), func(r *Request) { r.Filters = Names{} }), Deny, Failed, []int{2}},
		{"a query that returns what it likes is denied", noReading, with(ask(Query, "Resources"), func(r *Request) { r.Returns = Names{} }), Deny, Failed, []int{2}},
		{"a read by id, which returns all fields, is denied", noReading, with(ask(Read, "Resources"), func(r *Request) { r.Returns = Names{} }), Deny, Failed, []int{2}},
		{"a read by id has no filters", noReading, with(ask(Read, "Resources"), func(r *Request) { r.Filters = Names{}; r.Returns = Known("id") }), Allow, Permitted, []int{1}},
		{"a write returns nothing", noReading, with(writes("name"), func(r *Request) { r.Filters, r.Returns = Names{}, Names{} }), Allow, Permitted, []int{1}},
		{"a policy may say itself what it does with what is not known", careful, with(ask(Read, "Resources"), func(r *Request) { r.Returns = Names{} }), Deny, NotPermitted, nil},
		{"and permit what is", careful, with(ask(Query, "Resources"), func(r *Request) { r.Returns = Known("ID") }), Allow, Permitted, []int{1}},
	} {
		t.Run(test.name, test.run)
	}
}

func TestAnErrorNamesThePolicyAndWhatTheRequestDoesNotTell(t *testing.T) {
	p := load(t, "\n@id(\"no salaries\")\nforbid (principal, action, resource)\nwhen { context.returns.contains(\"salary\") };")
	d := p.Decide(with(ask(Read, "Resources"), func(r *Request) { r.Returns = Names{} }))
	want := "denied, since a policy could not be evaluated: no salaries (a.cedar:2): the request does not tell context.returns"
	if d.String() != want {
		t.Errorf("%s", d)
	}
}

func TestWhatARefusalPrintsPermits(t *testing.T) {
	const reserved = `a "b"\ \n é` + "\n\x01"
	for name, r := range map[string]Request{
		"an integration": ask(Create, "Tickets"), "a person": alice(Delete, "Companies"), "a mailbox": mail(Update, "Contacts"),
		"a new entity":     ask(Read, "Opportunities"),
		"a name of quotes": with(ask(Read, "Tickets"), func(r *Request) { r.Principal.Name = reserved }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range []string{"", `permit (principal, action, resource) when { context.impersonates };`} {
				line := load(t, policy).Decide(r).Permit
				if strings.ContainsAny(line, "\n\r") || line == "" {
					t.Fatalf("it is not one line: %q", line)
				}
				if d := load(t, policy+"\n"+line).Decide(r); !d.Allowed() {
					t.Errorf("%s does not permit it: %s", line, d)
				}
				if d := load(t, policy+"\n"+line).Decide(ask(Update, "Resources")); d.Allowed() {
					t.Errorf("%s permits more: %s", line, d)
				}
			}
		})
	}
}

func TestADecisionInASentence(t *testing.T) {
	const policy = `@id("all") @reason("we trust everybody")
permit (principal, action, resource);
@reason("nobody deletes")
forbid (principal, action == Action::"delete", resource);`
	for _, test := range []struct {
		ask  Request
		want string
	}{
		{ask(Read, "Tickets"), "allowed by all (a.cedar:1): we trust everybody"},
		{ask(Delete, "Tickets"), "forbidden by a.cedar:3: nobody deletes"},
		{ask("", "Tickets"), "denied, since the request is not understood"},
	} {
		if got := load(t, policy).Decide(test.ask).String(); got != test.want {
			t.Errorf("%s\nwant %s", got, test.want)
		}
	}
	want := `no policy permits it; this one would: permit (principal == Integration::"itglue", action == Action::"read", resource == Entity::"Tickets");`
	if got := load(t, "").Decide(ask(Read, "Tickets")).String(); got != want {
		t.Error(got)
	}
}

func TestManyMayDecideAtOnce(t *testing.T) {
	p := load(t, `permit (principal, action, resource) when { context.fields.contains("a") && principal in IntegrationGroup::"g" };`)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 2000 {
				r := with(ask(Update, "Tickets"), func(r *Request) {
					r.Fields = Known([]string{"a", "b"}[i%2])
					r.Principal.Groups = [][]string{{"g"}, {"h"}}[i/2%2]
				})
				if want := i%4 == 0; p.Decide(r).Allowed() != want {
					t.Errorf("worker %d: request %d: allowed is not %v", worker, i, want)
				}
			}
		})
	}
	all.Wait()
}

func TestWhatIsRememberedIsTheCallersNoMore(t *testing.T) {
	p := load(t, `permit (principal, action, resource) when { context.fields.contains("a") && principal in IntegrationGroup::"g" };`)
	names, groups := []string{"a"}, []string{"g"}
	r := with(ask(Update, "Tickets"), func(r *Request) { r.Fields, r.Principal.Groups = Known(names...), groups })
	if !p.Decide(r).Allowed() {
		t.Fatal("it is denied at first")
	}
	names[0] = "b"
	if p.Decide(r).Allowed() {
		t.Error("other fields are taken for those of before")
	}
	names[0], groups[0] = "a", "h"
	if p.Decide(r).Allowed() {
		t.Error("other groups are taken for those of before")
	}
}

func TestMoreCallsThanTheCacheHoldsAreDecidedAlike(t *testing.T) {
	p := load(t, `forbid (principal, action, resource == Entity::"Opportunities");`+"\n"+permitAll)
	for range 2 {
		for i := range cacheSets * cacheWays * 2 {
			r := ask(Read, "Companies")
			r.Principal.Name = strconv.Itoa(i)
			if i%3 == 0 {
				r.Entity = "opportunities"
			}
			if p.Decide(r).Allowed() != (i%3 != 0) {
				t.Fatalf("call %d", i)
			}
		}
	}
}

func TestCallsThatDifferInOneThingAreToldApart(t *testing.T) {
	child := func(entity string) func(*Request) {
		return func(r *Request) { r.Parent = Parent{Entity: entity, ID: "7"} }
	}
	for _, test := range []struct {
		name, condition string
		action          Action
		yes, no         func(*Request)
	}{
		{"the interface", `context.api == "soap"`, Read, func(r *Request) { r.API = "soap" }, func(*Request) {}},
		{"the method", `context.method == "POST"`, Query, func(r *Request) { r.Method = "POST" }, func(*Request) {}},
		{"the parent", `resource has parent && resource.parent == Entity::"Tickets"`, Read, child("Tickets"), child("Companies")},
		{"the parent's id", `resource has parent_id && resource.parent_id == "7"`, Read, child("Tickets"), func(r *Request) { r.Parent = Parent{"Tickets", "8"} }},
		{"the id", `resource has id && resource.id == "7"`, Read, func(r *Request) { r.ID = "7" }, func(r *Request) { r.ID = "8" }},
		{"the zone", `context.zone == "a"`, Read, func(r *Request) { r.Zone = "a" }, func(*Request) {}},
		{"who is impersonated", `context.impersonates`, Read, func(r *Request) { r.Impersonates = true }, func(*Request) {}},
		{"the address", `context.source_ip.isLoopback()`, Read, func(r *Request) { r.SourceIP = netip.IPv6Loopback() }, func(*Request) {}},
		{"the fields", `context.fields.contains("a")`, Create, func(r *Request) { r.Fields = Known("b", "a") }, func(r *Request) { r.Fields = Known("b", "c") }},
		{"whether they are known", `context.fields_known`, Create, func(*Request) {}, func(r *Request) { r.Fields = Names{} }},
		{"the filters", `context.filters.contains("a")`, Query, func(r *Request) { r.Filters = Known("a") }, func(*Request) {}},
		{"whether they are known", `context.filters_known`, Query, func(*Request) {}, func(r *Request) { r.Filters = Names{} }},
		{"what is returned", `context.returns.contains("a")`, Read, func(r *Request) { r.Returns = Known("a") }, func(*Request) {}},
		{"whether it is known", `context.returns_known`, Read, func(*Request) {}, func(r *Request) { r.Returns = Names{} }},
		{"the millisecond", `context.time >= datetime("2026-11-25T12:00:00.001Z")`, Read, func(r *Request) { r.Time = noon.Add(time.Millisecond) }, func(*Request) {}},
		{"the minute", `context.minute_of_day == 721`, Read, func(r *Request) { r.Time = noon.Add(time.Minute) }, func(*Request) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			yes, no := ask(test.action, "TicketNotes"), ask(test.action, "TicketNotes")
			test.yes(&yes)
			test.no(&no)
			p := load(t, "permit (principal, action, resource) when { "+test.condition+" };")
			for i, want := range []bool{true, false, true, true, false, false} {
				r := no
				if want {
					r = yes
				}
				if d := p.Decide(r); d.Allowed() != want {
					t.Errorf("%d: %s", i, d)
				}
			}
		})
	}
}

func TestWhatIsTooLargeIsDecidedAndForgotten(t *testing.T) {
	p := load(t, `permit (principal in IntegrationGroup::"g7", action, resource) when { context.fields.contains("f7") };`)
	var many []string
	for i := range max(maxCachedGroups, maxRemembered) + 1 {
		many = append(many, strconv.Itoa(i))
	}
	fields, groups := slices.Concat(many, []string{"f7"}), slices.Concat(many, []string{"g7"})
	r := with(ask(Update, "Tickets"), func(r *Request) { r.Fields, r.Principal.Groups = Known(fields...), []string{"g7"} })
	if !p.Decide(r).Allowed() {
		t.Error("with many fields it is denied")
	}
	c := p.callOf(&r)
	for i := range c.memory {
		if c.memory[i].Load() != nil {
			t.Error("many fields are remembered")
		}
	}
	for _, r := range []Request{
		with(r, func(r *Request) { r.Principal.Groups = groups }),
		with(r, func(r *Request) { r.Principal.Name = strings.Repeat("x", maxCachedName) }),
		with(r, func(r *Request) { r.Entity = strings.Repeat("x", maxCachedName) }),
	} {
		if !p.Decide(r).Allowed() {
			t.Error("it is denied")
		}
		if first := p.callOf(&r); first == p.callOf(&r) {
			t.Error("it is remembered")
		}
	}
}

func TestNeeds(t *testing.T) {
	for condition, want := range map[string]need{
		`true`:                            0,
		`principal.name == resource.name`: 0,
		`context.hour < 8`:                needHour,
		`context.fields_known`:            needFieldsKnown,
		`context.fields.isEmpty()`:        needFields,
		`context has time`:                needTime,
		`resource has id`:                 needID,
		`resource["parent"]["id"] == "7"`: needParent | needID,
		`{id: 1}.id == 1`:                 needID, // a guess on the safe side
		`[context] == [context]`:          needContext,
		`(if true then context else context).hour < 8 && resource has parent_id`: needContext | needParentID,
	} {
		rules, problem := parse(Source{"a.cedar", []byte("permit (principal, action, resource) when { " + condition + " };")})
		if problem != nil || rules[0].needs != want {
			t.Errorf("%s: %b, want %b; %v", condition, rules[0].needs, want, problem)
		}
	}
}
