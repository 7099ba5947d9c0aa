package webproxy

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stubbed is a proxy before a zone that a test makes up, over HTTPS. told are the failures that it saw.
func stubbed(zone func(*http.Request) *http.Response) (serve func(*http.Request) *httptest.ResponseRecorder, told *[]Failure) {
	told = new([]Failure)
	p := New(Config{
		Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: stub(zone),
		Failed: func(f Failure) { *told = append(*told, f) },
	})
	return func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r.Host = "psa.example.com"
		p.Serve(w, r, Visit{Zone: "https://ww5.autotask.net/", Secure: true})
		return w
	}, told
}

// page is an answer of the zone's.
func page(r *http.Request, status int, text string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"text/html"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Request: r, Header: h, ContentLength: -1, Body: io.NopCloser(strings.NewReader(text))}
}

func formTo(path, kind, text string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(text))
	r.Header.Set("Content-Type", kind)
	return r
}

const urlencoded = "application/x-www-form-urlencoded"

// Who sends a sign, and has the page show it, has not failed: else anybody locks integrations out who never comes near a password.
func TestASignThatWasSentIsNone(t *testing.T) {
	const lie = "Your account has been locked"
	for name, r := range map[string]*http.Request{
		"a field":    formTo(authenticate, urlencoded, url.Values{"UserName": {userName}, "ReturnUrl": {lie}}.Encode()),
		"the query":  formTo(authenticate+"?ReturnUrl="+url.QueryEscape(lie), urlencoded, url.Values{"UserName": {userName}}.Encode()),
		"data":       formTo(authenticate, "application/json", `{"UserName":"`+userName+`","more":{"back":["Your account\u0020has been locked"]}}`),
		"field name": formTo(authenticate, urlencoded, url.Values{"UserName": {userName}, lie: {"x"}}.Encode()),
	} {
		serve, told := stubbed(func(r *http.Request) *http.Response {
			return page(r, 200, `<input type="hidden" name="ReturnUrl" value="`+lie+`"><input type="password">`)
		})
		if serve(r); len(*told) != 0 {
			t.Errorf("%s: told %+v", name, *told)
		}
	}
}

// In whatever way a password is sent that the PSA may read, its failure is told with whose it was.
func TestAFailureIsToldHoweverItWasSent(t *testing.T) {
	form := url.Values{"UserName": {userName}, "Password": {"wrong"}}.Encode()
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	_, _ = m.WriteField("UserName", userName), m.WriteField("Password", "wrong")
	_ = m.Close()
	unknownLength := formTo(authenticate, urlencoded, form)
	unknownLength.ContentLength = -1
	for name, r := range map[string]*http.Request{
		"in parts":                formTo(authenticate, m.FormDataContentType(), parts.String()),
		"without a length":        unknownLength,
		"long":                    formTo(authenticate, urlencoded, "State="+strings.Repeat("x", 100<<10)+"&"+form),
		"with two slashes":        formTo("https://psa.example.com/"+authenticate, urlencoded, form),
		"with dots":               formTo("/x/.."+authenticate, urlencoded, form),
		"with escaped dots":       formTo("/x/%2e%2e"+authenticate, urlencoded, form),
		"with a backslash":        formTo(`/Mvc%5CFramework/Authentication.mvc/Authenticate`, urlencoded, form),
		"as a blank":              formTo(authenticate, urlencoded, "UserName="+userName+"&Password=+"),
		"in the query":            formTo(authenticate+"?"+form, urlencoded, ""),
		"with a broken parameter": formTo(authenticate, urlencoded+"; charset", form),
	} {
		var sent string
		serve, told := stubbed(func(r *http.Request) *http.Response {
			if r.Body != nil {
				text, _ := io.ReadAll(r.Body)
				sent = string(text)
			}
			return page(r, 200, `<input type="password">`)
		})
		want, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(want))
		if serve(r); len(*told) != 1 || (*told)[0].User != userName {
			t.Errorf("%s: told %+v", name, *told)
		}
		if sent != string(want) {
			t.Errorf("%s: %d bytes became %d", name, len(want), len(sent))
		}
	}
}

