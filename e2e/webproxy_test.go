package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/net/websocket"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// personUser is a person's user name in the PSA, and its seed of one-time codes.
const (
	personUser     = "anna@example.com"
	personPassword = "annas-Password-1234"
	personSeed     = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// webside is a world whose PSA has web pages behind TLS, and whose gateway carries people to them.
type webside struct {
	*world
	web, anywhere *psatest.Web
	base          string // the site's scheme and host, behind single sign-on
	alone         string // those of one without
}

func newWebside(t *testing.T) *webside {
	t.Helper()
	w := &webside{world: newWorld(t)}
	cert, err := psatest.SelfSigned("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	var chain bytes.Buffer
	_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	w.write("zone.pem", chain.String())
	w.env = append(w.env, "SSL_CERT_FILE="+w.path("zone.pem"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.web = w.zone.AddWebOn(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}))
	w.web.SetURL("https://" + l.Addr().String())
	w.anywhere = w.sim.AddUniversalWeb()
	w.tenant.AddUser(personUser, personPassword, code).SetWeb(psatest.WebUser{Seed: personSeed})
	w.user.SetWeb(psatest.WebUser{})
	w.hide("a person's password", personPassword)
	w.hide("a person's seed", personSeed)

	provider := issuertest.StartLiar(t)
	knows(provider, "Anna", "ops")
	secrets := fmt.Sprintf(`{"autotask/main": {"username": %q, "secret": %q, "integration_code": %q}, "sso/client": {"value": %q}}`, user, oldPassword, code, issuertest.ClientSecret)
	w.write(secretsFile, secrets)
	w.hide("the client's secret", issuertest.ClientSecret)
	site := func() string {
		_, port, _ := net.SplitHostPort(freeAddress(t))
		return "https://" + net.JoinHostPort(peopleHost, port)
	}
	w.base, w.alone = site(), site()
	w.caddyfile.global = "skip_install_trust\n\tauto_https disable_redirects\n\tlog {\n\t\tformat psa\n\t}"
	w.caddyfile.psa = fmt.Sprintf("issuer partner %s {\n\t\t\tclient_id %s\n\t\t\tclient_secret secret file sso/client\n\t\t}\n\t\taudit {\n\t\t\toutput file %s\n\t\t}\n", provider.URL, issuertest.ClientID, w.path("audit.log"))
	log := fmt.Sprintf("bind 127.0.0.1\n\tlog {\n\t\toutput file %s\n\t\tformat psa\n\t}\n\ttls internal", w.path("people.log"))
	w.caddyfile.sites = fmt.Sprintf("\n%s {\n\t%s\n\tpsa_signin partner\n\tpsa_web main proxy {\n\t\tfailed_sign \"user name or password is not valid\" \"OTP token is invalid\"\n\t}\n}\n\n%s {\n\t%s\n\tpsa_web main proxy\n}\n", w.base, log, w.alone, log)
	return w
}

// serve starts the server and waits until its sites have their certificates.
func (w *webside) serve() {
	w.Helper()
	w.start()
	for _, base := range []string{w.base, w.alone} {
		_, port, _ := strings.Cut(strings.TrimPrefix(base, "https://"), ":")
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: peopleHost, InsecureSkipVerify: true}} // nobody vouches for it
		w.until("the site has its certificate", func() bool {
			conn, err := dialer.DialContext(w.Context(), "tcp", "127.0.0.1:"+port)
			if err != nil {
				return false
			}
			_ = conn.Close()
			return true
		})
	}
}

func (w *webside) code() string {
	c, err := totp.GenerateCode(personSeed, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return c
}

const (
	authenticatePath = "/Mvc/Framework/Authentication.mvc/Authenticate"
	landingPath      = "/Mvc/Framework/Navigation.mvc/Landing"
)

// A person with a browser: single sign-on of the gateway, then the PSA's own, with its one-time code; all under the gateway's address.
func TestAPersonUsesThePSAsPagesThroughTheGateway(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, peopleHost)
	w := newWebside(t)
	w.serve()
	p := b.person(t, w.base)
	const link = "/https://ww3.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7"
	p.open(link)
	p.at(authenticatePath) // by way of the provider, which knows her
	p.types("#UserName", personUser)
	p.click("#continue")
	p.at(authenticatePath)
	p.types("#Password", "wrong-"+personPassword)
	p.click("#continue")
	p.at(authenticatePath, "not valid")
	p.types("#Password", personPassword)
	p.click("#continue")
	p.at(authenticatePath)
	p.types("#Code", w.code())
	p.click("#continue")
	p.at("/Mvc/ServiceDesk/TicketDetail.mvc", "ticket 7", personUser)
	if live := must[string](p, "live"); live != strings.Replace(w.base, "https", "wss", 1)+"/Mvc/Framework/Live.mvc/Socket" {
		p.Errorf("the page's script has %s", live)
	}
	heard := must[string](p, `new Promise((done, fail) => { const s = new WebSocket(live); s.onopen = () => s.send("hello"); s.onmessage = m => done(m.data); s.onerror = () => fail("broken") })`)
	home := must[string](p, `fetch(info).then(r => r.json()).then(d => d.home)`)
	sent := must[string](p, `fetch("/Mvc/File/Attachment.mvc/Upload", {method: "POST", body: new Blob([new Uint8Array(3 << 20)])}).then(r => r.text())`)
	if heard != "hello" || home != w.base+landingPath || !strings.Contains(sent, fmt.Sprintf(`"bytes":%d`, 3<<20)) {
		p.Errorf("heard %q, home is %s, sent %s", heard, home, sent)
	}
	p.click("#landing")
	p.at(landingPath, "Landing")
	p.click("#out")
	p.at(authenticatePath)

	for range 3 {
		w.asked(w.client(), w.alone, "UserName", personUser, "Password", personPassword, "Code", w.code())
	}
	p.types("#UserName", personUser)
	p.click("#continue")
	p.at(authenticatePath, "Going on ends a session", "these are open", "since")
	p.inspect("one session too many")
	p.click("button")
	p.at(authenticatePath, "Sign in")

	var f report.Failures
	w.asJSON("failures", &f)
	if len(f.People) != 1 || f.People[0].User != report.UserAnother || f.People[0].Person == "" || f.People[0].Sign == "" {
		t.Errorf("failures %+v", f.People)
	}
	w.until("the audit log has it", func() bool { return strings.Contains(w.read("audit.log"), `"web_sign_in_failed"`) })
	for _, seen := range w.sim.WebVisits() {
		for name, values := range seen.Header {
			if text := strings.Join(values, " "); strings.Contains(text, peopleHost) || strings.Contains(text, "psagate") {
				t.Errorf("the PSA saw %s: %s", name, text)
			}
		}
	}
}

