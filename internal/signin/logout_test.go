package signin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
)

var proofField = regexp.MustCompile(`name="proof" value="([^"]+)"`)

// proof is what the page's own form has.
func (b *browser) proof() string {
	b.w.Helper()
	found := proofField.FindStringSubmatch(b.open("/psagate/logout").body)
	if found == nil {
		b.w.Fatal("the page has no form")
	}
	return found[1]
}

func TestAPersonSignsOut(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	b.signIn("/")
	other.signIn("/")
	w.at("the page", b.open("/psagate/logout"), http.StatusOK, "signed in as ann@example.com", "Sign out here and of corp")
	token := b.cookies()["__Host-psagate"]
	got := b.do(http.MethodPost, "/psagate/logout", url.Values{"proof": {b.proof()}})
	w.at("out", got, http.StatusOK, "You are signed out")
	if held := b.cookies(); len(held) != 0 {
		t.Errorf("the browser holds %v", held)
	}
	b.plant("__Host-psagate", token)
	w.at("with the cookie of before", b.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
	asked := w.liar.Count("/authorize")
	other.signIn("/")
	if w.liar.Count("/authorize") != asked {
		t.Error("another browser was signed out too")
	}
	if out, in := w.told(SignedOut), w.told(SignedIn); len(out) != 1 || out[0].Session != in[0].Session || w.liar.Count("/end") != 0 {
		t.Errorf("told %+v", out)
	}
	w.at("nobody", w.browser().open("/psagate/logout"), http.StatusOK, "not signed in")
	w.at("nobody, by the form", w.browser().do(http.MethodPost, "/psagate/logout", url.Values{}), http.StatusOK, "You are signed out")
}

func TestASignOutHasTheBrowserForgetWhatItSaw(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form := url.Values{"proof": {b.proof()}}
	for _, held := range []string{"its session", "a session that has ended"} {
		got := b.do(http.MethodPost, "/psagate/logout", form)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Clear-Site-Data") != `"cache"` {
			t.Errorf("with %s: status %d, Clear-Site-Data %q", held, got.StatusCode, got.Header.Get("Clear-Site-Data"))
		}
		b.plant("__Host-psagate", random())
	}
}

func TestNobodyIsToldToBeSignedOutWhoIsNot(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	w.at("another site led here", b.open("/psagate/signed-out"), http.StatusOK, "You are still signed in as ann@example.com", "Sign out here and of corp")
	w.table.fail(errors.New("no disk"))
	w.at("who knows", b.open("/psagate/signed-out"), http.StatusServiceUnavailable, "cannot look up who is signed in")
	w.table.fail(nil)
	w.at("the form", b.do(http.MethodPost, "/psagate/logout", url.Values{"proof": {b.proof()}}), http.StatusOK, "You are signed out of this site.")
}

func TestAPersonSignsOutOfTheProviderToo(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	page := b.open("/psagate/logout")
	if !strings.HasSuffix(page.Header.Get("Content-Security-Policy"), "form-action 'self' "+w.liar.URL) {
		t.Errorf("the browser would not go there: %q", page.Header.Get("Content-Security-Policy"))
	}
	got := b.do(http.MethodPost, "/psagate/logout", url.Values{"proof": {b.proof()}, "everywhere": {"1"}})
	w.at("out", got, http.StatusOK, "You are signed out")
	if w.liar.Count("/end") != 1 {
		t.Error("the provider was not told")
	}
}

func TestAnotherSiteSignsNobodyOut(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	b.signIn("/")
	other.signIn("/")
	proof := b.proof()
	for name, test := range map[string]struct {
		form    url.Values
		headers []string
	}{
		"without a proof":         {url.Values{}, nil},
		"with an empty one":       {url.Values{"proof": {""}}, nil},
		"with another session's":  {url.Values{"proof": {other.proof()}}, nil},
		"from another site":       {url.Values{"proof": {proof}}, []string{"Sec-Fetch-Site: cross-site"}},
		"from a neighbour":        {url.Values{"proof": {proof}}, []string{"Sec-Fetch-Site: same-site"}},
		"from an origin of its":   {url.Values{"proof": {proof}}, []string{"Origin: https://evil.example"}},
		"from nowhere (sandbox)":  {url.Values{"proof": {proof}}, []string{"Origin: null"}},
		"with the proof in a URL": {nil, nil},
	} {
		path := "/psagate/logout"
		if test.form == nil {
			path += "?proof=" + proof
		}
		w.at(name, b.do(http.MethodPost, path, test.form, test.headers...), http.StatusForbidden, "Another site may have sent you here")
	}
	w.at("by a link", b.open("/psagate/logout?proof="+proof), http.StatusOK, "signed in as")
	if got := b.do(http.MethodPut, "/psagate/logout", url.Values{"proof": {proof}}); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") == "" {
		t.Errorf("by PUT: status %d", got.StatusCode)
	}
	b.isStillIn()
}

