package webproxy

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/psagate/psagate/internal/psatest"
)

// overTLS opens a websocket on a connection.
func overTLS(c *websocket.Config, raw net.Conn) (*websocket.Conn, error) {
	return websocket.NewClient(c, tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}))
}

func TestAFailedSignInIsToldWithWhoMadeIt(t *testing.T) {
	w := newWorld(t)
	w.person = "anna"
	v := w.visitor()
	v.open(public + "/")
	v.fill("UserName", " Anna@Example.COM ")
	v.fill("Password", "wrong")
	v.fill("Password", password)
	v.fill("Code", "000000")
	want := []Failure{
		{User: userName, Person: "anna", Address: "192.0.2.7", Sign: askedAgain},
		{User: userName, Person: "anna", Address: "192.0.2.7", Sign: "otp token is invalid"},
	}
	got := w.failures()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] || w.user.FailedSinceSuccess() != 2 {
		t.Fatalf("told %+v; the PSA counts %d", got, w.user.FailedSinceSuccess())
	}
	for range 5 {
		v.open(public + "/")
		v.fill("UserName", userName)
		v.fill("Password", "wrong")
	}
	if got := w.failures(); len(got) != 7 || !got[6].Locked || got[5].Locked || !w.user.Locked() {
		t.Fatalf("told %+v", got)
	}
}

// The Outlook extension at the universal host fails with a right code; through the gateway it reaches the zone.
func TestTheExtensionReachesTheZone(t *testing.T) {
	w := newWorld(t)
	anywhere := w.sim.AddUniversalWeb()
	const addIn = "/Mvc/Framework/Authentication.mvc/AddIn"
	form := url.Values{"UserName": {userName}, "Password": {password}, "Code": {w.code()}}
	resp, err := http.PostForm(anywhere.URL()+addIn, form)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if l := w.sim.Ledger(); len(l) != 1 || l[0].Cause != psatest.CauseWrongOTP {
		t.Fatalf("the universal host: %v", l)
	}
	v := w.visitor()
	v.agent = "Outlook"
	if got := v.send(v.request(http.MethodPost, public+addIn, form)); !strings.Contains(got, `"success":true`) || !strings.Contains(got, public+landing) {
		t.Fatalf("through the gateway: %s", got)
	}
	if len(w.failures()) != 0 {
		t.Fatalf("%+v", w.failures())
	}
	form.Set("Code", "000000")
	v.send(v.request(http.MethodPost, public+addIn, form))
	if f := w.failures(); len(f) != 1 || f[0].User != userName {
		t.Fatalf("%+v", f)
	}
}

func TestAFourthSessionIsShownBeforeItEndsAnother(t *testing.T) {
	w := newWorld(t)
	var first *visitor
	for i := range 3 {
		w.person = string(rune('a'+i)) + "@example.com"
		v := w.visitor()
		v.signIn(public + "/")
		if first == nil {
			first = v
		}
		w.pass(time.Hour)
	}
	if s := w.book.Sessions(); len(s) != 3 || s[0].Person != "a@example.com" || s[0].User != userName {
		t.Fatalf("sessions %+v", s)
	}
	w.person = "d@example.com"
	v := w.visitor()
	v.open(public + "/")
	judged := len(w.sim.Ledger())
	body := v.fill("UserName", userName)
	if v.status != 409 || strings.Count(body, "<li>") != 3 || !strings.Contains(body, "by a@example.com") || !strings.Contains(body, "since <time") {
		t.Fatalf("%d %s", v.status, body)
	}
	if n := len(w.sim.WebSessions(userName)); n != 3 || len(w.sim.Ledger()) != judged {
		t.Fatalf("the PSA has %d sessions", n)
	}
	v.fill(goOnField, "")
	v.fill("Password", password)
	if v.fill("Code", v.code()); v.at.Path != landing {
		t.Fatalf("at %s: %s", v.at, v.body)
	}
	if s := w.book.Sessions(); len(s) != 3 || s[0].Person != "b@example.com" {
		t.Fatalf("sessions %+v", s)
	}
	if first.open(public + landing); first.at.Path != authenticate {
		t.Fatalf("the first session goes on at %s", first.at)
	}

	phone := w.visitor()
	phone.agent = "Mobile"
	if phone.signIn(public + "/"); phone.at.Path != landing {
		t.Fatalf("a phone's session was in the way of none: %s", phone.body)
	}
	w.pass(8 * time.Hour)
	if s := w.book.Sessions(); len(s) != 0 {
		t.Fatalf("idle ones %+v", s)
	}
}

func TestSigningOutMakesRoom(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.visitor().signIn(public + "/")
	}
	v := w.visitor()
	v.open(public + "/")
	if v.fill("UserName", userName); v.status != 409 {
		t.Fatalf("%d", v.status)
	}
	other := w.visitor()
	other.signInAgain()
	other.open(public + "/Mvc/Framework/Authentication.mvc/SignOut")
	if s := w.book.Sessions(); len(s) != 2 {
		t.Fatalf("%+v", s)
	}
	v.open(public + "/")
	if v.fill("UserName", userName); v.status != 200 {
		t.Fatalf("%d %s", v.status, v.body)
	}
}

