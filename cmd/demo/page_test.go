package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// shown is a page and the simulated PSA that it shows, without sockets.
type shown struct {
	t             *testing.T
	sim           *psatest.Sim
	first, second *psatest.Zone
	tenant        *psatest.Tenant
	user          *psatest.User
	page          http.Handler
}

func newShown(t *testing.T) *shown {
	t.Helper()
	s := &shown{t: t, sim: psatest.New(psatest.WithClock(func() time.Time { return noon }))}
	t.Cleanup(s.sim.Close)
	s.sim.DiscoveryOn(nil).SetURL("http://discovery.test")
	s.first, s.second = s.sim.AddZoneOn("First", nil), s.sim.AddZoneOn("Second", nil)
	s.tenant = s.sim.AddTenant("Example & Sons", s.first)
	s.user = s.tenant.AddUser("api@example.com", "right", "CODE")
	s.page = newPage(s.sim, "psa.lan")
	return s
}

// sign signs in at the first zone and tells the status.
func (s *shown) sign(user, secret, path string) int {
	r := httptest.NewRequest(http.MethodGet, "/ATServicesRest/V1.0/"+path, nil)
	r.Header.Set("UserName", user)
	r.Header.Set("Secret", secret)
	r.Header.Set("ApiIntegrationCode", "CODE")
	w := httptest.NewRecorder()
	s.first.ServeHTTP(w, r)
	return w.Code
}

func (s *shown) get(path string) string {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9000"+path, nil))
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// post sends a form as a browser does from the page itself, with headers that may say otherwise.
func (s *shown) post(path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:9000"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, r)
	return w
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestThePageShowsTheLedgerNewestFirst(t *testing.T) {
	s := newShown(t)
	s.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 1 })
	s.sign("api@example.com", "right", "Tickets/1")
	s.sign("api@example.com", "wrong", "Tickets/2")
	s.sign("stranger@example.com", "wrong", "Tickets/3")
	s.sign("api@example.com", "right", "Tickets/4")
	text := s.get("/")
	_, rest, _ := strings.Cut(text, `id="ledger"`)
	for _, want := range []string{
		"Tickets/4", "stranger@example.com", "unknown user", "Tickets/3", "wrong secret; failure 1", "Tickets/2", ">accepted<", "Tickets/1",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is not there, or not in its place:\n%s", want, text)
		}
		rest = after
	}
	for _, want := range []string{"12:00:00.000", "too many calls in the hour", ">limited<", "4 sign-ins", "1 of 10000", "Example &amp; Sons"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not there", want)
		}
	}
}

func TestThePageShowsAHundredSignInsAtMost(t *testing.T) {
	s := newShown(t)
	for n := range latest + 20 {
		s.sign("api@example.com", "right", fmt.Sprintf("Tickets/%d", 1000+n))
	}
	text := s.get("/")
	if strings.Count(text, "Tickets/1") != latest || !strings.Contains(text, "120 sign-ins, the latest 100") || strings.Contains(text, "Tickets/1019<") {
		t.Fatalf("%d sign-ins are shown", strings.Count(text, "Tickets/1"))
	}
}

func TestThePageIsLiveUntilItIsHeldStill(t *testing.T) {
	s := newShown(t)
	const refresh = `http-equiv="refresh"`
	if !strings.Contains(s.get("/"), refresh) || strings.Contains(s.get("/?still"), refresh) || strings.Contains(s.get("/fault"), refresh) {
		t.Fatal("the overview alone refreshes itself, and not when it is held still")
	}
}

func TestWhatCallersSayIsEscaped(t *testing.T) {
	s := newShown(t)
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.}}`, "a\u202eb", "\x1b[31mred", `'; drop`, strings.Repeat("long", 100),
	}
	for _, name := range hostile {
		s.sign(name, "x", "Tickets/"+url.PathEscape(name))
	}
	s.tenant.AddUser(`<b>"'&user`, "x", "CODE")
	s.sign(`<b>"'&user`, "y", "Version")
	for _, path := range []string{"/", "/fault", "/password?user=" + url.QueryEscape(`<b>"'&user`)} {
		text := s.get(path)
		for _, bad := range []string{"<script", "<img", "\u202e", "\x1b", `<b>"`, strings.Repeat("long", 60)} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q in it", path, bad)
			}
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", "{{.}}", `a\u202eb`, `\x1b[31mred`, "…"} {
		if !strings.Contains(s.get("/"), want) {
			t.Errorf("%q is not there", want)
		}
	}
}

