package policy

import (
	"path/filepath"
	"strings"
	"testing"
)

const goodCases = `{
	"cases": [
		{
			"name": "itglue reads companies",
			"request": {"integration": "itglue", "action": "read", "entity": "Companies"},
			"want": "allow",
			"policy": "docs"
		},
		{
			"name": "and writes nothing",
			"request": {"integration": "itglue", "action": "update", "entity": "Companies", "fields": ["name"]},
			"want": "deny"
		},
		{
			"name": "people are asked",
			"request": {"person": "entra/alice", "action": "delete", "entity": "Companies", "time": "2026-11-25T12:00:00Z", "factor_age": "16m"},
			"want": "step-up"
		},
		{
			"name": "once",
			"request": {"person": "entra/alice", "action": "delete", "entity": "Companies", "time": "2026-11-25T12:00:00Z", "factor_age": "14m"},
			"want": "allow"
		}
	]
}
`

const casesPolicy = `@id("docs") permit (principal == Integration::"itglue", action == Action::"read", resource in Entity::"Companies");
@id("people") @stepup("15m") permit (principal is Person, action, resource);`

func TestCasesPass(t *testing.T) {
	dir := folder(t, map[string]string{"a.cases.json": goodCases, "a.cedar": casesPolicy})
	cases, err := ReadCases(dir)
	if err != nil {
		t.Fatal(err)
	}
	results := load(t, casesPolicy).Test(cases)
	if len(results) != 4 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.Failure != "" {
			t.Errorf("%s: %s", r.Name, r.Failure)
		}
	}
	if r := results[1]; r.File != filepath.Join(dir, "a.cases.json") || r.Line != 9 || r.Decision.Why != NotPermitted {
		t.Errorf("%+v", r)
	}
}

