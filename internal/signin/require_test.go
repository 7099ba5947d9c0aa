package signin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOnlyPeopleWhoOpenAPageAreSentToSignIn(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		method  string
		headers []string
		status  int
	}{
		"a browser":                {http.MethodGet, []string{"Sec-Fetch-Mode: navigate"}, 303},
		"a browser that says less": {http.MethodGet, nil, 303},
		"a look":                   {http.MethodHead, nil, 303},
		"a page's script":          {http.MethodGet, []string{"Sec-Fetch-Mode: cors"}, 401},
		"a page's picture":         {http.MethodGet, []string{"Sec-Fetch-Mode: no-cors"}, 401},
		"a program":                {http.MethodGet, []string{"Accept: application/json"}, 401},
		"a script's form":          {http.MethodPost, []string{"Sec-Fetch-Mode: cors"}, 401},
		"a deletion":               {http.MethodDelete, nil, 401},
		"with a key of psagate's":  {http.MethodGet, []string{"Accept: */*", "Authorization: Bearer psagate_x"}, 401},
		"who says who he is":       {http.MethodGet, []string{"Accept: */*", "X-Forwarded-User: ann", "Remote-User: ann", "Cookie: psagate=ann"}, 401},
	} {
		b := w.browser()
		b.held = true
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		got := b.do(test.method, "/deep?x=1", nil, test.headers...)
		if got.StatusCode != test.status || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, %v", name, got.StatusCode, got.Header)
		}
		if test.status == 303 && got.Header.Get("Location") != "/psagate/signin?return=%2Fdeep%3Fx%3D1" {
			t.Errorf("%s: to %s", name, got.Header.Get("Location"))
		}
		if test.status == 401 && (got.Header.Get("Location") != "" || !strings.HasPrefix(got.body, `{"errors":["sign in first"]`)) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	if len(w.behind) != 0 {
		t.Error("somebody came through")
	}
}

// Its page was open for longer than its person was signed in, and it is a person who reads the answer.
func TestAFormThatComesTooLateIsAnsweredForPeople(t *testing.T) {
	w := newWorld(t)
	for _, headers := range [][]string{{"Sec-Fetch-Mode: navigate"}, nil} {
		got := w.browser().do(http.MethodPost, "/deep/form", url.Values{"a": {"b"}}, headers...)
		w.at("who is not signed in", got, http.StatusUnauthorized, "Nothing was done with what you sent: sign in first.", `href="./"`)
		if got.Header.Get("Location") != "" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Vary") != "Cookie" {
			t.Errorf("%v", got.Header)
		}
	}
	if len(w.behind) != 0 {
		t.Error("somebody came through")
	}
}

func TestWhatIsBehindTheGateSeesNoneOfOurCookies(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	b.plant("theirs", `a"b=c`)
	b.plant("__Host-psagate-flow-x", "y")
	b.plant("psagate", "z")
	b.plant("psagate-flow-x", "y")
	b.plant("psagates", "kept")
	b.open("/x")
	got := w.behind[len(w.behind)-1].Header["Cookie"]
	if len(got) != 1 || strings.Contains(got[0], "psagate=") || strings.Contains(got[0], "flow") || !strings.Contains(got[0], `theirs="a\"b=c"`) && !strings.Contains(got[0], "theirs=") || !strings.Contains(got[0], "psagates=kept") {
		t.Errorf("it sees %q", got)
	}
	b.open("/alone")
	plain := w.browser()
	plain.signIn("/")
	if got := w.behind[len(w.behind)-1].Header["Cookie"]; len(got) != 0 {
		t.Errorf("it sees %q", got)
	}
}

func TestAPersonComesBackToWhatWasAskedForWhateverIsRewritten(t *testing.T) {
	type asked struct{}
	w := newWorld(t, func(c *Config) {
		c.URL = func(r *http.Request) *url.URL { return r.Context().Value(asked{}).(*url.URL) }
	})
	inner := w.server.Config.Handler
	w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		changed := r.WithContext(context.WithValue(r.Context(), asked{}, r.URL))
		changed.URL = &url.URL{Path: "/rewritten" + r.URL.Path}
		inner.ServeHTTP(rw, changed)
	})
	if got := w.browser().open("/deep?x=1"); got.body != "behind the gate: ann true at /rewritten/deep" || got.Request.URL.RequestURI() != "/deep?x=1" {
		t.Errorf("at %s: %s", got.Request.URL, got.body)
	}
}

func TestStripLeavesOthersAsTheyAre(t *testing.T) {
	for before, after := range map[string]string{
		"a=b; __Host-psagate=x; c=d": "a=b; c=d", "psagate=x": "", "__Host-psagate-browser=x; a=b": "a=b", "a=b": "a=b", "  a = b ;psagate=x": "a = b", "__Host-psagate-flow-1=2;x": "x", "a=psagate=x": "a=psagate=x",
		`a="x; psagate=y"; b`: `a="x; b`, "": "", ";;": ";;", "psagate": "",
	} {
		h := http.Header{"Cookie": {before}}
		strip(h)
		if got := h.Get("Cookie"); got != after {
			t.Errorf("%q became %q, want %q", before, got, after)
		}
	}
}

// A browser that sends no Sec-Fetch-Site names its origin with a form, and names none at all where the form's page has the policy
// no-referrer (Fetch, "Origin header"): then nobody could sign out with it.
func TestPagesWithFormsHaveTheirOriginNamed(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	lapsed := b.open("/psagate/callback/corp?state=x&code=secret")
	if got := lapsed.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("a page with a code in its address: %q", got)
	}
	b.signIn("/")
	if got := b.open("/psagate/logout").Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("a page with a form: %q", got)
	}
	proof := b.proof()
	got := b.do(http.MethodPost, "/psagate/logout", url.Values{"proof": {proof}}, "Origin: "+w.server.URL)
	w.at("an older browser", got, http.StatusOK, "Signed out")
}
