package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/console"
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
	events, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("psa_console needs the events app: %w", err)
	}
	// Caddy waits for whoever is connected when it stops a config, at a reload too, before it cleans up: live pages are always connected.
	if err := events.(*caddyevents.App).On("stopping", onEvent{c.page.Close}); err != nil {
		return fmt.Errorf("subscribing to the event stopping: %w", err)
	}
	return nil
}

// Cleanup ends what the page has under way.
func (c *Console) Cleanup() error {
	if c.page != nil {
		c.page.Close()
	}
	return nil
}

// newConsole is the page of a config.
func newConsole(app *App, log *slog.Logger) (*console.Console, error) {
	return console.New(console.Config{Source: consoleSource{app}, Deeds: consoleDeeds{app}, Log: log})
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

var (
	_ caddy.Provisioner           = (*Console)(nil)
	_ caddy.CleanerUpper          = (*Console)(nil)
	_ caddyhttp.MiddlewareHandler = (*Console)(nil)
)
