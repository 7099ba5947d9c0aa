package console

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/browsertest"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/maildesk"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// evil is a text that whoever writes it hopes to see run.
const evil = `<script>alert("x")</script><img src=x onerror=alert(1)>'"&`

// world is a console on a site with HTTPS, below /console/ of it, and an engine that says what the test wants.
type world struct {
	testing.TB
	console *Console
	gate    http.Handler // before it
	keeper  *session.Keeper
	liar    *issuertest.Liar
	server  *httptest.Server

	mu     sync.Mutex
	at     time.Time
	log    bytes.Buffer
	status report.Status
	failed report.Failures
	broken error // why failures cannot be read
	away   error // why sessions cannot be
	listed int   // how often they were
	asked  int   // how often the status was
	ledger *Ledger
	desk   *maildesk.Desk

	deeds        *deeds
	done         []string
	integrations []Integration
	factors      []report.TOTPPerson
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, liar: issuertest.StartLiar(t), at: time.Now()}
	w.ledger, w.deeds = NewLedger(w.now), &deeds{w: w}
	w.desk = &maildesk.Desk{Books: ledger.NewMemory(), Boxes: w, Now: w.now}
	w.permits("")
	log := slog.New(slog.NewTextHandler(w, nil))
	var err error
	if w.keeper, err = session.NewKeeper(table{session.NewMemory(), w}, session.Limits{}, w.now); err != nil {
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
	site, err := signin.New(signin.Config{
		Issuers: []*issuer.Issuer{corp}, Sessions: w.keeper, Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, Now: w.now, Log: log,
		URL: func(r *http.Request) *url.URL {
			if came, ok := r.Context().Value(cameKey{}).(*url.URL); ok {
				return came
			}
			return r.URL
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.console, err = New(w.config(log)); err != nil {
		t.Fatal(err)
	}
	w.gate = site.Require(w.console)
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		came := *r.URL
		r = r.WithContext(context.WithValue(r.Context(), cameKey{}, &came))
		if path, below := strings.CutPrefix(r.URL.Path, "/console"); below {
			changed := *r.URL
			changed.Path, changed.RawPath = path, ""
			r.URL = &changed
		}
		w.gate.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

// cameKey is of what the browser asked for.
type cameKey struct{}

func (w *world) config(log *slog.Logger) Config {
	return Config{Source: w, Deeds: w.deeds, Log: log, Now: w.now}
}

// Status implements Source.
func (w *world) Status() report.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	w.status.Time = w.at
	return copied(w, w.status)
}

// copied is a report that shares nothing with another one: those who read it do so while the test goes on.
func copied[T any](w *world, report T) (out T) {
	text, err := json.Marshal(report)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		w.Error(err)
	}
	return out
}

// Failures implements Source.
func (w *world) Failures(since time.Time) (report.Failures, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := copied(w, w.failed)
	f.Time, f.Since = w.at, since
	for i := range f.Logins {
		f.Logins[i].Conclude()
	}
	return f, w.broken
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

// set changes something of the world, and lets what is shown grow old.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.at = w.at.Add(2 * freshFor)
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

// page is an answer with its body read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, form url.Values, headers ...string) answer {
	b.w.Helper()
	resp, body := browsertest.Do(b.w, b.Client, method, b.w.server.URL+path, form, headers...)
	return answer{resp, body}
}

func (b *browser) open(path string) answer {
	b.w.Helper()
	return b.do(http.MethodGet, path, nil)
}

// opened opens a page that must be there and say the texts, as people see them.
func (b *browser) opened(path string, texts ...string) answer {
	b.w.Helper()
	a := b.open(path)
	b.w.says(path, a, http.StatusOK, texts...)
	return a
}

var tags = regexp.MustCompile(`<[^>]*>`)

// text is what people see of a page.
func (a answer) text() string {
	_, body, _ := strings.Cut(a.body, "<body>")
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(body, " "))), " ")
}

// says checks an answer's status and what people see of it.
func (w *world) says(name string, a answer, status int, texts ...string) {
	w.Helper()
	if a.StatusCode != status {
		w.Errorf("%s: status %d, want %d: %s", name, a.StatusCode, status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			w.Errorf("%s: it does not say %q: %s", name, text, a.text())
		}
	}
}

// Integrations implements Source.
func (w *world) Integrations() []Integration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.integrations
}

// Denials implements Source.
func (w *world) Denials() Denials { return w.ledger.Denials() }

// Sessions implements Source.
func (w *world) Sessions(ctx context.Context) ([]session.Session, error) {
	w.mu.Lock()
	w.listed++
	w.mu.Unlock()
	return w.keeper.List(ctx)
}

// table is one of sessions that can be away.
type table struct {
	session.Table
	w *world
}

// Find implements session.Table.
func (t table) Find(ctx context.Context, h session.Hash) (session.Row, bool, error) {
	t.w.mu.Lock()
	away := t.w.away
	t.w.mu.Unlock()
	if away != nil {
		return session.Row{}, false, away
	}
	return t.Table.Find(ctx, h)
}

// Factors implements Source.
func (w *world) Factors(context.Context) (report.TOTPPeople, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return report.TOTPPeople{Time: w.at, People: w.factors}, nil
}

// MailBooks implements Source.
func (w *world) MailBooks(ctx context.Context) (report.MailBooks, error) {
	w.mu.Lock()
	err := w.broken
	w.mu.Unlock()
	if err != nil {
		return report.MailBooks{}, err
	}
	return w.desk.Overview(ctx)
}

// Mails implements Source.
func (w *world) Mails(ctx context.Context, q ledger.Query) (report.MailList, error) {
	list, err := w.desk.List(ctx, q)
	list.Troubles = []report.MailTrouble{{Since: w.at, Last: w.at, Times: 3, Text: evil}}
	return list, err
}

// Mail implements Source.
func (w *world) Mail(ctx context.Context, mailbox string, id int64) (report.MailShown, error) {
	return w.desk.Show(ctx, mailbox, id)
}

// Names implements maildesk.Boxes.
func (w *world) Names() []string { return []string{"support"} }

// Wake implements maildesk.Boxes.
func (w *world) Wake(string) {}

// Settings implements Source.
func (w *world) Settings() []Section {
	return []Section{{"login main", []Setting{{"lockout.threshold", "7"}}}, {evil, []Setting{{evil, evil}}}}
}
