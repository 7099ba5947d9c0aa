package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/stepup"
)

func init() {
	caddy.RegisterModule(new(SignIn))
}

// SignIn has people sign in with their company's provider before they come to the handlers after it, and serves the pages for
// that, and those of their second factors, below /psagate/. What it matches is for people alone: a program's call to the PSA is never let in by a person's session, and
// one that comes here hears 401.
//
// The provider must send browsers back to /psagate/callback/<issuer>, after a sign-out to /psagate/signed-out, and may tell
// /psagate/backchannel/<issuer> who is signed out.
//
// It sets these placeholders for the handlers after it:
//
//	{psa.person}           the person's mail address, else name, else subject: for people to read. Whose it is nobody vouches for
//	                       where the issuer does not say email_verified, so let nothing be decided by it
//	{psa.person.subject}   the issuer's name for the person, which never changes: with the issuer it says who it is
//	{psa.person.issuer}    the issuer's name in the config
type SignIn struct {
	// Issuers are the names of the issuers to sign in with, in the order in which they are shown. At least one.
	Issuers []string `json:"issuers,omitempty"`

	// Groups are those of which a person must be in one. Default: none, and everybody may come in whom an issuer signs in.
	Groups []string `json:"groups,omitempty"`

	// Sessions is how many sessions a person has at once, those of other sites too: a sign-in here ends the oldest beyond that. 1000 at
	// the most. Default: 20.
	Sessions int `json:"sessions,omitempty"`

	// Idle is for how long a session may lie unused. Default: 8h.
	Idle caddy.Duration `json:"idle,omitempty"`

	// Absolute is how long a session lasts whatever is done. Default: 24h.
	Absolute caddy.Duration `json:"absolute,omitempty"`

	log    *slog.Logger
	config signin.Config
	site   atomic.Pointer[signin.Site] // nil until the store is open
	// factors serves the pages of people's second factors, wherever one is asked for: by psa_stepup, or by psa_console.
	factors *stepup.Gate
}

// CaddyModule returns the Caddy module information.
func (*SignIn) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_signin", New: func() caddy.Module { return new(SignIn) }}
}

// Provision finds the issuers.
func (s *SignIn) Provision(ctx caddy.Context) error {
	if _, err := engineOf(ctx); err != nil {
		return err
	}
	app, err := ctx.App("psa")
	if err != nil {
		return err
	}
	s.log = ctx.Slogger()
	issuers, err := app.(*App).issuersNamed(s.Issuers)
	if err != nil {
		return err
	}
	limits := session.Limits{Idle: time.Duration(s.Idle), Absolute: time.Duration(s.Absolute), Most: s.Sessions}
	keeper, err := session.NewKeeper(ground().store.Sessions(), limits, time.Now)
	if err != nil {
		return fmt.Errorf("psa_signin: %w", err)
	}
	s.config = signin.Config{
		Issuers: issuers, Groups: s.Groups, Sessions: keeper, Log: s.log, ClientIP: clientIP, HTTPS: byHTTPS, URL: askedFor,
		Tell: func(_ *http.Request, e signin.Event) { s.tell(e) },
	}
	s.factors, err = stepUpGate(app.(*App), s.log, 0)
	return err
}

// issuersNamed are issuers of the config.
func (a *App) issuersNamed(names []string) (all []*issuer.Issuer, err error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("psa_signin names no issuer; %s", defined(a.Issuers))
	}
	for i, name := range names {
		switch l, there := a.issuers[name]; {
		case !there:
			return nil, fmt.Errorf("psa_signin: there is no issuer %q; %s", shown(name), defined(a.Issuers))
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf("psa_signin names issuer %q twice", name)
		default:
			all = append(all, l.Issuer)
		}
	}
	return all, nil
}

// clientIP is where a request comes from, behind trusted proxies too.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// askedFor is what a browser asked for, whatever the site rewrites: it is to come back there.
func askedFor(r *http.Request) *url.URL {
	if came, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && came.URL != nil {
		return came.URL
	}
	return r.URL
}

// byHTTPS reports whether a browser came by HTTPS: to Caddy, or to a proxy before it that the config trusts and that says so.
func byHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	said := r.Header.Values("X-Forwarded-Proto")
	return trusted && len(said) == 1 && strings.EqualFold(said[0], "https") // of several the first may be the browser's own
}

// tell writes to both logs what happened to a person's sign-in.
func (s *SignIn) tell(e signin.Event) {
	noteSignIn(e)
	if e.Why != "" {
		return // internal/signin has written it, with the reason
	}
	s.log.Info("a person's session", "what", string(e.What), "person", e.Person.Label(), "subject", e.Person.Subject, "issuer", e.Issuer, "session", e.Session, "client_ip", e.Address)
}

