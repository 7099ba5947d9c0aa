package ates

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/drive"
)

func TestAnotherMailIsHandedInByTheSameServer(t *testing.T) {
	r := newRelay(t, TLSOff, "PLAIN")
	presented := "wrong-0123"
	s := service(t, Server{Address: r.addr, TLS: TLSOff, User: "us@msp.example", Password: func(context.Context) (string, error) { return presented, nil }})
	out := sender(t, s)
	send := func() error {
		return out.Send(t.Context(), "support@msp.example", "sales@msp.example", []byte("Subject: does it come?\r\n\r\nyes\r\n"))
	}
	for range 3 { // neither a test nor a ticket presents what was refused
		if err := send(); err == nil || strings.Contains(err.Error(), "0123") {
			t.Errorf("%v", err)
		}
		if err := out.HandOver(t.Context(), ticket(), false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("%v", err)
		}
	}
	presented = password
	if err := send(); err != nil {
		t.Fatal(err)
	}
	tries, mails := r.seen()
	if len(tries) != 2 || len(mails) != 1 || mails[0] != "support@msp.example\nSubject: does it come?\r\n\r\nyes\r\n" {
		t.Errorf("presented: %q, mails: %q", tries, mails)
	}
	if len(out.pacer.sent) != 0 {
		t.Error("it counts among the mails to the service")
	}
	ended, end := context.WithCancel(t.Context())
	out.turn <- struct{}{}
	end()
	if err := out.Send(ended, "a@msp.example", "b@msp.example", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("while it is not its turn: %v", err)
	}
}

// Senders of several mailboxes sign in as one user: what was refused to one is refused to all, until people have it sent again.
func TestWhatWasRefusedIsSentAgainWherePeopleSaySo(t *testing.T) {
	r := newRelay(t, TLSOff, "XOAUTH2")
	r.is("token-2", nil)
	given, forgotten := "token-1", 0
	all, memory := []*Sender{}, new(Memory)
	for _, local := range []string{"support", "sales"} {
		s := service(t, Server{Address: r.addr, TLS: TLSOff, User: "us@msp.example", Token: func(context.Context) (string, error) { return given, nil }, Forget: func() { forgotten++; given = "token-2" }})
		s.From.Local, s.Memory = local, memory
		all = append(all, sender(t, s))
	}
	for _, s := range all {
		if err := s.Send(t.Context(), "a@msp.example", "b@msp.example", nil); err == nil {
			t.Error("it was sent")
		}
	}
	if tries, _ := r.seen(); len(tries) != 1 || forgotten != 0 {
		t.Errorf("presented: %q, forgotten %d times", tries, forgotten)
	}
	for range 2 {
		if err := all[1].SendAgain(t.Context(), "a@msp.example", "b@msp.example", []byte("\r\n")); err != nil {
			t.Error(err)
		}
	}
	if tries, mails := r.seen(); len(tries) != 3 || len(mails) != 2 || forgotten != 2 {
		t.Errorf("presented: %q, mails: %q, forgotten %d times", tries, mails, forgotten)
	}
	r.is("token-3", nil)
	for range 2 {
		if err := all[0].Try(t.Context()); err == nil {
			t.Error("a refused token works")
		}
	}
	if err := all[0].TryAgain(t.Context()); err == nil {
		t.Error("a refused token works")
	}
	if tries, _ := r.seen(); len(tries) != 5 {
		t.Errorf("presented: %q", tries)
	}
}
