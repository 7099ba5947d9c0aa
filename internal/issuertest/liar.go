package issuertest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Liar is a provider that does what it is told to, right or wrong. It shows no forms: whoever comes to sign in is User.
type Liar struct {
	// URL is its own.
	URL string

	mu     sync.Mutex
	lies   Lies
	keys   []*key
	codes  map[string]grant
	counts map[string]int
	mux    *http.ServeMux
}

// The client that it knows.
const (
	ClientID     = "gate"
	ClientSecret = "gate-secret-of-the-tests"
	Audience     = "https://psa.example.com"
)

// Lies are what the liar does otherwise than it should. The zero value is a provider that is honest.
type Lies struct {
	// Metadata changes what it says of itself, Header and Claims a token that it signs.
	Metadata, Header, Claims func(map[string]any)
	// Sign makes a token's signature of the two parts before it; nil: with the newest key.
	Sign func(signed string) []byte
	// User is what it knows of who signs in; nil: ann.
	User map[string]any
	// InUserInfo: what is more than the subject is told by its userinfo alone.
	InUserInfo bool
	// UserInfo changes what that says.
	UserInfo func(map[string]any)
	// Status is what it answers with, where that is not 0. Wait is how long it takes. Huge: its answers do not end.
	Status int
	Wait   time.Duration
	Huge   bool
	// Deny is the error that it sends browsers back with, and Why says more.
	Deny, Why string
	// Answer changes what it sends browsers back with.
	Answer func(url.Values)
	// Replays: it takes a code more than once.
	Replays bool
	// Keys is its key set, where it is not nil.
	Keys func() any
}

// grant is what a code is good for.
type grant struct{ nonce, challenge, redirect string }

// NewLiar returns a liar that is served by whoever calls ServeHTTP, or through Transport.
func NewLiar(at string) *Liar {
	l := &Liar{URL: at, codes: map[string]grant{}, counts: map[string]int{}, mux: http.NewServeMux()}
	l.Rotate()
	l.mux.HandleFunc("GET /.well-known/openid-configuration", l.metadata)
	l.mux.HandleFunc("GET /keys", l.keySet)
	l.mux.HandleFunc("GET /authorize", l.authorize)
	l.mux.HandleFunc("POST /token", l.token)
	l.mux.HandleFunc("GET /userinfo", l.userinfo)
	l.mux.HandleFunc("GET /end", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("post_logout_redirect_uri"), http.StatusSeeOther)
	})
	return l
}

// StartLiar serves a liar on a loopback port until the test ends.
func StartLiar(t testing.TB) *Liar {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	l := NewLiar("http://" + server.Listener.Addr().String())
	server.Config.Handler = l
	server.Start()
	t.Cleanup(server.Close)
	return l
}

// Lie changes what it does from now on.
func (l *Liar) Lie(lies Lies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lies = lies
}

func (l *Liar) now() Lies {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lies
}

// Count is how many requests came to a path.
func (l *Liar) Count(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[path]
}

// ServeHTTP implements http.Handler.
func (l *Liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.counts[r.URL.Path]++
	lies := l.lies
	l.mu.Unlock()
	if lies.Wait > 0 {
		select {
		case <-time.After(lies.Wait):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case lies.Status != 0:
		w.WriteHeader(lies.Status)
		_, _ = w.Write([]byte("out of order, and here is what you sent: " + r.Header.Get("Authorization")))
	case lies.Huge:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"issuer":"`))
		for range 64 {
			if _, err := w.Write([]byte(strings.Repeat("x", 64<<10))); err != nil {
				return
			}
		}
	default:
		l.mux.ServeHTTP(w, r)
	}
}

// Transport is a way to the liar without a network, for tests in a bubble.
func (l *Liar) Transport() http.RoundTripper { return inMemory{l} }

type inMemory struct{ liar *Liar }

// RoundTrip implements http.RoundTripper.
func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), m.liar.URL+"/") {
		return nil, fmt.Errorf("there is no %s", r.URL.Host)
	}
	w := httptest.NewRecorder()
	m.liar.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func (l *Liar) metadata(w http.ResponseWriter, _ *http.Request) {
	m := map[string]any{
		"issuer": l.URL, "authorization_endpoint": l.URL + "/authorize", "token_endpoint": l.URL + "/token",
		"jwks_uri": l.URL + "/keys", "userinfo_endpoint": l.URL + "/userinfo", "end_session_endpoint": l.URL + "/end",
		"authorization_response_iss_parameter_supported": true,
		"id_token_signing_alg_values_supported":          []string{"RS256"},
	}
	if change := l.now().Metadata; change != nil {
		change(m)
	}
	answer(w, http.StatusOK, m)
}

func (l *Liar) authorize(w http.ResponseWriter, r *http.Request) {
	q, lies := r.URL.Query(), l.now()
	back := url.Values{"state": {q.Get("state")}, "iss": {l.URL}}
	if lies.Deny != "" {
		back.Set("error", lies.Deny)
		back.Set("error_description", lies.Why)
	} else {
		back.Set("code", l.code(grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}))
	}
	if lies.Answer != nil {
		lies.Answer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (l *Liar) code(g grant) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	code := rand.Text()
	l.codes[code] = g
	return code
}

// Code returns a code for a sign-in, as a browser would bring it.
func (l *Liar) Code(nonce, verifier, redirect string) string {
	sum := sha256.Sum256([]byte(verifier))
	return l.code(grant{nonce, base64.RawURLEncoding.EncodeToString(sum[:]), redirect})
}

func (l *Liar) token(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != ClientID || password != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	lies, code := l.now(), r.FormValue("code")
	l.mu.Lock()
	g, good := l.codes[code]
	if !lies.Replays {
		delete(l.codes, code)
	}
	l.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !good || g.redirect != r.FormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "you sent " + code})
		return
	}
	access := rand.Text()
	sum = sha256.Sum256([]byte(access))
	claims := l.claims(ClientID)
	claims["nonce"], claims["at_hash"] = g.nonce, base64.RawURLEncoding.EncodeToString(sum[:16])
	if !lies.InUserInfo {
		maps.Copy(claims, l.user())
	}
	answer(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": l.Token("JWT", claims)})
}

func (l *Liar) userinfo(w http.ResponseWriter, _ *http.Request) {
	user := maps.Clone(l.user())
	if change := l.now().UserInfo; change != nil {
		change(user)
	}
	answer(w, http.StatusOK, user)
}

func (l *Liar) user() map[string]any {
	if user := l.now().User; user != nil {
		return user
	}
	return map[string]any{"sub": "ann", "sid": "s1", "email": "ann@example.com", "email_verified": true, "name": "Ann Example", "groups": []string{"ops", "sales"}}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
