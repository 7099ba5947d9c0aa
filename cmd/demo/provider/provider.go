package provider

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Person is somebody whom the provider knows.
type Person struct {
	// Subject is what tokens call the person, and Name is for people to read.
	Subject, Name string
	// About says on the page of the sign-in who it is.
	About string
	// Groups are those that tokens name.
	Groups []string
}

// Client is the one program that people sign in to by the provider.
type Client struct {
	// ID and Secret are what it proves itself with when it brings a code.
	ID, Secret string
	// Callback is where people go back to after they have signed in, SignedOut after they have signed out. No other address is taken.
	Callback, SignedOut string
}

// Provider is an http.Handler. Any number of callers may use it.
type Provider struct {
	issuer, host string
	client       Client
	people       []Person
	key          jose.JSONWebKey // with its private half
	signer       jose.Signer
	handler      http.Handler
	now          func() time.Time

	mu    sync.Mutex
	codes map[string]grant
	apps  []app
}

// bits is how long the key is that tokens are signed with: RS256 has no shorter ones (RFC 7518, section 3.3).
const bits = 2048

// New returns a provider that calls itself by a URL, which is where it must be served. Its errors say what is wrong with the URL, or
// that there is no key.
func New(issuer string, client Client, people []Person) (*Provider, error) {
	at, err := url.Parse(issuer)
	if err != nil || at.Host == "" || strings.HasSuffix(issuer, "/") {
		return nil, fmt.Errorf("%q cannot be a provider's URL: it is scheme, host and port", issuer)
	}
	if client.ID == "" || client.Secret == "" {
		return nil, errors.New("the provider's client needs an id and a secret")
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("making the provider's key: %w", err)
	}
	p := &Provider{
		issuer: issuer, host: at.Host, client: client, people: people, now: time.Now, codes: map[string]grant{},
		key: jose.JSONWebKey{Key: private, KeyID: rand.Text()[:8], Algorithm: string(jose.RS256), Use: "sig"},
	}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.key}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("the provider cannot sign: %w", err)
	}
	p.handler = p.routes()
	return p, nil
}

// The provider's addresses.
const (
	pathAuthorize = "/authorize"
	pathToken     = "/token"
	pathKeys      = "/keys"
	pathEnd       = "/end"
	pathPhone     = "/phone"
	pathStyle     = "/style.css"
)

// maxBody is how much of a request is read, in bytes.
const maxBody = 16 << 10

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.front)
	mux.HandleFunc("GET "+pathStyle, style)
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET "+pathKeys, p.keys)
	mux.HandleFunc("GET "+pathAuthorize, p.authorize)
	mux.HandleFunc("POST "+pathToken, p.token)
	mux.HandleFunc("GET "+pathEnd, p.end)
	mux.HandleFunc("GET "+pathPhone, p.phone)
	mux.HandleFunc("POST "+pathPhone, p.addApp)
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, maxBody))
}

// URL is what the provider calls itself, Phone where its telephone is.
func (p *Provider) URL() string   { return p.issuer }
func (p *Provider) Phone() string { return p.issuer + pathPhone }

// ServeHTTP implements http.Handler. It answers under its own name alone: another one that leads to this machine may be anybody's.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.Host != p.host {
		http.Error(w, "This provider is at "+p.issuer+" alone.", http.StatusForbidden)
		return
	}
	p.handler.ServeHTTP(w, r)
}
