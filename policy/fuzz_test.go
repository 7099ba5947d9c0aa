package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzLoad gives any bytes to Load: it must not crash, what is wrong must have a place in the file, and what is taken must
// decide, explain and stay what it is when it is loaded again.
func FuzzLoad(f *testing.F) {
	f.Add(string(Default().Text))
	f.Add(permitAll + "forbid (principal in PersonGroup::\"entra/x\", action, resource is Entity in Entity::\"Tickets\") unless { context.fields.contains(\"a\") };")
	f.Add(anyone + "if resource has id then resource.id like \"1*\" else [1, -2].contains(context.hour * 2) };")
	f.Add("@stepup(\"15m\") @id(\"\\u{e9}\") permit (principal is Person, action in [Action::\"read\"], resource) when { {a: 1}.a == 1 };")
	f.Add(anyone + strings.Repeat("!", 1000) + "true };")
	f.Add(anyone + strings.Repeat("-", 1000) + "1 < 0 };")
	f.Add(anyone + "true" + strings.Repeat(" && true", 1000) + " };")
	f.Add(anyone + "context.source_ip.isInRange(ip(\"::/0\")) && context.time.offset(duration(\"1d\")) < datetime(\"2026-01-01\") };")
	f.Add(`permit (principal, action in [Action::"release", Action::"read"], resource); forbid (principal, action, resource is Login) when { resource.name == Login::"x".name };`)
	f.Add("/* // */ permit(principal,action,resource)when{\"\\\"\"==\"/*\"};//")
	f.Fuzz(func(t *testing.T, text string) {
		sources := []Source{{"a.cedar", []byte(text)}}
		p, err := Load(sources, known)
		if err != nil {
			checkPlaces(t, text, err)
			return
		}
		for _, r := range []Request{ask(Read, "Tickets"), alice(Update, "Companies"), mail(Create, "Contacts"), asksTo(Release, "main"), asksTo(EndSession, "bob"), {}} {
			d := p.Decide(r)
			if e := p.Explain(r); e.Decision.String() != d.String() {
				t.Errorf("decided %s, explained %s", d, e.Decision)
			}
		}
		if again, err := Load(sources, known); err != nil || again.Len() != p.Len() {
			t.Errorf("the second time it is %v", err)
		}
	})
}

// checkPlaces sees that problems are where the text is.
func checkPlaces(t *testing.T, text string, err error) {
	var problems Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("%T: %v", err, err)
	}
	lines := strings.Count(text, "\n") + 1
	for _, p := range problems {
		whole := p.Line == 0 && p.Column == 0
		if !whole && (p.Line < 1 || p.Line > lines || p.Column < 1) || p.Text == "" {
			t.Errorf("%+v, of %d lines", p, lines)
		}
	}
}

// FuzzParseCases gives any bytes to ParseCases: it must not crash, what is wrong must have a place, and what is taken must
// be a case that can be written and read again.
func FuzzParseCases(f *testing.F) {
	f.Add(goodCases)
	f.Add(`{"cases": [{"name": "x", "want": "deny", "request": {"mailbox": "a", "action": "create", "entity": "TicketNotes", "parent": {"entity": "Tickets", "id": "7"}, "filters": null, "source_ip": "::1"}}]}`)
	f.Add(`{"cases": [{"name": "x", "request": {"time": "2026-11-27T00:00:00Z", "factor_age": "-1h"}}]}`)
	f.Add(`{"cases": [{"name": "x", "want": "deny", "request": {"person": "entra/alice", "action": "disable", "on": {"integration": "a", "groups": ["b"]}}}]}`)
	f.Add(`{"cases": [{"name": "x", "want": "deny", "request": {"person": "entra/alice", "action": "end_session", "on": {"person": "entra/b/c"}}}]}`)
	f.Add("{\"\\ud800\": [1e999, null, true]}")
	f.Add("[[[[[[[[[[[[[[[[[[[[[[[[")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := ParseCases("a.json", []byte(text))
		if err != nil {
			checkPlaces(t, text, err)
			return
		}
		if len(cases) == 0 {
			t.Error("no case and no error")
		}
		for _, c := range cases {
			if c.Name == "" || c.Line < 1 || !slices.Contains([]Outcome{Allow, Deny, StepUp}, c.Want) {
				t.Errorf("%+v", c)
			}
			written, err := json.Marshal(c.Request)
			if err != nil {
				continue // a year beyond 9999
			}
			var back Request
			if err := json.Unmarshal(written, &back); err != nil {
				t.Errorf("%s is not taken: %v", written, err)
			}
		}
		load(t, permitAll).Test(cases)
	})
}
