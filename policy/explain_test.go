package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAnExplanationTellsOfEveryPolicy(t *testing.T) {
	p := load(t, `@id("docs")
permit (principal in IntegrationGroup::"docs", action in [Action::"read", Action::"update"], resource);
permit (principal == Integration::"datto", action, resource);
permit (principal, action == Action::"delete", resource);
permit (principal, action, resource == Entity::"Contacts");
@reason("offices are shut")
forbid (principal, action, resource)
when { context.api == "rest" }
when { context.hour < 8 || context.hour >= 18 };
forbid (principal, action, resource)
unless { context.source_ip.isInRange(ip("192.0.2.0/24")) };
forbid (principal, action, resource) when { context.fields.contains("taxID") };
@stepup("15m") permit (principal is Person, action, resource);
permit (principal, action, resource) when { context.returns.isEmpty() };
`)
	r := ask(Update, "Tickets")
	r.Fields, r.Returns = Names{}, Names{}
	e := p.Explain(r)
	if e.Decision.Why != Failed {
		t.Error(e.Decision)
	}
	for i, want := range []struct {
		effect  string
		applies bool
		because string
	}{
		{"permit", true, "its head takes the request"},
		{"permit", false, `it is for another principal than Integration::"itglue" in IntegrationGroup::"docs"`},
		{"permit", false, `it is for another action than Action::"update"`},
		{"permit", false, `it is for another resource than Entity::"Tickets"`},
		{"forbid", false, `when in line 9, { context.hour < 8 || context.hour >= 18 }, is not met`},
		{"forbid", false, `unless in line 11, { context.source_ip.isInRange(ip("192.0.2.0/24")) }, is not met`},
		{"forbid", false, `when in line 12, { context.fields.contains("taxID") }, could not be evaluated: the request does not tell context.fields`},
		{"permit", false, `it is for another principal than Integration::"itglue" in IntegrationGroup::"docs"`},
		{"permit", true, "its head takes the request and its conditions are met"},
	} {
		f := e.Findings[i]
		if f.Effect != want.effect || f.Applies != want.applies || f.Because != want.because {
			t.Errorf("%d: %s %v: %s\nwant %s", i, f.Effect, f.Applies, f.Because, want.because)
		}
	}
	if f := e.Findings[4]; f.Line != 6 || f.Text != "offices are shut" {
		t.Errorf("%+v", f)
	}
	if e.Findings[6].Error == "" || e.Findings[7].StepUp != "15m0s" {
		t.Errorf("%+v", e.Findings[6:8])
	}
	if f := p.Explain(mail(Read, "Tickets")).Findings[0]; f.Because != `it is for another principal than Mailbox::"support", who is in no group` {
		t.Error(f.Because)
	}
}

func TestARequestThatIsNotUnderstoodHasNoFindings(t *testing.T) {
	if e := load(t, permitAll).Explain(Request{}); e.Decision.Why != NotUnderstood || e.Findings != nil {
		t.Errorf("%+v", e)
	}
}

func TestALongConditionIsCut(t *testing.T) {
	p := load(t, `permit (principal, action, resource) when { ["`+strings.Repeat("é", 300)+`"].containsAll(context.fields) && false };`)
	because := p.Explain(ask(Update, "Tickets")).Findings[0].Because
	if len(because) > 260 || !strings.Contains(because, "…") || strings.ContainsRune(because, '\ufffd') {
		t.Error(because)
	}
}

func TestAnExplanationAsJSON(t *testing.T) {
	r := alice(Read, "Tickets")
	r.LastFactor = noon.Add(-time.Hour)
	got, err := json.Marshal(load(t, `@stepup("15m") permit (principal is Person, action, resource);`).Explain(r))
	want := `{"decision":{"outcome":"step-up","why":"step-up","reasons":[{"policy":"a.cedar:1","file":"a.cedar","line":1}],"max_age":"15m0s"},` +
		`"findings":[{"policy":"a.cedar:1","file":"a.cedar","line":1,"effect":"permit","applies":true,"stepup":"15m0s","because":"its head takes the request"}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
}
