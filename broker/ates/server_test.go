package ates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/refused"
)

func TestSigningIn(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, TLSStart, mechanism)
			presented := "wrong-0123"
			get := func(context.Context) (string, error) { return presented, nil }
			server := Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Password: get}
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
			r.is(password, &smtp.SMTPError{Code: 504, EnhancedCode: smtp.EnhancedCode{5, 5, 4}, Message: "not understood"})
			if err := hand(); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "not understood") {
				t.Errorf("%v", err)
			}
			r.is(password, nil)
			if err := hand(); err != nil {
				t.Error(err)
			}
			tries, mails := r.seen()
			if len(tries) != 4 || len(mails) != 1 {
				t.Errorf("presented: %q; %d mails", tries, len(mails))
			}
		})
	}
}

// A config that is loaded again, and another mailbox, have Senders of their own, and present no refused password a second time.
func TestSendersRemember(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart, "PLAIN")
	s := service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Password: fixed("wrong-0123")})
	s.Memory = new(Memory)
	for range 3 {
		if err := sender(t, s).HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("%v", err)
		}
	}
	if tries, _ := r.seen(); len(tries) != 1 {
		t.Errorf("presented: %q", tries)
	}
	books := new(refused.InMemory)
	s.Server.Password = fixed("wrong-4567")
	for i := range 3 { // a process that is started again and again
		s.Memory = &Memory{Refused: &refused.Memory{Books: books}}
		for _, err := range []error{sender(t, s).HandOver(t.Context(), ticket(), false), sender(t, s).Try(t.Context())} {
			if !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), "not sent again until it changes") || strings.Contains(err.Error(), "4567") || i > 0 && !strings.Contains(err.Error(), "The server said ") {
				t.Errorf("%v", err)
			}
		}
	}
	if tries, _ := r.seen(); len(tries) != 2 {
		t.Errorf("presented: %q", tries)
	}
	s.Memory = nil
	_ = sender(t, s).HandOver(t.Context(), ticket(), false)
	s.Memory = new(Memory)
	s.Server.User = "other@msp.example"
	_ = sender(t, s).HandOver(t.Context(), ticket(), false)
	if tries, _ := r.seen(); len(tries) != 4 {
		t.Errorf("presented: %q", tries)
	}
}

// What is no answer to the secret does not count as one.
func TestWhatAnAnswerSaysOfTheSecret(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]refused.Outcome{535: refused.Refused, 534: refused.Refused, 550: refused.Refused, 421: refused.Unjudged, 454: refused.Unjudged, 500: refused.Unjudged, 504: refused.Unjudged} {
		if got := outcome(&smtp.SMTPError{Code: code}); got != want {
			t.Errorf("%d: %d, want %d", code, got, want)
		}
	}
	if outcome(nil) != refused.Accepted || outcome(io.ErrUnexpectedEOF) != refused.Unanswered {
		t.Error("no answer, or a good one")
	}
}

// Where it cannot be looked up what was refused, nothing is sent, and the mail waits.
func TestWhatWasRefusedCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSOff, "PLAIN")
	s := service(t, Server{Address: r.addr, TLS: TLSOff, User: "us@msp.example", Password: fixed(password)})
	s.Memory = &Memory{Refused: &refused.Memory{Books: closed{}}}
	out := sender(t, s)
	for _, err := range []error{out.HandOver(t.Context(), ticket(), false), out.TryAgain(t.Context())} {
		if !errors.Is(err, drive.ErrNotNow) || !errors.Is(err, errClosed) || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	}
	if tries, _ := r.seen(); len(tries) != 0 {
		t.Errorf("presented: %q", tries)
	}
}

var errClosed = errors.New("the store is not open")

// closed are books that cannot be used.
type closed struct{}

func (closed) Change(context.Context, string, func(*refused.Record)) error { return errClosed }

func (closed) Prints(string, string) ([]string, error) { return []string{"x"}, nil }

// Tokens change by themselves, which proves nothing: after two that were refused there is a pause.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart, "XOAUTH2")
	n := 0
	token := func(context.Context) (string, error) { n++; return fmt.Sprintf("token-0123-%d", n), nil }
	books := new(aged)
	s := service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Token: token})
	s.Memory = &Memory{Refused: &refused.Memory{Books: books}}
	out := sender(t, s)
	for range 5 {
		if err := out.HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) || strings.Contains(err.Error(), "0123") {
			t.Errorf("%v", err)
		}
	}
	if tries, _ := r.seen(); len(tries) != 2 {
		t.Errorf("presented: %q", tries)
	}
	books.by = 5 * time.Minute
	if _ = out.HandOver(t.Context(), ticket(), false); len(r.tries) != 3 {
		t.Errorf("after a pause: %q", r.tries)
	}
}

// aged are books of so long ago.
type aged struct {
	refused.InMemory
	by time.Duration
}

func (b *aged) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	return b.InMemory.Change(ctx, place, func(r *refused.Record) {
		for i := range r.Refused {
			r.Refused[i].At = r.Refused[i].At.Add(-b.by)
		}
		f(r)
	})
}

func TestWhatAServerMustHave(t *testing.T) {
	t.Parallel()
	hand := func(s Server) error { return sender(t, service(t, s)).HandOver(t.Context(), ticket(), false) }
	on, start, off, tokens := newRelay(t, TLSOn), newRelay(t, TLSStart), newRelay(t, TLSOff), newRelay(t, TLSStart, "XOAUTH2")
	for _, r := range []struct {
		relay *relay
		mode  TLSMode
	}{{on, TLSOn}, {start, TLSStart}, {on, ""}, {off, TLSOff}} {
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
		"passwords":             {Server{Address: tokens.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: tokens.roots}, User: "u", Password: fixed(password)}, "takes no passwords"},
		"tokens":                {Server{Address: start.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: start.roots}, User: "u", Token: fixed(password)}, "takes no access tokens"},
		"nobody signs in":       {Server{Address: tokens.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: tokens.roots}}, "wants a sign-in"},
		"an empty password":     {Server{Address: tokens.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: tokens.roots}, User: "u", Password: fixed("")}, "it is empty"},
	} {
		if err := hand(c.server); !errors.Is(err, drive.ErrNotNow) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if tries, _ := tokens.seen(); len(tries) != 0 {
		t.Errorf("presented: %q", tries)
	}
}
