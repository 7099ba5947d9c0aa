package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestPeopleAreRedirectedAndProgramsAreNot(t *testing.T) {
	for asked, want := range map[string]struct {
		noZone   bool
		status   int
		location string
		reason   string
	}{
		"GET /Mvc/X?a=1":                    {status: 302, location: "https://ww5.autotask.net/Mvc/X?a=1"},
		"HEAD /https://ww3.autotask.net/X":  {status: 302, location: "https://ww5.autotask.net/X"},
		"GET /%5Cexample.com/..%2f":         {status: 302, location: "https://ww5.autotask.net/%5Cexample.com/..%2f"},
		"GET //example.com":                 {status: 302, location: "https://ww5.autotask.net//example.com"},
		"POST /Mvc/X":                       {status: 405},
		"GET /ATServicesRest/V1.0/X":        {status: 418},
		"POST /atservices/1.6/atws.asmx":    {status: 418},
		"GET /psagate/signin":               {status: 418},
		"GET /ATServicesRestaurant":         {status: 302, location: "https://ww5.autotask.net/ATServicesRestaurant"},
		"GET /" + strings.Repeat("x", 9000): {status: 400},
		"GET /Mvc/Y":                        {noZone: true, status: 502, reason: "zone-unknown"},
	} {
		method, target, _ := strings.Cut(asked, " ")
		h := &Web{Login: "main", engine: &fake{noStore: want.noZone}}
		w := httptest.NewRecorder()
		next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})
		if err := h.ServeHTTP(w, httptest.NewRequest(method, "https://psa.example.com"+target, nil), next); err != nil {
			t.Errorf("%s: %v", asked, err)
		}
		if w.Code != want.status || w.Header().Get("Location") != want.location || w.Header().Get("Psagate-Reason") != want.reason {
			t.Errorf("%.60s: %d %v", asked, w.Code, w.Header())
		}
	}
}
