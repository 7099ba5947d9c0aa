package signin

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/session"
)

func TestAPersonSignsInAndComesToThePageThatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/deep/link?id=7&x=a%20b")
	held := b.cookies()
	if len(held) != 1 || len(held["__Host-psagate"]) != 43 {
		t.Errorf("the browser holds %v", held)
	}
	b.signIn("/another")
	if n := w.liar.Count("/authorize"); n != 1 {
		t.Errorf("it was sent to the provider %d times", n)
	}
	in := w.told(SignedIn)
	if len(in) != 1 || in[0].Person.Subject != "ann" || in[0].Person.Email != "ann@example.com" || in[0].Issuer != "corp" || in[0].Session == "" || in[0].Address != "127.0.0.1" {
		t.Errorf("told %+v", in)
	}
}

func TestTheCookiesAreAsTheyMustBe(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.held = true
	start := b.open("/psagate/signin?return=/x")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	back := b.open(b.answerOfHeld(start))
	for name, resp := range map[string]seen{"a flow's": start, "a session's": back} {
		set := resp.Cookies()
		for _, c := range set {
			if !strings.HasPrefix(c.Name, "__Host-psagate") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s: %s", name, c.Raw)
			}
		}
		if len(set) == 0 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", name, resp.Header)
		}
	}
}

// answerOfHeld goes on from where a browser was held.
func (b *browser) answerOfHeld(at seen) string {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Get(at.Header.Get("Location"))
	if err != nil {
		b.w.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func TestTabsThatSignInAtOnceDoNotDisturbEachOther(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	var answers []string
	for _, path := range []string{"/one", "/two", "/three", "/four"} {
		answers = append(answers, b.answerOf(path))
	}
	for i, path := range []string{"/one", "/two", "/three", "/four"} {
		if got := b.open(answers[i]); got.body != "behind the gate: ann true at "+path {
			t.Errorf("%s: status %d: %s", path, got.StatusCode, got.body)
		}
	}
	for range 20 {
		b.answerOf("/psagate/signin")
	}
	if held := b.cookies(); len(held) > maxFlows+1 {
		t.Errorf("after 20 sign-ins that were not finished the browser holds %v", slices.Sorted(maps.Keys(held)))
	}
}

func TestAnAnswerIsGoodOnceInItsBrowserAndForTenMinutes(t *testing.T) {
	w := newWorld(t)
	mine, other := w.browser(), w.browser()
	w.liar.Lie(issuertest.Lies{Replays: true})
	answer := mine.answerOf("/x")
	w.at("in another browser", other.open(answer), http.StatusBadRequest, "has lapsed")
	held := mine.cookies()
	if got := mine.open(answer); got.body != "behind the gate: ann true at /x" {
		t.Fatalf("in its own: status %d: %s", got.StatusCode, got.body)
	}
	w.at("once more", mine.open(answer), http.StatusBadRequest, "has lapsed")
	for name, value := range held { // a browser that forgets nothing, or a thief
		other.plant(name, value)
	}
	w.at("once more, with its cookie, at a provider that takes a code twice", other.open(answer), http.StatusBadRequest, "finished already")
	w.liar.Lie(issuertest.Lies{})
	late := mine.answerOf("/psagate/signin?return=/y")
	w.later(flowLasts)
	w.at("after ten minutes", mine.open(late), http.StatusBadRequest, "has lapsed")
	if n := len(w.told(SignedIn)); n != 1 {
		t.Errorf("%d sessions began", n)
	}
}

func TestAnAnswerWithoutItsStateOrOfAnotherProviderIsRefused(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Issuers = append(c.Issuers, issuerOf(t, "other", "https://login.other.example")) })
	w.site.byName["same"] = issuerOf(t, "same", w.liar.URL)
	for name, change := range map[string]func(u *url.URL, q url.Values){
		"without a state":            func(_ *url.URL, q url.Values) { q.Del("state") },
		"with another state":         func(_ *url.URL, q url.Values) { q.Set("state", random()) },
		"at another callback":        func(u *url.URL, _ url.Values) { u.Path = "/psagate/callback/other" },
		"at another callback of it":  func(u *url.URL, _ url.Values) { u.Path = "/psagate/callback/same" },
		"at nobody's callback":       func(u *url.URL, _ url.Values) { u.Path = "/psagate/callback/none" },
		"at a longer callback":       func(u *url.URL, _ url.Values) { u.Path = "/psagate/callback/corp/" },
		"in another provider's name": func(_ *url.URL, q url.Values) { q.Set("iss", "https://login.other.example") },
		"in nobody's name":           func(_ *url.URL, q url.Values) { q.Del("iss") },
		"without a code":             func(_ *url.URL, q url.Values) { q.Del("code") },
		"with another code":          func(_ *url.URL, q url.Values) { q.Set("code", "x") },
	} {
		b := w.browser()
		u, err := url.Parse(b.answerOf("/psagate/signin/start?issuer=corp"))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(u, q)
		u.RawQuery = q.Encode()
		got := b.open(u.String())
		if got.StatusCode != http.StatusBadRequest && got.StatusCode != http.StatusForbidden || b.cookies()["__Host-psagate"] != "" {
			t.Errorf("%s: status %d, cookies %v: %s", name, got.StatusCode, b.cookies(), got.body)
		}
	}
	if in := w.told(SignedIn); len(in) != 0 {
		t.Errorf("told %+v", in)
	}
}

func TestAForgedIDTokenSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	for name, lies := range map[string]issuertest.Lies{
		"another issuer's":  {Claims: func(m map[string]any) { m["iss"] = "https://evil.example" }},
		"another program's": {Claims: func(m map[string]any) { m["aud"] = "other" }},
		"another sign-in's": {Claims: func(m map[string]any) { m["nonce"] = "x" }},
		"over":              {Claims: func(m map[string]any) { m["exp"] = time.Now().Add(-time.Hour).Unix() }},
		"signed by nobody":  {Header: func(m map[string]any) { m["alg"] = "none" }, Sign: func(string) []byte { return nil }},
		"signed by all":     {Header: func(m map[string]any) { m["alg"] = "HS256" }, Sign: issuertest.HMAC(w.liar.PublicKey())},
	} {
		w.liar.Lie(lies)
		b := w.browser()
		w.at(name, b.open("/x"), http.StatusForbidden, "does not prove who you are")
		if held := b.cookies(); len(held) != 0 {
			t.Errorf("%s: the browser holds %v", name, held)
		}
	}
	if in, no := w.told(SignedIn), w.told(Refused); len(in) != 0 || len(no) != 6 || no[0].Reason == "" {
		t.Errorf("told %+v and %+v", in, no)
	}
}

func TestAProviderInTroubleIsToldOfInPlainWords(t *testing.T) {
	w := newWorld(t)
	w.liar.Lie(issuertest.Lies{Status: 500})
	got := w.browser().open("/x")
	w.at("down", got, http.StatusServiceUnavailable, "corp does not answer", "Try again")
	if got.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	}
}

func TestWhatAProviderSaysIsShownAsTextAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.liar.Lie(issuertest.Lies{Deny: "access_denied", Why: `<script>alert(1)</script>` + "\r\nSet-Cookie: x=y" + `<img src=x onerror=alert(1)>` + strings.Repeat("long ", 200)})
	got := w.browser().open("/x")
	w.at("denied", got, http.StatusForbidden, "corp has not signed you in", "access_denied: &lt;script&gt;", "said no")
	if strings.Contains(got.body, "<script") || strings.Contains(got.body, "<img") || got.Header.Get("Set-Cookie") == "x=y" || strings.Count(got.body, "long") > 60 {
		t.Errorf("%v %s", got.Header, got.body)
	}
}

func TestPagesLoadNothingAndAreInNobodysFrame(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{"/psagate/signed-out": 200, "/psagate/logout": 200, "/psagate/callback/corp": 400, "/psagate/signin/start?issuer=%3Cscript%3E": 404} {
		got := w.browser().open(path)
		policy := got.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-" + styleHash + "'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q has no %s", path, policy, want)
			}
		}
		if got.StatusCode != status || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("X-Frame-Options") != "DENY" || got.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: status %d, %v", path, got.StatusCode, got.Header)
		}
		if !strings.Contains(got.body, "<style>"+styleText+"</style>") || strings.Contains(got.body, "<script") || strings.Contains(got.body, "ZgotmplZ") || !strings.Contains(got.body, "width=device-width") {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

func TestWithSeveralProvidersOneChooses(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Issuers = append(c.Issuers, issuerOf(t, "other", "https://login.other.example")) })
	b := w.browser()
	got := b.open("/deep?x=1")
	w.at("the chooser", got, http.StatusOK, "/psagate/signin/start?issuer=corp&amp;return=%2Fdeep%3Fx%3D1", "issuer=other")
	if got := b.open("/psagate/signin/start?issuer=corp&return=%2Fdeep%3Fx%3D1"); got.body != "behind the gate: ann true at /deep?x=1" {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
	if got := w.browser().do(http.MethodPost, "/psagate/signin/start", url.Values{"issuer": {"corp"}, "return": {"/y"}}); got.body != "behind the gate: ann true at /y" {
		t.Errorf("by a form: status %d: %s", got.StatusCode, got.body)
	}
	w.at("nobody", b.open("/psagate/signin/start?issuer=none"), http.StatusNotFound, "does not know the provider")
}

func TestNobodyIsSentToAnotherSite(t *testing.T) {
	w := newWorld(t)
	for _, to := range hostilePaths {
		b := w.browser()
		got := b.open("/psagate/signin?return=" + url.QueryEscape(to))
		if got.body != "behind the gate: ann true at /" {
			t.Errorf("%q leads to %s: %s", to, got.Request.URL, got.body)
		}
	}
}

