package stepup

import (
	"bytes"
	"encoding/base64"
	"errors"
	"html"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/totp"
)

func TestAPersonEnrolsAndComesToWhatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.open("/deep?x=1&y=%2F")
	w.says("who has no app", page, http.StatusOK, "Add a second factor", "ann@example.com")
	begun := b.begin(page)
	w.says("the app", begun, http.StatusOK, `href="otpauth://totp/psagate:ann@example.com?`)
	w.says("the app", begun, http.StatusOK, "Add the app", `autocomplete="one-time-code" inputmode="numeric"`, `<label for="code">`)
	picture := regexp.MustCompile(`src="data:image/png;base64,([^"]*)"`).FindStringSubmatch(begun.body)
	if picture == nil {
		t.Fatal("no picture")
	}
	raw, err := base64.StdEncoding.DecodeString(html.UnescapeString(picture[1]))
	if err != nil {
		t.Fatal(err)
	}
	if image, err := png.Decode(bytes.NewReader(raw)); err != nil || image.Bounds().Dx() != qrPixels {
		t.Errorf("the picture: %v", err)
	}
	wrong := b.submit(begun, doConfirm, w.wrong())
	w.says("a wrong code", wrong, http.StatusForbidden, `aria-describedby="wrong hint" aria-invalid="true"`, `id="wrong" role="alert">The code is not right`, "Error: Add the app", w.secret[:4])
	w.says("no code", b.submit(wrong, doConfirm, "12x456"), http.StatusBadRequest, "The code is made of the digits 0 to 9 alone")
	got := b.submit(wrong, doConfirm, w.code())
	w.says("the right one", got, http.StatusOK, "The app counts from now on", "shown this once")
	to := goOn.FindStringSubmatch(got.body)
	if to == nil || html.UnescapeString(to[1]) != "/deep?x=1&y=%2F" {
		t.Errorf("it goes on to %v", to)
	}
	w.through("after that", b.open("/deep?x=1&y=%2F"), "/deep?x=1&y=%2F")
	if e := w.told(Enrolled); len(e) != 1 || e[0].Person.Subject != "ann" || e[0].Session == "" || e[0].Address != "127.0.0.1" {
		t.Errorf("told %+v", e)
	}
}

func TestASecondFactorIsOfOneSessionAndOfItsTime(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enrol()
	w.through("within its time", b.open("/x"), "/x")
	w.later(maxAge)
	page := b.open("/deep?x=1")
	w.asked("after it", page)
	got := b.submit(page, doCode, w.code())
	w.through("with a code", got, "/deep?x=1")
	other := w.browser()
	w.asked("in another browser", other.open("/x"))

	// Whoever signs in anew begins anew, with whatever cookie of before.
	before := b.cookie("__Host-psagate")
	w.asked("in a new session", b.open("/psagate/signin?return=/x"))
	fixed := w.browser()
	fixed.plant("__Host-psagate", before)
	if got := fixed.open("/x", "Accept: application/json"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session of before: status %d: %s", got.StatusCode, got.body)
	}
}

func TestASessionThatWasPlantedGetsNothingOfTheVictimsStepUp(t *testing.T) {
	w := newWorld(t)
	thief, victim := w.browser(), w.browser()
	thief.open("/x") // a session of the thief's own
	planted := thief.cookie("__Host-psagate")
	victim.plant("__Host-psagate", planted)
	victim.open("/psagate/signin?return=/x") // and the victim signs in over it
	if victim.cookie("__Host-psagate") == planted {
		t.Fatal("the session is the thief's")
	}
	victim.enrol()
	w.through("the victim", victim.open("/x"), "/x")
	w.asked("the thief", thief.open("/x"))
}

func TestProgramsHearThatASecondFactorIsNeeded(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/x")
	for name, got := range map[string]seen{
		"a script":         b.open("/api?x=1", "Sec-Fetch-Mode: cors"),
		"a program":        b.open("/api", "Accept: application/json"),
		"a script's form":  b.do(http.MethodPost, "/api", url.Values{"a": {"b"}}),
		"a script's erase": b.do(http.MethodDelete, "/api", nil, "Sec-Fetch-Mode: cors"),
	} {
		w.says(name, got, http.StatusForbidden, `"stepup":"/psagate/stepup"`, "a second factor is needed")
		if got.Header.Get("Psagate-Reason") != "step-up" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", name, got.Header)
		}
	}
	got := b.do(http.MethodPost, "/form", url.Values{"a": {"b"}}, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin")
	w.says("a person's form", got, http.StatusForbidden, "Nothing was done with what you sent", `href="/psagate/stepup?return=%2F"`)
	if got.Header.Get("Psagate-Reason") != "step-up" {
		t.Errorf("a person's form: %v", got.Header)
	}
}

