package caddymodule

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/requestbody"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	"go.uber.org/zap/zapcore"
)

// server warns of how calls come to a server's gates.
func (a *advice) server(s gateServer) {
	var plain []string
	for _, address := range s.listens() {
		if s.isPlain(address) && isNetwork(address) {
			plain = append(plain, address.String())
		}
	}
	if len(plain) > 0 {
		a.addAll("plain-http", s.sites(), strings.Join(plain, ", "))
	}
	proxied := map[string]bool{}
	for _, g := range s.gates {
		_, isProxy := g.handler.(*Proxy)
		for _, site := range g.sites {
			proxied[site] = proxied[site] || isProxy
			a.gate(site, g)
		}
	}
	for _, site := range s.sites() {
		a.addIf(!proxied[site], "no-proxy", site)
	}
	if s.hasExpression() && (a.printed == nil || a.printed(zapcore.ErrorLevel)) {
		a.addAll("matcher-errors", s.sites())
	}
}

// gate warns of what a call passes before it comes to a gate.
func (a *advice) gate(site string, g gate) {
	if _, ok := g.handler.(*Proxy); ok {
		identified := slices.ContainsFunc(g.before, func(h caddyhttp.MiddlewareHandler) bool { _, ok := h.(*Identify); return ok })
		a.addIf(!identified, "no-identify", site)
		policed := slices.ContainsFunc(g.before, func(h caddyhttp.MiddlewareHandler) bool { _, ok := h.(*Police); return ok })
		a.addIf(identified && !policed, "no-policy", site)
	}
	for _, handler := range g.before {
		name := caddy.GetModuleName(handler)
		a.addIf(a.mayPrint(name), "handler-errors", site, name)
		a.addIf(changesCall(handler), "rewritten", site, name)
		for _, header := range keyHeaders(handler) {
			a.add("set-key", site, header)
		}
	}
}

// The handlers of Caddy's that return no errors of their own, and those whose errors all blame the caller: such are
// logged at level debug only. What is in neither may be anybody's module.
var (
	errorless = []string{
		"psa_identify", "psa_policy", "psa_proxy", "psa_web", "psa_signin", "psa_stepup", "headers", "vars", "map", "log_append", "encode", "timeouts", "push", "tracing",
		"metrics", "rewrite", "static_response", "copy_response_headers",
	}
	blameCaller = []string{"request_body", "authentication"}
)

// mayPrint tells whether an error of a handler would be printed with the caller's headers.
func (a *advice) mayPrint(handler string) bool {
	level := zapcore.ErrorLevel
	if slices.Contains(blameCaller, handler) {
		level = zapcore.DebugLevel
	}
	return !slices.Contains(errorless, handler) && (a.printed == nil || a.printed(level))
}

// errorLogger is the logger of calls that ended with an error; a host's own is below it.
const errorLogger = "http.log.error"

// printedErrors tells of which levels a call that ended with an error is logged in another format than psa.
func printedErrors(logs *caddy.Logging) func(zapcore.Level) bool {
	return func(level zapcore.Level) bool {
		for _, log := range logs.Logs {
			encoder, err := encoderOf(log)
			if _, ok := encoder.(*LogEncoder); ok && err == nil {
				continue
			}
			if takes(log, errorLogger, level) || slices.ContainsFunc(log.Include, func(name string) bool {
				return strings.HasPrefix(name, errorLogger+".") && takes(log, name, level)
			}) {
				return true
			}
		}
		return false
	}
}

// printsDebug tells whether a log in another format than psa takes what Caddy's server or a handler of its own says of
// calls at level debug.
func printsDebug(logs *caddy.Logging) bool {
	for _, log := range logs.Logs {
		encoder, err := encoderOf(log)
		if _, ok := encoder.(*LogEncoder); ok && err == nil {
			continue
		}
		for _, logger := range []string{errorLogger, "http.handlers.rewrite", "http.handlers.reverse_proxy"} {
			if takes(log, logger, zapcore.DebugLevel) {
				return true
			}
		}
	}
	return false
}

// takes tells whether a log takes entries of a logger at a level.
func takes(log *caddy.CustomLog, logger string, level zapcore.Level) bool {
	only := caddy.Logging{Logs: map[string]*caddy.CustomLog{"": log}}
	return only.Logger(accessLogger(logger)).Check(level, "") != nil
}

// changesCall tells whether a handler gives the next one another call than it got.
func changesCall(handler caddyhttp.MiddlewareHandler) bool {
	switch h := handler.(type) {
	case *rewrite.Rewrite:
		return true
	case *requestbody.RequestBody:
		return h.Set != ""
	}
	return false
}

// keyHeaders lists the headers with which a handler gives calls a key.
func keyHeaders(handler caddyhttp.MiddlewareHandler) (names []string) {
	h, ok := handler.(*headers.Handler)
	if !ok || h.Request == nil {
		return nil
	}
	for _, set := range []http.Header{h.Request.Add, h.Request.Set} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if strings.EqualFold(name, "Secret") || strings.EqualFold(name, "Authorization") {
				names = append(names, name)
			}
		}
	}
	return names
}

// listens are the addresses that the server is bound to, each with one port.
func (s gateServer) listens() (all []caddy.NetworkAddress) {
	for _, text := range s.Listen {
		if address, err := caddy.ParseNetworkAddress(text); err == nil {
			all = append(all, address.Expand()...)
		}
	}
	return all
}

// isPlain tells whether Caddy speaks no TLS at an address, by the rule by which Caddy decides.
func (s gateServer) isPlain(address caddy.NetworkAddress) bool {
	return len(s.TLSConnPolicies) == 0 || int(address.StartPort) == s.httpPort
}

// isNetwork tells whether an address can be reached from other machines.
func isNetwork(address caddy.NetworkAddress) bool {
	return !address.IsUnixNetwork() && !address.IsFdNetwork() && !isLoopback(address.Host)
}
