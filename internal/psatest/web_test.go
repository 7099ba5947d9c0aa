package psatest_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/net/websocket"

	"github.com/psagate/psagate/internal/psatest"
)

// seed is of the one-time codes of the world's user.
const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

const (
	authenticate = "/Mvc/Framework/Authentication.mvc/Authenticate"
	landing      = "/Mvc/Framework/Navigation.mvc/Landing"
	addIn        = "/Mvc/Framework/Authentication.mvc/AddIn"
)

// webWorld is a world with web pages on sockets.
type webWorld struct {
	*world
	now                  time.Time
	web5, web6, anywhere *psatest.Web
}

func newWebWorld(t *testing.T) *webWorld {
	w := &webWorld{now: noon}
	w.world = newWorldAt(t, func() time.Time { return w.now })
	w.web5, w.web6, w.anywhere = w.z5.AddWeb(), w.z6.AddWeb(), w.sim.AddUniversalWeb()
	w.user.SetWeb(psatest.WebUser{Seed: seed})
	return w
}

func (w *webWorld) code() string {
	c, err := totp.GenerateCode(seed, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// visitor is a person with a browser.
type visitor struct {
	t      testing.TB
	client *http.Client
	agent  string
	at     *url.URL // the last page
	body   string
}

func newVisitor(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, client: &http.Client{Jar: jar, Transport: &http.Transport{}}}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

func (v *visitor) do(method, at string, form url.Values) string {
	v.t.Helper()
	r, err := http.NewRequest(method, at, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", v.agent)
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.at, v.body = resp.Request.URL, string(b)
	return v.body
}

var (
	actions = regexp.MustCompile(`action="([^"]*)"`)
	hidden  = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// fill submits the form on the page.
func (v *visitor) fill(name, value string) string {
	v.t.Helper()
	action := actions.FindStringSubmatch(v.body)
	if action == nil || !strings.Contains(v.body, `name="`+name+`"`) {
		v.t.Fatalf("no form asks for %s: %s", name, v.body)
	}
	form := url.Values{name: {value}}
	for _, f := range hidden.FindAllStringSubmatch(v.body, -1) {
		form.Set(f[1], html.UnescapeString(f[2]))
	}
	return v.do("POST", action[1], form)
}

// signIn goes through the three steps from an address.
func (v *visitor) signIn(at, password, code string) string {
	v.t.Helper()
	v.do("GET", at, nil)
	v.fill("UserName", userName)
	if body := v.fill("Password", password); !strings.Contains(body, `name="Code"`) {
		return body
	}
	return v.fill("Code", code)
}

func TestThePagesAreBehindASignInOfThreeSteps(t *testing.T) {
	w := newWebWorld(t)
	v := newVisitor(t)
	const link = "/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7"
	body := v.signIn(w.web5.URL()+link, secret, w.code())
	if v.at.Path != "/Mvc/ServiceDesk/TicketDetail.mvc" || !strings.Contains(body, "ticket 7") || !strings.Contains(body, `href="`+w.web5.URL()+landing) {
		t.Fatalf("at %s: %s", v.at, body)
	}
	if l := w.sim.Ledger(); len(l) != 1 || !l[0].OK() || !l[0].Web || l[0].User != userName {
		t.Fatalf("%v", l)
	}
	if got := w.sim.WebVisits(); got[0].User != "" || got[len(got)-1].User != userName || got[0].URI != link {
		t.Fatalf("the visits are %+v", got)
	}
	v.do("GET", w.web5.URL()+"/Mvc/Framework/Authentication.mvc/SignOut", nil)
	if v.do("GET", w.web5.URL()+landing, nil); v.at.Path != authenticate {
		t.Fatalf("signed out and at %s", v.at)
	}
}

func TestTheUniversalHostEndsOnTheZones(t *testing.T) {
	w := newWebWorld(t)
	v := newVisitor(t)
	if body := v.signIn(w.anywhere.URL(), secret, w.code()); "http://"+v.at.Host != w.web5.URL() || v.at.Path != landing {
		t.Fatalf("at %s: %s", v.at, body)
	}
}

func TestFailuresOnThePagesAndOfTheAPIShareOneCount(t *testing.T) {
	for name, tc := range map[string]struct {
		apart  bool
		locked bool
	}{"one count": {false, true}, "two counts": {true, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWebWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.WebCountsApart = tc.apart })
			v := newVisitor(t)
			for range 4 {
				v.signIn(w.web5.URL(), "wrong", "")
			}
			for range 3 {
				w.sign(w.z5, userName, "wrong")
			}
			if w.user.Locked() != tc.locked {
				t.Fatalf("locked: %v", w.user.Locked())
			}
			body := v.signIn(w.web5.URL(), secret, w.code())
			if strings.Contains(body, "locked") != tc.locked {
				t.Fatalf("the page says %s", body)
			}
		})
	}
}

func TestAUserOfTheAPIHasNoPages(t *testing.T) {
	w := newWebWorld(t)
	other := w.tenant.AddUser("bot@example.com", "s3cret", code)
	v := newVisitor(t)
	v.do("GET", w.web5.URL(), nil)
	v.fill("UserName", "bot@example.com")
	v.fill("Password", "s3cret")
	if l := w.sim.Ledger(); len(l) != 1 || l[0].Cause != psatest.CauseNotWeb || other.FailedSinceSuccess() != 1 {
		t.Fatalf("%v", l)
	}
}

// The Outlook extension sends a code with the password, and the code is for the zone's host alone.
func TestTheExtensionsCodeIsForTheZoneAlone(t *testing.T) {
	w := newWebWorld(t)
	try := func(web *psatest.Web) string {
		return newVisitor(t).do("POST", web.URL()+addIn, url.Values{"UserName": {userName}, "Password": {secret}, "Code": {w.code()}})
	}
	for _, wrong := range []*psatest.Web{w.anywhere, w.web6} {
		if got := try(wrong); !strings.Contains(got, "The OTP token is invalid") {
			t.Fatalf("a wrong host says %s", got)
		}
	}
	if got := try(w.web5); !strings.Contains(got, `"success":true`) || w.user.MaxFailedSinceSuccess() != 2 {
		t.Fatalf("the zone says %s; the count was %d", got, w.user.MaxFailedSinceSuccess())
	}
	if s := w.sim.WebSessions(userName); len(s) != 1 || !s[0].Mobile {
		t.Fatalf("sessions %+v", s)
	}
}

func TestAFourthSessionEndsAnotherAndIdleOnesEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		newest bool
		want   []int
	}{"the oldest": {false, []int{2, 3, 4}}, "the newest": {true, []int{1, 2, 4}}} {
		t.Run(name, func(t *testing.T) {
			w := newWebWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.SessionEndsNewest = tc.newest })
			for range 4 {
				newVisitor(t).signIn(w.web5.URL(), secret, w.code())
			}
			phone := newVisitor(t)
			phone.agent = "Mobile Safari"
			phone.signIn(w.web5.URL(), secret, w.code())
			s := w.sim.WebSessions(userName)
			for i, no := range append(tc.want, 5) {
				if len(s) != 4 || s[i].No != no || s[i].Mobile != (no == 5) {
					t.Fatalf("%+v", s)
				}
			}
			w.now = w.now.Add(8*time.Hour - time.Second)
			phone.do("GET", w.web5.URL()+landing, nil)
			w.now = w.now.Add(time.Second)
			if s := w.sim.WebSessions(userName); len(s) != 1 || s[0].No != 5 {
				t.Fatalf("after eight hours %+v", s)
			}
		})
	}
}

