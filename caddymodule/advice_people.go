package caddymodule

import (
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// peoples warns of a psa_stepup, or a psa_console, that does not know who comes.
func (a *advice) peoples(served *caddyhttp.App) {
	if served == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(served.Servers)) {
		w := routeWalk{named: served.Servers[name].NamedRoutes}
		w.routes(served.Servers[name].Routes, []string{"server " + name}, nil, 0)
		for _, g := range w.people {
			signedIn := slices.ContainsFunc(g.before, func(h caddyhttp.MiddlewareHandler) bool { _, ok := h.(*SignIn); return ok })
			for _, site := range g.sites {
				a.addIf(!signedIn, "no-signin", site, caddy.GetModuleName(g.handler))
			}
		}
	}
}