func TestCasesFail(t *testing.T) {
	for _, test := range []struct{ name, rest, want string }{
		{"another outcome", `"request": {"integration": "itglue", "action": "read", "entity": "Companies"}, "want": "deny"`, "want deny, got allow: allowed by docs (a.cedar:1)"},
		{"a refusal with its line", `"request": {"integration": "datto", "action": "read", "entity": "Companies"}, "want": "allow"`, `want allow, got deny: no policy permits it; this one would: permit (principal == Integration::"datto", action == Action::"read", resource == Entity::"Companies");`},
		{"another policy", `"request": {"integration": "itglue", "action": "read", "entity": "Companies"}, "want": "allow", "policy": "people"`, `allow as it should be, but not by the policy "people": allowed by docs (a.cedar:1)`},
		{"no such policy", `"request": {"integration": "itglue", "action": "read", "entity": "Companies"}, "want": "allow", "policy": "dosc"`, `no policy has the id "dosc"; did you mean "docs"?`},
		{"a misspelt entity, which is denied for a wrong reason", `"request": {"integration": "itglue", "action": "update", "entity": "Company"}, "want": "deny"`, ""},
		{"a nearly known entity", `"request": {"integration": "itglue", "action": "update", "entity": "Ticket"}, "want": "deny"`, `unknown entity "Ticket"; did you mean "Tickets"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cases, err := ParseCases("a.cases.json", []byte(`{"cases": [{"name": "x", `+test.rest+`}]}`))
			if err != nil {
				t.Fatal(err)
			}
			if r := load(t, casesPolicy).Test(cases)[0]; r.Failure != test.want {
				t.Errorf("%s\nwant %s", r.Failure, test.want)
			}
		})
	}
}

func TestCasesThatAreNotUnderstood(t *testing.T) {
	one := func(rest string) string { return "{\"cases\": [\n\t{\"name\": \"x\", " + rest + "}\n]}" }
	request := func(rest string) string {
		return one(`"want": "deny", "request": {"integration": "a", "action": "read", "entity": "Tickets", ` + rest + `}`)
	}
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "a.json:1:1: not JSON: the file ends too early"},
		{"the half of it", `{"cases": [`, "a.json:1:12: not JSON: the file ends too early"},
		{"a comment", "{\n\t// so\n}", "a.json:2:2: not JSON: invalid character '/'; JSON has no comments"},
		{"more after the end", `{"cases": []} {}`, "a.json:1:15: not JSON: there is more after the end"},
		{"rubbish after the end", `{"cases": []} x`, "a.json:1:15: not JSON: invalid character 'x' looking for beginning of value"},
		{"a number that is none", `{"cases": [1x]}`, "a.json:1:13: not JSON: invalid character 'x' after array element"},
		{"a text that never ends", "{\"cases\": \"a\n\"}", "a.json:1:11: not JSON: invalid character '\\n' in string literal"},
		{"a comma too many", "{\"cases\": [\n1,]}", "a.json:2:3: not JSON: invalid character ']' looking for beginning of value"},
		{"what is not UTF-8", "{\"\xff\": 1}", "a.json: the file is not UTF-8"},
		{"nested without end", strings.Repeat("[", 1000), "a.json:1:22: not JSON: it is nested too deep"},
		{"a list", `[]`, "a.json:1:1: expected an object, {…}"},
		{"no case", `{"cases": []}`, `a.json:1:1: there is no case in it; write {"cases": [{"name": …, "request": {…}, "want": "allow"}]}`},
		{"a misspelt name", "{\n\"case\": []}", `a.json:2:1: unknown name "case"; did you mean "cases"?`},
		{"a case that is none", `{"cases": [1]}`, "a.json:1:12: expected an object, {…}"},
		{"a case that wants nothing", one(`"request": {"integration": "a", "action": "read", "entity": "Tickets"}`), `a.json:2:2: a case has a "name", a "request" and what to "want"`},
		{"a case that asks nothing", one(`"want": "deny"`), `a.json:2:2: a case has a "name", a "request" and what to "want"`},
		{"a misspelt outcome", one(`"want": "denied", "request": {"integration": "a", "action": "read", "entity": "Tickets"}`), `a.json:2:24: "denied" is unknown here; known are "allow", "deny", "step-up"`},
		{"a name that is there twice", one(`"name": "y", "want": "deny", "request": {"integration": "a", "action": "read", "entity": "Tickets"}`), `a.json:2:16: "name" is there twice`},
		{"a misspelt name of a request", request(`"feilds": []`), `a.json:2:103: unknown name "feilds"; did you mean "fields"?`},
		{"a name in another case", request(`"Fields": []`), `a.json:2:103: unknown name "Fields"; did you mean "fields"?`},
		{"a misspelt action", one(`"want": "deny", "request": {"integration": "a", "action": "raed", "entity": "Tickets"}`), `a.json:2:74: "raed" is unknown here; did you mean "read"?`},
		{"two principals", request(`"mailbox": "b"`), `a.json:2:43: a request has one of "integration", "person" and "mailbox"`},
		{"no principal", one(`"want": "deny", "request": {"action": "read", "entity": "Tickets"}`), `a.json:2:43: a request has one of "integration", "person" and "mailbox"`},
		{"no action", one(`"want": "deny", "request": {"integration": "a", "entity": "Tickets"}`), `a.json:2:43: a request has an "action"`},
		{"no entity", one(`"want": "deny", "request": {"integration": "a", "action": "read"}`), `a.json:2:43: a request has an "entity"`},
		{"a person without an issuer", one(`"want": "deny", "request": {"person": "alice", "action": "read", "entity": "Tickets"}`), `a.json:2:54: a person has the issuer in front, "<issuer>/<name>"`},
		{"a number for a text", request(`"id": 7`), `a.json:2:109: expected a string, "…"`},
		{"a text for a list", request(`"groups": "a"`), "a.json:2:113: expected a list, […]"},
		{"a text for a truth", request(`"impersonates": "no"`), "a.json:2:119: expected true or false"},
		{"a day for a time", request(`"time": "2026-11-27"`), `a.json:2:111: expected a time as in "2026-11-27T15:04:05Z"`},
		{"no address", request(`"source_ip": "10.0.0.0/8"`), `a.json:2:116: expected an address as in "192.0.2.7"`},
		{"no duration", request(`"time": "2026-11-27T00:00:00Z", "factor_age": "soon"`), `a.json:2:149: expected a duration as in "15m"`},
		{"an age without a time", request(`"factor_age": "1m"`), `a.json:2:43: "factor_age" counts from "time", which is missing`},
		{"an unknown interface", request(`"api": "REST"`), `a.json:2:110: "REST" is unknown here; known are "rest", "soap"`},
		{"a parent without an entity", request(`"parent": {"id": "7"}`), `a.json:2:113: a parent has an "entity"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cases, err := ParseCases("a.json", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("%v\nwant\n%s", err, test.want)
			}
			if cases != nil {
				t.Error("there are cases nevertheless")
			}
		})
	}
}

func TestTheMistakesOfAllCaseFilesAreTold(t *testing.T) {
	dir := folder(t, map[string]string{"a.cases.json": "{}", "b.cases.json": "[]", "c.cases.json": goodCases})
	cases, err := ReadCases(dir)
	if cases != nil || err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "b.cases.json:1:1: expected an object") {
		t.Error(err)
	}
	if _, err := ReadCases(t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no file that ends with .cases.json") {
		t.Error(err)
	}
}
