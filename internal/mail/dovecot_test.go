package mail

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/imaptest"
)

func TestMailsOfARealServerBecomeTicketsAndAReloadKeepsTheConnection(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	p, books := new(psa), ledger.NewMemory()
	var closed sync.Map
	config := func(name, key, queue string) Config {
		m := mailbox("support", p, imaptest.User)
		m.Route.Default.Queue, m.Key = queue, key
		m.CloseIMAP = func() { closed.Store(name, true) }
		m.IMAP = &imap.Mailbox{
			Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Poll: time.Second,
			Password: func(context.Context) (string, error) { return imaptest.Password, nil },
		}
		return Config{Mailboxes: []*Mailbox{m}}
	}
	mail := func(subject string) []byte {
		return []byte("From: Ada <ada@customer.test>\r\nTo: " + imaptest.User + "\r\nMessage-ID: <" + subject + "@customer.test>\r\nSubject: " + subject + "\r\n\r\nHelp.\r\n")
	}
	processed := func(n int) func() bool {
		return func() bool {
			return len(server.Folder("INBOX")) == 0 && len(server.Folder("Processed")) == n && len(p.made()) == n
		}
	}
	e := begin(t, books, nil)
	e.Use(config("first", "same", "one"))
	server.Deliver(mail("printer"))
	eventually(t, "one ticket, and the mail is moved", processed(1))
	e.Use(config("second", "same", "two"))
	server.Deliver(mail("disk"))
	eventually(t, "another ticket", processed(2))
	_, first := closed.Load("first")
	_, second := closed.Load("second")
	if p.tickets[1].Fields.Queue != "two" || first || !second {
		t.Errorf("queue %q, closed %t %t: the connection was not kept with the new routes", p.tickets[1].Fields.Queue, first, second)
	}
	e.Use(config("third", "another", "three"))
	server.Deliver(mail("fan"))
	eventually(t, "a third ticket", processed(3))
	if s := e.States(t.Context())[0]; s.Source.Connected.IsZero() || s.User != imaptest.User || s.Balance.Tickets != 3 {
		t.Errorf("%+v", s)
	}
}

// Who reads the ticket of a mail that was too long must know that there is more of it, and where.
func TestTheTicketOfAMailThatWasCutSaysSo(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	p, books := new(psa), ledger.NewMemory()
	m := mailbox("support", p, imaptest.User)
	m.IMAP = &imap.Mailbox{
		Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Poll: time.Second, Most: 4000, Processed: "Done",
		Password: func(context.Context) (string, error) { return imaptest.Password, nil },
	}
	raw := []byte("From: Ada <ada@customer.test>\r\nTo: " + imaptest.User + "\r\nMessage-ID: <1@customer.test>\r\nSubject: long\r\n\r\nHelp.\r\n" + strings.Repeat("A line of the log.\r\n", 500))
	e := begin(t, books, nil)
	e.Use(Config{Mailboxes: []*Mailbox{m}})
	server.Deliver(raw)
	eventually(t, "a ticket, and the mail is moved", func() bool { return len(p.made()) == 1 && len(server.Folder("Done")) == 1 })
	whole := server.Folder("Done")[0].Raw
	want := fmt.Sprintf("This is the beginning of a mail of %d bytes, which is longer than the mailbox takes. The whole mail is in the folder Done of %s at %s.\nFrom: Ada <ada@customer.test>\n\nHelp.", len(whole), imaptest.User, server.TLS)
	if d := p.tickets[0].Description; !strings.HasPrefix(d, want) || len(whole) < len(raw) {
		t.Errorf("%d bytes, and the ticket begins with\n%.400s\nwant\n%s", len(whole), d, want)
	}
}
