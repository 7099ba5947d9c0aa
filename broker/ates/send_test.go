package ates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

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

func TestSigningIn(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, TLSStart, mechanism)
			presented := "wrong-0123"
			get := func(context.Context) (string, error) { return presented, nil }
			server := Server{Address: r.addr, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Password: get}
			if strings.Contains(mechanism, "OAUTH") {
				server.Password, server.Token = nil, get
			}
			out := sender(t, service(t, server))
			hand := func() error { return out.HandOver(t.Context(), ticket(), false) }
			for range 3 { // it is presented once
				if err := hand(); !errors.Is(err, drive.ErrNotNow) || strings.Contains(err.Error(), "0123") || !strings.Contains(err.Error(), "until it changes") {
					t.Errorf("%v", err)
				}
			}
			if tries, _ := r.seen(); len(tries) != 1 {
				t.Errorf("presented: %q", tries)
			}
			r.is(password, &smtp.SMTPError{Code: 454, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "busy"})
			presented = password
			if err := hand(); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "busy") {
				t.Errorf("%v", err)
			}
			r.is(password, nil)
			if err := hand(); err != nil {
				t.Error(err)
			}
			tries, mails := r.seen()
			if len(tries) != 3 || len(mails) != 1 {
				t.Errorf("presented: %q; %d mails", tries, len(mails))
			}
		})
	}
}

// Tokens change by themselves, which proves nothing: after two that were refused there is a pause.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart, "XOAUTH2")
	n := 0
	token := func(context.Context) (string, error) { n++; return fmt.Sprintf("token-0123-%d", n), nil }
	out := sender(t, service(t, Server{Address: r.addr, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Token: token}))
	for range 5 {
		if err := out.HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) || strings.Contains(err.Error(), "0123") {
			t.Errorf("%v", err)
		}
	}
	if tries, _ := r.seen(); len(tries) != 2 {
		t.Errorf("presented: %q", tries)
	}
	out.refusal.at = out.refusal.at.Add(-tokenPause) // time goes by
	if _ = out.HandOver(t.Context(), ticket(), false); len(r.tries) != 3 {
		t.Errorf("after a pause: %q", r.tries)
	}
}

func TestWhatAServerMustHave(t *testing.T) {
	t.Parallel()
	hand := func(s Server) error { return sender(t, service(t, s)).HandOver(t.Context(), ticket(), false) }
	on, start, off, tokens := newRelay(t, TLSOn), newRelay(t, TLSStart), newRelay(t, TLSOff), newRelay(t, TLSStart, "XOAUTH2")
	for _, r := range []struct {
		relay *relay
		mode  TLSMode
	}{{on, TLSOn}, {start, TLSStart}, {start, ""}, {off, TLSOff}} {
		if err := hand(Server{Address: r.relay.addr, TLS: r.mode, Config: &tls.Config{RootCAs: r.relay.roots}}); err != nil {
			t.Errorf("tls %s: %v", r.mode, err)
		}
	}
	for what, c := range map[string]struct {
		server Server
		says   string
	}{
		"no TLS there":          {Server{Address: off.addr, TLS: TLSStart}, "does not take STARTTLS"},
		"no TLS from the start": {Server{Address: start.addr, TLS: TLSOn, Config: &tls.Config{RootCAs: start.roots}}, "write tls starttls"},
		"a foreign CA":          {Server{Address: start.addr, TLS: TLSStart}, "nobody whom this machine trusts"},
		"a foreign CA, TLS":     {Server{Address: on.addr, TLS: TLSOn}, "nobody whom this machine trusts"},
		"another name":          {Server{Address: start.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: start.roots, ServerName: "other.example"}}, "for another name"},
		"passwords":             {Server{Address: tokens.addr, Config: &tls.Config{RootCAs: tokens.roots}, User: "u", Password: fixed(password)}, "takes no passwords"},
		"tokens":                {Server{Address: start.addr, Config: &tls.Config{RootCAs: start.roots}, User: "u", Token: fixed(password)}, "takes no access tokens"},
		"nobody signs in":       {Server{Address: tokens.addr, Config: &tls.Config{RootCAs: tokens.roots}}, "wants a sign-in"},
		"an empty password":     {Server{Address: tokens.addr, Config: &tls.Config{RootCAs: tokens.roots}, User: "u", Password: fixed("")}, "it is empty"},
	} {
		if err := hand(c.server); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if tries, _ := tokens.seen(); len(tries) != 0 {
		t.Errorf("presented: %q", tries)
	}
}

