package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// metadata is what the provider says of itself (OpenID Connect Discovery 1.0, section 3).
func (p *Provider) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + pathAuthorize, "token_endpoint": p.issuer + pathToken,
		"jwks_uri": p.issuer + pathKeys, "end_session_endpoint": p.issuer + pathEnd,
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code"},
		"subject_types_supported": []string{"public"}, "scopes_supported": []string{"openid"},
		"id_token_signing_alg_values_supported":          []string{string(jose.RS256)},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
}

// token gives the client an ID token for a code. The access token beside it opens nothing: there is no interface here.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if !p.proves(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="the demo's provider"`)
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if r.PostFormValue("grant_type") != "authorization_code" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
		return
	}
	g, good := p.take(r.PostFormValue("code"))
	if !good || g.redirect != r.PostFormValue("redirect_uri") || !same(g.challenge, challengeOf(r.PostFormValue("code_verifier"))) {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	id, err := jwt.Signed(p.signer).Claims(p.claims(g)).Serialize()
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": int(tokenLasts / time.Second), "id_token": id,
	})
}

// tokenLasts is for how long tokens are good.
const tokenLasts = 5 * time.Minute

// claims are an ID token's (OpenID Connect Core 1.0, section 2).
func (p *Provider) claims(g grant) map[string]any {
	now := p.now()
	c := map[string]any{
		"iss": p.issuer, "aud": p.client.ID, "sub": g.person.Subject, "iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(tokenLasts).Unix(),
		"name": g.person.Name, "groups": append([]string{}, g.person.Groups...),
	}
	if g.nonce != "" {
		c["nonce"] = g.nonce
	}
	return c
}

// proves reports whether a request is the client's. Its id and secret are written as in forms (RFC 6749, section 2.3.1).
func (p *Provider) proves(r *http.Request) bool {
	id, password, _ := r.BasicAuth()
	plainID, err := url.QueryUnescape(id)
	if err != nil {
		return false
	}
	plain, err := url.QueryUnescape(password)
	return err == nil && same(plainID, p.client.ID) && same(plain, p.client.Secret)
}

// take gives out what a code is good for, and never again.
func (p *Provider) take(code string) (g grant, good bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, good = p.codes[code]
	delete(p.codes, code)
	return g, good && p.now().Before(g.ends)
}

// challengeOf is the challenge of a verifier (RFC 7636, section 4.6).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
