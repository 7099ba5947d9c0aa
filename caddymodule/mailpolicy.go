package caddymodule

import (
	"strings"

	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/policy"
)

// mailNeeds is what a mailbox does in the PSA.
var mailNeeds = []struct {
	action policy.Action
	entity string
	method string
}{
	{policy.Create, "Tickets", "POST"},
	{policy.Update, "Tickets", "PATCH"},
	{policy.Create, "TicketNotes", "POST"},
	{policy.Create, "TicketAttachments", "POST"},
	{policy.Query, "Tickets", "POST"},
	{policy.Query, "Contacts", "POST"},
	{policy.Query, "Companies", "POST"},
	{policy.Query, "Resources", "POST"},
}

// mailDenial is one of mailNeeds that policy denies.
type mailDenial struct {
	// what it is, in words, and what policy says.
	what     string
	decision policy.Decision
	// observed: policies only observe, so that it is done all the same.
	observed bool
}

// mailDenials are all that policy denies a mailbox that it needs.
func (a *App) mailDenials(name string, m *Mailbox) (denied []mailDenial) {
	if a.engine == nil {
		return nil
	}
	who := policy.Principal{Kind: policy.Mailbox, Name: name}
	if i := a.Integrations[m.As]; i != nil {
		who = policy.Principal{Kind: policy.Integration, Name: m.As, Groups: i.Groups}
	}
	for _, need := range mailNeeds {
		e, observe := a.engine.Explain(policy.Request{Principal: who, Action: need.action, Entity: need.entity, API: "rest", Method: need.method})
		if e.Decision.Outcome == policy.Deny {
			denied = append(denied, mailDenial{string(need.action) + " " + need.entity, e.Decision, observe})
		}
	}
	return denied
}

// deniesMail is what no policy permits a mailbox that it needs. Other denials may hang on what is not known before there is a mail.
func (a *App) deniesMail(name string, m *Mailbox) (denied []string) {
	for _, d := range a.mailDenials(name, m) {
		if d.decision.Why == policy.NotPermitted {
			denied = append(denied, d.what)
		}
	}
	return denied
}

// stepPolicy asks policy for all that a mailbox does in the PSA, and has the lines that would permit it: a mailbox that may not make
// tickets takes mails in, and goes on to keep them.
func (a *App) stepPolicy(name string, m *Mailbox) (s probe.Step, there bool) {
	if a.engine == nil {
		return s, false
	}
	s = probe.Step{Name: "policy", Result: probe.OK, Words: "policy permits the mailbox to look people and tickets up, and to make tickets, notes and attachments"}
	var denied, lines, others []string
	observed := true
	for _, d := range a.mailDenials(name, m) {
		if d.decision.Why == policy.NotPermitted {
			denied, lines, observed = append(denied, d.what), append(lines, d.decision.Permit), observed && d.observed
			continue
		}
		others = append(others, d.what+": "+d.decision.String())
	}
	switch {
	case len(denied) > 0:
		s.Result, s.Words = probe.Failed, "policy does not permit the mailbox what it needs: "+strings.Join(denied, ", ")
		s.Do = "Put these lines into a policy file, and reload; mails are kept meanwhile:\n" + strings.Join(lines, "\n")
		if observed {
			s.Result, s.Words = probe.Warn, s.Words+"; it is done all the same, as policies only observe"
		}
	case len(others) > 0:
		s.Result, s.Words = probe.Warn, "policy may deny the mailbox what it needs: "+strings.Join(others, "; ")
		s.Do = "See whether that is meant for mailboxes. What is denied waits."
	}
	return s, true
}
