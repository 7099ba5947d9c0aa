//go:build unix

package vault

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/vaulttest"
)

// generous bounds what a test waits for; on an idle machine all of it takes a moment.
const generous = 90 * time.Second

// until waits for something to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick, end := time.NewTicker(20*time.Millisecond), time.After(generous)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("it is not so after %s: %s", generous, what)
		}
	}
}

// watched is one record of a real Vault in a store.
type watched struct {
	*secret.Store
	source *Source
	log    *notes
	t      *testing.T
	path   string
}

// newSource makes a source of a real Vault.
func newSource(t *testing.T, cfg Config, log *notes) *Source {
	t.Helper()
	cfg.Log = log.logger()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// watch starts a store that polls each 100 ms and uses one record.
func watch(t *testing.T, cfg Config, path string) *watched {
	t.Helper()
	log := new(notes)
	w := &watched{source: newSource(t, cfg, log), log: log, t: t, path: path}
	w.Store = secret.NewStore("vault", w.source, options(log))
	w.Start(t.Context())
	t.Cleanup(w.Stop)
	t.Cleanup(w.Use(path, nil))
	return w
}

func options(log *notes) secret.Options {
	return secret.Options{Poll: 100 * time.Millisecond, Logger: log.logger()}
}

func (w *watched) status() secret.RecordStatus { return w.Status()[0] }

// serves waits until the record's field "secret" is the text, and all is well.
func (w *watched) serves(text string, version uint64) {
	w.t.Helper()
	until(w.t, "it serves "+text, func() bool {
		r, err := w.Get(w.path)
		return err == nil && r.Fields["secret"].Reveal() == text && r.Version == version && w.status().LastError == ""
	})
}

// stillServes waits until status says what is wrong; the last known value must be served all the same.
func (w *watched) stillServes(text, wrong string) {
	w.t.Helper()
	until(w.t, "status says "+wrong, func() bool { return strings.Contains(w.status().LastError, wrong) })
	if r, err := w.Get(w.path); err != nil || r.Fields["secret"].Reveal() != text {
		w.t.Errorf("served %q, %v; want the last known %q", r.Fields["secret"].Reveal(), err, text)
	}
	if w.status().Stale {
		w.t.Error("status calls it stale")
	}
}

// logged tells how often the log holds all the parts in one line.
func (w *watched) logged(parts ...string) (n int) {
	for line := range strings.Lines(w.log.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			n++
		}
	}
	return n
}

// hides checks that the log shows none of the texts.
func (w *watched) hides(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if strings.Contains(w.log.String(), text) {
			w.t.Error("the log shows a secret")
		}
	}
}

const readAll = `path "kv/*" { capabilities = ["read"] }`

// byToken is a config that signs in with a new token of a Vault.
func byToken(v *vaulttest.Vault, policy string) Config {
	text := v.Token([]string{v.Policy("p-"+policyName(policy), policy)}, time.Hour)
	cfg := static(is(text))
	cfg.Address = v.URL
	return cfg
}

func policyName(policy string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, policy), "-")
}

// record is a version of a record.
func record(text string) map[string]any { return map[string]any{"secret": text} }

// counting is a proxy that counts what it passes on. A request is under way until the whole answer is there, and before any
// of it is passed on: who has read an answer may ask the next thing at once.
type counting struct {
	URL       string
	transport *http.Transport

	mu   sync.Mutex
	by   map[string]int // by method and path
	seen []http.Header
	now  int
	most int
}

func newCounting(t *testing.T, to string) *counting {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{by: map[string]int{}, transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	srv := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: c, ErrorLog: newQuietLog(),
	})
	c.URL = srv.URL
	t.Cleanup(c.transport.CloseIdleConnections)
	t.Cleanup(srv.Close)
	return c
}

// RoundTrip passes a request on and reads the whole answer.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.enter(r)
	defer c.leave()
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

func (c *counting) enter(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[r.Method+" "+r.URL.Path]++
	c.seen = append(c.seen, r.Header.Clone())
	c.now++
	c.most = max(c.most, c.now)
}

func (c *counting) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
}

// count returns how many requests there were for paths that begin so, for how many paths, and the least and the most for one.
func (c *counting) count(prefix string) (all, paths, least, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, n := range c.by {
		if !strings.HasPrefix(what, prefix) {
			continue
		}
		if paths == 0 || n < least {
			least = n
		}
		all, paths, most = all+n, paths+1, max(most, n)
	}
	return all, paths, least, most
}

// forget begins to count anew.
func (c *counting) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.by)
}
