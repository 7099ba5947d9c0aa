package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Each directive is anchored to a standard one, and no two to the same side of one: so their order hangs on nothing else. psa_policy
// comes late, so that it judges what other handlers have left of a call.
func init() {
	httpcaddyfile.RegisterDirective("psa_gateway", parseGateway)
	httpcaddyfile.RegisterHandlerDirective("psa_identify", parseIdentify)
	httpcaddyfile.RegisterHandlerDirective("psa_policy", parsePolice)
	httpcaddyfile.RegisterDirective("psa_signin", parseSignIn)
	httpcaddyfile.RegisterHandlerDirective("psa_proxy", parseProxy)
	httpcaddyfile.RegisterDirectiveOrder("psa_identify", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("psa_signin", httpcaddyfile.After, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("psa_gateway", httpcaddyfile.After, "metrics")
	httpcaddyfile.RegisterDirectiveOrder("psa_proxy", httpcaddyfile.Before, "reverse_proxy")
	httpcaddyfile.RegisterDirectiveOrder("psa_policy", httpcaddyfile.Before, "metrics")
}

// parseGateway reads psa_gateway. Syntax:
//
//	psa_gateway [<matcher>] {
//	    public_url <base URL>
//	    max_body <size>
//	}
//
// It is the same as
//
//	route [<matcher>] {
//	    psa_identify
//	    psa_policy {
//	        max_body <size>
//	    }
//	    psa_proxy {
//	        public_url <base URL>
//	        max_body <size>
//	    }
//	}
func parseGateway(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	proxy, err := parseProxy(h)
	if err != nil {
		return nil, err
	}
	all := &caddyhttp.Subroute{Routes: caddyhttp.RouteList{{HandlersRaw: []json.RawMessage{
		caddyconfig.JSONModuleObject(new(Identify), "handler", "psa_identify", nil),
		caddyconfig.JSONModuleObject(&Police{MaxBody: proxy.(*Proxy).MaxBody}, "handler", "psa_policy", nil),
		caddyconfig.JSONModuleObject(proxy, "handler", "psa_proxy", nil),
	}}}}
	// One handler, as Caddy keeps only the first of a route that is alone in a named one.
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{caddyconfig.JSONModuleObject(all, "handler", "subroute", nil)}}
	if matcher != nil {
		route.MatcherSetsRaw = []caddy.ModuleMap{matcher}
	}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: route}}, nil
}

// startDirective steps onto a directive's name, and refuses one that nothing is configured for.
func startDirective(h httpcaddyfile.Helper) (*word, error) {
	h.Next()
	w := at(h.Dispenser)
	if h.Option("psa") == nil {
		return nil, w.errorf("%s needs the global option psa, which says who may call and as which login", w.name)
	}
	return w, nil
}