func TestWithoutASignInBeforeItNobodyComesThrough(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	gate, err := New(Config{Engine: w.engine, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if n := strings.Count(log.String(), "no psa_signin stands before it"); n != 1 {
			t.Errorf("it is logged %d times: %s", n, log.String())
		}
	}()
	for _, path := range []string{"/x", "/psagate/totp", "/psagate/stepup"} {
		rec := httptest.NewRecorder()
		gate.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s came through", path) })).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, rec.Code)
		}
	}
}

func TestARecoveryCodeIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	codes := b.enrol()
	w.later(maxAge)
	page := b.open("/deep")
	if !strings.Contains(page.body, `href="/psagate/stepup?return=%2Fdeep&amp;with=recovery"`) {
		t.Errorf("no way to recovery codes: %s", page.body)
	}
	page = b.open("/psagate/stepup?return=%2Fdeep&with=recovery")
	w.says("the page", page, http.StatusOK, `autocomplete="off" autocapitalize="characters"`, "Recovery code")
	w.says("no recovery code", b.submit(page, doRecover, "ABCD"), http.StatusBadRequest, "a recovery code has 16")
	w.says("a wrong one", b.submit(page, doRecover, "0000-0000-0000-0000"), http.StatusForbidden, "The recovery code is not right")
	got := b.submit(page, doRecover, strings.ToLower(codes[3]))
	w.says("the right one", got, http.StatusOK, "You have 9 recovery codes left", `href="/deep"`, `href="/psagate/totp"`)
	w.through("after that", b.open("/deep"), "/deep")
	other := w.browser()
	other.open("/x")
	w.says("once more", other.submit(other.open("/psagate/stepup?with=recovery"), doRecover, codes[3]), http.StatusConflict, "was used before")
	w.asked("who has shown it once more", other.open("/x"))
	if e := w.told(SteppedUp); len(e) != 1 || !e[0].Recovery || !e[0].KnownBrowser {
		t.Errorf("told %+v", e)
	}
}

func TestACodeThatTwoTabsSendCountsOnce(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	b.enrol()
	w.later(maxAge)
	one, two, elsewhere := b.open("/one"), b.open("/two"), other.open("/three")
	code := w.code()
	w.through("the first tab", b.submit(one, doCode, code), "/one")
	w.through("the second tab", b.submit(two, doCode, code), "/two") // its session has proven it
	w.says("another session", other.submit(elsewhere, doCode, code), http.StatusConflict, "The code was used before")
	w.asked("another session after that", other.open("/three"))
	w.later(2 * time.Minute)
	w.says("the code once more, later", b.submit(two, doCode, code), http.StatusForbidden, "The code is not right")
	if n := len(w.told(SteppedUp)); n != 1 {
		t.Errorf("%d step-ups", n)
	}
}

func TestWhoTypesTooManyWrongCodesHasToWait(t *testing.T) {
	w := newWorld(t)
	b, thief := w.browser(), w.browser()
	b.enrol()
	w.later(maxAge)
	page := thief.open("/x") // who has the first factor, and no mark
	for range 5 {
		w.says("a wrong code", thief.submit(page, doCode, w.wrong()), http.StatusForbidden, "The code is not right")
	}
	got := thief.submit(page, doCode, w.code())
	w.says("the right one", got, http.StatusTooManyRequests, "wait for 30s", "was not looked at")
	if got.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After: %q", got.Header.Get("Retry-After"))
	}
	w.through("the person meanwhile, with a browser that is known", b.submit(b.open("/y"), doCode, w.code()), "/y")
	w.later(30 * time.Second)
	w.says("after the wait, one more", thief.submit(page, doCode, w.wrong()), http.StatusForbidden, "The code is not right")
	w.says("and a longer wait", thief.submit(page, doCode, w.code()), http.StatusTooManyRequests, "wait for 1m0s")
	if e := w.told(Refused); len(e) != 8 || e[0].Reason != WrongCode || e[5].Reason != TooManyFailures || e[5].Limit != "this session" {
		t.Errorf("told %+v", e)
	}
}

