package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// anyone stands where a test is about what comes after it.
const anyone = "permit (principal, action, resource) when { "

func TestWhatIsWrongWithAPolicyIsToldWithItsPlace(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a misspelt effect", "premit (principal, action, resource);", `a.cedar:1:1: a policy begins with permit or forbid, not "premit"; did you mean "permit"?`},
		{"a misspelt head", "permit (principle, action, resource);", `a.cedar:1:9: expected "principal" here, not "principle"`},
		{"a policy without its end", "permit (principal, action, resource)\n\npermit (principal, action, resource);", `a.cedar:3:1: expected ";" here, not "permit"`},
		{"a file without its end", "permit (principal,\naction", `a.cedar:2:1: the file ends where "," is expected`},
		{"a template", "permit (principal == ?principal, action, resource);", `a.cedar:1:22: expected a name here, as in Entity::"Tickets" or context.fields`},
		{"a string that never ends", "permit (principal, action,\nresource == Entity::\"Tickets);", "a.cedar:2:21: literal not terminated"},
		{"a comment that never ends", "permit (principal, action, resource);\n/* so", "a.cedar:2:1: comment not terminated"},
		{"an unknown variable", anyone + "foo == 1 };", "a.cedar:1:45: this is no value: expected principal, action, resource, context, a literal, or a function"},
		{"a misspelt function", anyone + `context.fields.contain("x") };`, "a.cedar:1:60: `contain` is not a method; did you mean \"contains\"?"},
		{"a number that is too large", anyone + "context.hour < 99999999999999999999 };", "a.cedar:1:60: the number 99999999999999999999 is too large"},
		{"a negative one, too", anyone + "context.hour < -99999999999999999999 };", "a.cedar:1:61: the number 99999999999999999999 is too large"},
		{"a sign that no text has", permitAll + anyone + `context.zone == "\u{110000}" };`, "a.cedar:2:1: bad unicode escape sequence"},
		{"a pattern that is none", permitAll + anyone + `context.zone like "\u{110000}" };`, "a.cedar:2:1: bad unicode escape sequence"},
		{"a byte order mark", "\ufeffpermit (principal, action, resource);", "a.cedar:1:1: the file begins with a byte order mark; save it as plain UTF-8"},
		{"what is not UTF-8", "// ok\n// \xff\n", "a.cedar:2:1: the line is not text in UTF-8"},
		{"what is no text", "// ok\n// \x00\n", "a.cedar:2:1: the line is not text in UTF-8"},
		{"brackets nested too deep", anyone + strings.Repeat("(", 101), "a.cedar:1:144: a policy may nest brackets, and use if, 100 times at the most; split it into several"},
		{"conditions nested too deep", anyone + strings.Repeat("if true then ", 101), "a.cedar:1:1345: a policy may nest brackets, and use if, 100 times at the most; split it into several"},
		{"a chain of attributes without end", anyone + "resource has parent" + strings.Repeat(".parent", 9) + " };", "a.cedar:1:120: a chain of attributes may be 8 long at the most"},
		{"one of brackets", anyone + "resource" + strings.Repeat(`["parent"]`, 9) + " };", "a.cedar:1:133: a chain of attributes may be 8 long at the most"},
		{"a policy that never ends", anyone + strings.Repeat("true && ", 10_000), "a.cedar:1:53354: a policy may have 20000 words and signs at the most; split it into several"},

		{"an unknown type", `permit (principal == Integraton::"x", action, resource);`, `a.cedar:1:22: unknown type Integraton; did you mean "Integration"?`},
		{"an unknown type after is", anyone + "principal is Persn };", `a.cedar:1:58: unknown type Persn; did you mean "Person"?`},
		{"an unknown type of action", `permit (principal, action == Acton::"read", resource);`, `a.cedar:1:30: unknown type Acton; did you mean "Action"?`},
		{"an unknown action", "permit (principal,\n  action in [Action::\"read\", Action::\"updaet\"], resource);", `a.cedar:2:30: unknown action "updaet"; did you mean "update"?`},
		{"an unknown action in a condition", anyone + `action == Action::"raed" };`, `a.cedar:1:55: unknown action "raed"; did you mean "read"?`},
		{"no action at all", "permit (principal, action in [], resource);", "a.cedar:1:20: an empty list of actions is no action; the policy would never apply"},
		{"a misspelt entity", "permit (principal, action,\nresource == Entity::\"Ticket\");", `a.cedar:2:13: unknown entity "Ticket"; did you mean "Tickets"?`},
		{"a misspelt entity in a condition", anyone + `resource in [Entity::"Contacts", Entity::"Tikets"] };`, `a.cedar:1:78: unknown entity "Tikets"; did you mean "Tickets"?`},
		{"an entity in another case", `permit (principal, action, resource == Entity::"ticketNotes");`, `a.cedar:1:40: the entity "ticketNotes" is spelled "TicketNotes"`},
		{"a new entity in two cases", "permit (principal, action, resource == Entity::\"Opportunities\");\nforbid (principal, action, resource == Entity::\"OpportunitieS\");", `a.cedar:2:40: the entity "OpportunitieS" is spelled "Opportunities" at a.cedar:1`},
		{"an entity with a small letter", `permit (principal, action, resource == Entity::"opportunities");`, `a.cedar:1:40: unknown entity "opportunities", and the PSA's begin with a capital letter; known are "Tickets", "TicketNotes", "Companies", "Contacts", "Resources"`},
		{"an unknown word of the context", "permit (principal, action, resource)\nwhen { context.feilds.contains(\"x\") };", `a.cedar:2:16: unknown word of the context "feilds"; did you mean "fields"?`},
		{"an unknown word behind has", anyone + `context has "minutes" };`, `a.cedar:1:57: unknown word of the context "minutes"; known are "api", "fields", "fields_known", "filters", "filters_known", "groups", "hour", "impersonates", "method", "minute_of_day", "returns", "returns_known", "source_ip", "time", "weekday", "zone"`},
		{"an unknown attribute", anyone + `resource.nam == "x" };`, `a.cedar:1:54: unknown attribute "nam"; did you mean "name"?`},
		{"an unknown attribute of an attribute", anyone + `resource.parnt.name == "x" };`, `a.cedar:1:54: unknown attribute "parnt"; did you mean "parent"?`},
		{"the context as a whole", anyone + "context == context };", "a.cedar:1:45: the context as a whole says nothing; name a word of it, as in context.fields"},
		{"a method in small letters", anyone + `context.method == "get" };`, `a.cedar:1:63: context.method is never "get"; known are "GET", "POST", "PUT", "PATCH", "DELETE"`},
		{"an unknown method that is not to be", anyone + `context.method != "GTE" };`, `a.cedar:1:63: context.method is never "GTE"; did you mean "GET"?`},
		{"an unknown type after is in", anyone + `principal is Persn in PersonGroup::"entra/x" };`, `a.cedar:1:58: unknown type Persn; did you mean "Person"?`},
		{"a misspelt entity with an escape, told with the place of its policy", permitAll + `forbid (principal, action, resource == Entity::"Tic\u{6b}et");`, `a.cedar:2:1: unknown entity "Ticket"; did you mean "Tickets"?`},
		{"an unknown interface", anyone + `["REST"].contains(context.api) };`, `a.cedar:1:46: context.api is never "REST"; known are "rest", "soap"`},
		{"a field in two cases", anyone + "context.fields.contains(\"status\") };\nforbid (principal, action, resource) when { [\"Status\"].containsAny(context.filters) };", `a.cedar:2:46: the field "Status" is spelled "status" at a.cedar:1; spell it alike everywhere`},
		{"a person without an issuer", `permit (principal == Person::"alice", action, resource);`, `a.cedar:1:22: Person::"alice" has no issuer in front; write Person::"<issuer>/alice"`},
		{"a group of people without an issuer", `permit (principal in PersonGroup::"/g", action, resource);`, `a.cedar:1:22: PersonGroup::"/g" has no issuer in front; write PersonGroup::"<issuer>//g"`},

		{"an attribute that some calls lack", "permit (principal, action, resource)\nwhen { principal has name }\nunless { resource.id == \"7\" };", "a.cedar:3:1: some calls have no resource.id; write resource has id && before it"},
		{"an attribute of people, for all", anyone + `principal.issuer == "x" };`, "a.cedar:1:38: attribute `issuer` on entity type `Integration` not found\na.cedar:1:38: attribute `issuer` on entity type `Mailbox` not found"},
		{"types that do not fit", anyone + `context.hour == "8" };`, "a.cedar:1:38: the types Long and String are not compatible"},
		{"a truth and a text", anyone + `if context.hour > 3 then true else "x" };`, "a.cedar:1:38: the types Bool and String are not compatible"},
		{"a condition that is no truth", anyone + "context.fields };", "a.cedar:1:38: unexpected type: expected Bool but saw Set<String>"},
		{"an address that is none", anyone + `context.source_ip.isInRange(ip("10.0.0/8")) };`, "a.cedar:1:38: error during extension function argument validation: failed to parse as IP address: `\"10.0.0/8\"`"},
		{"a principal that is an entity", `permit (principal == Entity::"Tickets", action, resource);`, "a.cedar:1:1: no call is like this: a principal is an Integration, a Person or a Mailbox, and a resource is an Entity"},
		{"a person in a group of integrations", `permit (principal is Person in IntegrationGroup::"g", action, resource);`, "a.cedar:1:1: no call is like this: a principal is an Integration, a Person or a Mailbox, and a resource is an Entity"},

		{"a misspelt annotation", `@stepUp("15m") permit (principal is Person, action, resource);`, "a.cedar:1:2: unknown annotation @stepUp; did you mean @stepup?"},
		{"another", `@step_up("15m") permit (principal is Person, action, resource);`, "a.cedar:1:2: unknown annotation @step_up; did you mean @stepup?"},
		{"an annotation that is there twice", `@id("a") @id("b") permit (principal, action, resource);`, "a.cedar:1:11: duplicate annotation: @id"},
		{"an age that is none", `@stepup("soon") permit (principal is Person, action, resource);`, `a.cedar:1:2: @stepup wants how old a second factor may be, as in @stepup("15m"), not "soon"`},
		{"an age of nothing", `@stepup("0s") permit (principal is Person, action, resource);`, `a.cedar:1:2: @stepup wants how old a second factor may be, as in @stepup("15m"), not "0s"`},
		{"a forbid with a step-up", `@stepup("15m") forbid (principal is Person, action, resource);`, "a.cedar:1:2: @stepup belongs to a permit; a forbid asks for nothing"},
		{"an empty id", `@id("") permit (principal, action, resource);`, `a.cedar:1:2: @id wants a name on one line, as in @id("tickets")`},
		{"an id that is there twice", "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal, action == Action::\"read\", resource);", `a.cedar:2:5: the id "a" is already that of the policy at a.cedar:1; give each its own`},
		{"a permit that is taken back", "permit (principal, action == Action::\"read\", resource);\n@id(\"stop\") forbid (principal, action in [Action::\"read\"], resource);", "a.cedar:1:1: this permits what the policy at a.cedar:2 forbids without a condition; remove one of them"},
		{"all that is wrong at once", `permit (principal == Integraton::"x", action == Action::"raed", resource in Entity::"Ticket");`, `a.cedar:1:22: unknown type Integraton; did you mean "Integration"?` + "\n" + `a.cedar:1:49: unknown action "raed"; did you mean "read"?` + "\n" + `a.cedar:1:77: unknown entity "Ticket"; did you mean "Tickets"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Load([]Source{{"a.cedar", []byte(test.text)}}, known)
			if err == nil || err.Error() != test.want {
				t.Errorf("%v\nwant\n%s", err, test.want)
			}
			if p != nil {
				t.Error("there are policies nevertheless")
			}
		})
	}
}

func TestWhatIsOddIsAWarning(t *testing.T) {
	o := known
	o.Integrations, o.Groups, o.Issuers, o.Mailboxes = []string{"itglue"}, []string{"docs"}, []string{"entra"}, []string{"support"}
	for _, test := range []struct{ name, text, want string }{
		{"an entity that may be new", `permit (principal, action, resource == Entity::"Opportunities");`, `a.cedar:1:40: unknown entity "Opportunities"; it may be new at the PSA, else no call will ever be for it; known are "Tickets", "TicketNotes", "Companies", "Contacts", "Resources"`},
		{"an integration that the config does not have", `permit (principal == Integration::"itglu", action, resource);`, `a.cedar:1:22: no integration is called "itglu"; did you mean "itglue"?`},
		{"a group that it does not have", `permit (principal in IntegrationGroup::"dcs", action, resource);`, `a.cedar:1:22: no group of integrations is called "dcs"; did you mean "docs"?`},
		{"an issuer that it does not have", `permit (principal in PersonGroup::"okta/x", action, resource);`, `a.cedar:1:22: no issuer is called "okta"; known are "entra"`},
		{"a mailbox that it does not have", `permit (principal == Mailbox::"x", action, resource);`, `a.cedar:1:22: no mailbox is called "x"; known are "support"`},
		{"a file of nothing", "// to do\n", "a.cedar: there is no policy in it, so everything is denied"},
		{"what is known", `permit (principal == Integration::"itglue", action, resource == Entity::"Tickets"); permit (principal in PersonGroup::"entra/x", action, resource); @note("x") permit (principal == Mailbox::"support", action, resource);`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Load([]Source{{"a.cedar", []byte(test.text)}}, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := Problems(p.Warnings()).Error(); got != test.want {
				t.Errorf("%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestNamesAreNotCheckedAgainstListsThatAreNotThere(t *testing.T) {
	p, err := Load([]Source{{"a.cedar", []byte(`permit (principal == Integration::"x", action, resource == Entity::"Ticket");`)}}, Options{})
	if err != nil || len(p.Warnings()) > 0 {
		t.Error(err, p.Warnings())
	}
}

func TestWhereNoEntityIsKnownEachIsNew(t *testing.T) {
	p, err := Load([]Source{{"a.cedar", []byte(`permit (principal, action, resource == Entity::"Tickets");`)}}, Options{Entities: []string{}})
	if err != nil || len(p.Warnings()) != 1 || !strings.Contains(p.Warnings()[0].Text, "unknown entity") {
		t.Error(err, p.Warnings())
	}
}

func TestFilesThatConflictAreToldWithBothPlaces(t *testing.T) {
	const entity = "permit (principal, action, resource == Entity::\"Tickets\");\n"
	for _, test := range []struct{ name, a, b, want string }{
		{"the same id", "\n@id(\"x\")" + entity, "@id(\"x\")\n" + permitAll, `b.cedar:1:5: the id "x" is already that of the policy at a.cedar:2; give each its own`},
		{"an id that is another's place", entity, "@id(\"a.cedar:1\")\n" + permitAll, `b.cedar:1:5: the id "a.cedar:1" is already that of the policy at a.cedar:1; give each its own`},
		{"a permit here and its forbid there", "\n" + entity, "forbid (principal, action, resource == Entity::\"Tickets\");", "a.cedar:2:1: this permits what the policy at b.cedar:1 forbids without a condition; remove one of them"},
		{"two spellings of a field", anyone + `context.fields.contains("a") };`, anyone + `context.fields.contains("A") };`, `b.cedar:1:69: the field "A" is spelled "a" at a.cedar:1; spell it alike everywhere`},
		{"each with its own mistake", "permit", anyone + "1 };", "a.cedar:1:1: the file ends where \"(\" is expected\nb.cedar:1:38: unexpected type: expected Bool but saw Long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load([]Source{{"a.cedar", []byte(test.a)}, {"b.cedar", []byte(test.b)}}, known)
			if err == nil || err.Error() != test.want {
				t.Errorf("%v\nwant\n%s", err, test.want)
			}
		})
	}
	if _, err := Load([]Source{{"a.cedar", nil}, {"a.cedar", nil}}, known); err == nil || err.Error() != "a.cedar: the file is named twice" {
		t.Error(err)
	}
}

func TestPoliciesOnOneLineHaveIdsOfTheirOwn(t *testing.T) {
	p := load(t, "permit (principal, action, resource); permit (principal, action == Action::\"read\", resource);")
	d := p.Decide(ask(Read, "Tickets"))
	if len(d.Reasons) != 2 || d.Reasons[0].Policy != "a.cedar:1" || d.Reasons[1].Policy != "a.cedar:1:39" {
		t.Errorf("%+v", d.Reasons)
	}
}

func TestWithoutAFileThereIsTheDefault(t *testing.T) {
	p, err := Load(nil, known)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Decide(ask(Query, "Tickets"))
	if !d.Allowed() || d.Reasons[0].Policy != "built-in" || d.Reasons[0].Text == "" {
		t.Errorf("%+v", d)
	}
	if d := p.Decide(ask(Create, "Tickets")); d.Outcome != Deny || d.Permit == "" {
		t.Errorf("%+v", d)
	}
}

func TestTheOldPoliciesGoOnWhereNewOnesAreBad(t *testing.T) {
	old := load(t, permitAll)
	now, err := Load([]Source{{"a.cedar", []byte("permit")}}, known)
	if now != nil || err == nil || !old.Decide(ask(Read, "Tickets")).Allowed() {
		t.Errorf("%v %v", now, err)
	}
}

func TestTenThousandLinesAreTakenAndTheirMistakesCounted(t *testing.T) {
	var good, bad strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&good, "permit (principal == Integration::\"i%d\",\n\taction,\n\tresource == Entity::\"Tickets\")\nwhen { context.hour < 8 };\n", i)
		fmt.Fprintf(&bad, "permit (principal == Integration::\"i%d\",\n\taction,\n\tresource == Entity::\"Tickts\")\nwhen { context.huor < 8 };\n", i)
	}
	if p := load(t, good.String()); p.Len() != 2500 {
		t.Error(p.Len())
	}
	_, err := Load([]Source{{"a.cedar", []byte(bad.String())}}, known)
	var all Problems
	if !errors.As(err, &all) || len(all) != 5000 || all[4999].Line != 10_000 {
		t.Fatalf("%d problems", len(all))
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxShown+1 || lines[maxShown] != "and 4980 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	_, err := Load([]Source{{"a.cedar", make([]byte, maxSource+1)}}, known)
	if err == nil || err.Error() != "a.cedar: a policy file may have 8 MiB at the most" {
		t.Error(err)
	}
}

func TestWhatOnlyLooksLikeAChainIsNone(t *testing.T) {
	for _, condition := range []string{
		strings.Repeat("[", 50) + strings.Repeat("]", 50) + ".isEmpty()",
		strings.Repeat("if context.impersonates then context.impersonates else ", 20) + "true",
		"context.time" + strings.Repeat(`.offset(duration("1h"))`, 50) + " == context.time",
		`["a", "b"].containsAll(context.fields)` + strings.Repeat(` && ["a"].containsAny(context.fields)`, 50),
	} {
		if rules, problem := parse(Source{"a.cedar", []byte(anyone + condition + " };")}); problem != nil || len(rules) != 1 {
			t.Errorf("%s: %v", condition, problem)
		}
	}
}

func TestTheSchemaHasEveryWordThatRequestsFill(t *testing.T) {
	var filled, dynamic []string
	for _, a := range contextAttributes {
		filled = append(filled, string(a.name))
	}
	slices.Sort(filled)
	if !slices.Equal(filled, words().context) {
		t.Errorf("requests fill %v, the schema has %v", filled, words().context)
	}
	for _, a := range resourceAttributes {
		dynamic = append(dynamic, string(a.name))
	}
	dynamic = append(dynamic, "name", "issuer")
	slices.Sort(dynamic)
	if !slices.Equal(dynamic, words().others) {
		t.Errorf("requests fill %v, the schema has %v", dynamic, words().others)
	}
	var named []string
	for _, a := range allActions {
		named = append(named, string(a))
	}
	slices.Sort(named)
	if !slices.Equal(named, words().actions) || !strings.Contains(Schema(), "entity Integration in") {
		t.Errorf("actions are %v, the schema has %v", named, words().actions)
	}
}
