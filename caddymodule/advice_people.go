package caddymodule

import (
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// stepUps warns of a psa_stepup that does not know who comes.
func (a *advice) stepUps(served *caddyhttp.App) {
	if served == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(served.Servers)) {
		w := routeWalk{named: served.Servers[name].NamedRoutes}
		w.routes(served.Servers[name].Routes, []string{"server " + name}, nil, 0)
		for _, g := range w.stepUps {
			signedIn := slices.ContainsFunc(g.before, func(h caddyhttp.MiddlewareHandler) bool { _, ok := h.(*SignIn); return ok })
			for _, site := range g.sites {
				a.addIf(!signedIn, "no-signin", site)
			}
		}
	}
}
