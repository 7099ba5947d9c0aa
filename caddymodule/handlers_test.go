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

// serve lets a request pass Identify, Police and then Proxy, and returns the answer's status and the placeholders.
func serve(t *testing.T, engine engine) (int, *caddy.Replacer) {
	t.Helper()
	replacer := caddy.NewReplacer()
	request := httptest.NewRequest("GET", "/ATServicesRest/V1.0/Tickets/7", nil)
	request = request.WithContext(context.WithValue(varsContext(), caddy.ReplacerCtxKey, replacer))
	recorder := httptest.NewRecorder()
	last := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return (&Proxy{engine: engine, PublicURL: "https://gate"}).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			t.Error("psa_proxy called the handler after it")
			return nil
		}))
	})
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return (&Police{engine: engine, MaxBody: 5}).ServeHTTP(w, r, last)
	})
	if err := (&Identify{engine: engine}).ServeHTTP(recorder, request, next); err != nil {
		t.Errorf("the handlers returned an error, with which Caddy would log the request: %v", err)
	}
	return recorder.Code, replacer
}

func TestACallPassesAllHandlers(t *testing.T) {
	engine := new(fake)
	status, replacer := serve(t, engine)
	if got := strings.Join(engine.told(), ", "); status != 200 || got != "identify 192.0.2.7, police itglue 5, proxy itglue https://gate, leave" {
		t.Errorf("status %d; the engine was asked to: %s", status, got)
	}
	const all = "{psa.integration} {psa.entity} {psa.action} {psa.id} {psa.login} {psa.decision} {psa.zone} {psa.credential.version}"
	if got := replacer.ReplaceKnown(all, ""); got != "itglue Tickets read 7 main allow https://webservices5.autotask.net 3" {
		t.Errorf("placeholders: %s", got)
	}
	if reason, known := replacer.Get("psa.reason"); !known || reason != "" {
		t.Error("what a call has not is not empty: Caddy would leave it standing in headers")
	}
}

func TestADeniedCallEndsAtPolicy(t *testing.T) {
	engine := &fake{denies: true}
	status, replacer := serve(t, engine)
	if got := strings.Join(engine.told(), ", "); status != 403 || got != "identify 192.0.2.7, police itglue 5" {
		t.Errorf("status %d; the engine was asked to: %s", status, got)
	}
	if got := replacer.ReplaceKnown("{psa.decision} {psa.reason}", ""); got != "deny policy" {
		t.Errorf("placeholders: %s", got)
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

// midway serves a request, and calls back between the two handlers.
func midway(engine engine, replacer *caddy.Replacer, between func()) {
	request := httptest.NewRequest("GET", "/ATServicesRest/V1.0/Tickets/7", nil)
	request = request.WithContext(context.WithValue(varsContext(), caddy.ReplacerCtxKey, replacer))
	recorder := httptest.NewRecorder()
	_ = (&Identify{engine: engine}).ServeHTTP(recorder, request, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		between()
		return (&Proxy{engine: engine}).ServeHTTP(w, r, nil)
	}))
}

// allPlaceholders are all that there are, in their order.
func allPlaceholders() string {
	var all []string
	for _, p := range placeholders {
		all = append(all, "{"+p.name+"}")
	}
	return strings.Join(all, " ")
}

func TestAfterIdentifyAllPlaceholdersAreKnownAndTheLateOnesEmpty(t *testing.T) {
	replacer := caddy.NewReplacer()
	midway(quiet{}, replacer, func() {
		if got := replacer.ReplaceKnown(allPlaceholders(), "-"); got != "itglue Tickets read 7 main - - - -" {
			t.Errorf("between the handlers: %s", got)
		}
	})
	if got := replacer.ReplaceKnown(allPlaceholders(), "-"); got != "itglue Tickets read 7 main - https://webservices5.autotask.net 3 -" {
		t.Errorf("after them: %s", got)
	}
}

func TestACopyOfTheReplacerHearsWhatProxyFindsOut(t *testing.T) {
	replacer := caddy.NewReplacer()
	var copied *caddy.Replacer // as templates make one
	midway(quiet{}, replacer, func() { copied = replacer.WithoutFile() })
	if got := copied.ReplaceKnown(allPlaceholders(), "-"); got != "itglue Tickets read 7 main - https://webservices5.autotask.net 3 -" {
		t.Errorf("the copy gives: %s", got)
	}
}

func TestWhatALaterLookLeavesEmptyStays(t *testing.T) {
	replacer := caddy.NewReplacer()
	midway(quiet{}, replacer, func() {})
	midway(&fake{noCaller: true}, replacer, func() {}) // as where a route has psa_identify twice
	if got := replacer.ReplaceKnown(allPlaceholders(), "-"); got != "itglue Tickets read 7 main - https://webservices5.autotask.net 3 -" {
		t.Errorf("placeholders: %s", got)
	}
}

func TestAPlaceholderThatThereIsNotIsUnknown(t *testing.T) {
	replacer := caddy.NewReplacer()
	midway(quiet{}, replacer, func() {})
	for _, name := range []string{"psa", "psa.", "psa.secret", "psa.integration.x"} {
		if value, known := replacer.Get(name); known {
			t.Errorf("{%s} is %v", name, value)
		}
	}
}

func TestProxyAloneMakesPlaceholdersKnown(t *testing.T) {
	replacer := caddy.NewReplacer()
	request := httptest.NewRequest("GET", "/", nil)
	request = request.WithContext(context.WithValue(varsContext(), caddy.ReplacerCtxKey, replacer))
	if err := (&Proxy{engine: quiet{}}).ServeHTTP(httptest.NewRecorder(), request, nil); err != nil {
		t.Fatal(err)
	}
	if got := replacer.ReplaceKnown("{psa.integration} {psa.zone}", ""); got != "itglue https://webservices5.autotask.net" {
		t.Errorf("psa_proxy alone: %s", got)
	}
}

// What is made for a call are its knownCall, the function that asks it, and a longer list of such functions.
func TestPlaceholdersThatNobodyAsksForCostLittle(t *testing.T) {
	request := httptest.NewRequest("GET", "/", nil)
	_, first, _ := quiet{}.Identify(nil, request, "")
	second := quiet{}.Proxy(nil, nil, ProxyOptions{})
	of := func(serve func(*http.Request)) float64 {
		return testing.AllocsPerRun(100, func() {
			serve(request.WithContext(context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer())))
		})
	}
	cost := of(func(r *http.Request) { setPlaceholders(r, first); setPlaceholders(r, second) }) - of(func(*http.Request) {})
	if cost > 3 {
		t.Errorf("%v allocations", cost)
	}
}

// A header that is sent early, as 103 is, is filled in beside the handler.
// What can fail here is the race detector.
func TestPlaceholdersMayBeAskedForWhileACallIsServed(t *testing.T) {
	known, done := new(knownCall), make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			known.placeholder("psa.zone")
		}
	}()
	for range 100 {
		known.learn(quiet{}.Proxy(nil, nil, ProxyOptions{}))
	}
	<-done
}
