//go:build unix

package imap_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/internal/imaptest"
)

func mail(subject string) []byte {
	return []byte("From: a@example.test\r\nTo: support@example.test\r\nMessage-ID: <" + subject + "@example.test>\r\nSubject: " + subject + "\r\n\r\nHelp: " + subject + "\r\n")
}

// mailbox is that of the server, which only IDLE and what a test asks for wakes.
func mailbox(server *imaptest.Server) imap.Mailbox {
	return imap.Mailbox{Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Password: says(imaptest.Password), Poll: time.Hour}
}

func subjects(mails []imaptest.Mail) (found []string) {
	for _, m := range mails {
		_, rest, _ := strings.Cut(m.Raw, "Subject: ")
		subject, _, _ := strings.Cut(rest, "\r\n")
		found = append(found, subject)
	}
	return found
}

func has(mails []imaptest.Mail, subject string) (n int) {
	for _, s := range subjects(mails) {
		if s == subject {
			n++
		}
	}
	return n
}

func acknowledge(t *testing.T, s *imap.Source, object string, folder imap.Folder) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	moved, err := s.Acknowledge(ctx, object, folder)
	if err != nil {
		t.Fatal(err)
	}
	return moved
}

func TestAMailIsFetchedUntouchedAndMovedWhenTold(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver(mail("waiting"))
	for name, m := range map[string]imap.Mailbox{
		"TLS":      mailbox(server),
		"STARTTLS": {Server: server.Plain, TLS: imap.TLSStart, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Password: says(imaptest.Password), Poll: time.Hour},
		"plain":    {Server: server.Plain, TLS: imap.TLSOff, User: imaptest.User, Password: says(imaptest.Password), Poll: time.Hour},
	} {
		b := newBooks()
		s, stop := run(t, m, b)
		first := b.next(t)
		if string(first.Raw) != string(mail("waiting")) || first.Cut || first.Size != int64(len(first.Raw)) || time.Since(first.Arrived) > time.Hour {
			t.Fatalf("%s: %+v", name, first)
		}
		until(t, "all is spooled", func() bool { return !s.State().Complete.IsZero() })
		server.Deliver(mail("news " + name)) // which IDLE says
		second := b.next(t)
		if string(second.Raw) != string(mail("news "+name)) {
			t.Fatalf("%s: %s", name, second.Raw)
		}
		for _, m := range server.Folder("INBOX") {
			if m.Flags != "" {
				t.Errorf("%s: a mail that was fetched has the flags %q", name, m.Flags)
			}
		}
		if !acknowledge(t, s, second.Object, imap.Processed) {
			t.Errorf("%s: it was not moved", name)
		}
		if has(server.Folder("Processed"), "news "+name) != 1 || has(server.Folder("INBOX"), "news "+name) != 0 {
			t.Errorf("%s: the inbox has %q, Processed %q", name, subjects(server.Folder("INBOX")), subjects(server.Folder("Processed")))
		}
		if acknowledge(t, s, second.Object, imap.Processed) { // row 20 of the crash matrix: it is moved, and the answer was lost
			t.Errorf("%s: it was moved twice", name)
		}
		if state := s.State(); state.Problem != nil || state.Connected.IsZero() {
			t.Errorf("%s: %+v", name, state)
		}
		stop()
	}
}

func TestWithoutMOVENothingIsCopiedTwiceAndNobodyElsesMailExpunged(t *testing.T) {
	t.Parallel()
	for name, capabilities := range map[string]string{
		"a single mail can be expunged":    "IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS",
		"a single mail cannot be expunged": "IMAP4rev1 SASL-IR LITERAL+",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := imaptest.Start(t, imaptest.Options{Capabilities: capabilities})
			for _, subject := range []string{"dead", "other"} {
				server.Deliver(mail(subject))
			}
			m := mailbox(server)
			b := newBooks()
			s, stop := run(t, m, b)
			dead := b.next(t)
			b.next(t)
			if string(dead.Raw) != string(mail("dead")) {
				t.Fatalf("the first is %s", dead.Raw)
			}
			if !acknowledge(t, s, dead.Object, imap.DeadLetter) || has(server.Folder("DeadLetter"), "dead") != 1 {
				t.Fatalf("DeadLetter has %q", subjects(server.Folder("DeadLetter")))
			}
			marked := strings.Contains(capabilities, "UIDPLUS") == false
			for _, m := range server.Folder("INBOX") {
				if strings.Contains(m.Raw, "Subject: dead") && (!marked || m.Flags != "T") || strings.Contains(m.Raw, "Subject: other") && m.Flags != "" {
					t.Errorf("the inbox has %+v", m)
				}
			}
			stop()
			// Once more from the beginning, with the same mail twice, one of them copied already: as after a crash between
			// COPY and STORE.
			server.Deliver(mail("dead"))
			again := newBooks()
			s, _ = run(t, m, again)
			for range 2 {
				if next := again.next(t); string(next.Raw) == string(mail("dead")) {
					acknowledge(t, s, next.Object, imap.DeadLetter)
				}
			}
			if n := has(server.Folder("DeadLetter"), "dead"); n != 1 {
				t.Errorf("DeadLetter has it %d times", n)
			}
			if len(again.all()) != 2 {
				t.Errorf("a mail that is marked as deleted was brought once more: %d", len(again.all()))
			}
		})
	}
}