func TestAFormThatCannotBeLookedAtIsNotSent(t *testing.T) {
	asked := false
	serve, _ := stubbed(func(r *http.Request) *http.Response { asked = true; return page(r, 200, "") })
	if w := serve(formTo(authenticate, urlencoded, "State="+strings.Repeat("x", 2<<20))); w.Code != http.StatusRequestEntityTooLarge || asked {
		t.Errorf("%d, asked %v", w.Code, asked)
	}
}

// The user name is that of the field that comes first among the config's, not of whichever comes by chance.
func TestOfTwoUserNamesTheSameCountsEachTime(t *testing.T) {
	serve, told := stubbed(func(r *http.Request) *http.Response { return page(r, 200, `<input type="password">`) })
	for range 40 {
		serve(formTo(authenticate, urlencoded, url.Values{"UserName": {userName}, "Email": {"other@example.com"}, "Login": {"x"}, "Password": {"x"}}.Encode()))
	}
	for _, f := range *told {
		if f.User != userName {
			t.Fatalf("told %+v", f)
		}
	}
}

// Pages that answer a form by leading on, and show there what was wrong.
func TestAFailureThatIsShownAfterARedirectIsTold(t *testing.T) {
	serve, told := stubbed(func(r *http.Request) *http.Response {
		if r.Method == http.MethodPost {
			return page(r, 302, "", "Location", authenticate+"?error=1")
		}
		return page(r, 200, `<input type="password">`)
	})
	w := serve(formTo(authenticate, urlencoded, url.Values{"UserName": {userName}, "Password": {"wrong"}}.Encode()))
	for range 3 {
		r := httptest.NewRequest(http.MethodGet, authenticate+"?error=1", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		serve(r)
	}
	if len(*told) != 1 || (*told)[0].User != userName || (*told)[0].Sign != askedAgain {
		t.Errorf("told %+v", *told)
	}
}

// A sign-in that the PSA does not answer in its time is no empty page.
func TestASignInWithoutAnAnswerIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: silence{}})
		w := httptest.NewRecorder()
		p.Serve(w, formTo(authenticate, urlencoded, "UserName=a&Password=b"), Visit{Zone: "https://ww5.autotask.net/"})
		if w.Code != http.StatusBadGateway && w.Code != http.StatusGatewayTimeout || w.Body.Len() == 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// silence answers nothing.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// A cookie without a name comes back as what stands in its place.
func TestACookieWithoutANameIsNoneOfOurs(t *testing.T) {
	for _, line := range []string{"=psagate-session=planted", "=__Host-psagate=planted", " = psagate=planted", "psagate", "=", "planted; Path=/"} {
		serve, _ := stubbed(func(r *http.Request) *http.Response { return page(r, 200, "", "Set-Cookie", line) })
		if got := serve(httptest.NewRequest(http.MethodGet, landing, nil)).Header().Values("Set-Cookie"); len(got) != 0 {
			t.Errorf("%q became %q", line, got)
		}
	}
}

