package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// proof returns what the method shows to Vault, read anew: a token, a secret id, a JWT. It is empty for cert, whose
// certificate belongs to the connection.
func (a Auth) proof(ctx context.Context) (secret.Value, error) {
	switch a.Method {
	case "cert":
		return secret.Value{}, nil
	case "token", "approle":
		value, err := a.Secret(ctx)
		if err != nil {
			return value, fmt.Errorf("%w: auth %s: %w", secret.ErrDown, a.Method, err)
		}
		return a.usable(value.Reveal(), "what the config names")
	default:
		text, err := readSmall(a.Path)
		if err != nil {
			return secret.Value{}, err
		}
		return a.usable(string(bytes.TrimSpace(text)), a.Path)
	}
}

// usable refuses a text that cannot be a token, a secret id or a JWT, and would not pass as a header.
func (a Auth) usable(text, from string) (secret.Value, error) {
	if text == "" {
		return secret.Value{}, fmt.Errorf("%w: auth %s: %s is empty", secret.ErrDown, a.Method, from)
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return secret.Value{}, fmt.Errorf("%w: auth %s: %s holds a space, a line break or a character that no secret of Vault's has", secret.ErrDown, a.Method, from)
		}
	}
	return secret.NewValue(text), nil
}

// isLogin tells whether the method gets a token from Vault, rather than having one.
func (a Auth) isLogin() bool { return a.Method != "token" && a.Method != "token_file" }

// body is what is written to auth/<mount>/login.
func (a Auth) body(proof secret.Value) map[string]string {
	switch {
	case a.Method == "approle":
		return map[string]string{"role_id": a.Role, "secret_id": proof.Reveal()}
	case a.Method != "cert":
		return map[string]string{"role": a.Role, "jwt": proof.Reveal()}
	case a.Role != "":
		return map[string]string{"name": a.Role}
	default:
		return map[string]string{}
	}
}

// token is one token and what is known of its life.
type token struct {
	text    secret.Value
	number  int // counts sign-ins; 0: none
	since   time.Time
	ttl     time.Duration // when it was given or renewed last; 0: no end, or none that is known
	expires time.Time     // zero with ttl
	// renewable: its life can be prolonged by us.
	renewable bool
	// looksUp: its policy lets it look itself up, so that one that cannot is dead.
	looksUp bool
	// uses is how many requests it may still be sent with; -1: any number.
	uses int
}

// live tells whether the token can be used, as far as is known here.
func (t token) live(now time.Time) bool {
	return t.number > 0 && t.uses != 0 && (t.expires.IsZero() || now.Before(t.expires))
}

// due is when the token is to be renewed or replaced: when two thirds of its life are over. Zero: never.
func (t token) due() time.Time {
	if t.expires.IsZero() {
		return time.Time{}
	}
	return t.expires.Add(-t.ttl / 3)
}

func (t *token) liveFor(ttl time.Duration, now time.Time) {
	t.ttl, t.expires = max(ttl, 0), time.Time{}
	if t.ttl > 0 {
		t.expires = now.Add(t.ttl)
	}
}

// refusal is the error of a Vault that answered, and does not take what it was shown.
type refusal struct {
	error
	// counted: Vault counts it, and locks when there are some.
	counted bool
}

func (r refusal) Unwrap() error { return r.error }

// login gets a token for a proof.
func (s *session) login(ctx context.Context, proof secret.Value) (token, error) {
	if !s.auth.isLogin() {
		return s.adopt(ctx, proof)
	}
	begun := time.Now()
	a, err := s.wire.do(ctx, request{
		method: http.MethodPut, path: location{"auth", s.auth.Mount, "login"}.escaped(), body: s.auth.body(proof),
	})
	if err != nil {
		return token{}, err
	}
	auth := a.secret().Auth
	switch {
	case a.status != http.StatusOK:
		return token{}, s.refusedBy(a)
	case auth == nil || auth.ClientToken == "" && auth.MFARequirement == nil:
		return token{}, s.refused("Vault gives no token")
	case auth.ClientToken == "":
		return token{}, s.refused("Vault demands a second factor, which a program has not: take psagate's role out of that rule")
	}
	t := token{text: secret.NewValue(auth.ClientToken), since: begun, renewable: auth.Renewable, uses: usesOf(a)}
	t.liveFor(time.Duration(auth.LeaseDuration)*time.Second, begun)
	for _, policy := range auth.Policies {
		t.looksUp = t.looksUp || policy == "default" || policy == "root"
	}
	return t, nil
}

