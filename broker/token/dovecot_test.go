//go:build unix

package token_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/internal/imaptest"
)

// noBooks are those of a mailbox in which nothing is looked for.
type noBooks struct{}

func (noBooks) Missing(context.Context, []string) ([]string, error)   { return nil, nil }
func (noBooks) Begun(context.Context, uint32, uint32) (uint32, error) { return 1, nil }
func (noBooks) Spool(context.Context, imap.Mail) error                { return nil }

func TestDovecotTakesTheTokensOfAnApplication(t *testing.T) {
	t.Parallel()
	judge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"active": r.PostFormValue("token") == "access-1", "username": imaptest.User})
	}))
	t.Cleanup(judge.Close)
	dovecot := imaptest.Start(t, imaptest.Options{Introspect: judge.URL, Mechanisms: "xoauth2"})
	tokens := &server{answer: numbered()}
	source := credentials(t, tokens, &kept{value: clientSecret})
	s, err := imap.New(imap.Mailbox{Server: dovecot.TLS, Config: &tls.Config{RootCAs: dovecot.Roots}, User: imaptest.User, Token: source.Token, Poll: time.Hour}, noBooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for end := time.Now().Add(time.Minute); s.State().Complete.IsZero() || dovecot.SignIns() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the inbox is not read: %v\n%s", s.State().Problem, dovecot.Log())
		}
	}
	if n := dovecot.SignIns(); n != 1 || tokens.asked() != 1 {
		t.Errorf("there were %d sign-ins with %d tokens", n, tokens.asked())
	}
}
