package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestStepUp(t *testing.T) {
	const (
		quarter = `@stepup("15m") permit (principal is Person, action, resource);` + "\n"
		hour    = `@stepup("1h") permit (principal in PersonGroup::"entra/admins", action, resource);` + "\n"
		plain   = `permit (principal, action == Action::"read", resource);` + "\n"
	)
	never := time.Duration(-1 << 62)
	for _, test := range []struct {
		name   string
		policy string
		action Action
		factor time.Duration // age
		want   Outcome
		maxAge time.Duration
	}{
		{"a fresh factor is enough", quarter, Delete, time.Minute, Allow, 15 * time.Minute},
		{"one as old as it may be is, too", quarter, Delete, 15 * time.Minute, Allow, 15 * time.Minute},
		{"an older one is asked for again", quarter, Delete, 15*time.Minute + 1, StepUp, 15 * time.Minute},
		{"whoever never showed one is asked", quarter, Delete, never, StepUp, 15 * time.Minute},
		{"the strictest counts where several want one", quarter + hour, Delete, 30 * time.Minute, StepUp, 15 * time.Minute},
		{"wherever it stands", hour + quarter, Delete, 30 * time.Minute, StepUp, 15 * time.Minute},
		{"a permit that wants none is enough", quarter + plain, Read, never, Allow, 0},
		{"for what it permits alone", quarter + plain, Delete, never, StepUp, 15 * time.Minute},
		{"forbid wins over a fresh factor", quarter + `forbid (principal, action == Action::"delete", resource);`, Delete, 0, Deny, 0},
		{"forbid wins over asking for one", quarter + `forbid (principal, action == Action::"delete", resource);`, Delete, never, Deny, 0},
		{"an error does, too", quarter + `forbid (principal, action == Action::"delete", resource) when { context.hour + 9223372036854775807 > 0 };`, Delete, 0, Deny, 0},
		{"a clock that is a little ahead is borne", quarter, Delete, -skew, Allow, 15 * time.Minute},
		{"a factor of the future proves that a clock was set", quarter, Delete, -skew - 1, StepUp, 15 * time.Minute},
		{"a condition may stand beside", `@stepup("15m") permit (principal is Person, action, resource) when { context.api == "rest" };`, Delete, never, StepUp, 15 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := load(t, test.policy)
			r := alice(test.action, "Tickets")
			if test.factor != never {
				r.LastFactor = noon.Add(-test.factor)
			}
			for range 2 {
				d := p.Decide(r)
				if d.Outcome != test.want || d.MaxAge != test.maxAge {
					t.Errorf("%s, at most %s: %s", d.Outcome, d.MaxAge, d)
				}
			}
			// The next person's factor is another.
			r.LastFactor = time.Time{}
			if d := p.Decide(r); test.maxAge > 0 && d.Outcome != StepUp {
				t.Errorf("without a factor: %s", d)
			}
		})
	}
}

func TestAStepUpPermitIsForPeopleAlone(t *testing.T) {
	for _, head := range []string{"principal", "principal is Integration", `principal == Integration::"itglue"`, `principal in IntegrationGroup::"docs"`, `principal == Mailbox::"support"`} {
		_, err := Load([]Source{{"a.cedar", []byte(`@stepup("15m") permit (` + head + `, action, resource);`)}}, known)
		if err == nil || !strings.Contains(err.Error(), "@stepup is for people") {
			t.Errorf("%s: %v", head, err)
		}
	}
	for _, head := range []string{"principal is Person", `principal == Person::"entra/alice@example.com"`, `principal in PersonGroup::"entra/admins"`, `principal is Person in PersonGroup::"entra/admins"`} {
		p := load(t, `@stepup("15m") permit (`+head+`, action, resource);`)
		if d := p.Decide(alice(Read, "Tickets")); d.Outcome != StepUp {
			t.Errorf("%s: %s", head, d)
		}
		if d := p.Decide(ask(Read, "Tickets")); d.Outcome != Deny {
			t.Errorf("%s: an integration: %s", head, d)
		}
	}
}

func TestADecisionAsJSON(t *testing.T) {
	d := load(t, `@stepup("15m") permit (principal is Person, action, resource);`).Decide(alice(Read, "Tickets"))
	got, err := json.Marshal(d)
	want := `{"outcome":"step-up","why":"step-up","reasons":[{"policy":"a.cedar:1","file":"a.cedar","line":1}],"max_age":"15m0s"}`
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
	if got := d.String(); got != "a second factor not older than 15m0s is wanted by a.cedar:1" {
		t.Error(got)
	}
}