// client is a person's program: it finds the sites, and nobody else by their name.
func (w *webside) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // Caddy's own authority vouches for the sites
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	w.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

var hiddenFields = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)

// asked sends what one is asked for on the sign-in's pages, one after the other, and returns the last page.
func (w *webside) asked(c *http.Client, base string, answers ...string) (*http.Response, string) {
	w.Helper()
	take := func(resp *http.Response, err error) (*http.Response, string) {
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			w.Fatal(err)
		}
		return resp, string(text)
	}
	resp, page := take(c.Get(base + authenticatePath))
	for i := 0; i < len(answers); i += 2 {
		action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(page)
		if action == nil {
			w.Fatalf("no form at %s: %s", resp.Request.URL, page)
		}
		form := url.Values{answers[i]: {answers[i+1]}}
		for _, f := range hiddenFields.FindAllStringSubmatch(page, -1) {
			form.Set(f[1], f[2])
		}
		to, err := resp.Request.URL.Parse(action[1])
		if err != nil {
			w.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(form.Encode()))
		if err != nil {
			w.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}, "Origin": {base}}
		resp, page = take(c.Do(r))
	}
	return resp, page
}

// What programs of people's do there. The mistakes come last: after them nothing is sent for the login.
func TestProgramsOfPeopleComeThroughTheGateway(t *testing.T) {
	t.Parallel()
	w := newWebside(t)
	w.serve()
	t.Run("the Outlook extension", w.extension)
	t.Run("sessions, uploads and sockets", w.program)
	t.Run("mistakes", w.mistakes)
}

// People's mistakes with the integrations' own user stop integrations before the PSA locks it, and a name is with them.
func (w *webside) mistakes(t *testing.T) {
	w.served("a")
	for range 5 {
		w.asked(w.client(), w.alone, "UserName", user, "Password", "a guess")
	}
	if a := w.call("a", "GET", "/Tickets/1", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("a call is answered %d %s", a.status, a.body)
	}
	w.unharmed(5)
	w.says("failures", 1, "a person, by the web UI: 5 refused", "sign-ins of people that failed on the PSA's web pages", "the password is asked for again")
	var f report.Failures
	out, _ := w.ask("failures --json")
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(f.People) != 5 || f.People[4].Login != "main" || f.Logins[0].Units.Failed != 5 || f.Logins[0].By[0].Integration != report.ByWebUI || f.Logins[0].UnitsBy[0].Forgotten {
		t.Errorf("%+v", f)
	}
}

// The Outlook extension fails at the universal host, though all that it sends is right, and comes through by the gateway.
func (w *webside) extension(t *testing.T) {
	for base, want := range map[string]string{w.anywhere.URL(): "The OTP token is invalid", w.alone: `"success":true`} {
		resp, err := w.client().PostForm(base+"/Mvc/Framework/Authentication.mvc/AddIn", url.Values{"UserName": {personUser}, "Password": {personPassword}, "Code": {w.code()}})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(text), want) {
			t.Errorf("at %s: %s", base, text)
		}
	}
}

// More sessions than the PSA allows, an upload larger than a call may be, a websocket, and the sign-in's code, by a program.
func (w *webside) program(t *testing.T) {
	var c *http.Client
	for range 3 {
		c = w.client()
		if resp, page := w.asked(c, w.alone, "UserName", personUser, "Password", personPassword, "Code", w.code()); resp.Request.URL.String() != w.alone+landingPath {
			t.Fatalf("at %s: %s", resp.Request.URL, page)
		}
	}
	if resp, page := w.asked(w.client(), w.alone, "UserName", personUser); resp.StatusCode != http.StatusConflict || !strings.Contains(page, "Going on ends a session") {
		t.Fatalf("%d %s", resp.StatusCode, page)
	}
	const size = 17 << 20
	resp, err := c.Post(w.alone+"/Mvc/File/Attachment.mvc/Upload", "application/octet-stream", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !strings.Contains(string(text), fmt.Sprintf(`"bytes":%d`, size)) {
		t.Errorf("uploaded: %s", text)
	}
	u, _ := url.Parse(w.alone)
	config, err := websocket.NewConfig(strings.Replace(w.alone, "https", "wss", 1)+"/Mvc/Framework/Live.mvc/Socket", w.alone)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(u) {
		config.Header.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	raw, err := tls.Dial("tcp", "127.0.0.1:"+u.Port(), &tls.Config{ServerName: peopleHost, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn, err := websocket.NewClient(config, raw)
	if err != nil {
		t.Fatal(err)
	}
	heard := ""
	if err := websocket.Message.Send(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := websocket.Message.Receive(conn, &heard); err != nil || heard != "hello" {
		t.Errorf("heard %q, %v", heard, err)
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