// A page without TLS under the site's name may be anybody's: to the PSA it is another site, as one under the PSA's own name would be.
func TestAPageWithoutTLSIsAnotherSite(t *testing.T) {
	for origin, want := range map[string]string{"https://psa.example.com": "https://ww5.autotask.net", "http://psa.example.com": "null", "https://evil.example": "https://evil.example"} {
		var origins, referers []string
		serve, _ := stubbed(func(r *http.Request) *http.Response {
			origins, referers = r.Header.Values("Origin"), r.Header.Values("Referer")
			return page(r, 200, "")
		})
		r := httptest.NewRequest(http.MethodPost, landing, nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Referer", origin+"/x")
		serve(r)
		if len(origins) != 1 || origins[0] != want {
			t.Errorf("%s became %q", origin, origins)
		}
		if none := want == "null"; none != (len(referers) == 0) || !none && referers[0] != want+"/x" {
			t.Errorf("%s/x became %q", origin, referers)
		}
	}
}

// To the PSA's kind of server X_Forwarded_User is X-Forwarded-User.
func TestHeadersWithUnderscoresAreWithheld(t *testing.T) {
	for _, name := range []string{"X_Forwarded_For", "Remote_User", "X-Forwarded_User", "Psagate_Person", "X_Original_URL"} {
		if !withheld(name) {
			t.Errorf("%s is sent", name)
		}
	}
	if withheld("X_Requested_With") {
		t.Error("too much is withheld")
	}
}

// What the zone says before its answer is not looked at, so it does not reach the browser.
func TestWhatComesBeforeTheAnswerIsLeftOut(t *testing.T) {
	zone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "__Host-psagate=planted; Secure; Path=/")
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		w.WriteHeader(http.StatusOK)
	}))
	defer zone.Close()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: transport})
	w := &told1xx{ResponseRecorder: httptest.NewRecorder()}
	p.Serve(w, httptest.NewRequest(http.MethodGet, authenticate, nil), Visit{Zone: zone.URL + "/"})
	if len(w.early) != 0 {
		t.Errorf("before its answer came %v", w.early)
	}
	if len(w.Result().Cookies()) != 1 {
		t.Errorf("our own cookie is gone: %v", w.Result().Header)
	}
}

type told1xx struct {
	*httptest.ResponseRecorder
	early []http.Header
}

func (w *told1xx) WriteHeader(status int) {
	if status < 200 {
		w.early = append(w.early, w.Header().Clone())
		return
	}
	w.ResponseRecorder.WriteHeader(status)
}

// The page that asks whether to go on keeps the form on this site.
func TestTheQuestionsFormStaysHere(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.visitor().signIn(public + "/")
	}
	r := formTo("https://psa.example.com//ww3.autotask.net"+authenticate, urlencoded, url.Values{"UserName": {userName}}.Encode())
	r.Header.Set("Accept", "text/html")
	rec := httptest.NewRecorder()
	w.proxy.Serve(rec, r, Visit{Zone: w.web.URL() + "/", Secure: true})
	if action := actions.FindStringSubmatch(rec.Body.String()); rec.Code != 409 || action == nil || !strings.HasPrefix(action[1], public+"/") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// Requests that ask for a tunnel, or for what was sent with the cookies in it, are none of people's.
