package caddymodule

import (
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// gate is one place in a server's routes where a handler of psagate's stands.
type gate struct {
	// sites are the hosts that the routes to it are for, as `site psa.example.com`; else the server.
	sites   []string
	handler caddyhttp.MiddlewareHandler
	// before are the handlers that a call may have passed when it comes there.
	before []caddyhttp.MiddlewareHandler
	// when are the matchers on the way to it, but for hosts, from the outside to the inside. The walk keeps them of sign-ins alone.
	when []caddyhttp.MatcherSets
}

// gateServer is a server of Caddy's with handlers of psagate's in it.
type gateServer struct {
	*caddyhttp.Server
	gates []gate
	// httpPort is the port on which Caddy never speaks TLS.
	httpPort int
}

// sites are those of all its gates.
func (s gateServer) sites() (all []string) {
	for _, g := range s.gates {
		all = append(all, g.sites...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// gateServers finds the servers with handlers of psagate's; app may be nil.
func gateServers(app *caddyhttp.App) (found []gateServer) {
	if app == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		server := app.Servers[name]
		w := routeWalk{named: server.NamedRoutes}
		w.routes(server.Routes, []string{"server " + name}, nil, 0)
		if len(w.gates) == 0 {
			continue
		}
		port := app.HTTPPort
		if port == 0 {
			port = caddyhttp.DefaultHTTPPort
		}
		found = append(found, gateServer{server, w.gates, port})
	}
	return found
}

// hasExpression tells whether a route of the server has a matcher that is an expression.
func (s gateServer) hasExpression() bool { return anyExpression(s.Routes) }

func anyExpression(routes caddyhttp.RouteList) bool {
	for _, route := range routes {
		for _, set := range route.MatcherSets {
			for _, matcher := range set {
				if _, ok := matcher.(*caddyhttp.MatchExpression); ok {
					return true
				}
			}
		}
		for _, handler := range route.Handlers {
			if sub, ok := handler.(*caddyhttp.Subroute); ok && anyExpression(sub.Routes) {
				return true
			}
		}
	}
	return false
}

// routeWalk finds gates, and what stands before them.
type routeWalk struct {
	named map[string]*caddyhttp.Route
	gates []gate
	// people are the places of psa_stepup, of psa_console and of psa_web with proxy, signIns those of psa_signin.
	people, signIns []gate
	when            []caddyhttp.MatcherSets // of the route that is being walked
}

// maxDepth bounds routes in routes: named ones may invoke each other in circles.
const maxDepth = 32

// sibling is a route of a list that was walked, with the handlers in it.
type sibling struct {
	group    string
	handlers []caddyhttp.MiddlewareHandler
}

// routes walks a list of routes that a call comes to when it has passed the handlers before. It returns the handlers
// that a call may have passed when it has come through the list.
func (w *routeWalk) routes(list caddyhttp.RouteList, sites []string, before []caddyhttp.MiddlewareHandler, depth int) (passed []caddyhttp.MiddlewareHandler) {
	if depth > maxDepth {
		return nil
	}
	var earlier []sibling
	for _, route := range list {
		here := slices.Clone(before)
		for _, s := range earlier {
			if s.group == "" || s.group != route.Group { // of a group only one route is taken
				here = append(here, s.handlers...)
			}
		}
		handlers := w.route(route, hostsOf(route, sites), here, depth)
		if !route.Terminal { // what a terminal one takes goes nowhere else
			earlier = append(earlier, sibling{route.Group, handlers})
			passed = append(passed, handlers...)
		}
	}
	return passed
}

// route walks one route, and returns its handlers with those of the routes in it.
func (w *routeWalk) route(route caddyhttp.Route, sites []string, before []caddyhttp.MiddlewareHandler, depth int) (all []caddyhttp.MiddlewareHandler) {
	if asks(route.MatcherSets) {
		w.when = append(w.when, route.MatcherSets)
		defer func() { w.when = w.when[:len(w.when)-1] }()
	}
	for _, handler := range route.Handlers {
		here := slices.Concat(before, all)
		switch h := handler.(type) {
		case *Identify, *Police, *Proxy:
			w.gates = append(w.gates, gate{sites: sites, handler: handler, before: here})
			all = append(all, handler)
		case *StepUp, *Console:
			w.people = append(w.people, gate{sites: sites, handler: handler, before: here})
			all = append(all, handler)
		case *Web:
			if h.Proxy != nil {
				w.people = append(w.people, gate{sites: sites, handler: handler, before: here})
			}
			all = append(all, handler)
		case *SignIn:
			w.signIns = append(w.signIns, gate{sites, handler, here, slices.Clone(w.when)})
			all = append(all, handler)
		case *caddyhttp.Subroute:
			all = append(all, w.routes(h.Routes, sites, here, depth+1)...)
		case *caddyhttp.Invoke:
			if named := w.named[h.Name]; named != nil {
				all = append(all, w.routes(caddyhttp.RouteList{*named}, sites, here, depth+1)...)
			}
		default:
			all = append(all, handler)
		}
	}
	return all
}

// asks tells whether matchers ask for more than a host.
func asks(sets caddyhttp.MatcherSets) bool {
	for _, set := range sets {
		for _, matcher := range set {
			if _, ok := matcher.(*caddyhttp.MatchHost); !ok {
				return true
			}
		}
	}
	return false
}

// hostsOf returns the sites of a route: the hosts that it names, else those of the routes around it.
func hostsOf(route caddyhttp.Route, around []string) (sites []string) {
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			if hosts, ok := matcher.(*caddyhttp.MatchHost); ok {
				for _, host := range *hosts {
					sites = append(sites, "site "+host)
				}
			}
		}
	}
	if len(sites) == 0 {
		return around
	}
	return sites
}

// everyHandler visits all handlers of an app, in whatever routes.
func everyHandler(app *caddyhttp.App, visit func(caddyhttp.MiddlewareHandler)) {
	for _, server := range app.Servers {
		handlersIn(server.Routes, visit)
		if server.Errors != nil {
			handlersIn(server.Errors.Routes, visit)
		}
		for _, route := range server.NamedRoutes {
			handlersIn(caddyhttp.RouteList{*route}, visit)
		}
	}
}

func handlersIn(routes caddyhttp.RouteList, visit func(caddyhttp.MiddlewareHandler)) {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			visit(handler)
			if sub, ok := handler.(*caddyhttp.Subroute); ok {
				handlersIn(sub.Routes, visit)
			}
		}
	}
}
