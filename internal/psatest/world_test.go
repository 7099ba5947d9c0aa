package psatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

const (
	userName = "api@example.com"
	secret   = "right-secret"
	code     = "CODE"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// world is a PSA with two zones and a tenant on the first, asked without sockets.
type world struct {
	t      testing.TB
	sim    *psatest.Sim
	z5, z6 *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldAt(t, func() time.Time { return noon })
}

func newWorldAt(t testing.TB, now func() time.Time) *world {
	t.Helper()
	w := &world{t: t, sim: psatest.New(psatest.WithClock(now))}
	t.Cleanup(w.sim.Close)
	w.z5, w.z6 = w.sim.AddZoneOn("5", nil), w.sim.AddZoneOn("6", nil)
	w.z5.SetURL("http://zone5.test")
	w.z6.SetURL("http://zone6.test")
	w.tenant = w.sim.AddTenant("Example", w.z5)
	w.user = w.tenant.AddUser(userName, secret, code)
	return w
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatalf("the answer is not a JSON object: %v: %s", err, r.body)
	}
	return m
}

func request(method, target, body string, creds ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i, name := range []string{"UserName", "Secret", "ApiIntegrationCode"} {
		if i < len(creds) && creds[i] != "" {
			r.Header.Set(name, creds[i])
		}
	}
	return r
}

func ask(z *psatest.Zone, r *http.Request) reply {
	rec := httptest.NewRecorder()
	z.ServeHTTP(rec, r)
	res := rec.Result()
	b, _ := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b)}
}

// do asks zone 5 with the right credentials; path is what follows V1.0/.
func (w *world) do(method, path, body string) reply {
	return ask(w.z5, request(method, "/ATServicesRest/V1.0/"+path, body, userName, secret, code))
}

// sign signs in once at a zone with a secret and tells the status.
func (w *world) sign(z *psatest.Zone, user, secret string) int {
	return ask(z, request("GET", "/ATServicesRest/V1.0/Version", "", user, secret, code)).status
}

// must fails the test unless the call got 200, and returns its JSON.
func (w *world) must(method, path, body string) map[string]any {
	w.t.Helper()
	r := w.do(method, path, body)
	if r.status != 200 {
		w.t.Fatalf("%s %s: status %d: %s", method, path, r.status, r.body)
	}
	return r.json(w.t)
}

// errorText is the one error of a 500.
func (w *world) errorText(method, path, body string) string {
	w.t.Helper()
	r := w.do(method, path, body)
	if r.status != 500 {
		w.t.Fatalf("%s %s %s: status %d, want 500: %s", method, path, body, r.status, r.body)
	}
	errs, _ := r.json(w.t)["errors"].([]any)
	if len(errs) != 1 {
		w.t.Fatalf("%s %s: want one error: %s", method, path, r.body)
	}
	return errs[0].(string)
}

// ids are the ids of a page's items, in order.
func ids(page map[string]any) []int {
	out := []int{}
	for _, i := range page["items"].([]any) {
		out = append(out, int(i.(map[string]any)["id"].(float64)))
	}
	return out
}

func details(page map[string]any) map[string]any { return page["pageDetails"].(map[string]any) }

// pathOf is what do wants of an absolute page URL, checking that it is on zone 5.
func (w *world) pathOf(pageURL any) string {
	w.t.Helper()
	const prefix = "http://zone5.test/ATServicesRest/V1.0/"
	s, _ := pageURL.(string)
	if !strings.HasPrefix(s, prefix) {
		w.t.Fatalf("page URL %v is not absolute on the zone's host", pageURL)
	}
	return strings.TrimPrefix(s, prefix)
}

func search(q string) string { return "?search=" + url.QueryEscape(q) }

func params(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
