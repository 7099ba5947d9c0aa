package ates

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/psatest"
)

func ticket() drive.Ticket {
	return drive.Ticket{
		Mail: 47, Reference: "mb1abcdef", Title: "Printer", Description: "It is on fire.\n\nRef: mb1abcdef", Fields: route.Fields{Company: "2", Queue: "Level 1"}, Sender: "person2@company1.example",
	}
}

// world is the PSA with its mail service, which is spoken to directly.
type world struct {
	t       testing.TB
	sim     *psatest.Sim
	tenant  *psatest.Tenant
	service *psatest.MailService
}

func newWorld(t testing.TB, options ...psatest.Option) *world {
	t.Helper()
	w := &world{t: t, sim: psatest.New(options...)}
	t.Cleanup(w.sim.Close)
	w.tenant = w.sim.AddTenant("Example", w.sim.AddZone("5"))
	w.tenant.Seed(0)
	w.service = w.sim.AddMailService(nil, nil)
	w.service.Serve(w.tenant, secret, 6)
	return w
}

func (w *world) server() Server { return Server{Address: w.service.Addr(), TLS: TLSOff} }

func TestHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := service(t, w.server())
	s.Company = func(_ context.Context, id int64) (string, bool) { return "Company 2", id == 2 }
	out := sender(t, s)
	for _, again := range []bool{false, true} {
		if err := out.HandOver(t.Context(), ticket(), again); err != nil {
			t.Fatal(err)
		}
	}
	mails := w.service.Mails()
	first, second := message.Read(mails[0].Raw, message.Options{}), message.Read(mails[1].Raw, message.Options{Own: s.Keys.Own})
	if first.MessageID == "" || first.MessageID != second.MessageID || second.Kind != message.Own {
		t.Errorf("ids %s and %s; the second is taken for %s", first.MessageID, second.MessageID, second.Kind)
	}
	if mails[0].From != "support+"+s.Keys.HandedTag(47, "mb1abcdef")+"@msp.example" || len(mails[0].From) > 64+len("@msp.example") {
		t.Errorf("the envelope is from %s", mails[0].From)
	}
	tickets := w.tenant.Records("Tickets")
	// Company 2 has nobody with that address.
	if got := tickets[0]; got["title"] != "Printer" || got["description"] != ticket().Description || got["companyID"] != int64(2) || got["contactID"] != nil {
		t.Errorf("%v", got)
	}
	if got := tickets[1]; !strings.HasPrefix(got["description"].(string), strings.TrimSpace(repeated)) || got["title"] != "Printer [abcdef]" {
		t.Errorf("%v", got)
	}
	notice := message.Read(w.service.Notices()[0].Raw, message.Options{})
	if of, is := s.Keys.FindHanded(notice); !is || !of.Is(47, "mb1abcdef") {
		t.Errorf("the notice is about %v, %t", of, is)
	}

	note := ticket()
	note.Note, note.Mail = tickets[0]["ticketNumber"].(string), 48
	if err := out.HandOver(t.Context(), note, false); err != nil || len(w.tenant.Records("TicketNotes")) != 1 {
		t.Errorf("%v, notes %v", err, w.tenant.Records("TicketNotes"))
	}
	s.Company, s.PlainSender = nil, true
	s.Keys = thread.Keys{}
	alone := ticket()
	alone.Fields.Company = "0"
	if err := sender(t, s).HandOver(t.Context(), alone, false); err != nil {
		t.Fatal(err)
	}
	if got := w.tenant.Records("Tickets")[2]; got["companyID"] != int64(1) || got["contactID"] != int64(2) {
		t.Errorf("by the sender's address: %v", got)
	}
	if m := w.service.Mails()[3]; m.From != "support@msp.example" || !strings.Contains(string(m.Raw), "Message-ID: <mb1abcdef@msp.example>") {
		t.Errorf("from %s\n%s", m.From, m.Raw)
	}
}

// TestAMailOfTheServiceIsNotHandedToIt: without an end, one would bring about the next for as long as the API is away.
func TestAMailOfTheServiceIsNotHandedToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := sender(t, service(t, w.server()))
	for _, from := range []string{"addticket@ates.example", "NoReply@ww5.Ates.example", "support@msp.example", "support+x@msp.example"} {
		notice := ticket()
		notice.Sender = from
		if err := out.HandOver(t.Context(), notice, false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("%s: %v", from, err)
		}
	}
	if mails := w.service.Mails(); len(mails) != 0 {
		t.Errorf("%d mails", len(mails))
	}
	for _, from := range []string{"", "jo@acme.example", "jo@msp.example"} {
		other := ticket()
		other.Sender = from
		if err := out.HandOver(t.Context(), other, false); err != nil {
			t.Errorf("%q: %v", from, err)
		}
	}
}

