package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/tickets"
)

// lister is a PSA that is asked for its picklists alone.
type lister struct {
	route.Directory
	lists route.Picklists
	err   error
}

func (l lister) AskPicklists(context.Context) (route.Picklists, error) { return l.lists, l.err }

func TestAQueueThatThePSADoesNotHaveIsSaidBeforeAMailComes(t *testing.T) {
	lists := route.Picklists{
		"queue":          {{ID: 8, Label: "Monitoring Alert"}, {ID: 9, Label: "Level I"}, {ID: 10, Label: "Old", Inactive: true}},
		"issue_type":     {{ID: 1, Label: "Network"}},
		"sub_issue_type": {{ID: 2, Label: "Switch", Parent: 1}},
	}
	at := func(fields MailFields) *Mailbox {
		return &Mailbox{Aliases: []*MailAlias{{Address: "a@example.com", Fields: &fields}}, Default: &MailFields{Queue: "Level I", IssueType: "Network"}}
	}
	for name, c := range map[string]struct {
		config *Mailbox
		err    error
		result probe.Result
		says   []string
	}{
		"all is there":                  {at(MailFields{Queue: "monitoring alert"}), nil, probe.OK, nil},
		"an id":                         {at(MailFields{Queue: "8"}), nil, probe.OK, nil},
		"of the default's issue type":   {at(MailFields{SubIssueType: "Switch"}), nil, probe.OK, nil},
		"nothing is said":               {&Mailbox{Aliases: []*MailAlias{{Address: "a@example.com"}}}, nil, probe.OK, nil},
		"mistyped":                      {at(MailFields{Queue: "Monitoring Alerts"}), nil, probe.Failed, []string{`alias a@example.com: queue "Monitoring Alerts" is not`, "queue Monitoring Alert, Level I."}},
		"inactive":                      {at(MailFields{Queue: "Old"}), nil, probe.Failed, []string{"is inactive in the PSA"}},
		"in the default, and said once": {&Mailbox{Aliases: []*MailAlias{{Address: "a@example.com"}}, Default: &MailFields{Queue: "x"}}, nil, probe.Failed, []string{`default: queue "x"`}},
		"in a rule":                     {&Mailbox{Rules: []*MailRule{{Name: "urgent", Fields: &MailFields{Queue: "x"}}}}, nil, probe.Failed, []string{`rule urgent: queue "x"`}},
		"the PSA cannot be asked":       {at(MailFields{}), fmt.Errorf("GET /Tickets: %w: login-locked: it is locked", drive.ErrNotNow), probe.Failed, []string{"cannot be asked", "for tickets: login-locked: it is locked", "psagate check"}},
		"it may not be asked":           {at(MailFields{}), fmt.Errorf("GET /Tickets: %w: %w: policy", drive.ErrNotNow, tickets.ErrDenied), probe.Warn, []string{"may not ask", "Permit it to read Tickets"}},
		"for another reason":            {at(MailFields{}), errors.New("it is mute"), probe.Failed, []string{"for tickets: it is mute"}},
	} {
		s, there := stepFields(t.Context(), c.config, &mail.Mailbox{PSA: mail.PSA{Directory: lister{lists: lists, err: c.err}}})
		if !there || s.Name != "fields" || s.Result != c.result {
			t.Errorf("%s: %v, %+v", name, there, s)
		}
		for _, want := range c.says {
			if strings.Count(s.Words+" "+s.Do, want) != 1 {
				t.Errorf("%s: %q is not there once: %+v", name, want, s)
			}
		}
		if strings.Count(s.Words, "x\"") > 1 {
			t.Errorf("%s: said twice: %s", name, s.Words)
		}
	}
	if s, there := stepFields(t.Context(), new(Mailbox), new(mail.Mailbox)); there {
		t.Errorf("nobody knows picklists, and there is %+v", s)
	}
}

// tried is a fallback that is tried out alone.
type tried struct {
	drive.Fallback
	err error
}

func (t tried) Try(context.Context) error { return t.err }

func (t tried) TryAgain(context.Context) error { return errors.New("again") }

func TestAFallbackThatDoesNotWorkIsSaidBeforeItIsNeeded(t *testing.T) {
	for want, err := range map[probe.Result]error{probe.OK: nil, probe.Failed: errors.New("its key cannot be read")} {
		s, there := stepFallback(t.Context(), &mail.Mailbox{Fallback: tried{err: err}}, false)
		if !there || s.Name != "fallback" || s.Result != want || strings.Contains(s.Words, "cannot be read") != (err != nil) {
			t.Errorf("%v: %+v", err, s)
		}
	}
	if s, _ := stepFallback(t.Context(), &mail.Mailbox{Fallback: tried{}}, true); !strings.Contains(s.Words, ": again") {
		t.Errorf("%+v", s)
	}
	if s, there := stepFallback(t.Context(), new(mail.Mailbox), false); there {
		t.Errorf("there is no fallback, and %+v", s)
	}
}
