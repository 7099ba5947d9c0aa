//go:build unix

package probe_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/refused"
	"github.com/psagate/psagate/internal/imaptest"
)

func mailbox(server *imaptest.Server) *imap.Mailbox {
	return &imap.Mailbox{Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Password: says(imaptest.Password), Poll: time.Hour, Refused: new(refused.Memory)}
}

// delivers hands mails to the server as an MTA does, which writes down whom it delivers them to.
func delivers(server *imaptest.Server, deliveredTo string) func(context.Context, string, string, []byte) error {
	return func(_ context.Context, _, _ string, raw []byte) error {
		if deliveredTo != "" {
			raw = append([]byte("Delivered-To: "+deliveredTo+"\r\n"), raw...)
		}
		server.Deliver(raw)
		return nil
	}
}

// nothingLeft fails if a mail of a test is still somewhere.
func nothingLeft(t *testing.T, server *imaptest.Server, folders ...string) {
	t.Helper()
	for _, folder := range append(folders, "INBOX", "Processed", "DeadLetter") {
		for _, m := range server.Folder(folder) {
			if strings.Contains(m.Raw, "psagate tests this mailbox") {
				t.Errorf("%s has a mail of the test with the flags %q", folder, m.Flags)
			}
		}
	}
}

func TestAMailboxThatWorks(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver([]byte("From: a@example.test\r\nSubject: a customer's\r\n\r\nhelp\r\n"))
	for name, change := range map[string]func(*imap.Mailbox){
		"TLS":      func(*imap.Mailbox) {},
		"STARTTLS": func(m *imap.Mailbox) { m.Server, m.TLS = server.Plain, imap.TLSStart },
		"plain":    func(m *imap.Mailbox) { m.Server, m.TLS = server.Plain, imap.TLSOff },
	} {
		m := mailbox(server)
		change(m)
		var told []probe.Step
		steps := probe.Test{
			Mailbox: m, Keys: keys(t), Aliases: []string{imaptest.User, "sales@example.test"}, Send: delivers(server, imaptest.User), Look: 10 * time.Millisecond,
			Told: func(s probe.Step) { told = append(told, s) },
		}.Run(t.Context())
		for _, s := range steps {
			if s.Result != probe.OK && s.Name != "tls" || s.Words == "" {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if len(told) != len(steps) || !probe.Works(steps) {
			t.Errorf("%s: told %s", name, results(told))
		}
		if name == "plain" {
			want(t, steps, "tls", probe.OK, "on this machine")
		} else {
			want(t, steps, "tls", probe.Warn, "TLS 1.3", "Renew the certificate") // it is for a day
		}
		want(t, steps, "sign-in", probe.OK, "PLAIN")
		want(t, steps, "inbox", probe.OK, "mails in it: 1")
		want(t, steps, "alias "+imaptest.User, probe.OK, "the mailbox's own address")
		want(t, steps, "alias sales@example.test", probe.OK, "an alias", imaptest.User)
		nothingLeft(t, server)
	}
	for _, m := range server.Folder("INBOX") {
		if m.Flags != "" {
			t.Errorf("the customer's mail has the flags %q", m.Flags)
		}
	}
}

func TestWithoutAbilitiesItIsSaidWhatIsDoneInstead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		capabilities string
		words        []string
		left         int
	}{
		"without MOVE":    {"IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS", []string{"no MOVE"}, 0},
		"without IDLE":    {"IMAP4rev1 SASL-IR LITERAL+ MOVE UIDPLUS", []string{"no IDLE", "at the next look"}, 0},
		"without UIDPLUS": {"IMAP4rev1 SASL-IR", []string{"no IDLE", "no MOVE", "no UIDPLUS"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := imaptest.Start(t, imaptest.Options{Capabilities: c.capabilities})
			steps := probe.Test{Mailbox: mailbox(server), Keys: keys(t)}.Run(t.Context())
			want(t, steps, "abilities", probe.Warn, c.words...)
			left := len(server.Folder("INBOX")) + len(server.Folder("Processed"))
			if left != c.left {
				t.Errorf("%d mails are left, not %d", left, c.left)
			}
			if c.left == 0 {
				want(t, steps, "move", probe.OK)
				return
			}
			want(t, steps, "move", probe.Warn, "marked as deleted")
			for _, m := range append(server.Folder("INBOX"), server.Folder("Processed")...) {
				if !strings.Contains(m.Flags, "T") {
					t.Errorf("a mail is left with the flags %q", m.Flags)
				}
			}
		})
	}
}

func TestAWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	m := mailbox(server)
	m.Password = says("wrong-horse")
	test := probe.Test{Mailbox: m, Keys: keys(t), Aliases: []string{imaptest.User}}
	for range 3 {
		steps := test.Run(t.Context())
		want(t, steps, "sign-in", probe.Failed)
		want(t, steps, "inbox", probe.Skipped, "sign-in")
		want(t, steps, "move", probe.Skipped)
		want(t, steps, "alias "+imaptest.User, probe.Skipped)
		if probe.Works(steps) || strings.Contains(step(t, steps, "sign-in").Words, "wrong-horse") {
			t.Errorf("%+v", steps)
		}
	}
	want(t, test.Run(t.Context()), "sign-in", probe.Failed, "--again")
	if n := server.SignIns(); n != 1 {
		t.Errorf("the server saw %d sign-ins", n)
	}
	test.Again = true
	want(t, test.Run(t.Context()), "sign-in", probe.Failed, "AUTHENTICATIONFAILED")
	if n := server.SignIns(); n != 2 {
		t.Errorf("the server saw %d sign-ins", n)
	}
	test.Again, m.Password = false, says(imaptest.Password)
	want(t, test.Run(t.Context()), "sign-in", probe.OK)
}

// A source that reads the mailbox and a test of it know of one another what was refused.
func TestWhatASourceWasRefusedATestDoesNotSend(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	m := mailbox(server)
	m.Password, m.Poll = says("wrong-horse"), time.Hour
	run(t, *m, func(imap.Mail) {}, func(s *imap.Source) bool { p := s.State().Problem; return p != nil && p.Refused })
	want(t, probe.Test{Mailbox: m}.Run(t.Context()), "sign-in", probe.Failed, "not sent again")
	if n := server.SignIns(); n != 1 {
		t.Errorf("the server saw %d sign-ins", n)
	}
}

// keeping are books that keep nothing but tell of what comes.
type keeping struct {
	mu   sync.Mutex
	seen map[string]bool
	keep func(imap.Mail)
}

func (k *keeping) Begun(context.Context, uint32, uint32) (uint32, error) { return 1, nil }

func (k *keeping) Missing(_ context.Context, objects []string) (missing []string, _ error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, object := range objects {
		if !k.seen[object] {
			missing = append(missing, object)
		}
	}
	return missing, nil
}

func (k *keeping) Spool(_ context.Context, m imap.Mail) error {
	k.mu.Lock()
	k.seen[m.Object] = true
	k.mu.Unlock()
	k.keep(m)
	return nil
}

// run reads a mailbox until the test ends, and returns once it has come to something.
func run(t *testing.T, m imap.Mailbox, keep func(imap.Mail), until func(*imap.Source) bool) *imap.Source {
	t.Helper()
	s, err := imap.New(m, &keeping{seen: map[string]bool{}, keep: keep}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for end := time.Now().Add(patience); !until(s); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to this: %+v", s.State())
		}
	}
	return s
}

func TestABrokerThatReadsTheMailboxTakesNoTestForATicket(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	m, k := mailbox(server), keys(t)
	own, others := make(chan string, 100), make(chan imap.Mail, 100)
	s := run(t, *m, func(mail imap.Mail) {
		if message.Read(mail.Raw, message.Options{Own: k.Own}).Kind != message.Own {
			others <- mail
			return
		}
		own <- mail.Object
	}, func(s *imap.Source) bool { return !s.State().Complete.IsZero() })
	ctx, cancel := context.WithCancel(t.Context())
	var acknowledging sync.WaitGroup
	defer acknowledging.Wait()
	defer cancel()
	acknowledging.Go(func() { // as a driver does with own mail
		for {
			select {
			case object := <-own:
				_, _ = s.Acknowledge(ctx, object, imap.Processed)
			case <-ctx.Done():
				return
			}
		}
	})
	for range 5 {
		steps := probe.Test{Mailbox: m, Keys: k, Aliases: []string{"sales@example.test"}, Send: delivers(server, imaptest.User), Look: 10 * time.Millisecond}.Run(t.Context())
		want(t, steps, "move", probe.OK)
		want(t, steps, "alias sales@example.test", probe.OK)
	}
	nothingLeft(t, server)
	if len(others) > 0 {
		t.Errorf("this would become a ticket:\n%s", (<-others).Raw)
	}
}

