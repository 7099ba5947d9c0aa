package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
)

// adminServer serves an engine's admin API as Caddy does, errors included.
func adminServer(t *testing.T, e engine) http.Handler {
	t.Helper()
	if e != nil {
		app := &App{engine: e}
		inForce.Store(app)
		t.Cleanup(func() { inForce.CompareAndSwap(app, nil) })
	}
	mux := http.NewServeMux()
	for _, route := range new(AdminAPI).Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			var refused caddy.APIError
			if err := route.Handler.ServeHTTP(w, r); errors.As(err, &refused) {
				refused.Message = refused.Error()
				w.WriteHeader(refused.HTTPStatus)
				_ = json.NewEncoder(w).Encode(refused)
			}
		})
	}
	return mux
}

func TestTheAdminEndpointAnswers(t *testing.T) {
	long := `{"seq":` + strings.Repeat(" ", maxAdminBody) + `1}`
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"status":                        {"GET", "/psa/status", "", 200, `"policy":{"source":"default","policies":1}`},
		"status with advice":            {"GET", "/psa/status", "", 200, `"advice":"Unlock the user in the PSA, then run: psagate release main"`},
		"status by POST":                {"POST", "/psa/status", "", 405, "/psa/status takes GET, not POST"},
		"failures":                      {"GET", "/psa/failures", "", 200, `"integration":"itglue"`},
		"failures of an unknown login":  {"GET", "/psa/failures?login=third", "", 404, `login \"third\": no login of that name`},
		"failures since nonsense":       {"GET", "/psa/failures?since=soon", "", 400, `\"soon\" is no duration such as 15m, 24h or 7d`},
		"failures since nothing":        {"GET", "/psa/failures?since=", "", 400, "is no duration"},
		"failures since tomorrow":       {"GET", "/psa/failures?since=-1h", "", 400, "is no duration"},
		"failures by POST":              {"POST", "/psa/failures", "", 405, "takes GET, not POST"},
		"zones":                         {"GET", "/psa/zones", "", 200, `{"login":"main","url":"https://webservices5.autotask.net"}`},
		"zones by DELETE":               {"DELETE", "/psa/zones", "", 405, "takes GET, not DELETE"},
		"second factors by POST":        {"POST", "/psa/totp", "", 405, "takes GET, not POST"},
		"a reset by GET":                {"GET", "/psa/totp/reset", "", 405, "takes POST, not GET"},
		"a reset of nobody":             {"POST", "/psa/totp/reset", `{}`, 400, "the person has no"},
		"a reset with more":             {"POST", "/psa/totp/reset", `{"issuer":"a","subject":"b","all":true}`, 400, "the body must be"},
		"warnings":                      {"GET", "/psa/warnings", "", 200, `{"warnings":[{"kind":"unseen","where":["config"]`},
		"warnings by POST":              {"POST", "/psa/warnings", "", 405, "takes GET, not POST"},
		"a test of alerts, without any": {"POST", "/psa/alerts/test", "", 200, `{"ok":false,"targets":[]}`},
		"a test of alerts by GET":       {"GET", "/psa/alerts/test", "", 405, "takes POST, not GET"},
		"release":                       {"POST", "/psa/logins/main/release", `{"seq":17}`, 200, `{"login":"main","seq":17}`},
		"release of nothing shown":      {"POST", "/psa/logins/main/release", `{"seq":0}`, 200, `"seq":0`},
		"release by GET":                {"GET", "/psa/logins/main/release", "", 405, "takes POST, not GET"},
		"release of an unknown login":   {"POST", "/psa/logins/other/release", `{"seq":17}`, 404, `login \"other\": no login of that name`},
		"release of a user of callers'": {"POST", "/psa/logins/other%2Falice@example.com/release", `{"seq":17}`, 404, `login \"other/alice@example.com\": no login of that name`},
		"release without a body":        {"POST", "/psa/logins/main/release", "", 400, `the body must be {\"seq\": n}`},
		"release without seq":           {"POST", "/psa/logins/main/release", `{}`, 400, `the body must be`},
		"release with another field":    {"POST", "/psa/logins/main/release", `{"seq":1,"all":true}`, 400, `the body must be`},
		"release with a negative seq":   {"POST", "/psa/logins/main/release", `{"seq":-1}`, 400, `the body must be`},
		"release with a long body":      {"POST", "/psa/logins/main/release", long, 413, "the body is larger than 4096 bytes"},
		"check":                         {"POST", "/psa/logins/main/check", "", 200, `"ok":true`},
		"check by GET":                  {"GET", "/psa/logins/main/check", "", 405, "takes POST, not GET"},
		"check of an unknown login":     {"POST", "/psa/logins/other/check", "", 404, "no login of that name"},
		"check with a body":             {"POST", "/psa/logins/main/check", "{}", 400, "check takes no body"},
		"rotate":                        {"POST", "/psa/pools/crew/rotate", "", 200, `{"login":{"login":"main","outcome":"refused","was":4,"serving":4,"newest":5,`},
		"rotate, the whole":             {"POST", "/psa/pools/crew/rotate", `{"timeout":"1m"}`, 200, `{"done":{"pool":"crew","ok":false,`},
		"rotate by GET":                 {"GET", "/psa/pools/crew/rotate", "", 405, "takes POST, not GET"},
		"rotate of an unknown pool":     {"POST", "/psa/pools/main/rotate", "", 404, `pool \"main\": no pool of that name`},
		"rotate beside another":         {"POST", "/psa/pools/busy/rotate", "", 409, `a rotation is under way already`},
		"rotate with another field":     {"POST", "/psa/pools/crew/rotate", `{"timeout":"1m","all":true}`, 400, `the body must be {\"timeout\": \"2m\"}`},
		"rotate without a timeout":      {"POST", "/psa/pools/crew/rotate", `{}`, 400, `the body must be`},
		"rotate for a day":              {"POST", "/psa/pools/crew/rotate", `{"timeout":"1d"}`, 400, `timeout: a duration of more than 0`},
		"rotate for nonsense":           {"POST", "/psa/pools/crew/rotate", `{"timeout":"soon"}`, 400, `timeout: a duration`},
		"a pool's other action":         {"POST", "/psa/pools/crew/lock", "", 404, "nothing is at"},
		"a path that is not there":      {"GET", "/psa/secrets", "", 404, "nothing is at /psa/secrets"},
		"a path below status":           {"GET", "/psa/status/x", "", 404, "nothing is at"},
		"a login's other action":        {"POST", "/psa/logins/main/lock", "", 404, "nothing is at"},
		"the list of logins, not there": {"GET", "/psa/logins", "", 404, "nothing is at"},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			adminServer(t, new(fake)).ServeHTTP(recorder, request)
			if recorder.Code != c.status || !strings.Contains(recorder.Body.String(), c.want) {
				t.Errorf("answer %d %s, want %d with %s", recorder.Code, recorder.Body, c.status, c.want)
			}
			if got := recorder.Header().Get("Allow"); (got != "") != (c.status == 405) {
				t.Errorf("Allow: %q", got)
			}
		})
	}
}

