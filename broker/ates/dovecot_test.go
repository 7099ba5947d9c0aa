package ates_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/psatest"
)

// Rows 31 and 32 with a real mail server: a mail is handed over, the notice comes back to the inbox and goes out of the way, and
// when the API is back the ticket is put right and its mail moved.
func TestARealMailboxAndTheMailService(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	sim := psatest.New()
	t.Cleanup(sim.Close)
	zone := sim.AddZoneOn("5", nil)
	tenant := sim.AddTenant("MSP", zone)
	tenant.AddUser(apiUser, apiSecret, apiCode)
	service := sim.AddMailService(nil, nil)
	service.Serve(tenant, "k", 6)
	service.Adjust(func(s *psatest.MailSettings) {
		s.Notify = func(n psatest.MailNotice) {
			server.Deliver(append([]byte("Return-Path: <>\r\nDelivered-To: "+n.To+"\r\n"), n.Raw...))
		}
	})
	keys, err := thread.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	out, err := ates.NewSender(ates.Service{
		To: message.Address{Local: "addticket", Domain: "ates.example"}, From: message.ParseAddresses(imaptest.User)[0], Keys: keys,
		Key: func(context.Context) (string, error) { return "k", nil }, Server: ates.Server{Address: service.Addr(), TLS: ates.TLSOff},
	})
	if err != nil {
		t.Fatal(err)
	}
	var back atomic.Bool
	since := time.Now().Add(-time.Hour)
	d, books := desk{zone}, ledger.NewMemory()
	e := mail.New(books, slog.New(slog.DiscardHandler), nil)
	t.Cleanup(func() {
		e.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := e.Wait(ctx); err != nil {
			t.Error("the engine does not end")
		}
	})
	e.Use(mail.Config{Mailboxes: []*mail.Mailbox{{
		Route: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Level 1"}, Keys: keys},
		IMAP: &imap.Mailbox{
			Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Poll: time.Second,
			Password: func(context.Context) (string, error) { return imaptest.Password, nil },
		},
		PSA: mail.PSA{Ticketer: d, Directory: d, Down: func() time.Time {
			if back.Load() {
				return time.Time{}
			}
			return since
		}},
		Fallback: out, Rules: ledger.Rules{FallbackAfter: 30 * time.Minute},
	}}})
	server.Deliver([]byte("From: jo@acme.example\r\nTo: " + imaptest.User + "\r\nMessage-ID: <1@acme.example>\r\nSubject: Printer\r\n\r\nIt is on fire.\r\n"))
	folders := func(inbox, processed int) func() bool {
		return func() bool {
			return len(server.Folder("INBOX")) == inbox && len(server.Folder("Processed")) == processed
		}
	}
	eventually(t, "the notice is out of the way, and the mail is not", folders(1, 1))
	back.Store(true)
	eventually(t, "both are out of the way", folders(0, 2))
	tickets := tenant.Records("Tickets")
	if len(tickets) != 1 || tickets[0]["queueID"] != int64(levelOne) || tickets[0]["title"] != "Printer" || len(service.Mails()) != 1 {
		t.Errorf("%v; the service got %d mails", tickets, len(service.Mails()))
	}
	if b, err := books.Balance(t.Context(), "support"); err != nil || b != (ledger.Balance{Seen: 2, Tickets: 1, Suppressed: 1}) {
		t.Errorf("%+v, %v", b, err)
	}
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
