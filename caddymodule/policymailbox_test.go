package caddymodule

import (
	"testing"

	"github.com/psagate/psagate/policy"
)

func TestPoliciesKnowTheMailboxesOfTheConfig(t *testing.T) {
	a := &App{Mail: map[string]*Mailbox{"support": {}}}
	text := `permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"Tickets");
permit (principal == Mailbox::"suport", action == Action::"create", resource == Entity::"Tickets");
`
	p, err := policy.Load([]policy.Source{{Name: "mail.cedar", Text: []byte(text)}}, a.policySettings().Options)
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Warnings(); len(w) != 1 || w[0].Line != 2 {
		t.Errorf("warnings %v", w)
	}
}
