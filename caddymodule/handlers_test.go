package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serve lets a request pass Identify and then Proxy, and returns the answer's status and the placeholders.
func serve(t *testing.T, engine engine) (int, *caddy.Replacer) {
	t.Helper()
	replacer := caddy.NewReplacer()
	request := httptest.NewRequest("GET", "/ATServicesRest/V1.0/Tickets/7", nil)
	request = request.WithContext(context.WithValue(varsContext(), caddy.ReplacerCtxKey, replacer))
	recorder := httptest.NewRecorder()
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return (&Proxy{engine: engine, PublicURL: "https://gate"}).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			t.Error("psa_proxy called the handler after it")
			return nil
		}))
	})
	if err := (&Identify{engine: engine}).ServeHTTP(recorder, request, next); err != nil {
		t.Errorf("the handlers returned an error, with which Caddy would log the request: %v", err)
	}
	return recorder.Code, replacer
}

func TestACallPassesBothHandlers(t *testing.T) {
	engine := new(fake)
	status, replacer := serve(t, engine)
	if got := strings.Join(engine.told(), ", "); status != 200 || got != "identify 192.0.2.7, proxy itglue https://gate" {
		t.Errorf("status %d; the engine was asked to: %s", status, got)
	}
	const all = "{psa.integration} {psa.entity} {psa.action} {psa.id} {psa.login} {psa.zone} {psa.credential.version}"
	if got := replacer.ReplaceKnown(all, ""); got != "itglue Tickets read 7 main https://webservices5.autotask.net 3" {
		t.Errorf("placeholders: %s", got)
	}
	if reason, known := replacer.Get("psa.reason"); !known || reason != "" {
		t.Error("what a call has not is not empty: Caddy would leave it standing in headers")
	}
}

func TestACallOfNobodyEndsAtIdentify(t *testing.T) {
	engine := &fake{noCaller: true}
	status, replacer := serve(t, engine)
	if got := strings.Join(engine.told(), ", "); status != 401 || got != "identify 192.0.2.7" {
		t.Errorf("status %d; the engine was asked to: %s", status, got)
	}
	if name, _ := replacer.Get("psa.integration"); name != "" {
		t.Error("nobody has a name")
	}
}

func TestARequestWithoutPlaceholdersIsServed(t *testing.T) {
	if err := (&Proxy{engine: new(fake)}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), nil); err != nil {
		t.Error(err)
	}
}
