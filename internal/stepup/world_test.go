package stepup

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"
	"go.uber.org/goleak"

	"github.com/psagate/psagate/internal/browsertest"
	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/store"
	"github.com/psagate/psagate/internal/totp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a site with HTTPS, on a real store, with a clock that stands until it is moved.
type world struct {
	*testing.T
	engine   *totp.Engine
	people   *brokenPeople
	sessions *brokenSessions
	liar     *issuertest.Liar
	server   *httptest.Server

	mu     sync.Mutex
	at     time.Time
	events []Event
	log    bytes.Buffer
	secret string   // what the last enrolment gave the app
	known  []string // what no log may hold
}

// brokenPeople and brokenSessions fail where they are told to.
type brokenPeople struct {
	totp.Store
	err error
}

func (b *brokenPeople) Look(ctx context.Context, p totp.Person) (totp.State, error) {
	if b.err != nil {
		return totp.State{}, b.err
	}
	return b.Store.Look(ctx, p)
}

func (b *brokenPeople) Change(ctx context.Context, p totp.Person, buckets []string, f func(*totp.State) error) error {
	if b.err != nil {
		return b.err
	}
	return b.Store.Change(ctx, p, buckets, f)
}

type brokenSessions struct {
	session.Table
	stepUp func() (bool, error)
}

func (b *brokenSessions) StepUp(ctx context.Context, id string, at time.Time) (bool, error) {
	if b.stepUp != nil {
		return b.stepUp()
	}
	return b.Table.StepUp(ctx, id, at)
}

const maxAge = 10 * time.Minute