// usesOf reads for how many requests a new token is good, which vault/api does not know of.
func usesOf(a answer) int {
	var given struct {
		Auth struct {
			NumUses int `json:"num_uses"`
		}
	}
	if json.Unmarshal(a.body, &given) != nil || given.Auth.NumUses <= 0 {
		return -1
	}
	return given.Auth.NumUses
}

func (s *session) refused(format string, args ...any) refusal {
	return refusal{error: fmt.Errorf("%w: sign-in by %s: "+format, append([]any{secret.ErrDown, s.auth.Method}, args...)...)}
}

// refusedBy is the refusal of a sign-in that Vault answered. Vault counts the secret ids that are wrong; newer ones do not
// tell them from role ids that are.
func (s *session) refusedBy(a answer) refusal {
	counted := s.auth.Method == "approle" && a.status == http.StatusBadRequest && strings.Contains(strings.ToLower(a.text()), "secret id")
	r := s.refused("Vault answers %d%s%s", a.status, a.quoted(), s.advice(a, counted))
	r.counted = counted
	return r
}

// advice says what to do about a sign-in that was refused, as far as the status tells.
func (s *session) advice(a answer, counted bool) string {
	mounted := ""
	if a.status == http.StatusNotFound || a.status == http.StatusForbidden { // 403 is also for what is mounted nowhere
		mounted = fmt.Sprintf("; is the auth method mounted at %q?", s.auth.Mount)
	}
	if a.status == http.StatusForbidden && s.auth.Method == "approle" {
		mounted += " or has Vault locked the role id (vault read sys/locked-users)?"
	}
	switch s.auth.Method {
	case "approle":
		if counted {
			mounted += "; it is shown once more, and then not for 20 minutes, as Vault locks a role id that fails five times"
		}
		return ": check the role id; the secret id may be wrong, expired or used up, and another one is tried at once" + mounted
	case "cert":
		return ": check that a certificate role fits the client certificate" + mounted
	default:
		return fmt.Sprintf(": check role %q and the JWT in %s%s", s.auth.Role, s.auth.Path, mounted)
	}
}

// adopt takes a token that others made, and asks Vault about it.
func (s *session) adopt(ctx context.Context, proof secret.Value) (token, error) {
	begun := time.Now()
	a, err := s.lookUp(ctx, proof)
	switch {
	case err != nil:
		return token{}, err
	case a.status == http.StatusForbidden && (a.saysTokenIsDead() || s.lookedUp.Equal(proof)):
		return token{}, s.refused("the token is not valid any more (expired, revoked or used up): a new one is needed")
	case a.status == http.StatusForbidden: // dead, or without the policy "default": the first reading tells
		return token{text: proof, since: begun, uses: -1}, nil
	case a.status != http.StatusOK:
		return token{}, s.refused("Vault answers %d%s", a.status, a.quoted())
	}
	s.lookedUp = proof
	t := token{text: proof, since: begun, looksUp: true, uses: -1}
	t.describe(a, begun)
	t.renewable = t.renewable && s.auth.Method == "token" // who writes a token file renews the token
	return t, nil
}

// describe takes over what a look-up tells of the token.
func (t *token) describe(a answer, now time.Time) {
	told := a.secret()
	if ttl, err := told.TokenTTL(); err == nil {
		t.liveFor(ttl, now)
	}
	t.renewable, _ = told.TokenIsRenewable()
	if uses, err := told.TokenRemainingUses(); err == nil && uses > 0 {
		t.uses = uses
	}
}

func (s *session) lookUp(ctx context.Context, text secret.Value) (answer, error) {
	return s.wire.do(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self", token: text})
}

// renew prolongs a token's life. Its error is a refusal where Vault will not, or not as far as before.
func (s *session) renew(ctx context.Context, t token) (token, error) {
	begun := time.Now()
	a, err := s.wire.do(ctx, request{
		method: http.MethodPut, path: "auth/token/renew-self", token: t.text, body: map[string]string{},
	})
	if err != nil && a.status != http.StatusInternalServerError { // which is for a token past its longest life
		return t, err
	}
	auth := a.secret().Auth
	if a.status != http.StatusOK || auth == nil {
		return t, refusal{error: fmt.Errorf("%w: Vault does not renew the token: it answers %d%s", secret.ErrDown, a.status, a.quoted())}
	}
	ttl := time.Duration(auth.LeaseDuration) * time.Second
	if ttl < t.ttl {
		t.liveFor(max(ttl, t.expires.Sub(begun), 1), begun) // 0 would be a life without end
		return t, refusal{error: fmt.Errorf("%w: Vault does not renew the token beyond the end of its life", secret.ErrDown)}
	}
	t.liveFor(ttl, begun)
	return t, nil
}
