package ates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/drive"
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
	s.Memory = nil
	_ = sender(t, s).HandOver(t.Context(), ticket(), false)
	s.Memory = new(Memory)
	s.Server.User = "other@msp.example"
	_ = sender(t, s).HandOver(t.Context(), ticket(), false)
	if tries, _ := r.seen(); len(tries) != 3 {
		t.Errorf("presented: %q", tries)
	}
}

// Tokens change by themselves, which proves nothing: after two that were refused there is a pause.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRelay(t, TLSStart, "XOAUTH2")
	n := 0
	token := func(context.Context) (string, error) { n++; return fmt.Sprintf("token-0123-%d", n), nil }
	out := sender(t, service(t, Server{Address: r.addr, TLS: TLSStart, Config: &tls.Config{RootCAs: r.roots}, User: "us@msp.example", Token: token}))
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