func TestAThiefOfASessionAloneCannotGuessOn(t *testing.T) {
	w := newWorld(t)
	b, thief := w.browser(), w.browser()
	b.enrol()
	w.later(maxAge)
	b.open("/x")
	thief.plant("__Host-psagate", b.cookie("__Host-psagate"))
	page := thief.open("/x")
	w.asked("the thief", page)
	looked := 0
	for range 200 {
		if got := thief.submit(page, doCode, w.wrong()); got.StatusCode == http.StatusForbidden {
			looked++
		} else if got.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("status %d: %s", got.StatusCode, got.body)
		}
		w.later(20 * time.Second)
	}
	if looked > 10 {
		t.Errorf("%d guesses were looked at within %s", looked, 200*20*time.Second)
	}
	w.says("the person signs in anew", b.open("/psagate/signin?return=/x"), http.StatusOK, "Code of your authenticator app")
	w.through("and is not kept out, as the browser is known", b.submit(b.open("/x"), doCode, w.code()), "/x")
}

func TestFormsOfAnotherSiteDoNothing(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	before := b.enrol()
	page := b.open("/psagate/totp")
	other.open("/x")
	_, foreign := other.open("/psagate/stepup").form(t, doCode)
	_, own := page.form(t, doRecovery)
	for name, send := range map[string]struct {
		proof   string
		headers []string
	}{
		"without a proof":             {"", nil},
		"with another session's":      {foreign.Get("proof"), nil},
		"across sites":                {own.Get("proof"), []string{"Sec-Fetch-Site: cross-site"}},
		"across sites, older browser": {own.Get("proof"), []string{"Origin: https://evil.example"}},
	} {
		for _, do := range []string{doBegin, doRecovery, doConfirm, doCode, doRecover} {
			to := "/psagate/totp"
			if do == doCode || do == doRecover {
				to = "/psagate/stepup"
			}
			got := b.do(http.MethodPost, to, url.Values{"do": {do}, "proof": {send.proof}, "code": {w.code()}}, send.headers...)
			w.says(name+": "+do, got, http.StatusForbidden, "Nothing was done")
		}
	}
	w.later(maxAge)
	w.says("the recovery codes are what they were", b.submit(b.open("/psagate/stepup?with=recovery"), doRecover, before[0]), http.StatusOK, "You have 9")
	w.says("a form that is too large", b.do(http.MethodPost, "/psagate/totp", url.Values{"proof": {own.Get("proof")}, "do": {doRecovery}, "more": {strings.Repeat("x", maxForm)}}), http.StatusForbidden, "Nothing was done")
	w.says("a form of another page", b.do(http.MethodPost, "/psagate/stepup", url.Values{"do": {doRecovery}, "proof": {own.Get("proof")}}), http.StatusBadRequest, "not one of this page")
	w.says("a GET that would do something", b.open("/psagate/totp?do=begin&proof="+own.Get("proof")), http.StatusOK, "Your second factor")
	w.says("another method", b.do(http.MethodPut, "/psagate/totp", nil), http.StatusMethodNotAllowed, "not used in that way")
}

func TestWhoHasFoundASessionAloneEnrolsNothing(t *testing.T) {
	w := newWorld(t)
	b, thief := w.browser(), w.browser()
	page := b.open("/x")
	w.later(enrolWithin)
	thief.plant("__Host-psagate", b.cookie("__Host-psagate"))
	found := thief.open("/x")
	w.says("the page", found, http.StatusOK, "sign in once more", "/psagate/signin/start?issuer=corp&return=")
	thief.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got := thief.submit(page, doBegin, "") // the form of before
	if to := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/psagate/signin/start?issuer=corp") {
		t.Errorf("status %d, to %q", got.StatusCode, to)
	}
	// The person comes back from the provider to where it goes on.
	again := b.open(html.UnescapeString(goOn.FindStringSubmatch(found.body)[1]))
	w.says("the person, who has signed in anew", again, http.StatusOK, "Add a second factor")
	if _, fields := again.form(t, doBegin); fields.Get("return") != "/x" {
		t.Errorf("it goes on to %q", fields.Get("return"))
	}
	b.begin(again)
}

