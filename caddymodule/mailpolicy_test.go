package caddymodule

import (
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/policy"
)

// deciding is an engine that is asked for policy alone.
type deciding struct {
	engine
	policies *policy.Policies
	observes bool
}

func (d deciding) Explain(r policy.Request) (policy.Explanation, bool) {
	return d.policies.Explain(r), d.observes
}

// Who sets a mailbox up beside policies of his own is told by its test, before a mail waits for it, and has what to write.
func TestAPolicyThatKeepsAMailboxFromItsTicketsIsSaidByItsTest(t *testing.T) {
	const look = `permit (principal, action in [Action::"read", Action::"query"], resource);`
	const may = look + `permit (principal == Mailbox::"support", action in [Action::"create", Action::"update"], resource);`
	for name, c := range map[string]struct {
		policies string
		as       string
		observes bool
		result   probe.Result
		says     []string
	}{
		"it may":          {policies: may, result: probe.OK, says: []string{"permits"}},
		"it may look":     {policies: look, result: probe.Failed, says: []string{"create Tickets, update Tickets, create TicketNotes, create TicketAttachments", "\n" + `permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"TicketNotes");`}},
		"as another":      {policies: may, as: "itglue", result: probe.Failed, says: []string{`Integration::"itglue"`}},
		"observed":        {policies: look, observes: true, result: probe.Warn, says: []string{"only observe"}},
		"it is forbidden": {policies: may + "\n" + `forbid (principal, action == Action::"update", resource == Entity::"Tickets");`, result: probe.Warn, says: []string{"update Tickets: forbidden by a.cedar:2"}},
	} {
		a := &App{Integrations: map[string]*Integration{"itglue": {}}}
		p, err := policy.Load([]policy.Source{{Name: "a.cedar", Text: []byte(c.policies)}}, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, there := a.stepPolicy("support", new(Mailbox)); there {
			t.Error("nothing decides yet, and there is a step")
		}
		a.engine = deciding{policies: p, observes: c.observes}
		s, there := a.stepPolicy("support", &Mailbox{As: c.as})
		if !there || s.Name != "policy" || s.Result != c.result {
			t.Errorf("%s: %v, %+v", name, there, s)
		}
		for _, want := range c.says {
			if !strings.Contains(s.Words+" "+s.Do, want) {
				t.Errorf("%s: %q is not there: %+v", name, want, s)
			}
		}
	}
}

// What a step has to be written is permitted once it is written.
func TestTheLinesThatAMailTestPrintsAreEnough(t *testing.T) {
	a := new(App)
	load := func(text string) {
		p, err := policy.Load([]policy.Source{{Name: "a.cedar", Text: []byte(text)}}, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a.engine = deciding{policies: p}
	}
	load("")
	s, _ := a.stepPolicy("support", new(Mailbox))
	_, lines, _ := strings.Cut(s.Do, "\n")
	load(lines)
	if s, _ := a.stepPolicy("support", new(Mailbox)); s.Result != probe.OK {
		t.Errorf("%+v", s)
	}
}
