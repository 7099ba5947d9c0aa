package drive_test

import (
	"context"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// desk is a PSA that prints what it is told. It embeds the interfaces for what this example does not come to.
type desk struct {
	drive.Ticketer
	route.Directory
}

func (desk) Create(_ context.Context, t drive.Ticket) (int64, error) {
	fmt.Printf("a ticket in %s: %s\n", t.Fields.Queue, t.Title)
	return 7, nil
}

func (desk) Read(context.Context, int64) (drive.Kept, error) {
	return drive.Kept{ID: 7, Number: "T20261127.0007"}, nil
}

func (desk) AddNote(_ context.Context, n drive.Note) error {
	fmt.Printf("a note on ticket %d: %s\n", n.Ticket, n.Title)
	return nil
}

func (desk) Resources(context.Context, string) ([]route.Person, error) { return nil, nil }

func (desk) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (desk) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (desk) TicketByID(context.Context, int64) (route.Ticket, bool, error) {
	return route.Ticket{ID: 7, Number: "T20261127.0007"}, true, nil
}

// inbox is a mailbox that prints what is moved.
type inbox struct{}

func (inbox) Acknowledge(_ context.Context, object string, end ledger.State) (bool, error) {
	fmt.Printf("mail %s is %s\n", object, end)
	return true, nil
}

func Example() {
	books := ledger.NewMemory() // internal/store keeps them for good
	d := &drive.Driver{
		Mailbox: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Triage"}},
		Ledger:  books, Ticketer: desk{}, Directory: desk{}, Source: inbox{},
	}
	for object, raw := range []string{
		"From: jo@acme.example\nSubject: Printer\nMessage-ID: <1@acme.example>\n\nIt is on fire.\n",
		"From: jo@acme.example\nSubject: Re: Printer\nMessage-ID: <2@acme.example>\nIn-Reply-To: <1@acme.example>\n\nStill.\n",
	} {
		row := drive.Spooled("support", fmt.Sprint(object), []byte(raw), time.Now())
		if _, _, err := books.Spool(context.Background(), row, []byte(raw)); err != nil {
			fmt.Println(err)
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil { // Run does this, for good
		if b, _ := books.Balance(ctx, "support"); b.Pending == 0 {
			if n, err := d.Pass(ctx); n == 0 || err != nil {
				break
			}
			continue
		}
		if n, err := d.Pass(ctx); err != nil || n == 0 {
			d.Now = later(d.Now) // the answer waits for the ticket: half a minute goes by
		}
	}
	b, err := books.Balance(ctx, "support")
	fmt.Println(b.Tickets, b.Notes, b.Gap(), err)
	// Output:
	// a ticket in Triage: Printer
	// mail 0 is done
	// a note on ticket 7: Re: Printer
	// mail 1 is done
	// 1 1 0 <nil>
}

func later(now func() time.Time) func() time.Time {
	if now == nil {
		now = time.Now
	}
	return func() time.Time { return now().Add(30 * time.Second) }
}
