package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
)

func init() {
	caddy.RegisterModule(new(Police))
}

// Police asks the policies about a call that Identify let through, and answers 403 where they deny it. It receives the call's body
// first, since policies may speak of fields; what it has seen is what Proxy sends, whatever handlers between them do. Without it
// nobody asks the policies.
//
// It sets this placeholder for the handlers after it:
//
//	{psa.decision}   what policy decided: allow, deny, step-up, or would-deny where it is only observed
type Police struct {
	// MaxBody is the largest request body, in bytes, its inflated size included. Default: 16777216 (16 MiB).
	MaxBody int64 `json:"max_body,omitempty"`

	engine engine
}

// CaddyModule returns the Caddy module information.
func (*Police) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_policy", New: func() caddy.Module { return new(Police) }}
}

// Provision finds the app.
func (p *Police) Provision(ctx caddy.Context) (err error) {
	p.engine, err = engineOf(ctx)
	return err
}

// Validate says what is wrong with the settings.
func (p *Police) Validate() error { return checkMaxBody(p.MaxBody) }

func checkMaxBody(size int64) error {
	if size < 0 || size > mostMaxBody {
		return fmt.Errorf("max_body must be more than 0, and 1TiB at most")
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (p *Police) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	call, leave, done := p.engine.Police(w, r, p.MaxBody)
	defer leave()
	setPlaceholders(r, call)
	if done {
		return nil
	}
	return next.ServeHTTP(w, r)
}

// parsePolice reads psa_policy. Syntax:
//
//	psa_policy [<matcher>] {
//	    max_body <size>
//	}
func parsePolice(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.present(); err != nil {
		return nil, err
	}
	p := new(Police)
	return p, w.block(w.name, words{"max_body": func(w *word) (err error) { p.MaxBody, err = w.size(); return err }})
}

// size reads a word with one size in bytes.
func (w *word) size() (int64, error) {
	text, err := w.text("<size>")
	if err != nil {
		return 0, err
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size == 0 || size > mostMaxBody {
		return 0, w.errorf("%s takes a size of more than 0 and of 1TiB at most, such as 16MiB", w.name)
	}
	return int64(size), nil
}

var (
	_ caddy.Provisioner           = (*Police)(nil)
	_ caddy.Validator             = (*Police)(nil)
	_ caddyhttp.MiddlewareHandler = (*Police)(nil)
)
