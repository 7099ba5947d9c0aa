package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// planted are secrets that no error and no log may show.
const planted = "hvs.PlantedSecret/0123+456="

// fakeToken is a token of the fake.
type fakeToken struct {
	begun, expires time.Time // expires: zero is never
	ttl, maxTTL    time.Duration
	renewable      bool
	noDefault      bool // may not look itself up, nor renew itself
	uses           int  // left; 0: any number
}

// fake is a Vault in memory that does what the real one was seen to do (v1.14.1), on the clock of the test. It answers
// at once, so it can be used within a bubble of synctest.
type fake struct {
	mu     sync.Mutex
	tokens map[string]*fakeToken
	made   int
	// proofs are what a login takes: secret ids, JWTs; the empty one is a client certificate.
	proofs map[string]bool
	give   fakeToken // what a login gives
	// records are answers by path: data/x, metadata/x.
	denied map[string]bool
	sealed bool
	down   error
	delay  time.Duration

	asked []string // method and path, in order
	seen  []http.Header
	most  int
	now   int
}

func newFake() *fake {
	return &fake{
		tokens: map[string]*fakeToken{}, proofs: map[string]bool{planted: true}, denied: map[string]bool{},
		give: fakeToken{ttl: time.Hour, renewable: true},
	}
}

// set changes the fake.
func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// count tells how many questions there were whose method and path hold the text.
func (f *fake) count(text string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.asked {
		if strings.Contains(a, text) {
			n++
		}
	}
	return n
}

func (f *fake) add(text string, t fakeToken) {
	t.begun = time.Now()
	if t.ttl > 0 {
		t.expires = t.begun.Add(t.ttl)
	}
	f.tokens[text] = &t
}

// RoundTrip implements http.RoundTripper.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	f.asked = append(f.asked, r.Method+" "+path)
	f.seen = append(f.seen, r.Header)
	f.now++
	f.most = max(f.most, f.now)
	delay := f.delay
	f.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if f.down != nil {
		return nil, f.down
	}
	var body map[string]string
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	status, said := f.answer(path, r.Header.Get("X-Vault-Token"), body)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(said))), Request: r}, nil
}

func (f *fake) answer(path, text string, body map[string]string) (int, string) {
	if f.sealed {
		return 503, `{"errors":["Vault is sealed"]}`
	}
	if strings.HasSuffix(path, "/login") {
		return f.login(body)
	}
	t := f.tokens[text]
	if t == nil || !t.expires.IsZero() && !time.Now().Before(t.expires) {
		return 403, `{"errors":["permission denied"]}`
	}
	if t.uses > 0 {
		if t.uses--; t.uses == 0 {
			delete(f.tokens, text)
		}
	}
	switch {
	case f.denied[path] || t.noDefault && strings.HasPrefix(path, "auth/token/"):
		return 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`
	case path == "auth/token/lookup-self":
		ttl := time.Duration(0)
		if !t.expires.IsZero() {
			ttl = time.Until(t.expires)
		}
		return 200, fmt.Sprintf(`{"data":{"id":%q,"ttl":%d,"renewable":%t,"num_uses":%d}}`, text, int(ttl.Seconds()), t.renewable, t.uses)
	case path == "auth/token/renew-self":
		return f.renew(text, t)
	case strings.HasPrefix(path, "kv/data/"):
		return 200, `{"data":{"data":{"secret":"s3cret-content"},"metadata":{"created_time":"2026-11-26T13:53:48.192677662Z","deletion_time":"","destroyed":false,"version":1}}}`
	case strings.HasPrefix(path, "kv/metadata/"):
		return 200, `{"data":{"current_version":1,"versions":{"1":{"created_time":"2026-11-26T13:53:48.192677662Z","deletion_time":"","destroyed":false}}}}`
	default:
		return 404, `{"errors":[]}`
	}
}

func (f *fake) login(body map[string]string) (int, string) {
	if !f.proofs[body["secret_id"]+body["jwt"]] {
		return 400, fmt.Sprintf(`{"errors":["invalid secret id %s"]}`, body["secret_id"]+body["jwt"])
	}
	f.made++
	text := fmt.Sprintf("hvs.made%d", f.made)
	f.add(text, f.give)
	policies := `["default","p"]`
	if f.give.noDefault {
		policies = `["p"]`
	}
	return 200, fmt.Sprintf(`{"auth":{"client_token":%q,"policies":%s,"lease_duration":%d,"renewable":%t,"num_uses":%d}}`,
		text, policies, int(f.give.ttl.Seconds()), f.give.renewable, f.give.uses)
}

func (f *fake) renew(text string, t *fakeToken) (int, string) {
	if !t.renewable {
		return 400, `{"errors":["lease is not renewable"]}`
	}
	ttl := t.ttl
	if t.maxTTL > 0 {
		ttl = min(ttl, t.maxTTL-time.Since(t.begun))
	}
	t.expires = time.Now().Add(ttl)
	return 200, fmt.Sprintf(`{"auth":{"client_token":%q,"lease_duration":%d,"renewable":true}}`, text, int(ttl.Seconds()))
}

// is gives a secret that stays the same.
func is(text string) secret.Func {
	return func(context.Context) (secret.Value, error) { return secret.NewValue(text), nil }
}

// rotating is a secret that the test replaces.
type rotating struct {
	mu   sync.Mutex
	text string
}

func (r *rotating) set(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = text
}

// get is a secret.Func.
func (r *rotating) get(context.Context) (secret.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return secret.NewValue(r.text), nil
}

// notes collects what is logged.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notes) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// oneProcessor is for a bubble of synctest: the race detector crashes when two processors run timers of one bubble at the
// same time (https://go.dev/issue/78156), and a thousand records have a thousand timers.
func oneProcessor(t *testing.T) {
	t.Helper()
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// faked runs test in a bubble with a source of the fake. cfg needs no more than what is particular.
func faked(t *testing.T, f *fake, cfg Config, test func(t *testing.T, s *Source, log *notes)) {
	t.Helper()
	oneProcessor(t)
	synctest.Test(t, func(t *testing.T) {
		log := new(notes)
		cfg.Address, cfg.Log = "https://vault.test:8200", log.logger()
		if cfg.Auth.Method == "" {
			cfg.Auth = Auth{Method: "approle", Role: "role-id", Secret: is(planted)}
		}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.wire.transport = f
		s.session.rand = func() float64 { return 0.5 }
		test(t, s, log)
		if strings.Contains(log.String(), planted) || strings.Contains(log.String(), "s3cret-content") {
			t.Error("the log shows a secret")
		}
	})
}

// stored is faked with a store that polls every 15 s, without jitter.
func stored(t *testing.T, f *fake, cfg Config, test func(t *testing.T, s *secret.Store, log *notes)) {
	t.Helper()
	faked(t, f, cfg, func(t *testing.T, source *Source, log *notes) {
		s := secret.NewStore("vault", source, secret.Options{Logger: log.logger(), Rand: func() float64 { return 0.5 }})
		s.Start(t.Context())
		defer s.Stop()
		test(t, s, log)
	})
}

// after lets the time pass and everything that is due happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