func TestAnAddressWhoseMailsGoElsewhere(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	test := probe.Test{
		Mailbox: mailbox(server), Keys: keys(t), Aliases: []string{"lost@example.test", "refused@example.test", "silent@example.test"}, Wait: 50 * time.Millisecond, Look: 10 * time.Millisecond,
		Send: func(_ context.Context, _, to string, raw []byte) error {
			switch {
			case strings.HasPrefix(to, "refused"):
				return errors.New("550 no such user")
			case strings.HasPrefix(to, "silent"):
				server.Deliver(raw)
			}
			return nil
		},
	}
	steps := test.Run(t.Context())
	want(t, steps, "alias lost@example.test", probe.Failed, "did not come")
	want(t, steps, "alias refused@example.test", probe.Failed, "550 no such user")
	want(t, steps, "alias silent@example.test", probe.OK, "the server does not say")
	test.Aliases, test.Send = []string{"group@example.test"}, func(_ context.Context, _, to string, raw []byte) error {
		server.Deliver([]byte("Delivered-To: " + imaptest.User + "\r\n" + strings.Replace(string(raw), to, "undisclosed", 1)))
		return nil
	}
	want(t, test.Run(t.Context()), "alias group@example.test", probe.Warn, "is not in the mail any more", "X-Original-To")
	test.Aliases, test.Send = []string{"lost@example.test"}, nil
	want(t, test.Run(t.Context()), "alias lost@example.test", probe.Skipped, "no mail was sent")
	nothingLeft(t, server)
}

func TestCertificatesAndPortsThatDoNotFit(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	for word, change := range map[string]func(*imap.Mailbox){
		"comes from nobody whom this machine trusts":     func(m *imap.Mailbox) { m.Config = nil },
		"is not for imap.example.com, but for localhost": func(m *imap.Mailbox) { m.Config.ServerName = "imap.example.com" },
		"is not valid at this time":                      func(m *imap.Mailbox) { m.Config.Time = func() time.Time { return time.Now().AddDate(1, 0, 0) } },
		"does not speak TLS from the start":              func(m *imap.Mailbox) { m.Server = server.Plain },
	} {
		m := mailbox(server)
		change(m)
		steps := probe.Test{Mailbox: m, Keys: keys(t)}.Run(t.Context())
		want(t, steps, "connection", probe.OK)
		want(t, steps, "tls", probe.Failed, word)
		want(t, steps, "sign-in", probe.Skipped)
	}
	if n := server.SignIns(); n != 0 {
		t.Errorf("the server saw %d sign-ins", n)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{})
	m := mailbox(server)
	m.Processed = "a//b"
	steps := probe.Test{Mailbox: m, Keys: keys(t)}.Run(t.Context())
	want(t, steps, "folder Processed", probe.Failed, "make the folder in the mailbox")
	want(t, steps, "folder DeadLetter", probe.OK, "was made")
	want(t, steps, "move", probe.Skipped, "a folder is missing")
}

func TestWithATokenItSaysByWhatItSignsIn(t *testing.T) {
	t.Parallel()
	judge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"active": r.PostFormValue("token") == "good-token", "username": imaptest.User})
	}))
	t.Cleanup(judge.Close)
	server := imaptest.Start(t, imaptest.Options{Introspect: judge.URL})
	m := mailbox(server)
	m.Password, m.Token = nil, says("good-token")
	want(t, probe.Test{Mailbox: m}.Run(t.Context()), "sign-in", probe.OK, "access token", "OAUTHBEARER")
	m.Token = says("stale-token")
	test := probe.Test{Mailbox: m}
	want(t, test.Run(t.Context()), "sign-in", probe.Failed, "refuses the access token")
	test.Again = true
	asked := false // whoever gives tokens is to ask for another
	m.Token = func(context.Context) (string, error) {
		if asked {
			return "good-token", nil
		}
		return "stale-token", nil
	}
	m.Again = func() { asked = true }
	want(t, test.Run(t.Context()), "sign-in", probe.OK)
}

func TestAMailboxWhoseMailsStayInTheInbox(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{Capabilities: "IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS"})
	server.Deliver([]byte("From: a@example.test\r\nSubject: a customer's\r\n\r\nhelp\r\n"))
	m := mailbox(server)
	m.LeaveSince = time.Now().AddDate(0, 0, -1)
	steps := probe.Test{Mailbox: m, Keys: keys(t), Aliases: []string{imaptest.User}, Send: delivers(server, imaptest.User), Look: 10 * time.Millisecond}.Run(t.Context())
	want(t, steps, "inbox", probe.OK, "mails in it: 1", "keeps marks of our own")
	want(t, steps, "abilities", probe.OK, "IDLE")
	want(t, steps, "mark", probe.OK, "marked as done with")
	want(t, steps, "alias "+imaptest.User, probe.OK, "the mailbox's own address")
	if got := results(steps); strings.Contains(got, "folder") || strings.Contains(got, "move") {
		t.Error(got)
	}
	nothingLeft(t, server)
	if left := server.Folder("INBOX"); len(left) != 1 || left[0].Flags != "" || server.Has("Processed") || server.Has("DeadLetter") {
		t.Errorf("the inbox has %+v, or a folder was made", left)
	}
}
