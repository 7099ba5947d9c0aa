package caddymodule

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestPeoplesRequestsAreCarriedAndProgramsCallsAreNot(t *testing.T) {
	for asked, want := range map[string]struct {
		noZone bool
		status int
		reason string
	}{
		"GET /Mvc/X":                     {status: 502, reason: "upstream-unreachable"}, // the fake reaches nobody
		"POST /Mvc/X":                    {status: 502, reason: "upstream-unreachable"},
		"GET /Mvc/Y":                     {noZone: true, status: 502, reason: "zone-unknown"},
		"GET /https://ww3.autotask.net/": {status: 302},
		"GET /ATServicesRest/V1.0/X":     {status: 418},
		"GET /psagate/signin":            {status: 418},
		"GET /x/%2e%2e/ATServicesRest/X": {status: 404},
	} {
		method, target, _ := strings.Cut(asked, " ")
		e := &fake{noStore: want.noZone}
		h := &Web{Login: "main", engine: e, carrier: newCarrier("main", new(WebProxy), e, slog.New(slog.DiscardHandler))}
		w := httptest.NewRecorder()
		next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})
		if err := h.ServeHTTP(w, httptest.NewRequest(method, "http://psa.example.com"+target, nil), next); err != nil {
			t.Errorf("%s: %v", asked, err)
		}
		if w.Code != want.status || w.Header().Get("Psagate-Reason") != want.reason {
			t.Errorf("%s: %d %v", asked, w.Code, w.Header())
		}
	}
}

// The handler psa_console is known by its name here alone, so that a config with it is refused whoever makes it.
func TestTheConsoleIsOnNoHostOfThePSAsPages(t *testing.T) {
	t.Setenv("PSAGATE_TEST_HOST", "psa.example.com")
	const console, proxy, redirect = `{"handler":"psa_console"}`, `{"handler":"psa_web","login":"main","proxy":{}}`, `{"handler":"psa_web","login":"main"}`
	route := func(handler string, hosts ...string) string {
		match := ""
		if len(hosts) > 0 {
			list, _ := json.Marshal(hosts)
			match = `"match":[{"host":` + string(list) + `}],`
		}
		return `{` + match + `"handle":[{"handler":"subroute","routes":[{"handle":[` + handler + `]}]}]}`
	}
	servers := func(routes ...[]string) json.RawMessage {
		var all []string
		for i, of := range routes {
			all = append(all, `"srv`+string(rune('0'+i))+`":{"routes":[`+strings.Join(of, ",")+`]}`)
		}
		return json.RawMessage(`{"servers":{` + strings.Join(all, ",") + `}}`)
	}
	for name, tc := range map[string]struct {
		config  json.RawMessage
		refused bool
	}{
		"hosts of their own":       {servers([]string{route(console, "ops.example.com"), route(proxy, "psa.example.com")}), false},
		"one host":                 {servers([]string{route(console+","+proxy, "psa.example.com")}), true},
		"one host in two routes":   {servers([]string{route(console, "PSA.example.com"), route(proxy, "psa.example.com")}), true},
		"one host on two ports":    {servers([]string{route(console, "psa.example.com")}, []string{route(proxy, "psa.example.com")}), true},
		"a wildcard":               {servers([]string{route(console, "*.example.com"), route(proxy, "psa.example.com")}), true},
		"any host":                 {servers([]string{route(console)}, []string{route(proxy, "psa.example.com")}), true},
		"a redirect is no page":    {servers([]string{route(console+","+redirect, "psa.example.com")}), false},
		"no console":               {servers([]string{route(proxy, "psa.example.com")}), false},
		"a named route, invoked":   {json.RawMessage(`{"servers":{"a":{"named_routes":{"x":{"handle":[` + proxy + `]}},"routes":[` + route(console, "a.example") + `,` + route(`{"handler":"invoke","name":"x"}`, "a.example") + `]}}}`), true},
		"where errors are handled": {json.RawMessage(`{"servers":{"a":{"errors":{"routes":[{"handle":[` + console + `]}]},"routes":[` + route(proxy, "a.example") + `]}}}`), true},
		"one host in two scripts":  {servers([]string{route(console, "psä.example.com"), route(proxy, "xn--ps-wia.example.com")}), true},
		"wildcards in the middle":  {servers([]string{route(console, "a.*.example.com"), route(proxy, "*.b.example.com")}), true},
		"wildcards apart":          {servers([]string{route(console, "a.*.example.com"), route(proxy, "*.example.com")}), false},
		"a variable":               {servers([]string{route(console, "{env.PSAGATE_TEST_HOST}"), route(proxy, "psa.example.com")}), true},
		"a variable, apart":        {servers([]string{route(console, "{env.PSAGATE_TEST_HOST}"), route(proxy, "other.example.com")}), false},
		"what is not yet known":    {servers([]string{route(console, "{vars.host}"), route(proxy, "psa.example.com")}), true},
		"no sites":                 {nil, false},
	} {
		if err := consoleApart(tc.config); (err != nil) != tc.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAConfigWithTheConsoleBesideThePSAsPagesIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ sites, want string }{
		"one site":  {"http://psa.example.com {\n\tpsa_console /console/*\n\tpsa_web main proxy\n}\n", "psa_console (site psa.example.com) and psa_web with proxy (site psa.example.com) are on one host"},
		"two sites": {"http://ops.example.com {\n\tpsa_console\n}\n\nhttp://psa.example.com {\n\tpsa_web main proxy\n}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			useFake(t)
			err := validate(t, mustAdapt(t, "{\n\tadmin off\n\tpsa {\n\t\tsecrets file /etc/psagate/secrets.json\n\t\tlogin main {\n\t\t\tsecret file autotask/main\n\t\t}\n\t}\n}\n\n"+tc.sites))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error: %v\nwant %q", err, tc.want)
			}
		})
	}
}
