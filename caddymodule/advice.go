package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	"github.com/psagate/psagate/internal/report"
)

// runningContext returns the context of the config that Caddy runs.
var runningContext = caddy.ActiveContext

// runningWarnings is what is unwise in the config that runs. Caddy's context and psagate's own app change places at
// slightly different moments of a load, so the context's app is the one that is looked at, where it has one.
func runningWarnings(inForce *App) report.ConfigWarnings {
	ctx := runningContext()
	if app, err := ctx.AppIfConfigured("psa"); err == nil {
		inForce = app.(*App)
	}
	return report.ConfigWarnings{Warnings: advise(ctx, inForce, time.Now())}
}

// advise says what is legal and unwise in a loaded config, from the outside to the inside. It looks at the config alone:
// it asks no network and reads no file.
func advise(ctx caddy.Context, app *App, now time.Time) []report.Warning {
	a := &advice{now: now, warnings: []report.Warning{}}
	if _, err := ctx.AppIfConfigured("psa"); err != nil { // the context is not the one of this app
		a.add("unseen", "config", "what is not psagate's own", "Caddy has not finished loading it")
	} else {
		a.caddy(ctx)
		a.http(ctx, app)
	}
	a.app(app)
	a.stores(app)
	a.logins(app)
	a.pools(app)
	a.integrations(app)
	a.mail(app)
	return a.warnings
}

// advice collects warnings.
type advice struct {
	now      time.Time
	warnings []report.Warning
	// printed tells whether an error of that level is printed with the headers of the call; nil: it is.
	printed func(zapcore.Level) bool
	// debugged: a log prints what Caddy and its handlers say of calls at level debug, with their headers.
	debugged bool
}

// add adds a warning of a kind, whose text takes args. Where the same has been said of other places, this one joins them.
func (a *advice) add(kind, where string, args ...any) {
	text := adviceTexts[kind]
	w := report.Warning{Kind: kind, Where: []string{where}, What: fmt.Sprintf(text.what, args...), Do: text.do}
	same := slices.IndexFunc(a.warnings, func(other report.Warning) bool { return other.Kind == kind && other.What == w.What })
	switch {
	case same < 0:
		a.warnings = append(a.warnings, w)
	case !slices.Contains(a.warnings[same].Where, where):
		a.warnings[same].Where = append(a.warnings[same].Where, where)
	}
}

// addAll adds a warning of several places.
func (a *advice) addAll(kind string, places []string, args ...any) {
	for _, where := range places {
		a.add(kind, where, args...)
	}
}

// addIf adds a warning where something is so.
func (a *advice) addIf(so bool, kind, where string, args ...any) {
	if so {
		a.add(kind, where, args...)
	}
}

// caddy looks at what is Caddy's own. Logs that cannot be seen are taken for such as print keys.
func (a *advice) caddy(ctx caddy.Context) {
	cfg, err := configOf(ctx)
	if err != nil {
		a.add("unseen", "config", "admin endpoint and logs", err)
		return
	}
	a.admin(cfg.Admin)
	a.printed = printedErrors(cfg.Logging)
	a.debugged = printsDebug(cfg.Logging)
}

// http looks at the sites, and at what of the app hangs on them.
func (a *advice) http(ctx caddy.Context, app *App) {
	module, err := ctx.AppIfConfigured("http")
	if err != nil && !errors.Is(err, caddy.ErrNotConfigured) {
		a.add("unseen", "config", "sites", err)
		return
	}
	served, ok := module.(*caddyhttp.App)
	if err == nil && !ok {
		a.add("unseen", "config", "sites", errShape)
		return
	}
	servers := gateServers(served)
	takesMailAlone := len(app.Mail) > 0 && len(app.Integrations) == 0
	a.addIf(len(servers) == 0 && !takesMailAlone, "no-site", "psa")
	a.addIf(len(servers) > 0 && a.debugged, "debug-log", "log")
	for _, server := range servers {
		a.server(server)
		a.clients(server, app)
	}
	a.certificates(servers, app)
	a.webRoots(served, app)
	a.peoples(served, app)
}
