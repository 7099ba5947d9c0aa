package mail

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	netsmtp "net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/smtp"
)

// psa is a PSA that knows nobody, and keeps the tickets that are made.
type psa struct {
	mu      sync.Mutex
	tickets []drive.Ticket
	// hold, if it is there, is waited for before a ticket is made.
	hold  chan struct{}
	began chan struct{}
}

func (p *psa) Create(_ context.Context, t drive.Ticket) (int64, error) {
	if p.began != nil {
		p.began <- struct{}{}
	}
	if p.hold != nil {
		<-p.hold
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tickets = append(p.tickets, t)
	return int64(len(p.tickets)), nil
}

func (p *psa) made() (titles []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tickets {
		titles = append(titles, t.Title)
	}
	return titles
}

func (p *psa) Read(_ context.Context, id int64) (drive.Kept, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return drive.Kept{ID: id, Number: fmt.Sprint("T20261127.000", id), Reference: p.tickets[id-1].Reference}, nil
}

func (p *psa) Find(_ context.Context, reference string) (drive.Kept, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range p.tickets {
		if t.Reference == reference {
			return drive.Kept{ID: int64(i + 1), Reference: reference}, true, nil
		}
	}
	return drive.Kept{}, false, nil
}

func (*psa) Repair(context.Context, int64, drive.Ticket) error             { return nil }
func (*psa) AddNote(context.Context, drive.Note) error                     { return nil }
func (*psa) HasNote(context.Context, int64, string) (bool, error)          { return false, nil }
func (*psa) Attach(context.Context, drive.File) error                      { return nil }
func (*psa) HasFile(context.Context, int64, string) (bool, error)          { return false, nil }
func (*psa) Resources(context.Context, string) ([]route.Person, error)     { return nil, nil }
func (*psa) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }
func (*psa) Companies(context.Context, string) ([]int64, error)            { return nil, nil }
func (*psa) TicketByID(context.Context, int64) (t route.Ticket, _ bool, _ error) {
	return t, false, nil
}

func (*psa) TicketByNumber(context.Context, string) (t route.Ticket, _ bool, _ error) {
	return t, false, nil
}

// notebook is a Watcher that writes down.
type notebook struct {
	mu    sync.Mutex
	lines []string
	ended []ledger.Mail
}

func (n *notebook) Ended(m ledger.Mail, _ time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, m)
}

func (n *notebook) Changed(mailbox string, what Change, words string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, strings.TrimSpace(fmt.Sprint(mailbox, " ", what, " ", words)))
}

func (n *notebook) told() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to this: " + what)
		}
	}
}

// begin is an engine that ends with the test.
func begin(t *testing.T, books ledger.Ledger, w Watcher) *Engine {
	t.Helper()
	e := New(books, slog.New(slog.DiscardHandler), w)
	t.Cleanup(func() {
		e.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := e.Wait(ctx); err != nil {
			t.Error("the engine does not end")
		}
	})
	return e
}

// mailbox is one that makes tickets in p of what comes to its aliases.
func mailbox(name string, p *psa, aliases ...string) *Mailbox {
	m := &Mailbox{Route: route.Mailbox{Name: name, Tenant: "main", Default: route.Fields{Company: "0", Queue: name}}, PSA: PSA{Ticketer: p, Directory: p}}
	for _, address := range aliases {
		m.Route.Aliases = append(m.Route.Aliases, route.Alias{Address: address})
	}
	return m
}

// aDoor is a door on this machine, and its address.
func aDoor(t *testing.T) (*Door, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	return &Door{Place: address, Listen: func() (net.Listener, error) { return net.Listen("tcp", address) }, Intake: smtp.Intake{Domain: "mx.example.test"}}, address
}

// send sends a mail by SMTP, as soon as somebody listens.
func send(t *testing.T, address, subject string, to ...string) {
	t.Helper()
	mail := fmt.Sprintf("From: Ada <ada@customer.test>\r\nTo: %s\r\nMessage-ID: <%s@customer.test>\r\nSubject: %s\r\n\r\nIt does not print.\r\n", strings.Join(to, ", "), subject, subject)
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = netsmtp.SendMail(address, nil, "ada@customer.test", to, []byte(mail)); err == nil || !strings.Contains(err.Error(), "refused") {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refuses tells whether a server is there that does not take mails for an address.
func refuses(address, to string) bool {
	c, err := netsmtp.Dial(address)
	if err != nil {
		return false
	}
	defer c.Close()
	return c.Mail("ada@customer.test") == nil && c.Rcpt(to) != nil
}