func TestFormsCarryNamesUnharmed(t *testing.T) {
	s := newShown(t)
	u := s.tenant.AddUser(`<b>"'&  user`, "x", "CODE")
	s.sign(u.Name(), "y", "Version")
	if w := s.post("/unlock", values("user", u.Name())); w.Code != http.StatusSeeOther || u.FailedSinceSuccess() != 0 {
		t.Fatalf("%d, count %d", w.Code, u.FailedSinceSuccess())
	}
	if text := s.get("/fault"); !strings.Contains(text, `value="&lt;b&gt;&#34;&#39;&amp;  user"`) {
		t.Fatal("the name is not the value of its choice")
	}
}

func TestAUserIsUnlocked(t *testing.T) {
	s := newShown(t)
	for range threshold {
		s.sign("api@example.com", "wrong", "Version")
	}
	if text := s.get("/"); !strings.Contains(text, `7 of 7 <strong class="bad">locked`) {
		t.Fatalf("it is not shown as locked:\n%s", text)
	}
	w := s.post("/unlock", values("user", "API@example.com"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || s.user.Locked() || s.sign("api@example.com", "right", "Version") != 200 {
		t.Fatalf("%d %s, locked %v", w.Code, w.Body, s.user.Locked())
	}
}

func TestAPasswordIsChangedWithinTheRules(t *testing.T) {
	for name, tc := range map[string]struct{ password, says string }{
		"a good one":       {"next-password", ""},
		"none":             {"", "at least one character"},
		"64 characters":    {strings.Repeat("x", 64), ""},
		"65 characters":    {strings.Repeat("x", 65), "at most 64 characters"},
		"a blank in it":    {"a b", "neither blanks"},
		"a quote in it":    {"a'b", "single quotes"},
		"a line in it":     {"a\nb", "neither blanks"},
		"an umlaut in it":  {"pässword", "outside of ASCII"},
		"markup is a text": {"<b>&\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShown(t)
			w := s.post("/password", values("user", "api@example.com", "password", tc.password))
			if tc.says != "" {
				if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tc.says) || s.sign("api@example.com", "right", "Version") != 200 {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				return
			}
			if w.Code != http.StatusSeeOther || s.sign("api@example.com", tc.password, "Version") != 200 || s.sign("api@example.com", "right", "Version") != 401 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if text := s.get("/"); !strings.Contains(text, "wrong secret, an older one of this user; failure 1") {
				t.Fatal(text)
			}
		})
	}
}

func TestATenantMoves(t *testing.T) {
	s := newShown(t)
	if w := s.post("/move", values("tenant", "Example & Sons", "zone", "Second")); w.Code != http.StatusSeeOther || s.tenant.Zone() != s.second {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if text := s.get("/"); !strings.Contains(text, "Move to First") || strings.Contains(text, "Move to Second") {
		t.Fatal("the page offers to move to where it is")
	}
}

func TestAFaultIsOrderedAsNarrowAsTheFormSaysAndEnded(t *testing.T) {
	const storm = "a storm of 401"
	for name, tc := range map[string]struct {
		form   url.Values
		only   string
		status int
	}{
		"for everybody":          {values("fault", storm), "everybody", 401},
		"for a zone and a user":  {values("fault", storm, "zone", "First", "user", "api@example.com"), "zone First, api@example.com", 401},
		"for another zone":       {values("fault", storm, "zone", "Second"), "zone Second", 200},
		"for the discovery host": {values("fault", storm, "zone", discoveryChoice), "the discovery host", 200},
		"for three calls":        {values("fault", storm, "times", "3"), "3 calls", 401},
		"as often as can be":     {values("fault", storm, "times", "0"), "everybody", 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShown(t)
			if w := s.post("/fault", tc.form); w.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if got := s.sign("api@example.com", "right", "Version"); got != tc.status {
				t.Fatalf("a sign-in got %d", got)
			}
			if text := s.get("/"); !strings.Contains(text, "<b>"+storm+"</b>") || !strings.Contains(text, "<bdi>"+tc.only+"</bdi>") {
				t.Fatalf("it is not shown as being for %s:\n%s", tc.only, text)
			}
			if w := s.post("/release", values("no", "0")); w.Code != http.StatusSeeOther || s.sign("api@example.com", "right", "Version") != 200 {
				t.Fatalf("it does not end: %d %s", w.Code, w.Body)
			}
			if !strings.Contains(s.get("/"), "None is in force.") {
				t.Fatal("it is still shown")
			}
		})
	}
}

func TestEveryFaultCanBeOrdered(t *testing.T) {
	s := newShown(t)
	form := s.get("/fault")
	for _, f := range psatest.Faults() {
		if w := s.post("/fault", values("fault", f.Name)); w.Code != http.StatusSeeOther || !strings.Contains(form, `value="`+html.EscapeString(f.Name)+`"`) {
			t.Errorf("%s: %d %s", f.Name, w.Code, w.Body)
		}
	}
	if got := len(s.sim.Orders()); got != len(psatest.Faults()) {
		t.Errorf("%d are in force", got)
	}
}

func TestAFormThatAsksForWhatIsNotThereIsToldSo(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		form url.Values
		says string
	}{
		"an unknown user":              {"/unlock", values("user", "nobody"), "there is no such user"},
		"no user at all":               {"/unlock", nil, "there is no such user"},
		"a password for nobody":        {"/password", values("user", "nobody", "password", "x"), "there is no such user"},
		"an unknown tenant":            {"/move", values("tenant", "x", "zone", "First"), "there is no such tenant"},
		"an unknown zone":              {"/move", values("tenant", "Example & Sons", "zone", "x"), "there is no such zone"},
		"an unknown fault":             {"/fault", values("fault", "x"), "there is no such fault"},
		"a fault in an unknown zone":   {"/fault", values("fault", "an outage", "zone", "x"), "there is no such zone"},
		"a fault for an unknown user":  {"/fault", values("fault", "an outage", "user", "x"), "there is no such user"},
		"a fault for a count of minus": {"/fault", values("fault", "an outage", "times", "-1"), "cannot be counted"},
		"a fault for some count":       {"/fault", values("fault", "an outage", "times", "<b>"), "&#34;&lt;b&gt;&#34; calls cannot be counted"},
		"the end of no fault":          {"/release", values("no", "0"), "there is no such fault"},
		"the end of a fault below all": {"/release", values("no", "-1"), "there is no such fault"},
		"a form over the limit":        {"/unlock", values("user", strings.Repeat("x", 20_000)), "the form cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShown(t)
			w := s.post(tc.path, tc.form)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tc.says) || len(s.sim.Orders()) != 0 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func TestOnlyThePageItselfMayPost(t *testing.T) {
	for name, tc := range map[string]struct {
		headers []string
		status  int
	}{
		"the page itself":                         {nil, 303},
		"another site":                            {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another port of this machine":            {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"an old browser from another origin":      {[]string{"Sec-Fetch-Site", "", "Origin", "http://evil.example"}, 403},
		"an old browser from the page":            {[]string{"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:9000"}, 303},
		"a name that was made to resolve to here": {[]string{"Host", "evil.example:9000"}, 403},
		"localhost":                               {[]string{"Host", "localhost:9000"}, 303},
		"the name that it listens on":             {[]string{"Host", "PSA.lan:9000"}, 303},
		"an address of IPv6":                      {[]string{"Host", "[::1]"}, 303},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShown(t)
			s.sign("api@example.com", "wrong", "Version")
			w := s.post("/unlock", values("user", "api@example.com"), tc.headers...)
			if w.Code != tc.status || (s.user.FailedSinceSuccess() == 0) != (tc.status == 303) {
				t.Fatalf("%d %s, count %d", w.Code, w.Body, s.user.FailedSinceSuccess())
			}
		})
	}
}

func TestDeedsNeedAPostAndOtherPathsAreNotThere(t *testing.T) {
	s := newShown(t)
	for target, want := range map[string]int{
		"GET /unlock": 405, "GET /move": 405, "GET /release": 405, "POST /": 405, "GET /elsewhere": 404, "GET /page.html": 404, "GET /password?user=nobody": 400,
	} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		s.page.ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1:9000"+path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func TestNothingOnThePageMayRunOrFrameIt(t *testing.T) {
	s := newShown(t)
	for _, path := range []string{"/", "/fault", "/password?user=api@example.com", "/page.css", "/elsewhere"} {
		w := httptest.NewRecorder()
		s.page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9000"+path, nil))
		policy := strings.Split(w.Header().Get("Content-Security-Policy"), "; ")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !slices.Contains(policy, want) {
				t.Errorf("%s: the policy is %q", path, policy)
			}
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
}

func TestThePageTellsNoSecret(t *testing.T) {
	s := newShown(t)
	s.sign("api@example.com", "mistyped-secret", "Version")
	s.post("/password", values("user", "api@example.com", "password", "next-secret"))
	for _, path := range []string{"/", "/fault", "/password?user=api@example.com"} {
		for _, secret := range []string{"mistyped-secret", "next-secret", "CODE"} {
			if strings.Contains(s.get(path), secret) {
				t.Errorf("%s tells %q", path, secret)
			}
		}
	}
}
