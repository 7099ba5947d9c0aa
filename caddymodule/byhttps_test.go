package caddymodule

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestOnlyATrustedProxySaysThatABrowserCameByHTTPS(t *testing.T) {
	for name, test := range map[string]struct {
		vars map[string]any
		tls  bool
		says []string
		want bool
	}{
		"TLS":                              {nil, true, nil, true},
		"TLS, and a header that denies it": {nil, true, []string{"http"}, true},
		"a stranger":                       {map[string]any{caddyhttp.TrustedProxyVarKey: false}, false, []string{"https"}, false},
		"where no proxy is trusted":        {nil, false, []string{"https"}, false},
		"a proxy":                          {map[string]any{caddyhttp.TrustedProxyVarKey: true}, false, []string{"HTTPS"}, true},
		"a proxy of plain HTTP":            {map[string]any{caddyhttp.TrustedProxyVarKey: true}, false, []string{"http"}, false},
		"a proxy that says nothing":        {map[string]any{caddyhttp.TrustedProxyVarKey: true}, false, nil, false},
		"a proxy that says several":        {map[string]any{caddyhttp.TrustedProxyVarKey: true}, false, []string{"https, http"}, false},
		"a proxy that adds to a header that the browser sent": {map[string]any{caddyhttp.TrustedProxyVarKey: true}, false, []string{"https", "http"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://people.example.com/", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, test.vars))
		if test.tls {
			r.TLS = &tls.ConnectionState{}
		}
		for _, text := range test.says {
			r.Header.Add("X-Forwarded-Proto", text)
		}
		if got := byHTTPS(r); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
