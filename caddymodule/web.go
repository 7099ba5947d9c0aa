package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/autotask"
)

func init() {
	caddy.RegisterModule(new(Web))
	httpcaddyfile.RegisterHandlerDirective("psa_web", parseWeb)
	httpcaddyfile.RegisterDirectiveOrder("psa_web", httpcaddyfile.After, "respond")
}

// Web takes people to the PSA's web pages in their zone: one address that everybody can use and bookmark, whatever zone a link
// names and wherever the tenant moves. It redirects them, or carries their requests. What is the PSA's interface or a page of psagate's own goes on to the next handler.
type Web struct {
	// Login is the login whose tenant people belong to. Required.
	Login string `json:"login"`

	// Proxy has people's requests carried to the pages, under this site's own address. Default: null, and people are redirected.
	Proxy *WebProxy `json:"proxy,omitempty"`

	engine  engine
	carrier *carrier
}

// CaddyModule returns the Caddy module information.
func (*Web) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_web", New: func() caddy.Module { return new(Web) }}
}

// Provision finds the app.
func (h *Web) Provision(ctx caddy.Context) error {
	app, err := appHere(ctx)
	if err != nil {
		return err
	}
	h.engine = app.engine
	if err := app.checkWeb(h.Login); err != nil {
		return fmt.Errorf("psa_web: %w", err)
	}
	if h.Proxy == nil {
		return nil
	}
	if err := h.Proxy.check(); err != nil {
		return fmt.Errorf("psa_web: %w", err)
	}
	h.carrier = newCarrier(h.Login, h.Proxy, h.engine, ctx.Slogger())
	return nil
}

// checkWeb says what is wrong with the login whose people are redirected.
func (a *App) checkWeb(login string) error {
	if _, ok := a.Logins[login]; !ok {
		return fmt.Errorf("there is no login of that name; %s", defined(a.Logins))
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Web) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if notWeb(r.URL.Path) {
		caddyhttp.SetVar(r.Context(), webVar, true)
		return next.ServeHTTP(w, r)
	}
	if h.carrier != nil {
		h.carrier.carry(w, r)
		return nil
	}
	w.Header().Set("Cache-Control", "no-store") // the zone may be another tomorrow
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This address leads to the PSA's web pages. What you send must go to the page itself: open it from here first.", http.StatusMethodNotAllowed)
		return nil
	}
	link, err := h.engine.WebLink(r.Context(), h.Login, r.URL.EscapedPath(), r.URL.RawQuery)
	var bad *autotask.RequestError
	switch {
	case errors.As(err, &bad):
		http.Error(w, bad.Text, http.StatusBadRequest)
	case err != nil:
		noZone(w)
	default:
		w.Header().Set("Location", link)
		w.WriteHeader(http.StatusFound)
	}
	return nil
}

// webVar tells psa_proxy that people are led to the web pages from the address to which a program's call came.
const webVar = "psa.web"

// notWeb reports whether a path is none of the PSA's web pages: its interfaces, and psagate's own pages.
func notWeb(path string) bool {
	path = strings.ToLower(path)
	for _, root := range [...]string{"/atservicesrest", "/atservices", "/psagate"} {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

// parseWeb reads psa_web. Syntax:
//
//	psa_web [<matcher>] <login> [redirect|proxy] {
//	    proxy
//	    sessions <desktop> <mobile>
//	    idle <duration>
//	    sign_in <path...>
//	    sign_out <name...>
//	    user_field <name...>
//	    password_field <name...>
//	    failed_sign <text...>
//	    locked_sign <text...>
//	}
func parseWeb(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	args := w.d.RemainingArgs()
	web := new(Web)
	switch {
	case len(args) == 0 || len(args) > 2:
		return nil, w.errorf("%s takes <login>, and redirect or proxy after it, and has %d arguments", w.name, len(args))
	case len(args) == 2 && args[1] == "proxy":
		web.Proxy = new(WebProxy)
	case len(args) == 2 && args[1] != "redirect":
		return nil, w.errorf("%s takes redirect or proxy after the login", w.name)
	}
	web.Login = args[0]
	app := new(App)
	if err := json.Unmarshal(h.Option("psa").(httpcaddyfile.App).Value, app); err != nil {
		return nil, fmt.Errorf("reading the psa block: %w", err)
	}
	if err := app.checkWeb(web.Login); err != nil {
		return nil, w.errorf("%w", err)
	}
	return web, web.readProxy(w)
}

var (
	_ caddy.Provisioner           = (*Web)(nil)
	_ caddyhttp.MiddlewareHandler = (*Web)(nil)
)
