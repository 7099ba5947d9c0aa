package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Proxy))
}

// mostMaxBody is the highest max_body, in bytes.
const mostMaxBody = 1 << 40

// Proxy takes a call that Identify, and Police where that stands before it, let through to the PSA, as the integration's login, and answers it. It is the end of
// the line: no handler after it is called, and it returns no errors, as Caddy would log the caller's headers with them.
//
// It sets these placeholders, as far as they are known, once the call has an answer: in time for logs only, too late for
// matchers and the answer's headers, deferred ones too, where they are empty. Those of Identify are there before.
//
//	{psa.zone}                 the base URL that the call was sent to
//	{psa.credential.version}   the store's version of the credential that it was sent with
//	{psa.reason}               psagate's word for an answer of its own
type Proxy struct {
	// PublicURL is the gateway's base URL as clients know it; the PSA's own URLs in answers are replaced with it.
	// Default: scheme and host of the request.
	PublicURL string `json:"public_url,omitempty"`

	// MaxBody is the largest request body, in bytes, its inflated size included. Default: 16777216 (16 MiB).
	MaxBody int64 `json:"max_body,omitempty"`

	engine engine
}

// CaddyModule returns the Caddy module information.
func (*Proxy) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_proxy", New: func() caddy.Module { return new(Proxy) }}
}

// Provision finds the app.
func (p *Proxy) Provision(ctx caddy.Context) (err error) {
	p.engine, err = engineOf(ctx)
	return err
}

// Validate says what is wrong with the settings.
func (p *Proxy) Validate() error {
	if err := checkMaxBody(p.MaxBody); err != nil {
		return err
	}
	if p.PublicURL == "" {
		return nil
	}
	if _, err := baseURL(p.PublicURL); err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	web, _ := caddyhttp.GetVar(r.Context(), webVar).(bool)
	call := p.engine.Proxy(w, r, ProxyOptions{PublicURL: p.PublicURL, MaxBody: p.MaxBody, Web: web})
	setPlaceholders(r, call)
	return nil
}

// parseProxy reads psa_proxy. Syntax:
//
//	psa_proxy [<matcher>] {
//	    public_url <base URL>
//	    max_body <size>
//	}
func parseProxy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.present(); err != nil {
		return nil, err
	}
	p := new(Proxy)
	return p, w.block(w.name, words{"public_url": p.readPublicURL, "max_body": func(w *word) (err error) { p.MaxBody, err = w.size(); return err }})
}

func (p *Proxy) readPublicURL(w *word) (err error) {
	if p.PublicURL, err = w.text("<base URL>"); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

var (
	_ caddy.Provisioner           = (*Proxy)(nil)
	_ caddy.Validator             = (*Proxy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Proxy)(nil)
)
