package caddymodule

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// clients warns of a server that knows its clients' addresses or certificates less well than the config takes it to.
func (a *advice) clients(s gateServer, app *App) {
	sites := s.sites()
	trusted, err := privateField[caddyhttp.IPRangeSource](reflect.ValueOf(s.Server).Elem(), "trustedProxies")
	if err != nil {
		a.addAll("unseen", sites, "trusted proxies", err)
		return
	}
	isTrusting := trusted != nil || s.TrustedProxiesUnix
	if ranges, ok := trusted.(*caddyhttp.StaticIPRange); ok && holdsAll(ranges.GetIPRanges(nil)) {
		a.addAll("trust-all", sites)
	}
	if app.restrictsNetworks() {
		if s.proxyIsUnknown(trusted != nil) {
			a.addAll("trust-missing", sites)
		}
		if isTrusting && s.TrustedProxiesStrict <= 0 {
			a.addAll("trust-lax", sites)
		}
	}
	if isTrusting && !slices.ContainsFunc(s.listens(), func(address caddy.NetworkAddress) bool { return !s.isPlain(address) }) {
		a.publicURLs(s)
	}
}

// publicURLs warns of a proxy before plain HTTP: psagate cannot know then which scheme clients use.
func (a *advice) publicURLs(s gateServer) {
	for _, g := range s.gates {
		if proxy, ok := g.handler.(*Proxy); ok && proxy.PublicURL == "" {
			a.addAll("public-url", g.sites)
		}
	}
}

// proxyIsUnknown tells whether all calls come through a proxy, and one way of them is by a proxy that is not trusted.
func (s gateServer) proxyIsUnknown(trustsAddresses bool) (unknown bool) {
	for _, address := range s.listens() {
		switch {
		case address.IsUnixNetwork():
			unknown = unknown || !s.TrustedProxiesUnix
		case isLoopback(address.Host):
			unknown = unknown || !trustsAddresses
		default:
			return false
		}
	}
	return unknown
}

// restrictsNetworks tells whether an integration that may call has `from`.
func (a *App) restrictsNetworks() bool {
	for _, i := range a.Integrations {
		if !i.Disabled && len(i.From) > 0 {
			return true
		}
	}
	return false
}

func holdsAll(networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Bits() == 0 })
}

// certificates warns of client_cert where certificates are not verified, or by the wrong authorities.
func (a *advice) certificates(servers []gateServer, app *App) {
	var holders []string
	for _, name := range slices.Sorted(maps.Keys(app.Integrations)) {
		if i := app.Integrations[name]; !i.Disabled && len(i.ClientCerts) > 0 {
			holders = append(holders, "integration "+name)
		}
	}
	if len(holders) == 0 || len(servers) == 0 {
		return
	}
	isVerified := false
	for _, s := range servers {
		if s.StrictSNIHost != nil && !*s.StrictSNIHost {
			a.addAll("sni-off", s.sites())
		}
		for _, policy := range s.TLSConnPolicies {
			verifies, ownCA := verification(policy.ClientAuthentication)
			isVerified = isVerified || verifies
			if verifies && !ownCA {
				a.addAll("client-ca", s.sites())
			}
		}
	}
	if !isVerified {
		a.addAll("no-verified-client", holders)
	}
}

// verification tells whether client certificates are verified, and whether by authorities that the config names. Go
// takes the system's where it is given none.
func verification(auth *caddytls.ClientAuthentication) (verifies, ownCA bool) {
	if auth == nil {
		return false, false
	}
	ca, err := privateField[caddytls.CA](reflect.ValueOf(auth).Elem(), "ca")
	ownCA = err != nil || ca != nil
	switch auth.Mode {
	case "verify_if_given", "require_and_verify":
		verifies = true
	case "":
		verifies = ownCA
	}
	return verifies, ownCA
}