func TestWhatAPersonHasIsChangedWithAFreshSecondFactorAlone(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	old := b.enrol()
	page := b.open("/psagate/totp")
	w.says("what there is", page, http.StatusOK, "Authenticator app", "since", "10 codes", "Replace the app")
	w.later(manageWithin)
	w.through("psa_stepup itself takes it yet", b.open("/x"), "/x")
	w.says("an older one", b.open("/psagate/totp"), http.StatusOK, "enter a code first", `href="/psagate/stepup?return=%2Fpsagate%2Ftotp"`)
	for _, do := range []string{doRecovery, doBegin} {
		w.asked("the form of before: "+do, b.submit(page, do, ""))
	}
	page = b.submit(b.open("/psagate/stepup?return=/psagate/totp"), doCode, w.code())
	got := b.submit(page, doRecovery, "")
	w.says("new recovery codes", got, http.StatusOK, "Your new recovery codes")
	fresh := recovery.FindAllStringSubmatch(got.body, -1)
	w.known = append(w.known, fresh[0][1])
	begun := b.begin(b.open("/psagate/totp"))
	other, bob := w.browser(), w.browser()
	other.open("/x")
	w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "bob", "email": "bob@example.com"}})
	bob.open("/x")
	w.says("another app", b.submit(begun, doConfirm, w.code()), http.StatusOK, "The app counts from now on")
	if got := other.open("/x", "Accept: application/json"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("another session of the person goes on: status %d", got.StatusCode)
	}
	w.says("somebody else's session", bob.open("/psagate/totp"), http.StatusOK, "bob@example.com")
	w.through("the session itself", b.open("/x"), "/x")
	w.says("the form once more", b.submit(begun, doConfirm, w.code()), http.StatusConflict, "This enrolment is over")
	for _, code := range []string{old[0], fresh[0][1]} {
		w.says("a recovery code of before", b.submit(b.open("/psagate/stepup?with=recovery"), doRecover, code), http.StatusForbidden, "not right")
	}
	if n := len(w.told(Enrolled)); n != 2 || len(w.told(NewRecovery)) != 1 {
		t.Errorf("told %+v", w.events)
	}
}

func TestOfTwoEnrolmentsTheOneThatBeganLastCounts(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	first := b.begin(b.open("/x"))
	code := w.code()
	second := b.begin(b.open("/x"))
	w.says("the first tab", b.submit(first, doConfirm, code), http.StatusConflict, "it was begun once more elsewhere")
	w.says("the second tab", b.submit(second, doConfirm, w.code()), http.StatusOK, "The app counts from now on")
	w.later(30 * time.Second)
	other := w.browser()
	other.open("/x")
	_, fields := other.open("/psagate/stepup").form(t, doCode)
	got := other.do(http.MethodPost, "/psagate/totp", url.Values{"do": {doBegin}, "proof": fields["proof"]})
	w.asked("another session that would replace it", got)
}

func TestTheMarkOfABrowserIsACookieThatOnlyOurFormsBring(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	got := b.submit(b.begin(b.open("/x")), doConfirm, w.code())
	var mark *http.Cookie
	for _, c := range got.Cookies() {
		if c.Name == "__Host-psagate-browser" {
			mark = c
		}
	}
	if mark == nil || !mark.HttpOnly || !mark.Secure || mark.Path != "/" || mark.Domain != "" || mark.SameSite != http.SameSiteStrictMode || mark.MaxAge != 180*24*60*60 {
		t.Fatalf("%+v", mark)
	}
	w.through("it is not seen behind the gate", b.open("/x"), "/x")
	// A mark of somebody else's making is none.
	w.later(maxAge)
	thief := w.browser()
	thief.plant("__Host-psagate-browser", "x"+mark.Value)
	w.through("a forged one", thief.submit(thief.open("/y"), doCode, w.code()), "/y")
	if e := w.told(SteppedUp); len(e) != 1 || e[0].KnownBrowser {
		t.Errorf("told %+v", e)
	}
}

