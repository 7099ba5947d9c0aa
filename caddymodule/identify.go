package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Identify))
}

// Identify finds out which integration calls, by the key that it carries where a PSA's credentials would go, and
// answers whoever is none as the PSA itself answers wrong credentials. It has no settings.
//
// It sets these placeholders, as far as they are known, for the handlers after it:
//
//	{psa.integration}   who calls
//	{psa.entity}        what the call is about, such as Tickets or Tickets/Notes; of a SOAP call, once psa_policy has read its envelope, the first record's
//	{psa.action}        read, query, create, update or delete
//	{psa.id}            the id in the path; of a SOAP call, likewise, that of its one record
//	{psa.login}         the login that the integration calls through; of a pool, its name, and once the call has an answer the login that it was sent as
type Identify struct {
	engine engine
}

// CaddyModule returns the Caddy module information.
func (*Identify) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_identify", New: func() caddy.Module { return new(Identify) }}
}

// Provision finds the app.
func (i *Identify) Provision(ctx caddy.Context) (err error) {
	i.engine, err = engineOf(ctx)
	return err
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (i *Identify) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	clientIP, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	identified, call, done := i.engine.Identify(w, r, clientIP)
	setPlaceholders(r, call)
	if done {
		return nil
	}
	defer i.engine.Leave(identified)
	return next.ServeHTTP(w, identified)
}

// parseIdentify reads psa_identify. Syntax:
//
//	psa_identify [<matcher>]
func parseIdentify(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.present(); err != nil {
		return nil, err
	}
	return new(Identify), w.block(w.name, nil)
}

var (
	_ caddy.Provisioner           = (*Identify)(nil)
	_ caddyhttp.MiddlewareHandler = (*Identify)(nil)
)