// signInAgain goes on where it is asked whether to.
func (v *visitor) signInAgain() {
	v.Helper()
	v.open(public + "/")
	v.fill("UserName", userName)
	v.fill(goOnField, "")
	v.fill("Password", password)
	v.fill("Code", v.code())
}

// A form that has the password with the name is not kept in a page.
func TestAPasswordIsNotPutIntoAPage(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.visitor().signIn(public + "/")
	}
	v := w.visitor()
	v.open(public + "/")
	body := v.send(v.request(http.MethodPost, public+authenticate, url.Values{"UserName": {userName}, "Password": {password}}))
	if v.status != 409 || strings.Contains(body, password) || !strings.Contains(body, backField) {
		t.Fatalf("%d %s", v.status, body)
	}
	if v.fill(goOnField, ""); v.status != 200 || v.at.Path != authenticate || !strings.Contains(v.body, "UserName") {
		t.Fatalf("%d at %s: %s", v.status, v.at, v.body)
	}
	if v.fill("UserName", userName); v.status != 200 {
		t.Fatalf("asked twice: %s", v.body)
	}
}

func TestAScriptIsNotAnsweredWithAPage(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.visitor().signIn(public + "/")
	}
	v := w.visitor()
	r := v.request(http.MethodPost, public+authenticate, url.Values{"UserName": {userName}})
	r.Header.Set("Sec-Fetch-Mode", "cors")
	if v.send(r); v.status == 409 {
		t.Fatal("a script heard a question for people")
	}
}

func TestATenantThatMovedIsNoticed(t *testing.T) {
	w := newWorld(t)
	six := w.sim.AddZone("Six")
	six.AddWeb().SetURL("https://ww6.autotask.net")
	w.sim.Adjust(func(b *psatest.Behaviour) { b.WebRedirects = true })
	w.tenant.Migrate(six)
	v := w.visitor()
	v.open(public + "/")
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.fill("UserName", userName)
	if got := v.header.Get("Location"); !strings.HasPrefix(got, public+"/https://ww6.autotask.net/Mvc/") || w.moved != 1 {
		t.Fatalf("led to %q, told %d times", got, w.moved)
	}
}

func TestAStrangerLearnsNoNames(t *testing.T) {
	w := newWorld(t)
	w.person = "anna"
	for range 3 {
		w.visitor().signIn(public + "/")
	}
	w.person = ""
	v := w.visitor()
	v.open(public + "/")
	if body := v.fill("UserName", userName); v.status != 409 || strings.Contains(body, "anna<") || strings.Contains(body, "<time") || strings.Contains(body, "<li>") {
		t.Fatalf("%d %s", v.status, body)
	}
}

func TestOneSignInFailsOnceByTwoSigns(t *testing.T) {
	var told []Failure
	p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Failed: func(f Failure) { told = append(told, f) }, Transport: stub(func(r *http.Request) *http.Response {
		body := `<p>Your account has been locked.</p><input type="password">`
		return &http.Response{StatusCode: 401, Request: r, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Content-Type": {"text/html"}}}
	})})
	r := httptest.NewRequest(http.MethodPost, authenticate, strings.NewReader(url.Values{"UserName": {userName}, "Password": {"x"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.Serve(httptest.NewRecorder(), r, Visit{Zone: "https://ww5.autotask.net/"})
	if len(told) != 1 || told[0].User != userName || !told[0].Locked {
		t.Fatalf("told %+v", told)
	}
}

// What the PSA tells a provider is what that provider knows: the address to come back to is the zone's.
func TestTheWayToAProviderIsAsItCame(t *testing.T) {
	w := newWorld(t)
	w.user.SetWeb(psatest.WebUser{SSO: true})
	w.web.SetSSO(psatest.SSO{URL: "https://login.example.com/auth"})
	w.web.SetKaseyaOne("https://one.example.com/")
	v := w.visitor()
	if body := v.open(public + "/"); !strings.Contains(body, `href="https://one.example.com/"`) {
		t.Errorf("the button is gone: %s", body)
	}
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.fill("UserName", userName)
	to, err := url.Parse(v.header.Get("Location"))
	if err != nil || to.Host != "login.example.com" || !strings.HasPrefix(to.Query().Get("redirect_uri"), w.web.URL()+"/") {
		t.Errorf("it leads to %s, %v", v.header.Get("Location"), err)
	}
	if s := w.book.Sessions(); len(s) != 0 {
		t.Errorf("a session began: %+v", s)
	}
}

func TestWhatCannotBeInflatedIsNotShownAsWhole(t *testing.T) {
	p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: stub(func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Request: r, ContentLength: 5, Body: io.NopCloser(strings.NewReader("plain")), Header: http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}}
	})})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Serve(w, r, Visit{Zone: "https://ww5.autotask.net/"})
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err == nil {
		t.Error("a broken page came whole")
	}
}
