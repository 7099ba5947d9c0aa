package issuer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const back = "https://gate.example.com/psagate/callback/corp"

var theFlow = Flow{Redirect: back, State: "state", Nonce: "nonce-of-this-sign-in", Verifier: "a-verifier-that-has-at-least-43-characters-in-it"}

// of returns an issuer for a liar, without a network.
func of(t testing.TB, l *issuertest.Liar, change ...func(*Config)) *Issuer {
	t.Helper()
	cfg := Config{
		Name: "corp", URL: l.URL, ClientID: issuertest.ClientID, Audience: issuertest.Audience, Transport: l.Transport(),
		ClientSecret: func(context.Context) (secret.Value, error) { return secret.NewValue(issuertest.ClientSecret), nil },
	}
	for _, f := range change {
		f(&cfg)
	}
	i, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func newLiar() *issuertest.Liar { return issuertest.NewLiar("https://login.example.com") }

// exchange brings a code of the liar's, as the browser would.
func exchange(t testing.TB, i *Issuer, l *issuertest.Liar) (Person, error) {
	t.Helper()
	return i.Exchange(t.Context(), theFlow, l.Code(theFlow.Nonce, theFlow.Verifier, back))
}

// wrong checks that an error is of a kind and says something.
func wrong(t *testing.T, name string, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %v that says %q", name, err, kind, says)
	}
}
