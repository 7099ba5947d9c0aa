package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"
)

// loggedSite is a site of psagate's, and one of the loggers that its requests go to.
type loggedSite struct {
	name, logger string
}

// httpServer is the part of an HTTP server's config that says who logs what.
type httpServer struct {
	Logs        *caddyhttp.ServerLogConfig `json:"logs"`
	Routes      []httpRoute                `json:"routes"`
	NamedRoutes json.RawMessage            `json:"named_routes"`
	Errors      json.RawMessage            `json:"errors"`
}

// httpRoute is a route at the top of a server; the Caddyfile makes one for each site.
type httpRoute struct {
	Match []struct {
		Host []string `json:"host"`
	} `json:"match"`
	Handle   json.RawMessage `json:"handle"`
	Terminal bool            `json:"terminal"`
}

// traffic is what a server's routes say about requests to psagate.
type traffic struct {
	// ours are the hosts of routes with a handler of psagate's somewhere in them, others those of routes without.
	ours, others []string
	// anyHost: such a handler is in a route for all hosts.
	anyHost bool
	// chosen are the loggers that handlers choose for them, as log_name does.
	chosen []string
}

// loggedSites finds the loggers of all sites with a handler of psagate's in the HTTP app's config.
func loggedSites(http json.RawMessage) ([]loggedSite, error) {
	var app struct {
		Servers map[string]*httpServer `json:"servers"`
	}
	if len(http) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(http, &app); err != nil {
		return nil, fmt.Errorf("reading the http app's config: %w", err)
	}
	var sites []loggedSite
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		if server := app.Servers[name]; server != nil && server.Logs != nil {
			sites = append(sites, server.sites(name)...)
		}
	}
	return sites, nil
}

// sites lists the server's loggers that may log a request to psagate.
func (s *httpServer) sites(server string) (sites []loggedSite) {
	requests := s.traffic()
	loggers := map[string]string{} // by name, with the site that it logs
	for _, host := range requests.ours {
		s.addLoggers(loggers, host, requests.others)
	}
	if requests.anyHost {
		s.addLoggers(loggers, "", requests.others)
	}
	for _, name := range requests.chosen {
		loggers[name] = ""
	}
	for _, name := range slices.Sorted(maps.Keys(loggers)) {
		site := "server " + server
		if host := loggers[name]; host != "" {
			site = "site " + host
		}
		sites = append(sites, loggedSite{site, accessLoggerName(name)})
	}
	isOurs := len(requests.ours) > 0 || requests.anyHost
	if _, known := loggers[s.Logs.DefaultLoggerName]; isOurs && !known && !s.Logs.SkipUnmappedHosts {
		// Whoever calls with a key under another name is logged all the same, and where HTTPS is, before the redirect to it.
		sites = append(sites, loggedSite{"server " + server + " (a call to a host that no site names)", accessLoggerName(s.Logs.DefaultLoggerName)})
	}
	return sites
}

func accessLoggerName(name string) string { return strings.TrimSuffix("http.log.access."+name, ".") }

// traffic sorts the server's routes by whether a request to psagate may pass them.
func (s *httpServer) traffic() traffic {
	invoked := hasHandler(s.NamedRoutes, isOurs)
	requests := traffic{anyHost: hasHandler(s.Errors, isOurs)}
	for _, route := range s.Routes {
		mine := hasHandler(route.Handle, func(name string) bool { return isOurs(name) || invoked && name == "invoke" })
		hosts, forAll := route.hosts()
		if mine {
			requests.ours, requests.anyHost = append(requests.ours, hosts...), requests.anyHost || forAll
		} else {
			requests.others = append(requests.others, hosts...)
		}
		if mine || !route.Terminal {
			requests.chosen = append(requests.chosen, chosenLoggers(route.Handle)...)
		}
	}
	if invoked {
		requests.chosen = append(requests.chosen, chosenLoggers(s.NamedRoutes)...)
	}
	if len(requests.ours) == 0 && !requests.anyHost {
		return traffic{}
	}
	return requests
}

// hosts lists the hosts that a route is for; forAll: it may be for any.
func (r httpRoute) hosts() (hosts []string, forAll bool) {
	for _, match := range r.Match {
		hosts, forAll = append(hosts, match.Host...), forAll || len(match.Host) == 0
	}
	return hosts, forAll || len(r.Match) == 0
}

// addLoggers adds the names of the loggers for a host, which may have wildcards and is empty for all hosts. Where it
// may mean several hosts that have loggers, it takes all but those of other sites.
func (s *httpServer) addLoggers(loggers map[string]string, host string, others []string) {
	host = strings.ToLower(host)
	names, mapped := s.mappedLoggers(host)
	for pattern, more := range s.Logs.LoggerNames {
		pattern = strings.ToLower(pattern)
		isWider := host == "" || strings.Contains(host, "*") && certmagic.MatchWildcard(pattern, host)
		if isWider && !slices.Contains(others, pattern) {
			names = append(names, more...)
		}
	}
	skipped := slices.ContainsFunc(s.Logs.SkipHosts, func(skip string) bool { return host != "" && certmagic.MatchWildcard(host, skip) })
	if !mapped && !skipped && !s.Logs.SkipUnmappedHosts {
		names = append(names, s.Logs.DefaultLoggerName)
	}
	for _, name := range names {
		loggers[name] = host
	}
}

// mappedLoggers returns the loggers of the entry that Caddy takes for a host: its own, else one with wildcards.
func (s *httpServer) mappedLoggers(host string) ([]string, bool) {
	entries := map[string][]string{}
	for pattern, names := range s.Logs.LoggerNames {
		pattern = strings.ToLower(pattern)
		entries[pattern] = append(entries[pattern], names...)
	}
	if names, ok := entries[host]; ok {
		return slices.Clone(names), true
	}
	labels := strings.Split(host, ".")
	for i := range labels {
		labels[i] = "*"
		if names, ok := entries[strings.Join(labels, ".")]; ok {
			return slices.Clone(names), true
		}
	}
	return nil, false
}

// chosenLoggers lists the loggers that handlers choose for requests.
func chosenLoggers(config json.RawMessage) (names []string) {
	walk(config, func(handler map[string]any) {
		chosen, _ := handler["access_logger_names"].([]any)
		for _, name := range chosen {
			if text, ok := name.(string); ok {
				names = append(names, text)
			}
		}
	})
	return names
}

func isOurs(handler string) bool {
	return handler == "psa_identify" || handler == "psa_policy" || handler == "psa_proxy"
}

// hasHandler tells whether a handler of such a name is anywhere in a config.
func hasHandler(config json.RawMessage, such func(name string) bool) (found bool) {
	walk(config, func(object map[string]any) {
		name, ok := object["handler"].(string)
		found = found || ok && such(name)
	})
	return found
}

// walk visits every object in a config.
func walk(config json.RawMessage, visit func(map[string]any)) {
	var root any
	if json.Unmarshal(config, &root) != nil {
		return
	}
	var step func(any)
	step = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			visit(node)
			for _, child := range node {
				step(child)
			}
		case []any:
			for _, child := range node {
				step(child)
			}
		}
	}
	step(root)
}