func TestTunnelsAndTracesAreNotServed(t *testing.T) {
	for _, method := range []string{http.MethodConnect, http.MethodTrace, "TRACK"} {
		asked := false
		serve, _ := stubbed(func(r *http.Request) *http.Response { asked = true; return page(r, 200, "") })
		if w := serve(httptest.NewRequest(method, "https://psa.example.com/", nil)); w.Code != http.StatusMethodNotAllowed || asked {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// Strangers who come to the sign-in do not have sessions forgotten that are open, nor does a sign-out that the PSA does not know.
func TestStrangersDoNotHaveSessionsForgotten(t *testing.T) {
	now := time.Now()
	b := NewBook(Limits{}, func() time.Time { return now })
	b.typed("anna", userName)
	b.begin("anna", "", false)
	for i := range maxBrowsers + 10 {
		now = now.Add(time.Millisecond)
		b.typed(string(rune('a'+i%26))+time.Duration(i).String(), "nobody")
	}
	if len(b.Sessions()) != 1 || len(b.browsers) > maxBrowsers {
		t.Errorf("%d sessions, %d browsers", len(b.Sessions()), len(b.browsers))
	}
	w := newWorld(t)
	v := w.visitor()
	v.signIn(public + "/")
	if v.open(public + "/nowhere/SignOut"); v.status != 404 || len(w.book.Sessions()) != 1 {
		t.Errorf("%d: %d sessions", v.status, len(w.book.Sessions()))
	}
}

// Parameters in a path do not hide where it leads.
func TestInterfacesBehindParametersAreNotServed(t *testing.T) {
	for _, p := range []string{"/x/..;a=b/ATServicesRest/x", "/.;/ATServices/x", "/x/.. /ATServicesRest", "/ATServicesRest%20/x", "/ATServicesRest::$DATA/x"} {
		if !interfaces(p) {
			t.Errorf("%s is served", p)
		}
	}
}

// A page full of addresses takes no more than its length: not as long as the square of it, which for four times the page would be
// sixteen times as long. A busy machine may make one try long, but not each of them.
func TestAPageFullOfAddressesTakesNoMoreThanItsLength(t *testing.T) {
	zone, _ := url.Parse("https://ww5.autotask.net/")
	site, _ := url.Parse(public)
	for name, text := range map[string]string{"the zone's": "https://ww5.autotask.net ", "other zones'": "https://ww3.autotask.net ", "hardly any": "autotask."} {
		through := func(size int) time.Duration {
			links, began := NewLinks(zone, site), time.Now()
			if _, err := io.ReadAll(stream(io.NopCloser(strings.NewReader(strings.Repeat(text, size/len(text)))), links.Down)); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		linear := false
		for try := 0; try < 20 && !linear; try++ {
			linear = through(256<<10) < 8*through(64<<10)
		}
		if !linear {
			t.Errorf("%s: four times the page took eight times as long and more, each time", name)
		}
	}
}

// A page that asks for a password that was not sent, whatever else was, asks for the first time.
func TestAPasswordInAnotherFieldIsNotAskedForAgain(t *testing.T) {
	for asked, want := range map[string]int{
		`<input type="password" name="Password">`:               0,
		`<input name="Pwd" type='password'>`:                    1,
		`<input type=password name=pwd>`:                        1,
		`<input type="password" data-bind="value: secret">`:     1,
		`<input type="password" name="New"> <input name="Pwd">`: 0,

		`<p>no field</p>`: 0,
	} {
		serve, told := stubbed(func(r *http.Request) *http.Response { return page(r, 200, asked) })
		if serve(formTo(authenticate, urlencoded, url.Values{"UserName": {userName}, "Pwd": {"x"}}.Encode())); len(*told) != want {
			t.Errorf("%s: told %+v", asked, *told)
		}
	}
}

// A crowd of strangers does not hold up everybody for the time that it takes to forget them.
func TestACrowdAtTheSignInIsForgottenQuickly(t *testing.T) {
	b := NewBook(Limits{}, time.Now)
	for i := range maxBrowsers {
		b.typed(time.Duration(i).String(), "nobody")
	}
	began := time.Now()
	for i := range 2000 {
		b.typed("more "+time.Duration(i).String(), "nobody")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("2000 more took %v", took)
	} else {
		t.Log(took)
	}
}

// Which of the gateway's own pages somebody comes from is not the PSA's business: their addresses say who signs in, and where.
func TestTheGatewaysOwnPagesAreNoReferers(t *testing.T) {
	for referer, want := range map[string]string{
		public + "/psagate/stepup?to=%2F": "", public + "/psagate": "", public + "/Psagate/x": "",
		public + "/psagates/x": "https://ww5.autotask.net/psagates/x", "https://evil.example/psagate/x": "https://evil.example/psagate/x",
	} {
		got := ""
		serve, _ := stubbed(func(r *http.Request) *http.Response { got = r.Header.Get("Referer"); return page(r, 200, "") })
		r := httptest.NewRequest(http.MethodGet, landing, nil)
		r.Header.Set("Referer", referer)
		if serve(r); got != want {
			t.Errorf("%s became %q", referer, got)
		}
	}
}

// Whatever is sent to the sign-in, the PSA gets it as it was.
func FuzzSaid(f *testing.F) {
	for _, seed := range [][2]string{
		{urlencoded, "UserName=a&Password=%u0041%zz+;x&=&&"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--"},
		{"multipart/form-data", "--\r\n"},
		{"application/json", `{"a":[{"b":"c"},1,null]}`},
		{"application/json; charset", `"x"`},
		{"", "x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		r := formTo(authenticate, kind, text)
		s, err := read(r)
		if err != nil {
			if len(text) <= maxSignIn {
				t.Fatal(err)
			}
			return
		}
		_, _, _ = s.all(), s.value([]string{"a"}), s.filled([]string{"a"})
		if got, err := io.ReadAll(r.Body); err != nil || string(got) != text {
			t.Fatalf("%q became %q, %v", text, got, err)
		}
	})
}