func TestNoSecretInWhatAServerSays(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart)
	parrot := ticket()
	parrot.Description = "repeat after me\n\nRef: mb1abcdef"
	err := sender(t, service(t, Server{Address: r.addr, Config: &tls.Config{RootCAs: r.roots}})).HandOver(t.Context(), parrot, false)
	if !errors.Is(err, drive.ErrRefused) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "ey-0123") || !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("%v", err)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		sim := psatest.New()
		defer sim.Close()
		tenant := sim.AddTenant("Example", sim.AddZoneOn("5", network.Listen("zone5.test:80")))
		ates := sim.AddMailService(network.Listen("localhost:25"), nil)
		ates.Serve(tenant, secret, 6)
		ates.Adjust(func(s *psatest.MailSettings) { s.Alike = 2 })
		s := service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext})
		s.Pace = Pace{}
		begun := time.Now()
		// Two processes, each with alerts from one monitor.
		for _, out := range []*Sender{sender(t, s), sender(t, s)} {
			for i := range 20 {
				alert := ticket()
				alert.Reference = fmt.Sprintf("mb1%06d", 1000*i+len(ates.Mails()))
				if err := out.HandOver(t.Context(), alert, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if tickets := tenant.Records("Tickets"); len(tickets) != 40 {
			t.Errorf("%d tickets of 40", len(tickets))
		}
		if took := time.Since(begun); took < 38*2*time.Second || took > 39*2*time.Second {
			t.Errorf("it took %s", took)
		}
		out := sender(t, s)
		titles := func() (titles []any) {
			for _, r := range tenant.Records("Tickets")[40:] {
				titles = append(titles, r["title"])
			}
			return titles
		}
		for range 2 {
			time.Sleep(6 * time.Minute)
			if err := out.HandOver(t.Context(), ticket(), false); err != nil {
				t.Fatal(err)
			}
		}
		if got := titles(); !slices.Equal(got, []any{"Printer", "Printer"}) {
			t.Errorf("after the window: %v", got)
		}
		// Whoever cannot wait so long sends nothing.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := out.HandOver(ctx, ticket(), false); !errors.Is(err, drive.ErrNotNow) || len(titles()) != 2 {
			t.Errorf("%v, %v", err, titles())
		}
	})
}

// silent is a server that says nothing any more after so many lines of a client's.
func silent(t *testing.T, network *psatest.Network, lines int) {
	l := network.Listen("localhost:25")
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 1)
		says := []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"}
		for i := range says {
			if i > lines {
				break
			}
			if _, err := conn.Write([]byte(says[i])); err != nil {
				return
			}
			for line := ""; !strings.HasSuffix(line, "\n"); line += string(b) {
				if _, err := conn.Read(b); err != nil {
					return
				}
			}
		}
		for { // the rest is read, and not answered
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	}()
}

// A server that falls silent costs no more time than there is, and only after the dot nobody knows.
func TestAServerFallsSilent(t *testing.T) {
	t.Parallel()
	for lines := range 6 {
		synctest.Test(t, func(t *testing.T) {
			network := psatest.NewNetwork()
			silent(t, network, lines-1)
			out := sender(t, service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext}))
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := out.HandOver(ctx, ticket(), false)
			if err == nil || errors.Is(err, drive.ErrNotNow) != (lines < 5) || errors.Is(err, drive.ErrRefused) {
				t.Errorf("after %d lines: %v", lines, err)
			}
			if took := time.Since(begun); took > 21*time.Second {
				t.Errorf("after %d lines it took %s", lines, took)
			}
		})
	}
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		silent(t, network, 0)
		out := sender(t, service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext}))
		first, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- out.HandOver(first, ticket(), false) }()
		synctest.Wait()
		second, cancelSecond := context.WithTimeout(t.Context(), time.Second)
		defer cancelSecond()
		if err := out.HandOver(second, ticket(), false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("the second: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("the first, broken off: %v", err)
		}
	})
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
		if _, err := NewSender(s); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for address, want := range map[string]TLSMode{"smtp.example.com:587": TLSStart, "smtp.example.com:465": TLSOn} {
		if s, err := (Server{Address: address}).whole(); err != nil || s.TLS != want {
			t.Errorf("%s: %s, %v", address, s.TLS, err)
		}
	}
}