func TestAMailboxThatBeginsAnewIsHandedOverOnceMore(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver(mail("kept"))
	b := newBooks()
	_, stop := run(t, mailbox(server), b)
	before := b.next(t)
	stop()
	server.BeginAnew()
	s, _ := run(t, mailbox(server), b)
	after := b.next(t)
	if before.Object == after.Object || string(before.Raw) != string(after.Raw) {
		t.Fatalf("%s, then %s", before.Object, after.Object)
	}
	if acknowledge(t, s, before.Object, imap.Processed) {
		t.Error("a place of before is taken for one of now")
	}
	if len(server.Folder("INBOX")) != 1 || !acknowledge(t, s, after.Object, imap.Processed) {
		t.Error("it was not moved by its new place")
	}
}

func TestALongMailIsCutAndALargeOneIsNot(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	large := append(mail("large"), strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n", 40<<20/62)...)
	server.Deliver(large)
	b := newBooks()
	_, stop := run(t, mailbox(server), b)
	if got := b.next(t); string(got.Raw) != string(large) || got.Cut {
		t.Errorf("of %d bytes %d came", len(large), len(got.Raw))
	}
	stop()
	m := mailbox(server)
	m.Most = 1 << 20
	b = newBooks()
	run(t, m, b)
	if got := b.next(t); string(got.Raw) != string(large[:256<<10]) || !got.Cut || got.Size != int64(len(large)) {
		t.Errorf("cut %v, size %d, %d bytes", got.Cut, got.Size, len(got.Raw))
	}
}

func TestAServerThatStopsAnsweringIsDialledAnew(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver(mail("one"))
	b := newBooks()
	s, _ := run(t, mailbox(server), b)
	b.next(t)
	until(t, "it is connected and complete", func() bool { return !s.State().Complete.IsZero() })
	server.Signal(syscall.SIGKILL) // the process that serves it dies during IDLE
	server.Deliver(mail("two"))
	if got := b.next(t); string(got.Raw) != string(mail("two")) {
		t.Errorf("%s", got.Raw)
	}
}

func TestARefusedPasswordIsSentOnceUntilItChanges(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver(mail("behind a password"))
	m := mailbox(server)
	m.Poll = 10 * time.Millisecond
	var asked atomic.Int32
	var password atomic.Value
	password.Store("wrong-horse")
	m.Password = func(context.Context) (string, error) { asked.Add(1); return password.Load().(string), nil }
	b := newBooks()
	s, _ := run(t, m, b)
	until(t, "the password was looked at 20 times", func() bool { return asked.Load() > 20 })
	problem := s.State().Problem
	if problem == nil || !problem.Refused || problem.Stage != imap.SigningIn || strings.Contains(fmt.Sprintf("%+v", problem), "wrong-horse") {
		t.Fatalf("%+v", problem)
	}
	if n := server.SignIns(); n != 1 {
		t.Errorf("the server saw %d sign-ins", n)
	}
	password.Store(imaptest.Password)
	b.next(t)
	if s.State().Problem != nil {
		t.Errorf("%+v", s.State().Problem)
	}
}

func TestAccessTokensByBothMechanisms(t *testing.T) {
	t.Parallel()
	valid := "good-token"
	introspect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"active": r.PostFormValue("token") == valid, "username": imaptest.User, "exp": time.Now().Add(time.Hour).Unix()})
	}))
	t.Cleanup(introspect.Close)
	for mechanism, capabilities := range map[string]string{"OAUTHBEARER": "", "XOAUTH2": "xoauth2"} {
		t.Run(mechanism, func(t *testing.T) {
			server := imaptest.Start(t, imaptest.Options{Introspect: introspect.URL, Mechanisms: capabilities})
			server.Deliver(mail("for an application"))
			m := mailbox(server)
			m.Poll, m.Password = 10*time.Millisecond, nil
			var token atomic.Value
			token.Store("stale-token")
			m.Token = func(context.Context) (string, error) { return token.Load().(string), nil }
			b := newBooks()
			s, _ := run(t, m, b)
			until(t, "the token is refused", func() bool { p := s.State().Problem; return p != nil && p.Refused })
			if p := s.State().Problem; strings.Contains(p.Error(), "stale-token") || strings.Contains(p.Error(), "base64") {
				t.Error(p)
			}
			token.Store(valid)
			b.next(t)
			if log := server.Log(); !strings.Contains(log, "method="+mechanism) {
				t.Errorf("it was not by %s:\n%s", mechanism, log)
			}
		})
	}
}
