package signin

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/internal/browsertest"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a site with HTTPS, a liar to sign in with, and what the site has told.
type world struct {
	*testing.T
	site   *Site
	liar   *issuertest.Liar
	server *httptest.Server
	table  *breaking
	skew   time.Duration // of the site's clock

	mu     sync.Mutex
	events []Event
	log    bytes.Buffer
	behind []*http.Request // what came through the gate
}

// breaking is a table that fails where it is told to.
type breaking struct {
	session.Table
	mu  sync.Mutex
	err error
}

func (b *breaking) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *breaking) failing() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *breaking) Find(ctx context.Context, h session.Hash) (session.Row, bool, error) {
	if err := b.failing(); err != nil {
		return session.Row{}, false, err
	}
	return b.Table.Find(ctx, h)
}

func (b *breaking) Once(ctx context.Context, what string, until time.Time) (bool, error) {
	if err := b.failing(); err != nil {
		return false, err
	}
	return b.Table.Once(ctx, what, until)
}

func (b *breaking) Remove(ctx context.Context, w session.Which) ([]session.Row, error) {
	if err := b.failing(); err != nil {
		return nil, err
	}
	return b.Table.Remove(ctx, w)
}

func issuerOf(t testing.TB, name, at string) *issuer.Issuer {
	t.Helper()
	i, err := issuer.New(issuer.Config{
		Name: name, URL: at, ClientID: issuertest.ClientID,
		ClientSecret: func(context.Context) (secret.Value, error) { return secret.NewValue(issuertest.ClientSecret), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	w := &world{T: t, liar: issuertest.StartLiar(t), table: &breaking{Table: session.NewMemory()}}
	now := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return time.Now().Add(w.skew) }
	keeper, err := session.NewKeeper(w.table, session.Limits{}, now)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Issuers: []*issuer.Issuer{issuerOf(t, "corp", w.liar.URL)}, Sessions: keeper, Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, Now: now,
		Log:  slog.New(slog.NewTextHandler(w, nil)),
		Tell: func(_ *http.Request, e Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) },
	}
	for _, f := range change {
		f(&cfg)
	}
	if w.site, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewTLSServer(w.site.Require(http.HandlerFunc(w.serve)))
	t.Cleanup(w.server.Close)
	return w
}

// serve is what is behind the gate.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.behind = append(w.behind, r)
	w.mu.Unlock()
	s, ok := Signed(r.Context())
	fmt.Fprintf(rw, "behind the gate: %s %t at %s", s.Person.Subject, ok, r.URL.RequestURI())
}

// told returns the events of a kind.
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

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += d
}

// browser is one person's, with cookies of its own.
type browser struct {
	*http.Client
	w    *world
	jar  http.CookieJar
	held bool // it stops where it would leave the site
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	b := &browser{w: w, jar: jar}
	b.Client = &http.Client{Transport: w.server.Client().Transport, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 10 {
			return fmt.Errorf("it goes round: %s", r.URL)
		}
		if b.held && !strings.HasPrefix(r.URL.String(), w.server.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// seen is an answer with its body read.
type seen struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, form url.Values, headers ...string) seen {
	b.w.Helper()
	at := path
	if strings.HasPrefix(path, "/") {
		at = b.w.server.URL + path
	}
	resp, body := browsertest.Do(b.w, b.Client, method, at, form, headers...)
	return seen{resp, body}
}

func (b *browser) open(path string, headers ...string) seen {
	b.w.Helper()
	return b.do(http.MethodGet, path, nil, headers...)
}

// cookies are the browser's of the site, by name.
func (b *browser) cookies() map[string]string {
	at, err := url.Parse(b.w.server.URL)
	if err != nil {
		b.w.Fatal(err)
	}
	held := map[string]string{}
	for _, c := range b.jar.Cookies(at) {
		held[c.Name] = c.Value
	}
	return held
}

// plant has the browser hold a cookie of somebody else's making.
func (b *browser) plant(name, value string) {
	at, _ := url.Parse(b.w.server.URL)
	b.jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// signIn opens a page, and must get there by way of the provider.
func (b *browser) signIn(path string) {
	b.w.Helper()
	got := b.open(path)
	if want := "behind the gate: ann true at " + path; got.StatusCode != http.StatusOK || got.body != want {
		b.w.Fatalf("status %d at %s: %s", got.StatusCode, got.Request.URL, got.body)
	}
}

// at checks an answer's status and what it says.
func (w *world) at(name string, got seen, status int, says ...string) {
	w.Helper()
	for _, text := range says {
		if got.StatusCode != status || !strings.Contains(got.body, text) {
			w.Errorf("%s: status %d, want %d that says %q: %s", name, got.StatusCode, status, text, got.body)
		}
	}
}

// answerOf begins a sign-in and returns the address that the provider sends the browser back to, without going there.
func (b *browser) answerOf(path string) string {
	b.w.Helper()
	b.held = true
	to := b.open(path).Header.Get("Location")
	b.held = false
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Get(to)
	if err != nil {
		b.w.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func sessionNames(list []Event) (names []string) {
	for _, e := range list {
		names = append(names, e.Session)
	}
	slices.Sort(names)
	return names
}
