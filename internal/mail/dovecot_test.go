package mail

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
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

// A mailbox gets another name while its mails wait: they are fetched by that once more, and become one ticket each.
func TestAMailboxThatIsRenamedMakesNoSecondTicket(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	p, books := new(psa), ledger.NewMemory()
	var up atomic.Bool
	config := func(name string, reads bool) *Mailbox {
		m := mailbox(name, p)
		if m.PSA.Down = func() time.Time {
			if up.Load() {
				return time.Time{}
			}
			return time.Now()
		}; !reads {
			return m
		}
		m.Route.Inbox = "server " + imaptest.User
		m.Route.Aliases = []route.Alias{{Address: imaptest.User}}
		m.IMAP = &imap.Mailbox{
			Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Poll: time.Second,
			Password: func(context.Context) (string, error) { return imaptest.Password, nil },
		}
		return m
	}
	balance := func(name string) ledger.Balance { b, _ := books.Balance(t.Context(), name); return b }
	e := begin(t, books, nil)
	e.Use(Config{Mailboxes: []*Mailbox{config("support", true)}})
	for _, to := range []string{imaptest.User, "list@elsewhere.test"} { // by the alias, and by none
		server.Deliver([]byte("From: Ada <ada@customer.test>\r\nTo: " + to + "\r\nMessage-ID: <1." + to + ">\r\nSubject: " + to + "\r\n\r\nHelp.\r\n"))
	}
	references := func() bool {
		n := 0
		for id := int64(1); id <= 2; id++ {
			if m, err := books.Get(t.Context(), id); err == nil && m.Reference != "" {
				n++
			}
		}
		return n == 2
	}
	eventually(t, "they are understood, and wait", references)
	e.Use(Config{Mailboxes: []*Mailbox{config("support", false), config("helpdesk", true)}})
	eventually(t, "they are fetched once more", func() bool { return balance("helpdesk").Seen == 2 })
	up.Store(true)
	eventually(t, "they are out of the inbox, and nothing is pending", func() bool {
		return len(server.Folder("INBOX")) == 0 && balance("support").Pending+balance("helpdesk").Pending == 0
	})
	if s, h := balance("support"), balance("helpdesk"); len(p.made()) != 2 || s.Tickets != 2 || h.Suppressed != 2 {
		t.Errorf("tickets %q, support %+v, helpdesk %+v", p.made(), s, h)
	}
}
