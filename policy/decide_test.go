package policy

import (
	"net/netip"
	"strings"
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

func person(a Action, entity string, factor time.Duration) Request {
	r := ask(a, entity)
	r.Principal = Principal{Kind: Person, Issuer: "entra", Name: "alice@example.com", Groups: []string{"admins"}}
	if factor >= 0 {
		r.LastFactor = noon.Add(-factor)
	}
	return r
}

func TestDecisions(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy string
		ask    Request
		want   Outcome
		why    Why
	}{
		{"nothing permits", ``, ask(Read, "Companies"), Deny, NotPermitted},
		{"the one line of design.md permits a read", `permit (principal == Integration::"itglue", action in [Action::"read", Action::"query"], resource in Entity::"Companies");`, ask(Read, "Companies"), Allow, Permitted},
		{"forbid wins", `permit (principal, action, resource); forbid (principal, action == Action::"read", resource == Entity::"Companies");`, ask(Read, "Companies"), Deny, Forbidden},
		{"a forbid that fails is a denial", `permit (principal, action, resource); forbid (principal, action, resource) when { 9223372036854775807 + 1 == context.hour };`, ask(Read, "Companies"), Deny, Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := load(t, test.policy).Decide(test.ask)
			if d.Outcome != test.want || d.Why != test.why {
				t.Errorf("%s %s: %s", d.Outcome, d.Why, d)
			}
			if d.Why == NotPermitted && strings.Contains(d.Permit, "\n") {
				t.Error(d.Permit)
			}
		})
	}
}
