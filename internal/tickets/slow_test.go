package tickets

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/psatest"
)

// noInbox has none of the mails any more.
type noInbox struct{}

func (noInbox) Acknowledge(context.Context, string, ledger.State) (bool, error) { return false, nil }

// A mail becomes a ticket, however slow the PSA is: one of somebody whom nobody knows, which asks the most, and one that may be there
// already, which is looked for before it is sent.
func TestMailsOfASlowPSABecomeTickets(t *testing.T) {
	for _, takes := range []time.Duration{time.Second, 12 * time.Second, 20 * time.Second, 30 * time.Second, 45 * time.Second} {
		for _, young := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the books are young: %t", takes, young), func(t *testing.T) {
				inWorld(t, func(w *world) { w.slowly(takes, young) })
			})
		}
	}
}

func (w *world) slowly(takes time.Duration, young bool) {
	books := ledger.NewMemory()
	if young {
		books.SinceWhen = time.Now()
	}
	raw := []byte("From: jo@somebody.example\nTo: support@msp.example\nSubject: Printer\nMessage-ID: <1@somebody.example>\n\nIt burns.\n")
	if _, _, err := books.Spool(w.Context(), drive.Spooled("support", "1", raw, time.Now()), raw); err != nil {
		w.Fatal(err)
	}
	if err := w.ask(w.Context()); err != nil { // its zone is known when it becomes slow
		w.Fatal(err)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = takes })
	d := &drive.Driver{
		Mailbox: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Post Sale"}},
		Ledger:  books, Ticketer: w.Tickets, Directory: w.Tickets, Source: noInbox{}, Down: w.Down, Participates: w.Participates,
	}
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{}, 2)
	for _, run := range []func(context.Context){d.Run, w.Tickets.Run} {
		go func() { run(ctx); ended <- struct{}{} }()
	}
	time.Sleep(15 * time.Minute)
	m, err := books.Get(w.Context(), 1)
	if err != nil || m.State != ledger.Done || m.Repeated || len(w.made()) != 1 {
		w.Errorf("%d tickets, %v; %+v", len(w.made()), err, m)
	}
	cancel()
	<-ended
	<-ended
}