func newWorld(t *testing.T, change ...func(*Config)) *world {
	w := &world{T: t, liar: issuertest.StartLiar(t), at: time.Now().Truncate(30 * time.Second)}
	log := slog.New(slog.NewTextHandler(w, nil))
	kept := store.New(log)
	dir := t.TempDir()
	if err := kept.Start(context.Background(), store.Config{Kind: store.SQLite, Place: filepath.Join(dir, "store", "psagate.db"), Dir: filepath.Join(dir, "state")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	key, err := installation.FromFields(map[string]string{"key": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))})
	if err != nil {
		t.Fatal(err)
	}
	w.people, w.sessions = &brokenPeople{Store: kept.TOTP()}, &brokenSessions{Table: kept.Sessions()}
	w.engine = totp.New(totp.Config{Store: w.people, Key: func() installation.Key { return key }, Now: w.now})
	keeper, err := session.NewKeeper(w.sessions, session.Limits{}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	corp, err := issuer.New(issuer.Config{
		Name: "corp", URL: w.liar.URL, ClientID: issuertest.ClientID,
		ClientSecret: func(context.Context) (secret.Value, error) { return secret.NewValue(issuertest.ClientSecret), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(corp.Close)
	site, err := signin.New(signin.Config{Issuers: []*issuer.Issuer{corp}, Sessions: keeper, Keys: key.SignIn(), Now: w.now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Engine: w.engine, MaxAge: maxAge, Log: log, Tell: func(_ *http.Request, e Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) }}
	for _, f := range change {
		f(&cfg)
	}
	gate, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewTLSServer(site.Require(gate.Require(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, _ := signin.Signed(r.Context())
		fmt.Fprintf(rw, "behind both: %s at %s with %q", s.Person.Subject, r.URL.RequestURI(), r.Header.Get("Cookie"))
	}))))
	t.Cleanup(w.server.Close)
	t.Cleanup(func() {
		for _, text := range w.known {
			if strings.Contains(w.logged(), text) {
				t.Error("the log holds a code or a seed")
			}
		}
	})
	return w
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// told are the events of a kind.
func (w *world) told(what What) (list []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.What == what {
			list = append(list, e)
		}
	}
	return list
}

// code is what the app shows now.
func (w *world) code() string {
	w.Helper()
	code, err := otp.GenerateCode(w.secret, w.now())
	if err != nil {
		w.Fatal(err)
	}
	return code
}

// wrong is a code that is not right now, nor just before or after.
func (w *world) wrong() string {
	for n := 0; ; n++ {
		code, near := fmt.Sprintf("%06d", n), false
		for _, d := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} {
			right, _ := otp.GenerateCode(w.secret, w.now().Add(d))
			near = near || code == right
		}
		if !near {
			return code
		}
	}
}

// browser is one person's, with cookies of its own.
type browser struct {
	*http.Client
	w *world
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &browser{&http.Client{Transport: w.server.Client().Transport, Jar: jar}, w}
}

func (w *world) site() *url.URL {
	u, err := url.Parse(w.server.URL)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// cookie is the value of one of the browser's cookies.
func (b *browser) cookie(name string) string {
	for _, c := range b.Jar.Cookies(b.w.site()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) plant(name, value string) {
	b.Jar.SetCookies(b.w.site(), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// seen is an answer with its body read.
type seen struct {
	*http.Response
	body string
}

func (s seen) path() string { return s.Request.URL.RequestURI() }

func (b *browser) do(method, path string, form url.Values, headers ...string) seen {
	b.w.Helper()
	resp, body := browsertest.Do(b.w, b.Client, method, b.w.server.URL+path, form, headers...)
	return seen{resp, body}
}

func (b *browser) open(path string, headers ...string) seen {
	b.w.Helper()
	return b.do(http.MethodGet, path, nil, headers...)
}

var (
	formText = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	hidden   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	secrets  = regexp.MustCompile(`<span class="secret">([^<]*)</span>`)
	recovery = regexp.MustCompile(`<li class="secret">([^<]*)</li>`)
	goOn     = regexp.MustCompile(`<a href="([^"]*)" class="button">`)
)

// form returns a page's form that does something: where it goes, and what is in it.
func (s seen) form(t testing.TB, do string) (to string, fields url.Values) {
	t.Helper()
	for _, f := range formText.FindAllStringSubmatch(s.body, -1) {
		fields := url.Values{}
		for _, in := range hidden.FindAllStringSubmatch(f[0], -1) {
			fields.Set(in[1], html.UnescapeString(in[2]))
		}
		if fields.Get("do") == do {
			return html.UnescapeString(f[1]), fields
		}
	}
	t.Fatalf("no form that does %s at %s, status %d: %s", do, s.path(), s.StatusCode, s.body)
	return "", nil
}

// submit sends the form of a page, with a code where there is one to type.
func (b *browser) submit(page seen, do, code string, headers ...string) seen {
	b.w.Helper()
	to, fields := page.form(b.w, do)
	if code != "" {
		fields.Set("code", code)
		b.w.known = append(b.w.known, code)
	}
	return b.do(http.MethodPost, to, fields, headers...)
}

// begin begins an enrolment, and has the app read its secret.
func (b *browser) begin(page seen) seen {
	b.w.Helper()
	begun := b.submit(page, doBegin, "")
	shown := secrets.FindStringSubmatch(begun.body)
	if shown == nil {
		b.w.Fatalf("no secret, status %d: %s", begun.StatusCode, begun.body)
	}
	b.w.known = append(b.w.known, shown[1])
	b.w.secret = strings.ReplaceAll(shown[1], " ", "")
	return begun
}

// enrol signs in, enrols, and returns the recovery codes. The app's next code is new.
func (b *browser) enrol() (codes []string) {
	b.w.Helper()
	got := b.submit(b.begin(b.open("/x")), doConfirm, b.w.code())
	b.w.says("enrolled", got, http.StatusOK, "The app counts from now on")
	for _, c := range recovery.FindAllStringSubmatch(got.body, -1) {
		codes = append(codes, c[1])
	}
	if len(codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 10 {
		b.w.Fatalf("%d recovery codes: %s", len(codes), got.body)
	}
	b.w.known = append(b.w.known, codes...)
	b.w.later(30 * time.Second)
	return codes
}

// says checks an answer's status and what is in it.
func (w *world) says(name string, got seen, status int, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if got.StatusCode != status || !strings.Contains(html.UnescapeString(got.body), text) {
			w.Errorf("%s: at %s status %d, want %d that says %q: %s", name, got.path(), got.StatusCode, status, text, got.body)
		}
	}
}

// through checks that a request came through both gates.
func (w *world) through(name string, got seen, path string) {
	w.Helper()
	w.says(name, got, http.StatusOK, `behind both: ann at `+path+` with ""`)
}

// asked checks that a person is asked for a code.
func (w *world) asked(name string, got seen) {
	w.Helper()
	w.says(name, got, http.StatusOK, "Code of your authenticator app")
}