func TestAnSSOUserIsSentToTheProvider(t *testing.T) {
	w := newWebWorld(t)
	w.user.SetWeb(psatest.WebUser{SSO: true})
	w.web5.SetSSO(psatest.SSO{URL: "http://provider.test/auth", Who: func(code string) (string, bool) { return userName, code == "good" }})
	w.web5.SetKaseyaOne("http://one.test/")
	v := newVisitor(t)
	v.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "provider.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	if body := v.do("GET", w.web5.URL(), nil); !strings.Contains(body, `href="http://one.test/"`) {
		t.Fatalf("no button: %s", body)
	}
	var sent *url.URL
	v.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if sent = r.URL; r.URL.Host == "provider.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	v.fill("UserName", userName)
	if sent == nil || sent.Host != "provider.test" {
		t.Fatalf("sent to %v", sent)
	}
	back := sent.Query().Get("redirect_uri") + "?" + url.Values{"state": {sent.Query().Get("state")}, "code": {"good"}}.Encode()
	if v.do("GET", back, nil); v.at.Path != landing {
		t.Fatalf("at %s: %s", v.at, v.body)
	}
	if v.do("GET", back, nil); v.at.Path == landing {
		t.Fatal("a state is good twice")
	}
}

func TestWhatAPageOfAnotherHostSendsIsRefused(t *testing.T) {
	w := newWebWorld(t)
	v := newVisitor(t)
	v.signIn(w.web5.URL(), secret, w.code())
	if got := v.do("POST", w.web5.URL()+authenticate, url.Values{"UserName": {userName}, "Password": {secret}}); !strings.Contains(got, "anti-forgery") {
		t.Fatalf("a form without the token: %s", got)
	}
	u, _ := url.Parse(w.web5.URL())
	for origin, fits := range map[string]bool{w.web5.URL(): true, "http://evil.test": false} {
		c, err := websocket.NewConfig("ws://"+u.Host+"/Mvc/Framework/Live.mvc/Socket", origin)
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range v.client.Jar.Cookies(u) {
			c.Header.Add("Cookie", cookie.String())
		}
		conn, err := websocket.DialConfig(c)
		if (err == nil) != fits {
			t.Fatalf("from %s: %v", origin, err)
		}
		if err != nil {
			continue
		}
		var heard string
		if err := websocket.Message.Send(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		if err := websocket.Message.Receive(conn, &heard); err != nil || heard != "hello" {
			t.Fatalf("heard %q, %v", heard, err)
		}
		_ = conn.Close()
	}
	if got := v.do("POST", w.web5.URL()+"/Mvc/File/Attachment.mvc/Upload", url.Values{"a": {"b"}}); !strings.Contains(got, `"bytes":3`) {
		t.Fatalf("uploaded: %s", got)
	}
}
