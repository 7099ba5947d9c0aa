//go:build unix

package caddymodule

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/report"
)

// handing is a way to the PSA's mail service whose server hands on other mails, too: to the mailbox.
type handing struct{ server *imaptest.Server }

// HandOver implements drive.Fallback.
func (handing) HandOver(context.Context, drive.Ticket, bool) error {
	return errors.New("a test is no ticket")
}

// Send hands a mail on.
func (h handing) Send(_ context.Context, _, _ string, raw []byte) error {
	h.server.Deliver(raw)
	return nil
}

// SendAgain hands it on as well.
func (h handing) SendAgain(ctx context.Context, from, to string, raw []byte) error {
	return h.Send(ctx, from, to, raw)
}

func TestAMailboxOfARealServerIsTested(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	keys, err := thread.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	secret := func(context.Context) (string, error) { return imaptest.Password, nil }
	hasMailboxes(t, map[string]*mail.Mailbox{"support": {
		IMAP:  &imap.Mailbox{Server: server.TLS, Config: &tls.Config{RootCAs: server.Roots}, User: imaptest.User, Password: secret},
		Route: route.Mailbox{Keys: keys, Aliases: []route.Alias{{Address: imaptest.User}}}, Fallback: handing{server},
	}})
	got := run(t, "mail", "test", "support", "--send", "--json", "--address", running(t, new(fake)))
	var done report.MailTest
	if err := json.Unmarshal([]byte(got.out), &done); err != nil || got.status != exitYes {
		t.Fatalf("status %d: %v\n%s%s", got.status, err, got.out, got.err)
	}
	want := map[string]string{"tls": "warn"} // its certificate is for a day
	for _, s := range done.Steps {
		if result := want[s.Name]; s.Result != "ok" && s.Result != result {
			t.Errorf("%+v", s)
		}
	}
	if len(done.Steps) != 11 || len(server.Folder("INBOX"))+len(server.Folder("Processed")) != 0 {
		t.Errorf("%d steps, and %d mails are left", len(done.Steps), len(server.Folder("INBOX"))+len(server.Folder("Processed")))
	}
}