func TestAFormOfAnotherSiteWhichComesWithoutTheCookieDoesNotTakeItAway(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodPost, "https://gate.example.com/psagate/logout", strings.NewReader("proof=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site") // SameSite=Lax: the browser keeps the cookie back
	for _, held := range []string{"", "__Host-psagate=" + random()} {
		r.Header.Set("Cookie", held)
		rec := httptest.NewRecorder()
		w.site.ServeHTTP(rec, r)
		if rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("with %q: %v", held, rec.Header())
		}
	}
}

// isStillIn checks that the browser's session was not ended: it is let in without the provider.
func (b *browser) isStillIn() {
	b.w.Helper()
	before := b.w.liar.Count("/authorize")
	b.signIn("/still")
	if out, ended := b.w.told(SignedOut), b.w.told(Ended); b.w.liar.Count("/authorize") != before || len(out)+len(ended) != 0 {
		b.w.Errorf("the session was ended: told %+v and %+v", out, ended)
	}
}

// call is the provider's own.
func (w *world) call(token string) seen {
	w.Helper()
	return w.browser().do(http.MethodPost, "/psagate/backchannel/corp", url.Values{"logout_token": {token}})
}

func TestTheProviderEndsASession(t *testing.T) {
	w := newWorld(t)
	mine, phone, theirs := w.browser(), w.browser(), w.browser()
	mine.signIn("/")
	w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "ann", "sid": "s2"}})
	phone.signIn("/")
	w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "bob", "sid": "s3"}})
	if got := theirs.open("/"); got.body != "behind the gate: bob true at /" {
		t.Fatal(got.body)
	}
	w.liar.Lie(issuertest.Lies{})
	in := w.told(SignedIn)
	for _, sid := range []string{"s1", ""} { // a session, and all of a person's
		token := w.liar.LogoutToken(sid)
		if got := w.call(token); got.StatusCode != http.StatusOK || got.body != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("status %d: %s", got.StatusCode, got.body)
		}
		if got := w.call(token); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "invalid_request") {
			t.Errorf("once more: status %d: %s", got.StatusCode, got.body)
		}
	}
	for name, b := range map[string]*browser{"mine": mine, "phone": phone} {
		w.at(name, b.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
	}
	if got := theirs.open("/x"); got.body != "behind the gate: bob true at /x" {
		t.Errorf("another person's: %s", got.body)
	}
	if got, want := sessionNames(w.told(Ended)), sessionNames(in[:2]); !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
}

func TestATokenThatComesOnceMoreEndsNoNewerSession(t *testing.T) {
	w := newWorld(t)
	token := w.liar.LogoutToken("")
	w.later(2 * time.Minute) // the person signs in again
	b := w.browser()
	b.signIn("/")
	for range 2 {
		w.call(token)
	}
	b.isStillIn()
}

func TestAForgedLogoutTokenEndsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	for name, lies := range map[string]issuertest.Lies{
		"another issuer's":  {Claims: func(m map[string]any) { m["iss"] = "https://evil.example" }},
		"another program's": {Claims: func(m map[string]any) { m["aud"] = "other" }},
		"an ID token":       {Claims: func(m map[string]any) { m["nonce"] = "x" }},
		"of no event":       {Claims: func(m map[string]any) { delete(m, "events") }},
		"signed by nobody":  {Header: func(m map[string]any) { m["alg"] = "none" }, Sign: func(string) []byte { return nil }},
		"signed by all":     {Header: func(m map[string]any) { m["alg"] = "HS256" }, Sign: issuertest.HMAC(w.liar.PublicKey())},
	} {
		w.liar.Lie(lies)
		if got := w.call(w.liar.LogoutToken("s1")); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", name, got.StatusCode, got.body)
		}
	}
	w.liar.Lie(issuertest.Lies{})
	for name, got := range map[string]seen{
		"none":                    w.call(""),
		"rubbish":                 w.call("a.b.c"),
		"at nobody's":             w.browser().do(http.MethodPost, "/psagate/backchannel/none", url.Values{"logout_token": {w.liar.LogoutToken("s1")}}),
		"in the address":          w.browser().do(http.MethodPost, "/psagate/backchannel/corp?logout_token="+w.liar.LogoutToken("s1"), url.Values{}),
		"with a body without end": w.call(strings.Repeat("a", 1<<20)),
	} {
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", name, got.StatusCode, got.body)
		}
	}
	if got := w.browser().open("/psagate/backchannel/corp"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("by a link: status %d", got.StatusCode)
	}
	b.isStillIn()
}

func TestATokenIsTakenLaterWhereTheStoreFailed(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	token := w.liar.LogoutToken("s1")
	w.table.fail(errors.New("the disk is gone"))
	if got := w.call(token); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.StatusCode)
	}
	w.table.fail(nil)
	if got := w.call(token); got.StatusCode != http.StatusOK {
		t.Errorf("status %d", got.StatusCode)
	}
	w.at("ended", b.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
}