func TestReleaseTellsTheEngineWhatWasShown(t *testing.T) {
	engine := new(fake)
	request := httptest.NewRequest("POST", "/psa/logins/second/release", strings.NewReader(`{"seq":4,"next_seq":9}`))
	adminServer(t, engine).ServeHTTP(httptest.NewRecorder(), request)
	if got := strings.Join(engine.told(), ","); got != "release second 4ns,and its next user 9ns" {
		t.Errorf("the engine was told: %s", got)
	}
}

func TestFailuresAreAskedForByLoginAndTime(t *testing.T) {
	for query, want := range map[string]string{
		"": `failures of "", 24h0m0s back`, "?login=main&since=15m": `failures of "main", 15m0s back`, "?since=7d": `failures of "", 168h0m0s back`,
	} {
		engine := new(fake)
		adminServer(t, engine).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/psa/failures"+query, nil))
		if got := strings.Join(engine.told(), ","); got != want {
			t.Errorf("%s: the engine was told: %s", query, got)
		}
	}
	engine := new(fake)
	run(t, "failures", "--login", "main", "--since", "2h", "--address", running(t, engine))
	if got := strings.Join(engine.told(), ","); got != `failures of "main", 2h0m0s back` {
		t.Errorf("the engine was told: %s", got)
	}
}

// failing is an engine whose checks end in an error.
type failing struct{ fake }

func (*failing) Check(context.Context, string) (report.CheckResult, error) {
	return report.CheckResult{}, errors.New("the guard's tables cannot be read")
}

func TestTheAdminEndpointPassesOnErrors(t *testing.T) {
	recorder := httptest.NewRecorder()
	adminServer(t, new(failing)).ServeHTTP(recorder, httptest.NewRequest("POST", "/psa/logins/main/check", nil))
	if recorder.Code != 500 || !strings.Contains(recorder.Body.String(), "the guard's tables cannot be read") {
		t.Errorf("answer %d %s", recorder.Code, recorder.Body)
	}
}

func TestTheAdminEndpointWithoutThePSABlock(t *testing.T) {
	recorder := httptest.NewRecorder()
	adminServer(t, nil).ServeHTTP(recorder, httptest.NewRequest("GET", "/psa/status", nil))
	if recorder.Code != 404 || !strings.Contains(recorder.Body.String(), "the running config has no psa block") {
		t.Errorf("answer %d %s", recorder.Code, recorder.Body)
	}
}
