package caddymodule

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// peoples warns of a psa_stepup, or a psa_console, that does not know who comes, of a psa_web with proxy that strangers come to, of a
// second psa_signin that nobody comes to, and of deeds that nobody writes down.
func (a *advice) peoples(served *caddyhttp.App, app *App) {
	if served == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(served.Servers)) {
		w := routeWalk{named: served.Servers[name].NamedRoutes}
		w.routes(served.Servers[name].Routes, []string{"server " + name}, nil, 0)
		for _, g := range w.people {
			signedIn := slices.ContainsFunc(g.before, func(h caddyhttp.MiddlewareHandler) bool { _, ok := h.(*SignIn); return ok })
			_, isConsole := g.handler.(*Console)
			_, isWeb := g.handler.(*Web)
			for _, site := range g.sites {
				a.addIf(isConsole && app.Policy != nil && app.Audit == nil, "deeds-unaudited", site)
				a.addIf(!signedIn && !isWeb, "no-signin", site, caddy.GetModuleName(g.handler))
				a.addIf(!signedIn && isWeb, "web-open", site)
			}
		}
		a.signIns(w.signIns)
	}
}

// signIns warns of people who cannot sign in: they do so by the pages of the psa_signin that comes first, which are served whatever its
// matcher, and by its issuers and groups. Caddy puts one with a path first, wherever it is written.
func (a *advice) signIns(all []gate) {
	for _, second := range all {
		for _, first := range all {
			rest, more := beyond(first.when, second.when)
			if !slices.Contains(second.before, first.handler) || len(rest) > 0 && len(more) > 0 {
				continue
			}
			one, other := first.handler.(*SignIn), second.handler.(*SignIn)
			lost := without(other.Issuers, one.Issuers)
			shut := len(rest) > 0 && len(one.Groups) > 0 && (len(other.Groups) == 0 || len(without(other.Groups, one.Groups)) > 0)
			for _, site := range second.sites {
				a.addIf(len(lost) > 0, "signin-issuers", site, strings.Join(one.Issuers, " "), strings.Join(lost, " "))
				a.addIf(len(lost) == 0 && shut, "signin-groups", site, strings.Join(one.Groups, " "))
			}
		}
	}
}

// without returns the names that are not among others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// beyond returns what two places ask for beyond what both do.
func beyond(one, other []caddyhttp.MatcherSets) (rest, more []caddyhttp.MatcherSets) {
	for len(one) > 0 && len(other) > 0 && reflect.DeepEqual(one[0], other[0]) {
		one, other = one[1:], other[1:]
	}
	return one, other
}
