package call

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
)

const (
	discoverAddr = "127.0.0.1:5000"
	gatewayURL   = "http://gateway.test"
	user         = "api@example.com"
)

// safe is a secret source in memory.
type safe struct {
	mu      sync.Mutex
	records map[string]secret.Record
	down    error
	past    map[string][]secret.Record // what records were, the newest first, some of them
	deleted uint64                     // the newest version of records that are not there
	unfit   error                      // of a writing
}

func (s *safe) Read(_ context.Context, path string) (secret.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return secret.Record{}, s.down
	}
	r, ok := s.records[path]
	if !ok && s.deleted > 0 {
		return r, secret.Gone{Version: s.deleted, Err: secret.ErrNotFound}
	}
	if !ok {
		return r, fmt.Errorf("%w: %s", secret.ErrNotFound, path)
	}
	return r, nil
}

// put writes a login's record. more are further fields, each name with its text: a record that was read is never changed.
func (s *safe) put(path, userName, password string, more ...string) {
	fields := map[string]secret.Value{
		"username": secret.NewValue(userName), "secret": secret.NewValue(password), "integration_code": secret.NewValue("CODE"),
	}
	for i := 0; i < len(more); i += 2 {
		fields[more[i]] = secret.NewValue(more[i+1])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, there := s.records[path]; there {
		s.past[path] = append([]secret.Record{before}, s.past[path][:min(len(s.past[path]), 20)]...)
	}
	s.records[path] = secret.Record{Path: path, Version: s.records[path].Version + 1, Fields: fields}
}

// world is a gateway before a simulated PSA, all in memory and on a clock of its own.
type world struct {
	*testing.T
	sim    *psatest.Sim
	net    *psatest.Network
	z5, z6 *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
	safe   *safe
	store  *secret.Store
	shared *Shared
	cfg    Config
	way    ProxyOptions
	asks   bool // policy, as psa_gateway does
	// changed is what a handler after policy does to a call; nil: there is none.
	changed func(*http.Request)
	g       *Gateway
	keys    map[string]identity.Key
	client  *http.Client
	server  *http.Server
	log     *lines
	after   []func()
	mu      sync.Mutex // of g
}

// inWorld runs a test in a bubble with one login, main, and the integrations a and b.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		f(w)
	})
}

func (w *world) close() {
	w.client.CloseIdleConnections()
	time.Sleep(time.Second) // net/http's server lingers on a connection whose request was too large
	w.server.Close()
	for _, f := range w.after {
		f()
	}
	w.g.Close()
	w.store.Stop()
	w.sim.Close()
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Reset forgets what was written.
func (l *lines) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, net: psatest.NewNetwork(), sim: psatest.New(), safe: &safe{records: map[string]secret.Record{}, past: map[string][]secret.Record{}}, keys: map[string]identity.Key{}, log: new(lines)}
	w.sim.DiscoveryOn(w.net.Listen(discoverAddr))
	w.z5, w.z6 = w.sim.AddZoneOn("Five", w.net.Listen("127.0.0.1:5005")), w.sim.AddZoneOn("Six", w.net.Listen("127.0.0.1:5006"))
	w.tenant = w.sim.AddTenant("Example", w.z5)
	w.tenant.Seed(12)
	w.user = w.tenant.AddUser(user, "old-password", "CODE")
	w.safe.put("main", user, "old-password")
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.store = secret.NewStore("file", w.safe, secret.Options{Logger: log})
	w.store.Start(context.Background())
	w.shared = NewShared(new(guard.Memory), log)
	w.cfg = Config{
		Stores: map[string]Store{"file": {w.store, "file"}},
		Logins: []Login{{
			Name: "main", Store: "file", Path: "main", Discover: "http://" + discoverAddr, Hosts: []string{"127.0.0.1"}, InsecureHTTP: true,
			Settings: guard.Settings{}.WithDefaults(),
		}},
		Log: log, Dial: w.net.DialContext,
	}
	for _, name := range []string{"a", "b"} {
		key, err := identity.NewKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		w.keys[name] = key
		w.cfg.Integrations = append(w.cfg.Integrations, Integration{Integration: identity.Integration{Name: name, Login: "main", Keys: []identity.Hash{key.Hash()}}})
	}
	w.load()
	w.client = w.serve()
	return w
}

// load puts the config into force, as a reload does.
func (w *world) load() {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	g, err := New(w.cfg, w.shared)
	if err != nil {
		w.Fatal(err)
	}
	g.Commit()
	if w.g != nil {
		w.g.Close()
	}
	w.g = g
}

// clientHeader says, in these tests, from which address a call comes, where that is not the usual one.
const clientHeader = "Test-Client"

// serve puts an HTTP server before the gateway and returns a client of it.
func (w *world) serve() *http.Client {
	l := w.net.Listen("gateway.test:80")
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		g := w.g
		w.mu.Unlock()
		r, _, done := g.Identify(rw, r, cmp.Or(r.Header.Get(clientHeader), "192.0.2.7"))
		if !done && w.asks {
			var leave func()
			_, leave, done = g.Police(rw, r, w.way.MaxBody)
			defer leave()
			if w.changed != nil {
				w.changed(r)
			}
		}
		if !done {
			g.Proxy(rw, r, w.way)
		}
	})}
	go srv.Serve(l)
	w.server = srv
	return &http.Client{Transport: &http.Transport{DialContext: w.net.DialContext, DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a caller got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) reason() string { return a.header.Get("Psagate-Reason") }

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return m
}

// call makes a call as an integration; path is below /ATServicesRest/V1.0.
func (w *world) call(integration, method, path, body string) answer {
	w.Helper()
	a, err := w.try(context.Background(), integration, method, path, body)
	if err != nil {
		w.Error(err)
	}
	return a
}

func (w *world) try(ctx context.Context, integration, method, path, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, gatewayURL+"/ATServicesRest/V1.0"+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("UserName", integration)
	req.Header.Set("Secret", w.keys[integration].Reveal())
	req.Header.Set("ApiIntegrationCode", "anything")
	req.Header.Set("Content-Type", "application/json")
	return w.do(req)
}

func (w *world) do(req *http.Request) (answer, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

// served makes a call and demands that the PSA answered it.
func (w *world) served(integration string) {
	w.Helper()
	if a := w.call(integration, "GET", "/Tickets/1", ""); a.status != 200 || !strings.Contains(a.body, `"ticketNumber"`) {
		w.Fatalf("%d %s %s", a.status, a.reason(), a.body)
	}
}

// failed returns how many sign-ins the PSA saw fail.
func (w *world) failed() int { return len(w.sim.Ledger().Of(user).Failed()) }

// safeNow demands that nothing is locked and no secret is in the log.
func (w *world) safeNow() {
	w.Helper()
	if w.user.Locked() || w.user.MaxFailedSinceSuccess() > w.cfg.Logins[0].Settings.Budget {
		w.Errorf("locked %v, at most %d failed sign-ins since a success", w.user.Locked(), w.user.MaxFailedSinceSuccess())
	}
	synctest.Wait()
	for _, s := range []string{"old-password", "new-password", w.keys["a"].Reveal(), w.keys["b"].Reveal()} {
		if strings.Contains(w.log.String(), s) {
			w.Errorf("the log has a secret:\n%s", w.log)
		}
	}
}

func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func later(d time.Duration, f func()) { time.AfterFunc(d, f) }
