package webproxy

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"go.uber.org/goleak"

	"github.com/psagate/psagate/internal/psatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	userName = "anna@example.com"
	password = "the-Password-4711"
	seed     = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	public   = "https://psa.example.com"

	authenticate = "/Mvc/Framework/Authentication.mvc/Authenticate"
	landing      = "/Mvc/Framework/Navigation.mvc/Landing"
)

// world is a PSA with web pages, and a gateway before it that browsers find by its name.
type world struct {
	*testing.T
	sim    *psatest.Sim
	zone   *psatest.Zone
	web    *psatest.Web
	tenant *psatest.Tenant
	user   *psatest.User
	server *httptest.Server
	proxy  *Proxy
	book   *Book

	mu     sync.Mutex
	now    time.Time
	person string
	failed []Failure
	moved  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	w.sim = psatest.New(psatest.WithClock(clock))
	t.Cleanup(w.sim.Close)
	w.zone = w.sim.AddZone("Five")
	w.web = w.zone.AddWeb()
	w.tenant = w.sim.AddTenant("Example", w.zone)
	w.user = w.tenant.AddUser(userName, password, "CODE")
	w.user.SetWeb(psatest.WebUser{Seed: seed})
	w.book = NewBook(Limits{}, clock)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	w.proxy = New(Config{
		Transport: transport, Book: w.book, Log: slog.New(slog.DiscardHandler),
		Failed: func(f Failure) { w.mu.Lock(); defer w.mu.Unlock(); w.failed = append(w.failed, f) },
		Moved:  func() { w.mu.Lock(); defer w.mu.Unlock(); w.moved++ },
	})
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		person := w.person
		w.mu.Unlock()
		w.proxy.Serve(rw, r, Visit{Zone: w.web.URL() + "/", Secure: true, Person: person, Address: "192.0.2.7"})
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) failures() []Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.failed)
}

func (w *world) code() string {
	c, err := totp.GenerateCode(seed, w.now)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// visitor is a person whose browser reaches the gateway and nothing else.
type visitor struct {
	*world
	client *http.Client
	agent  string
	at     *url.URL
	status int
	header http.Header
	body   string
}

func (w *world) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	transport := w.server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true // the server's certificate has another name
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != "psa.example.com:443" {
			return nil, errors.New("the browser was led out of the gateway, to " + addr)
		}
		return new(net.Dialer).DialContext(ctx, network, w.server.Listener.Addr().String())
	}
	v := &visitor{world: w, client: &http.Client{Jar: jar, Transport: transport}, agent: "Desktop"}
	w.Cleanup(v.client.CloseIdleConnections)
	return v
}

func (v *visitor) send(r *http.Request) string {
	v.Helper()
	r.Header.Set("User-Agent", v.agent)
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html")
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	v.at, v.status, v.header, v.body = resp.Request.URL, resp.StatusCode, resp.Header, string(b)
	return v.body
}

func (v *visitor) request(method, at string, form url.Values) *http.Request {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", public)
	}
	return r
}

func (v *visitor) open(at string) string {
	v.Helper()
	return v.send(v.request(http.MethodGet, at, nil))
}

var (
	actions = regexp.MustCompile(`action="([^"]*)"`)
	hidden  = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// fill sends the page's form with one more field, unless that is empty.
func (v *visitor) fill(name, value string) string {
	v.Helper()
	action := actions.FindStringSubmatch(v.body)
	if action == nil || !strings.Contains(v.body, `name="`+name+`"`) {
		v.Fatalf("no form asks for %s: %s", name, v.body)
	}
	form := url.Values{}
	for _, f := range hidden.FindAllStringSubmatch(v.body, -1) {
		form.Set(f[1], html.UnescapeString(f[2]))
	}
	if value != "" {
		form.Set(name, value)
	}
	to, err := v.at.Parse(html.UnescapeString(action[1]))
	if err != nil {
		v.Fatal(err)
	}
	return v.send(v.request(http.MethodPost, to.String(), form))
}

// signIn goes through the steps from an address.
func (v *visitor) signIn(at string) string {
	v.Helper()
	v.open(at)
	v.fill("UserName", userName)
	v.fill("Password", password)
	return v.fill("Code", v.code())
}
