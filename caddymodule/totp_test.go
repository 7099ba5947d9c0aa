package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/totp"
)

// auditBook is an audit log that may be full.
type auditBook struct {
	err     error
	entries []audit.Entry
}

func (l *auditBook) Append(_ context.Context, e audit.Entry) error {
	l.entries = append(l.entries, e)
	return l.err
}

// sharedCodes are those of the login main, in a file.
func sharedCodes(t *testing.T, log auditor) loginCodes {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secrets.json")
	if err := os.WriteFile(file, []byte(`{"autotask/main": {"totp_seed": "`+sharedSeed+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	store := secret.NewStore("file", secret.NewFile(file, false), secret.Options{})
	store.Start(t.Context())
	t.Cleanup(store.Stop)
	return loginCodes{of: map[string]totp.Shared{"main": {Store: store, Path: "autotask/main"}}, log: log}
}

func TestACodeIsForWhomTheAuditLogNames(t *testing.T) {
	ann := session.Person{Issuer: "corp", Subject: "7d1f", Email: "ann@example.com", Name: "Ann"}
	for _, c := range []struct {
		to   Viewer
		want audit.Entry
	}{
		{Viewer{Person: &ann, Address: "192.0.2.7"}, audit.Entry{Kind: audit.Event, Event: "code_shown", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Login: "main", Address: "192.0.2.7"}},
		{Viewer{}, audit.Entry{Kind: audit.Event, Event: "code_shown", CallerKind: audit.Operator, Login: "main"}},
	} {
		log := new(auditBook)
		code, err := sharedCodes(t, log).code(t.Context(), "main", c.to)
		if err != nil || len(code.Text.Reveal()) != 6 {
			t.Errorf("%v, error %v", code, err)
		}
		if got, want := fmt.Sprintf("%+v", log.entries), fmt.Sprintf("%+v", []audit.Entry{c.want}); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestNoCodeIsShownThatTheAuditLogDoesNotTellOf(t *testing.T) {
	full := errors.New("no space left")
	for name, log := range map[string]auditor{"there is no audit log": nil, "no space left": &auditBook{err: full}} {
		code, err := sharedCodes(t, log).code(t.Context(), "main", Viewer{})
		if err == nil || !strings.Contains(err.Error(), name) || code.Text.Reveal() != "" {
			t.Errorf("%s: error %v, %d digits", name, err, len(code.Text.Reveal()))
		}
	}
	log := new(auditBook)
	if _, err := sharedCodes(t, log).code(t.Context(), "third", Viewer{}); !errors.Is(err, errNoCodes) || len(log.entries) != 0 {
		t.Errorf("a login without codes: %v, %+v", err, log.entries)
	}
}

func TestTheAdminEndpointTellsOfNoCodeThatNoLoginHas(t *testing.T) {
	server := admin{running(t, new(fake))}
	for body, want := range map[string]string{"": "the body must be", "third": `login "third": `} {
		var out any
		if err := server.post("totp/shown", map[string]string{"login": body}, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", body, err)
		}
	}
}
