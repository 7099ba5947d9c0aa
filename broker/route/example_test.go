package route_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/rule"
)

// nobody is a directory that knows one company, and no thread.
type nobody struct{}

func (nobody) Resources(context.Context, string) ([]route.Person, error)     { return nil, nil }
func (nobody) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (nobody) Companies(_ context.Context, domain string) ([]int64, error) {
	if domain == "acme.example" {
		return []int64{175}, nil
	}
	return nil, nil
}

func (nobody) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

func (nobody) TicketByID(context.Context, int64) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

func (nobody) TicketsOf(context.Context, string) ([]int64, error)        { return nil, nil }
func (nobody) Wrote(context.Context, int64) ([]message.Address, error)   { return nil, nil }
func (nobody) Participates(context.Context, int64, string) (bool, error) { return false, nil }

func Example() {
	rules, err := rule.Load([]rule.Rule{{Name: "urgent", When: "subject.startsWith('URGENT') && sender != 'unknown'"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mailbox := route.Mailbox{
		Name: "support", Tenant: "1", Rules: rules, Given: []route.Given{{Fields: route.Fields{Priority: "High"}}},
		Aliases: []route.Alias{{Address: "support@msp.example", Fields: route.Fields{Queue: "Level 1"}}},
		Default: route.Fields{Company: "0", Queue: "Triage", Priority: "Medium"},
	}
	if err := mailbox.Check(); err != nil {
		fmt.Println(err)
		return
	}

	m := message.Read([]byte("From: Jo <jo@mail.acme.example>\nTo: support@msp.example\nSubject: URGENT: no mail\nContent-Type: text/html\n\n<p>Nothing <b>works</b>.</p>\n"), message.Options{})
	draft, err := mailbox.Route(context.Background(), m, nobody{}, nobody{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s for company %s, queue %s, priority %s: %s\n", draft.Outcome, draft.Fields.Company, draft.Fields.Queue, draft.Fields.Priority, draft.Title)
	for _, why := range draft.Why {
		fmt.Println("*", why)
	}
	text, _, _ := strings.Cut(draft.Description, "\n\nRef: ")
	fmt.Println(text)
	// Output:
	// ticket for company 175, queue Level 1, priority High: URGENT: no mail
	// * it came by the alias support@msp.example
	// * nobody is known with the address jo@mail.acme.example; company 175 has the domain acme.example
	// * the rule "urgent" holds
	// From: Jo <jo@mail.acme.example>
	//
	// Nothing works.
}
