package ates_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/psatest"
)

// broker is all that a mail passes when the API cannot be used: the real driver and Sender, SMTP to the simulated mail service, and
// back through an inbox, to which its notices come. The clock is its own.
type broker struct {
	t      *testing.T
	clock  atomic.Int64 // nanoseconds: the mail service reads it, too
	sim    *psatest.Sim
	tenant *psatest.Tenant
	ates   *psatest.MailService
	desk   desk
	books  *ledger.Memory
	box    route.Mailbox
	sender *ates.Sender
	key    string
	down   time.Time
	dies   string // where in a hand-over the process dies, once
	inbox  map[string]bool
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	keys, err := thread.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{
		t: t, books: ledger.NewMemory(), key: "k", inbox: map[string]bool{},
		box: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Level 1"}, Keys: keys},
	}
	b.clock.Store(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).UnixNano())
	b.sim = psatest.New(psatest.WithClock(b.now))
	t.Cleanup(b.sim.Close)
	zone := b.sim.AddZoneOn("5", nil)
	b.tenant, b.desk = b.sim.AddTenant("MSP", zone), desk{zone}
	b.tenant.AddUser(apiUser, apiSecret, apiCode)
	b.ates = b.sim.AddMailService(nil, nil)
	b.ates.Serve(b.tenant, "k", 6)
	b.ates.Adjust(func(s *psatest.MailSettings) { s.Hold, s.Alike = true, 2 })
	b.sender, err = ates.NewSender(ates.Service{
		To: message.Address{Local: "addticket", Domain: "ates.example"}, From: message.Address{Local: "support", Domain: "msp.example"}, Keys: keys,
		Key: func(context.Context) (string, error) { return b.key, nil }, Pace: ates.Pace{Between: 1}, Server: ates.Server{Address: b.ates.Addr(), TLS: ates.TLSOff},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *broker) now() time.Time { return time.Unix(0, b.clock.Load()).UTC() }

// arrive puts a mail into the inbox and into the books.
func (b *broker) arrive(raw string) {
	b.t.Helper()
	object := fmt.Sprint(len(b.inbox) + 1)
	b.inbox[object] = true
	if _, _, err := b.books.Spool(b.t.Context(), drive.Spooled("support", object, []byte(raw), b.now()), []byte(raw)); err != nil {
		b.t.Fatal(err)
	}
}

// Acknowledge implements drive.Source.
func (b *broker) Acknowledge(_ context.Context, object string, _ ledger.State) (bool, error) {
	there := b.inbox[object]
	b.inbox[object] = false
	return there, nil
}

// HandOver implements drive.Fallback: the process may die before or after.
func (b *broker) HandOver(ctx context.Context, t drive.Ticket, again bool) error {
	dies := b.dies
	b.dies = ""
	if dies == "before" {
		runtime.Goexit()
	}
	err := b.sender.HandOver(ctx, t, again)
	if dies == "after" {
		runtime.Goexit()
	}
	return err
}

// step has a new process do one step of each mail. It may die.
func (b *broker) step() (steps int) {
	d := &drive.Driver{
		Mailbox: b.box, Ledger: b.books, Ticketer: b.desk, Source: b, Directory: b.desk, Fallback: b, Rules: ledger.Rules{FallbackAfter: 30 * time.Minute},
		Down: func() time.Time { return b.down }, Now: b.now,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var err error
		if steps, err = d.Pass(context.Background()); err != nil {
			b.t.Error(err)
		}
	}()
	<-ended
	return steps
}

// pass has it do all that is due.
func (b *broker) pass() {
	for b.step() > 0 {
	}
}

// hours lets time go by, in which the broker works, the mail service too, and its notices arrive.
func (b *broker) hours(n int) {
	for range n * 6 {
		b.pass()
		b.clock.Add(int64(10 * time.Minute))
		before := len(b.ates.Notices())
		b.ates.Work()
		for _, notice := range b.ates.Notices()[before:] {
			b.arrive("Return-Path: <>\r\nDelivered-To: " + notice.To + "\r\n" + string(notice.Raw))
		}
	}
	b.pass()
}

func (b *broker) outage() { b.down = b.now() }
func (b *broker) back()   { b.down = time.Time{} }

func (b *broker) mail(id int64) ledger.Mail {
	b.t.Helper()
	m, err := b.books.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// one demands one ticket, in the queue where it belongs, with the file of the mail.
func (b *broker) one() {
	b.t.Helper()
	tickets, files := b.tenant.Records("Tickets"), b.tenant.Records("TicketAttachments")
	if len(tickets) != 1 || tickets[0]["queueID"] != int64(levelOne) || tickets[0]["externalID"] != b.mail(1).Reference || len(files) != 1 {
		b.t.Errorf("tickets %v, files %v; %+v", tickets, files, b.mail(1))
	}
}

const printer = "From: jo@acme.example\nTo: support@msp.example\nSubject: Printer\nMessage-ID: <1@acme.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
	"--b\nContent-Type: text/plain\n\nIt is on fire.\n--b\nContent-Type: text/csv; name=a.csv\nContent-Disposition: attachment; filename=a.csv\n\n1,2\n--b--\n"

// rows are those of the crash matrix that a mail service is needed for.
var rows = []struct {
	row  int
	what string
	mail int // how many mails the service got
	run  func(b *broker)
}{
	{28, "the process dies before it hands the mail over", 0, func(b *broker) { b.dies = "before"; b.hours(1); b.back() }},
	{28, "cut at EHLO", 0, cutAt(psatest.MailHello)},
	{28, "cut at MAIL", 0, cutAt(psatest.MailSender)},
	{28, "cut at RCPT", 0, cutAt(psatest.MailRecipient)},
	{28, "cut within the text", 0, cutAt(psatest.MailText)},
	{28, "refused for now, and then it gets through", 1, func(b *broker) {
		b.ates.Fault(psatest.MailFault{At: psatest.MailEnded, Code: 451, Times: 2})
		b.hours(3)
		b.back()
	}},
	{29, "the dot is sent, and it is taken", 1, func(b *broker) {
		b.ates.Fault(psatest.MailFault{At: psatest.MailTaken, Times: 1})
		b.hours(2)
		b.back()
	}},
	{29, "the dot is sent, and it is not taken", 0, func(b *broker) {
		b.ates.Fault(psatest.MailFault{At: psatest.MailEnded, Times: 1})
		b.hours(2)
		b.back()
		b.hours(3)
		if m := b.mail(1); !m.Repeated {
			b.t.Errorf("it is not flagged: %+v", m)
		}
	}},
	{29, "the dot is sent, it is not taken, and the API stays away", 1, func(b *broker) {
		b.ates.Fault(psatest.MailFault{At: psatest.MailEnded, Times: 1})
		b.hours(6)
		b.back()
		if m := b.mail(1); !m.Repeated || !strings.Contains(string(b.ates.Mails()[0].Raw), "Sent again") {
			b.t.Errorf("it is not flagged: %+v", m)
		}
	}},
	{30, "taken, and that is not written down", 1, func(b *broker) { b.dies = "after"; b.hours(2); b.back() }},
	{31, "the API comes back: the ticket is put right", 1, func(b *broker) { b.hours(2); b.back() }},
	{31, "the API comes back before the service has made the ticket", 1, func(b *broker) {
		b.clock.Add(int64(31 * time.Minute))
		b.pass()
		b.back()
		b.pass()
		b.hours(1)
	}},
	{32, "its notice of success comes to us", 1, func(b *broker) {
		b.hours(2)
		b.notices(2)
		b.back()
	}},
	{32, "its notice of failure comes to us: the key is wrong", 1, func(b *broker) {
		b.key = "wrong"
		b.hours(5)
		b.notices(2)
		if m := b.mail(1); m.State != ledger.Ready || m.Cause != ledger.AtesFailed {
			b.t.Errorf("%+v", m)
		}
		b.back()
	}},
}

func cutAt(p psatest.MailPoint) func(*broker) {
	return func(b *broker) {
		b.ates.Fault(psatest.MailFault{At: p})
		b.hours(2)
		b.back()
	}
}

// notices demands that these mails are all notices that were sent, and that nothing became of them.
func (b *broker) notices(ids ...int64) {
	b.t.Helper()
	for _, id := range ids {
		if m := b.mail(id); m.State != ledger.Suppressed || m.Cause != "ates-notice" || b.inbox[m.Object] {
			b.t.Errorf("%+v", m)
		}
	}
	if got := len(b.ates.Notices()); got != len(ids) {
		b.t.Errorf("%d notices, want %d", got, len(ids))
	}
}

func TestRowsOfTheMailService(t *testing.T) {
	t.Parallel()
	for _, c := range rows {
		t.Run(fmt.Sprintf("%d %s", c.row, c.what), func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			b.outage()
			b.arrive(printer)
			c.run(b)
			b.hours(3)
			b.one()
			if got := len(b.ates.Mails()); got != c.mail {
				t.Errorf("the service got %d mails, want %d", got, c.mail)
			}
			for object, there := range b.inbox {
				if there {
					t.Errorf("mail %s is in the inbox still", object)
				}
			}
			books, err := b.books.Balance(t.Context(), "support")
			if err != nil || books.Gap() != 0 || books.Tickets != 1 || books.Pending != 0 || books.Suppressed != len(b.ates.Notices()) {
				t.Errorf("%+v, %v", books, err)
			}
		})
	}
}

// The answer to a mail whose ticket is there becomes a note on that, by the mail service.
func TestANoteByTheMailService(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.arrive(printer)
	b.hours(1)
	b.one()
	b.arrive("From: jo@acme.example\nTo: support@msp.example\nSubject: Re: Printer\nMessage-ID: <2@acme.example>\nIn-Reply-To: <1@acme.example>\n\nStill.\n")
	b.step() // it is understood
	b.outage()
	b.hours(2)
	b.back()
	b.hours(1)
	b.one()
	notes := b.tenant.Records("TicketNotes")
	if m := b.mail(2); len(notes) != 1 || len(b.ates.Mails()) != 1 || m.State != ledger.Done || m.Repeated {
		t.Errorf("%v; %+v", notes, m)
	}
	b.notices(3)
}

// A monitor that goes wild while the API is away makes a ticket of each alert, and none is taken for a loop.
func TestAlertsAlike(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.outage()
	for i := range 5 {
		b.arrive(fmt.Sprintf("From: rmm@acme.example\nTo: support@msp.example\nSubject: Disk full\nMessage-ID: <%d@acme.example>\n\nOn server %d.\n", i, i))
	}
	b.hours(2)
	b.back()
	b.hours(1)
	titles := map[any]int{}
	for _, ticket := range b.tenant.Records("Tickets") {
		titles[ticket["title"]]++
	}
	// Repair gives them the titles that they should have.
	if titles["Disk full"] != 5 || len(titles) != 1 || len(b.ates.Mails()) != 5 {
		t.Errorf("%v; %d mails", titles, len(b.ates.Mails()))
	}
}