// TestNoKeyInALineThatAServerQuotes: the mail is in quoted-printable, where a key like base64 looks otherwise.
func TestNoKeyInALineThatAServerQuotes(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart)
	parrot := ticket()
	parrot.Description = "quote a line\n\nRef: mb1abcdef"
	s := service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}})
	s.Key = fixed("key=0123456789==")
	err := sender(t, s).HandOver(t.Context(), parrot, false)
	if !errors.Is(err, drive.ErrRefused) || strings.Contains(err.Error(), "0123456789") || !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("%v", err)
	}
}

// What an error says of the mail is all that keeps it from being lost or doubled.
func TestWhatAnErrorSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := sender(t, service(t, w.server()))
	unknown := errors.New("unknown")
	for _, c := range []struct {
		at   psatest.MailPoint
		code int
		want error
	}{
		{psatest.MailHello, 0, drive.ErrNotNow},
		{psatest.MailHello, 554, drive.ErrNotNow},
		{psatest.MailSender, 0, drive.ErrNotNow},
		{psatest.MailSender, 421, drive.ErrNotNow},
		{psatest.MailSender, 530, drive.ErrNotNow},
		{psatest.MailSender, 550, drive.ErrRefused},
		{psatest.MailRecipient, 0, drive.ErrNotNow},
		{psatest.MailRecipient, 450, drive.ErrNotNow},
		{psatest.MailRecipient, 550, drive.ErrRefused},
		{psatest.MailText, 0, drive.ErrNotNow},
		{psatest.MailEnded, 451, drive.ErrNotNow},
		{psatest.MailEnded, 554, drive.ErrRefused},
		{psatest.MailEnded, 0, unknown},
		{psatest.MailEnded, 354, unknown},
		{psatest.MailTaken, 0, unknown},
		{psatest.MailTaken, 251, nil},
	} {
		before := len(w.service.Mails())
		w.service.Fault(psatest.MailFault{At: c.at, Code: c.code, Text: "ordered", Times: 1})
		long := ticket()
		if c.at == psatest.MailText { // more than fits into the pipes between, so that the cut is noticed while it is written
			long.Description = strings.Repeat("long ", 1500)
		}
		err := out.HandOver(t.Context(), long, false)
		known := errors.Is(err, drive.ErrNotNow) || errors.Is(err, drive.ErrRefused)
		switch {
		case c.want == nil && err != nil, c.want == unknown && (err == nil || known), c.want != nil && c.want != unknown && c.at != psatest.MailText && !errors.Is(err, c.want), errors.Is(err, drive.ErrNotNow) && errors.Is(err, drive.ErrRefused):
			t.Errorf("%d, %d: %v", c.at, c.code, err)
		}
		if taken := len(w.service.Mails()) - before; known && taken != 0 {
			t.Errorf("%d, %d: it was taken, and the error says that it was not: %v", c.at, c.code, err)
		}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	if err := sender(t, service(t, Server{Address: closed.Addr().String(), TLS: TLSOff})).HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) {
		t.Errorf("nobody listens: %v", err)
	}
	for _, key := range []Secret{fixed(""), func(context.Context) (string, error) { return "", errors.New("sealed") }} {
		s := service(t, w.server())
		s.Key = key
		if err := sender(t, s).HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("without a key: %v", err)
		}
	}
}

// Not every server lets its users be a sub-address of theirs, and Exchange Online says so after the dot.
func TestASubAddressThatMayNotSend(t *testing.T) {
	t.Parallel()
	for at, says := range map[psatest.MailPoint]string{
		psatest.MailSender: "Sender address rejected: not owned by user us@msp.example", psatest.MailEnded: "5.2.252 SendAsDenied; us@msp.example not allowed to send as support",
	} {
		w := newWorld(t)
		s := service(t, w.server())
		out := sender(t, s)
		w.service.Fault(psatest.MailFault{At: at, Code: 554, Text: says, Times: 1})
		if err := out.HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "sub-address") {
			t.Errorf("%v", err)
		}
		if err := out.HandOver(t.Context(), ticket(), false); err != nil {
			t.Fatal(err)
		}
		if m := w.service.Mails()[0]; m.From != "support@msp.example" || !bytes.Contains(m.Raw, []byte("Message-ID: <"+s.Keys.HandedTag(47, "mb1abcdef")+"@")) {
			t.Errorf("from %s\n%s", m.From, m.Raw)
		}
		w.service.Fault(psatest.MailFault{At: at, Code: 554, Text: says})
		if err := out.HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrRefused) {
			t.Errorf("refused whoever it is from: %v", err)
		}
	}
}

