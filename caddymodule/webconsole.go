package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"golang.org/x/net/idna"
)

// checkConsoleApart refuses a config in which the console and the PSA's own pages are on one host: what runs in those pages, a script of
// anybody's that found its way into a ticket, would be the console's own page to a browser. A host's ports share their cookies, so
// another port of the same host is no other place.
func checkConsoleApart(ctx caddy.Context) error {
	cfg, err := configOf(ctx)
	if err != nil {
		ctx.Logger().Warn("cannot see whether psa_console is on a host that has psa_web with proxy; make sure that it is not", zap.Error(err))
		return nil
	}
	return consoleApart(cfg.AppsRaw["http"])
}

// handlerPlace is where a handler stands: the hosts of its route; none: any.
type handlerPlace struct {
	server string
	hosts  []string
}

func (p handlerPlace) String() string {
	if len(p.hosts) == 0 {
		return "server " + p.server + ", which takes any host"
	}
	return "site " + strings.Join(p.hosts, ", ")
}

// consoleApart names the first two that are not apart, of an HTTP app's config.
func consoleApart(http json.RawMessage) error {
	if len(http) == 0 {
		return nil
	}
	var app struct {
		Servers map[string]*httpServer `json:"servers"`
	}
	if err := json.Unmarshal(http, &app); err != nil {
		return nil // Caddy will say what is wrong
	}
	var consoles, proxies []handlerPlace
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		if server := app.Servers[name]; server != nil {
			consoles = append(consoles, server.placesOf(name, isConsole)...)
			proxies = append(proxies, server.placesOf(name, isWebProxy)...)
		}
	}
	for _, console := range consoles {
		for _, proxy := range proxies {
			if console.meets(proxy) {
				return fmt.Errorf("psa_console (%s) and psa_web with proxy (%s) are on one host, so a script in the PSA's pages could do what an operator may: "+
					"give each a host name of its own", console, proxy)
			}
		}
	}
	return nil
}

func isConsole(handler map[string]any) bool { return handler["handler"] == "psa_console" }

func isWebProxy(handler map[string]any) bool {
	return handler["handler"] == "psa_web" && handler["proxy"] != nil
}

// placesOf are where a server has such a handler.
func (s *httpServer) placesOf(server string, such func(map[string]any) bool) (places []handlerPlace) {
	has := func(config json.RawMessage) (found bool) {
		walk(config, func(object map[string]any) { found = found || such(object) })
		return found
	}
	named := has(s.NamedRoutes)
	for _, route := range s.Routes {
		if has(route.Handle) || named && hasHandler(route.Handle, func(name string) bool { return name == "invoke" }) {
			hosts, forAll := route.hosts()
			if forAll { // hosts that routes within it name are not looked at
				hosts = nil
			}
			places = append(places, handlerPlace{server, hosts})
		}
	}
	if has(s.Errors) {
		places = append(places, handlerPlace{server: server})
	}
	return places
}

// meets says whether a browser may find both under one host name.
func (p handlerPlace) meets(o handlerPlace) bool {
	if len(p.hosts) == 0 || len(o.hosts) == 0 {
		return true
	}
	for _, a := range p.hosts {
		for _, b := range o.hosts {
			if oneHost(asMatched(a), asMatched(b)) {
				return true
			}
		}
	}
	return false
}

// asMatched is a host of a matcher as Caddy will compare it, as far as that is known now.
func asMatched(host string) string {
	host = caddy.NewReplacer().ReplaceKnown(host, "")
	if ascii, err := idna.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.ToLower(host)
}

// oneHost says whether two hosts may be one: a wildcard is any label, and a placeholder anything.
func oneHost(a, b string) bool {
	if strings.Contains(a+b, "{") {
		return true
	}
	return slices.EqualFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) bool { return a == b || a == "*" || b == "*" })
}