func TestWhoIsInNoneOfTheGroupsIsToldWhichAndStaysOut(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Groups = []string{"admins", "<b>owners"} })
	b := w.browser()
	w.at("none of them", b.open("/x"), http.StatusForbidden, "You are ann@example.com at corp", "admins, &lt;b&gt;owners", "ask whoever manages accounts", "Sign out of corp")
	if held := b.cookies(); len(held) != 0 {
		t.Errorf("the browser holds %v", held)
	}
	if no := w.told(Refused); len(no) != 1 || no[0].Person.Subject != "ann" || !strings.Contains(no[0].Reason, "groups") {
		t.Errorf("told %+v", no)
	}
	w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "ann", "groups": []string{"admins"}}})
	b.signIn("/x")
	w.site.cfg.Groups = []string{"owners"} // a new config
	w.at("when the groups are others", b.open("/x"), http.StatusForbidden, "the group owners", "Sign out")
	w.at("a program", b.open("/x", "Accept: application/json"), http.StatusForbidden, `"errors":`)
}

func TestASessionThatWasPlantedIsNotTakenOver(t *testing.T) {
	w := newWorld(t)
	thief, victim := w.browser(), w.browser()
	thief.signIn("/")
	stolen := thief.cookies()["__Host-psagate"]
	victim.plant("__Host-psagate", stolen)
	victim.plant("__Host-psagate-flow-AAAAAAAAAAAAAAAA", "planted")
	got := victim.open("/psagate/signin?return=/mine")
	if got.body != "behind the gate: ann true at /mine" || victim.cookies()["__Host-psagate"] == stolen {
		t.Errorf("status %d: %s; cookies %v", got.StatusCode, got.body, victim.cookies())
	}
	thief.held = true
	if got := thief.open("/x"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("who planted it is still signed in: status %d", got.StatusCode)
	}
}

func TestSessionsOfAnotherProviderUnderTheNameCountForNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	other := issuerOf(t, "corp", "https://login.other.example")
	w.site.cfg.Issuers, w.site.byName["corp"] = []*issuer.Issuer{other}, other // a new config
	b.held = true
	w.at("a program", b.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
	w.at("a person", b.open("/x?y=z"), http.StatusForbidden, "You are ann@example.com at corp", "/psagate/signin/start?issuer=corp&amp;return=%2Fx%3Fy%3Dz")
	if len(w.behind) != 1 {
		t.Errorf("%d requests came through", len(w.behind))
	}
}

func TestAStoreThatFailsLetsNobodyInAndSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	fresh := w.browser()
	answer := fresh.answerOf("/x")
	w.table.fail(errors.New("the disk is gone"))
	w.at("a page", b.open("/x"), http.StatusServiceUnavailable, "Try again in a moment")
	w.at("a program", b.open("/x", "Accept: application/json"), http.StatusServiceUnavailable, "cannot be looked up")
	w.at("a sign-out", b.do(http.MethodPost, "/psagate/logout", url.Values{}), http.StatusServiceUnavailable, "Try again")
	back := fresh.open(answer)
	w.at("a sign-in", back, http.StatusServiceUnavailable, "Try again")
	if !strings.Contains(w.logged(), "the disk is gone") || strings.Contains(back.body, "the disk") || len(w.told(SignedIn)) != 1 {
		t.Error("the log does not say why, or the page does")
	}
}

func TestNothingThatIsLoggedOrToldIsASecret(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	token := b.cookies()["__Host-psagate"]
	answer, err := url.Parse(b.answerOf("/psagate/signin"))
	if err != nil {
		t.Fatal(err)
	}
	w.liar.Lie(issuertest.Lies{Claims: func(m map[string]any) { m["aud"] = "other" }})
	b.open(answer.String())
	all := w.logged()
	for _, e := range w.events {
		all += strings.Join([]string{string(e.What), e.Reason, e.Session, e.Issuer, e.Person.Label()}, " ")
	}
	for _, s := range []string{token, answer.Query().Get("code"), answer.Query().Get("state"), issuertest.ClientSecret} {
		if s == "" || strings.Contains(all, s) {
			t.Errorf("%q is in %s", s, all)
		}
	}
	if !strings.Contains(all, "audience") {
		t.Error("the log does not say why")
	}
}

func TestAConfigThatCannotWorkIsAnError(t *testing.T) {
	keeper, err := session.NewKeeper(session.NewMemory(), session.Limits{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	good := issuerOf(t, "corp", "https://login.example.com")
	key := [][]byte{make([]byte, 32)}
	for says, cfg := range map[string]Config{
		"an issuer":       {Sessions: keeper, Keys: key},
		"a place":         {Issuers: []*issuer.Issuer{good}, Keys: key},
		"needs a key":     {Issuers: []*issuer.Issuer{good}, Sessions: keeper},
		"has 31 bytes":    {Issuers: []*issuer.Issuer{good}, Sessions: keeper, Keys: [][]byte{make([]byte, 31)}},
		"is named twice":  {Issuers: []*issuer.Issuer{good, good}, Sessions: keeper, Keys: key},
		"part of its cal": {Issuers: []*issuer.Issuer{issuerOf(t, "a/b", "https://login.example.com")}, Sessions: keeper, Keys: key},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want one that says %q", err, says)
		}
	}
}
