package vaulttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is one request that came to a [Counter].
type Request struct {
	Method string
	Path   string // such as /v1/kv/metadata/autotask/main
	Query  string // as it came, without ?
	// Namespace is the header X-Vault-Namespace, which the Vault of the tests does not look at: it is an Enterprise feature.
	Namespace string
	// Token says whether there was a header X-Vault-Token or Authorization. The token itself is not kept.
	Token bool
	// Status is the answer's; 0 while there is none, and for good where Vault could not be reached or the caller hung up.
	Status int
}

// at says whether the request is one for the path; a path that ends in / stands for all below it.
func (r Request) at(path string) bool {
	return r.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(r.Path, path)
}

// Counter is a reverse proxy in front of a Vault that counts, and makes trouble to order.
type Counter struct {
	// URL is its base URL, plain HTTP.
	URL string

	t     testing.TB
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	requests []Request
	changed  chan struct{} // closed and replaced at each request and each answer
	trouble  *trouble      // nil: none
}

// Counting starts a counter in front of the Vault at a base URL, which must be plain HTTP. It ends with the test.
func Counting(t testing.TB, base string) *Counter {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil || target.Scheme != "http" {
		t.Fatalf("counting before %q: want the http:// URL of a Vault", base)
	}
	transport := &http.Transport{}
	c := &Counter{t: t, changed: make(chan struct{})}
	c.proxy = &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: c.answered,
		// The caller sees what it would see without us: a connection that ends without an answer.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(c)
	c.URL = server.URL
	t.Cleanup(func() {
		c.Pass()
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	return c
}

// ServeHTTP counts a request and passes it on, unless there is trouble for it.
func (c *Counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, trouble := c.note(r)
	if trouble != nil && trouble.status != 0 {
		c.settle(n, trouble.status)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(trouble.status)
		_, _ = w.Write([]byte(`{"errors":[]}` + "\n"))
		return
	}
	if trouble != nil {
		select {
		case <-trouble.over:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	c.proxy.ServeHTTP(w, r.WithContext(withNumber(r.Context(), n)))
}

// note keeps a request and returns its number and its trouble.
func (c *Counter) note(r *http.Request) (int, *trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	noted := Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Namespace: r.Header.Get("X-Vault-Namespace"),
		Token: r.Header.Get("X-Vault-Token") != "" || r.Header.Get("Authorization") != "",
	}
	c.requests = append(c.requests, noted)
	c.tell()
	trouble := c.trouble
	if trouble != nil && len(trouble.paths) > 0 && !slices.ContainsFunc(trouble.paths, noted.at) {
		trouble = nil
	}
	return len(c.requests) - 1, trouble
}

// tell wakes those that await; c.mu is held.
func (c *Counter) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// settle notes a request's status.
func (c *Counter) settle(n, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[n].Status = status
	c.tell()
}

// answered notes the status that Vault answered.
func (c *Counter) answered(r *http.Response) error {
	c.settle(number(r.Request.Context()), r.StatusCode)
	return nil
}

// Requests returns all requests up to now, in the order in which they came.
func (c *Counter) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// Count is how many requests came with a method for a path (/v1/kv/metadata/autotask/main). A path that ends in / stands for
// all below it; an empty method for all methods.
func (c *Counter) Count(method, path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count(method, path)
}

func (c *Counter) count(method, path string) (n int) {
	for _, r := range c.requests {
		if r.at(path) && (method == "" || r.Method == method) {
			n++
		}
	}
	return n
}

// Await waits until at least n requests, as [Counter.Count] counts them, have come; not until they are answered.
func (c *Counter) Await(method, path string, n int) {
	c.t.Helper()
	tooLate := time.After(patience)
	for {
		c.mu.Lock()
		have, changed := c.count(method, path), c.changed
		c.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-changed:
		case <-tooLate:
			c.t.Fatalf("waited in vain for %d requests %s %s; there were %d", n, method, path, have)
		}
	}
}

// numberKey is where a request's context keeps its number in Counter.requests.
type numberKey struct{}

func withNumber(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, numberKey{}, n)
}

func number(ctx context.Context) int { return ctx.Value(numberKey{}).(int) }
