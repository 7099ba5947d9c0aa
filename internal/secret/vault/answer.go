package vault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/secret"
)

// maxQuote is how much of what Vault says about an error is passed on, in bytes.
const maxQuote = 200

// answer is what Vault said. Its body may hold secrets and must not be shown.
type answer struct {
	status int
	body   []byte
	sent   []secret.Value // with the request; Vault may quote it
}

func (a answer) isRedirect() bool {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// text is what Vault says about an error, on one line and without what was sent; empty where it says nothing.
func (a answer) text() string {
	var said api.ErrorResponse
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	text := secret.Redact(strings.Join(said.Errors, "; "), a.sent...)
	text = strings.Join(strings.Fields(text), " ")
	for _, frame := range []string{"1 error occurred: * ", "2 errors occurred: * "} {
		text = strings.TrimPrefix(text, frame)
	}
	if len(text) > maxQuote {
		text = strings.ToValidUTF8(text[:maxQuote], "") + "…"
	}
	return text
}

// saysTokenIsDead: newer Vaults tell a token that is unknown or expired from one that lacks a permission.
func (a answer) saysTokenIsDead() bool {
	text := a.text()
	return strings.Contains(text, "invalid token") || strings.Contains(text, "bad token")
}

// unexpected is the error for an answer that nothing else is known about.
func (a answer) unexpected(doing string) error {
	return fmt.Errorf("%w: %s: Vault answers %d%s", secret.ErrUnavailable, doing, a.status, a.quoted())
}

func (a answer) quoted() string {
	if text := a.text(); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// judge returns the trouble of the Vault as a whole that an answer tells of.
func (w *wire) judge(a answer) error {
	problem := a.trouble()
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%w: %s %s", secret.ErrDown, w.name(), problem)
}

func (a answer) trouble() string {
	switch {
	case a.status >= http.StatusInternalServerError:
		return a.failure()
	case a.status == http.StatusTooManyRequests:
		return "limits the rate of requests (429)"
	case a.status == http.StatusBadRequest && strings.HasPrefix(string(a.body), "Client sent an HTTP request to an HTTPS server"):
		return "speaks HTTPS: the address must begin with https://"
	case !json.Valid(a.body) && a.status != http.StatusNoContent:
		return fmt.Sprintf("answers %d with what no Vault says: is the address right?", a.status)
	default:
		return ""
	}
}

func (a answer) failure() string {
	switch text := a.text(); {
	case strings.Contains(text, "Vault is sealed"):
		return "is sealed: it must be unsealed"
	case strings.Contains(text, "not initialized") || a.status == http.StatusNotImplemented:
		return "is not initialised"
	case strings.Contains(text, "standby"):
		return "is a standby that knows no active Vault"
	case a.aboutOneThing():
		return ""
	default:
		return fmt.Sprintf("answers %d%s", a.status, a.quoted())
	}
}

// aboutOneThing tells whether an error of the server's may be that of the one thing that was asked for: a Vault that
// cannot read one record from its storage answers for all others.
func (a answer) aboutOneThing() bool {
	return a.text() != "" && a.status != http.StatusServiceUnavailable
}