func TestWhatIsEndedMeanwhileIsNotSteppedUp(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enrol()
	w.later(maxAge)
	page := b.open("/x")
	if was, err := w.engine.Reset(t.Context(), totp.Person{Issuer: w.liar.URL, Subject: "ann"}); err != nil || !was {
		t.Fatal(was, err)
	}
	w.says("an app that was reset", b.submit(page, doCode, w.code()), http.StatusOK, "Add a second factor")
	b.open("/psagate/signin?return=/x")
	b.enrol()
	w.later(maxAge)
	page = b.open("/x")
	w.sessions.stepUp = func() (bool, error) { return false, nil }
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if got := b.submit(page, doCode, w.code()); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/psagate/stepup" {
		t.Errorf("a session that was ended: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestAStoreThatFailsLetsNobodyThroughAndSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enrol()
	overview := b.open("/psagate/totp")
	w.later(maxAge)
	page := b.open("/x")
	w.people.err = errors.New("the disk is full")
	for name, got := range map[string]seen{
		"the page of codes": b.open("/psagate/stepup"), "the overview": b.open("/psagate/totp"), "a code": b.submit(page, doCode, w.code()),
		"an enrolment": b.submit(overview, doBegin, ""),
	} {
		w.says(name, got, http.StatusServiceUnavailable, "In a moment")
		if got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	w.people.err = nil
	w.sessions.stepUp = func() (bool, error) { return false, errors.New("the disk is full") }
	w.says("a session that cannot be written", b.submit(page, doCode, w.code()), http.StatusServiceUnavailable, "In a moment")
	w.sessions.stepUp = nil
	w.asked("after that", b.open("/x"))
	if !strings.Contains(w.logged(), "the disk is full") {
		t.Errorf("the log says nothing of it: %s", w.logged())
	}
}

func TestAClockThatWasSetBackGivesNobodyMoreTime(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enrol()
	w.later(-maxAhead / 2)
	w.through("replicas that differ a little", b.open("/x"), "/x")
	w.later(-time.Hour)
	w.asked("a second factor of the future", b.open("/x"))
}

func TestPagesShowTextsAndLoadNothing(t *testing.T) {
	w := newWorld(t)
	const hostile = `<script>alert(1)</script>"'&`
	w.liar.Lie(liesOf(hostile))
	b := w.browser()
	begun := b.begin(b.open("/x"))
	for name, got := range map[string]seen{"the beginning": b.open("/x"), "the app": begun, "the codes": b.submit(begun, doConfirm, w.code()), "the overview": b.open("/psagate/totp"), "a code": b.open(`/psagate/stepup?return=/"><script>`)} {
		h := got.Header
		if strings.Contains(got.body, "<script") || !strings.Contains(got.body, "<h1>") {
			t.Errorf("%s: %s", name, got.body)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || !strings.Contains(csp, "frame-ancestors 'none'; form-action 'self'") || strings.Contains(csp, "img-src data:") != (name == "the app") {
			t.Errorf("%s: its policy is %s", name, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

func TestMaxAges(t *testing.T) {
	w := newWorld(t)
	for _, d := range []time.Duration{-time.Minute, time.Second, time.Minute - 1} {
		if _, err := New(Config{Engine: w.engine, MaxAge: d}); err == nil || !strings.Contains(err.Error(), "1m0s or more") {
			t.Errorf("%s: %v", d, err)
		}
	}
	for _, d := range []time.Duration{0, time.Minute, 24 * time.Hour} {
		if _, err := New(Config{Engine: w.engine, MaxAge: d}); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("without an engine")
	}
}

// FuzzReturn: wherever a person goes on to, it is on the site, and not the page of codes again.
func FuzzReturn(f *testing.F) {
	for _, text := range []string{"", "/x", "//evil.example", "/psagate/stepup", "/psagate/stepup?return=/psagate/stepup", "/psagate/totp?return=//evil.example", `/\evil`, "/%70sagate/stepup", "/psagate/logout"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := returnOf(nil, text)
		to, err := url.Parse(got)
		if err != nil || to.Host != "" || to.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || to.Path == "/psagate/stepup" {
			t.Fatalf("%q leads to %q, %v", text, got, err)
		}
	})
}