// ready returns the site, once the key is known that seals what browsers hold. Sites may serve before the store is open, so it waits
// a little for that.
func (s *SignIn) ready(ctx context.Context) (*signin.Site, error) {
	if site := s.site.Load(); site != nil {
		return site, nil
	}
	select {
	case <-ground().opened:
	case <-time.After(wakingUp):
	case <-ctx.Done():
	}
	keys, open := ground().signInKeys()
	if !open {
		return nil, fmt.Errorf("the store is not open yet")
	}
	config := s.config
	config.Keys = keys
	site, err := signin.New(config)
	if err != nil {
		return nil, err
	}
	s.site.Store(site) // of several that come first, any: what they know is in the store
	return site, nil
}

// wakingUp is how long a person waits for the store to be opened.
const wakingUp = 5 * time.Second

// signInKeys are the keys of sign-ins; open is false as long as the store is not open.
func (f *foundation) signInKeys() (keys [][]byte, open bool) {
	select {
	case <-f.opened:
	default:
		return nil, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key.SignIn(), true
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (s *SignIn) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	site, err := s.ready(r.Context())
	if err != nil {
		s.log.Error("nobody can sign in", "error", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "nobody can sign in for now: try again in a moment", http.StatusServiceUnavailable)
		return nil
	}
	if site.Serves(r) {
		site.ServeHTTP(w, r)
		return nil
	}
	out, ok := site.Admit(w, r)
	if !ok {
		return nil
	}
	// Placeholders are of the request as it came, so our cookies are taken out of that too.
	if r.Header.Del("Cookie"); len(out.Header["Cookie"]) > 0 {
		r.Header["Cookie"] = out.Header["Cookie"]
	}
	if who, ok := signin.Signed(out.Context()); ok {
		repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		repl.Set("psa.person", who.Person.Label())
		repl.Set("psa.person.subject", who.Person.Subject)
		repl.Set("psa.person.issuer", who.Person.Issuer)
	}
	if slices.Contains(signin.Behind(), askedFor(r).Path) && !s.factors.Admit(w, out) {
		return nil
	}
	return next.ServeHTTP(w, out)
}

// parseSignIn reads psa_signin. Syntax:
//
//	psa_signin [<matcher>] <issuer...> {
//	    groups <name...>
//	    session <idle> <absolute>
//	    sessions <most>
//	}
//
// With a matcher there is one more route, for the pages: a person who is sent to them must come there.
func parseSignIn(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	s, err := readSignIn(h)
	if err != nil {
		return nil, err
	}
	return withPages(matcher, caddyconfig.JSONModuleObject(s, "handler", "psa_signin", nil), signin.Pages()), nil
}

func readSignIn(h httpcaddyfile.Helper) (*SignIn, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	s := new(SignIn)
	if s.Issuers, err = w.list("<issuer>"); err != nil {
		return nil, err
	}
	if err := s.knows(h); err != nil {
		return nil, w.errorf("%w", err)
	}
	return s, w.block(w.name, words{
		"groups":   func(w *word) (err error) { s.Groups, err = w.list("<name>"); return err },
		"session":  s.readSession,
		"sessions": s.readSessions,
	})
}

// knows says which of its issuers the global option psa does not have.
func (s *SignIn) knows(h httpcaddyfile.Helper) error {
	option, ok := h.Option("psa").(httpcaddyfile.App)
	if !ok {
		return nil // Provision looks at them too
	}
	app := new(App)
	if err := json.Unmarshal(option.Value, app); err != nil {
		return err
	}
	for _, name := range s.Issuers {
		if app.Issuers[name] == nil {
			return fmt.Errorf("there is no issuer %q; %s", shown(name), defined(app.Issuers))
		}
	}
	return nil
}

func (s *SignIn) readSession(w *word) error {
	args, err := w.args("<idle>", "<absolute>")
	if err != nil {
		return err
	}
	if s.Idle, err = w.asDuration(args[0]); err != nil {
		return err
	}
	if s.Absolute, err = w.asDuration(args[1]); err != nil {
		return err
	}
	limits := session.Limits{Idle: time.Duration(s.Idle), Absolute: time.Duration(s.Absolute)}
	if err := limits.Check(); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

func (s *SignIn) readSessions(w *word) (err error) {
	if s.Sessions, err = w.number("<most>"); err != nil {
		return err
	}
	limits := session.Limits{Most: s.Sessions}
	if err := limits.Check(); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

var (
	_ caddy.Provisioner           = (*SignIn)(nil)
	_ caddyhttp.MiddlewareHandler = (*SignIn)(nil)
)
