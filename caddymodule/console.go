package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/console"
	"github.com/psagate/psagate/internal/report"
)

func init() {
	caddy.RegisterModule(new(Console))
	httpcaddyfile.RegisterHandlerDirective("psa_console", parseConsole)
	httpcaddyfile.RegisterDirectiveOrder("psa_console", httpcaddyfile.Before, "respond")
}

// Console is psagate's page for people whom psa_signin has let through: what is about to be locked, who fails and what to do, which
// credential serves where. Where no psa_signin stands before it, nobody comes through. It has no settings.
type Console struct {
	page *console.Console
}

// CaddyModule returns the Caddy module information.
func (*Console) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_console", New: func() caddy.Module { return new(Console) }}
}

// Provision makes the page.
func (c *Console) Provision(ctx caddy.Context) error {
	app, err := appHere(ctx)
	if err != nil {
		return err
	}
	if c.page, err = newConsole(app, ctx.Slogger()); err != nil {
		return fmt.Errorf("psa_console: %w", err)
	}
	return nil
}

// newConsole is the page of a config.
func newConsole(app *App, log *slog.Logger) (*console.Console, error) {
	return console.New(console.Config{Source: consoleSource{app}, Log: log})
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	c.page.ServeHTTP(w, r)
	return nil
}

// parseConsole reads psa_console. Syntax:
//
//	psa_console [<matcher>]
func parseConsole(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.present(); err != nil {
		return nil, err
	}
	return new(Console), w.block(w.name, nil)
}

// consoleSource is what the page of a config shows.
type consoleSource struct{ app *App }

// Status implements console.Source.
func (s consoleSource) Status() report.Status { return s.app.status() }

// Failures implements console.Source.
func (s consoleSource) Failures(since time.Time) (report.Failures, error) {
	return s.app.engine.Failures("", since)
}

var (
	_ caddy.Provisioner           = (*Console)(nil)
	_ caddyhttp.MiddlewareHandler = (*Console)(nil)
	_ console.Source              = consoleSource{}
)