// FuzzServer speaks whatever to the Sender: what was not sent to its end is never said to be in doubt, and no secret is told.
func FuzzServer(f *testing.F) {
	f.Add("220 x\r\n250-x\r\n250 AUTH PLAIN XOAUTH2\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n")
	f.Add("220 x\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 pass-0123\r\n500 x\r\n")
	f.Add("220 x\r\n502 x\r\n250 x\r\n250 x\r\n")
	f.Add("220 x\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n451 " + base64.StdEncoding.EncodeToString([]byte(secret)))
	f.Fuzz(func(t *testing.T, script string) {
		client, server := net.Pipe()
		heard := make(chan string)
		go func() {
			var all bytes.Buffer
			_, _ = all.ReadFrom(server)
			heard <- all.String()
		}()
		go func() {
			_, _ = server.Write([]byte(script))
			_ = server.Close()
		}()
		out := sender(t, service(t, Server{
			Address: "localhost:25", TLS: TLSOff, User: "us@msp.example", Password: fixed(password),
			Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil },
		}))
		err := out.HandOver(t.Context(), ticket(), false)
		sent := strings.Contains(<-heard, "\r\n.\r\n")
		known := errors.Is(err, drive.ErrNotNow) || errors.Is(err, drive.ErrRefused)
		switch {
		case !sent && !known && err != nil && !strings.Contains(script, "354"):
			t.Errorf("nothing was sent, and nobody knows: %v", err)
		case err == nil && !sent:
			t.Error("it is said to be there, and was not sent")
		case err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), secret)):
			t.Errorf("a secret is told: %v", err)
		}
	})
}

func TestTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := sender(t, service(t, w.server()))
	if err := out.Try(t.Context()); err != nil {
		t.Error(err)
	}
	w.service.Fault(psatest.MailFault{At: psatest.MailSender, Code: 550, Text: "Sender address rejected: not owned by user", Times: 1})
	if err := out.Try(t.Context()); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "sub-address") {
		t.Errorf("%v", err)
	}
	w.service.Fault(psatest.MailFault{At: psatest.MailRecipient, Code: 550, Text: "no relay", Times: 1})
	if err := out.Try(t.Context()); !errors.Is(err, drive.ErrRefused) || !strings.Contains(err.Error(), "the recipient addticket@ates.example") {
		t.Errorf("%v", err)
	}
	if n := len(w.service.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	r := newRelay(t, TLSStart, "PLAIN")
	s := service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Password: fixed("wrong-0123")})
	out = sender(t, s)
	for range 2 {
		if err := out.Try(t.Context()); !errors.Is(err, drive.ErrNotNow) || strings.Contains(err.Error(), "0123") {
			t.Errorf("%v", err)
		}
	}
	if tries, _ := r.seen(); len(tries) != 1 {
		t.Errorf("presented: %q", tries)
	}
	s.Key = fixed("")
	if err := sender(t, s).Try(t.Context()); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("%v", err)
	}
}

func TestNoSecretInWhatAServerSays(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart)
	parrot := ticket()
	parrot.Description = "repeat after me\n\nRef: mb1abcdef"
	err := sender(t, service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}})).HandOver(t.Context(), parrot, false)
	if !errors.Is(err, drive.ErrRefused) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "ey-0123") || !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("%v", err)
	}
}

func TestWrongServices(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*Service){
		"no address":          func(s *Service) { s.To = message.Address{} },
		"an umlaut":           func(s *Service) { s.From.Local = "bü" },
		"a bracket":           func(s *Service) { s.From.Local = "a>b" },
		"no key":              func(s *Service) { s.Key = nil },
		"no port":             func(s *Service) { s.Server.Address = "smtp.example.com" },
		"no TLS, far away":    func(s *Service) { s.Server = Server{Address: "192.0.2.1:25", TLS: TLSOff} },
		"another mode":        func(s *Service) { s.Server.TLS = "maybe" },
		"a password alone":    func(s *Service) { s.Server.Password = fixed("x") },
		"a user alone":        func(s *Service) { s.Server.User = "x" },
		"both":                func(s *Service) { s.Server.User, s.Server.Password, s.Server.Token = "x", fixed("x"), fixed("x") },
		"a user with a break": func(s *Service) { s.Server.User, s.Server.Password = "x\r\n", fixed("x") },
		"a negative pace":     func(s *Service) { s.Pace.Alike = -1 },
	} {
		s := service(t, Server{Address: "smtp.example.com:587"})
		change(&s)
		if _, err := NewSender(s); err == nil || s.Check() == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for address, want := range map[string]TLSMode{"smtp.example.com:587": TLSStart, "smtp.example.com:25": TLSStart, "smtp.example.com:465": TLSOn} {
		if s, err := (Server{Address: address}).whole(); err != nil || s.TLS != want {
			t.Errorf("%s: %s, %v", address, s.TLS, err)
		}
	}
}
