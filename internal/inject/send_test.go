package inject

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var credential = secret.Credential{UserName: "api@example.com", Secret: secret.NewValue("pass-word"), IntegrationCode: secret.NewValue("CODE")}

// wireTo returns a wire to a server on loopback, and its base.
func wireTo(t *testing.T, addr string) (*Wire, autotask.Base) {
	t.Helper()
	rule, err := autotask.NewHostRule([]string{addr}, true)
	if err != nil {
		t.Fatal(err)
	}
	base, err := autotask.ParseBase("http://"+addr, rule)
	if err != nil {
		t.Fatal(err)
	}
	w := NewWire(new(guard.Memory).Lease(), rule, nil)
	t.Cleanup(w.Close)
	return w, base
}

func operation(t *testing.T, method, path string) autotask.Operation {
	t.Helper()
	op, err := autotask.ParseOperation(method, "/ATServicesRest/V1.0"+path)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

type text string

func (s text) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(s))), nil }
func (s text) Size() int64                  { return int64(len(s)) }

var everyMethod = []struct{ method, path, body string }{
	{"GET", "/Tickets/1", ""},
	{"GET", "/Tickets/query", `{"filter":[]}`},
	{"POST", "/Tickets/query", `{"filter":[]}`},
	{"POST", "/Tickets", ""},
	{"PUT", "/Tickets", `{"id":1}`},
	{"PUT", "/Tickets", ""},
	{"PATCH", "/Tickets", `{"id":1}`},
	{"PATCH", "/Tickets", ""},
	{"DELETE", "/ContactGroups/1", ""},
}

// net/http repeats a request that it takes for replayable, once for each connection that it had kept. The idle ones are
// made beforehand by calls that wait for each other.
func TestAServerThatReadsAndHangsUpSeesEachRequestOnce(t *testing.T) {
	for _, kept := range []int{0, 1, 3, 7} {
		for _, m := range everyMethod {
			var requests atomic.Int32
			var warming atomic.Bool
			together := make(chan struct{})
			var arrived sync.WaitGroup
			arrived.Add(kept)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if warming.Load() {
					arrived.Done()
					<-together
					return
				}
				requests.Add(1)
				conn, _, _ := http.NewResponseController(w).Hijack()
				_ = conn.Close()
			}))
			w, base := wireTo(t, srv.Listener.Addr().String())
			warming.Store(true)
			var done sync.WaitGroup
			for range kept {
				done.Go(func() {
					res := w.Send(context.Background(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
					if res.Response == nil {
						t.Error(res.Err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Response.Body)
					_ = res.Response.Body.Close()
				})
			}
			arrived.Wait()
			close(together)
			done.Wait()
			warming.Store(false)
			res := w.Send(context.Background(), Request{Operation: operation(t, m.method, m.path), Base: base, Credential: credential, Body: text(m.body)})
			if res.Verdict != guard.NoAnswer || requests.Load() != 1 {
				t.Errorf("%s %s over %d kept connections: %d requests, verdict %v", m.method, m.path, kept, requests.Load(), res.Verdict)
			}
			w.Close()
			srv.Close()
		}
	}
}

func TestWhatGoesOutIsAsThePSAWantsIt(t *testing.T) {
	for _, m := range everyMethod {
		var got *http.Request
		var body string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got, body = r, string(b)
		}))
		w, base := wireTo(t, srv.Listener.Addr().String())
		header := http.Header{
			"Secret": {"the caller's key"}, "Authorization": {"Basic key"}, "Cookie": {"c=1"}, "X-Http-Method-Override": {"DELETE"}, "Expect": {"100-continue"},
			"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"}, "Content-Type": {"application/json"}, "Accept-Encoding": {"br, gzip"}, "Transfer-Encoding": {"chunked"},
		}
		res := w.Send(context.Background(), Request{Operation: operation(t, m.method, m.path), Base: base, Query: "search=%7B%7D", Header: header, Credential: credential, Body: text(m.body)})
		if res.Response == nil {
			t.Fatal(res.Err)
		}
		_ = res.Response.Body.Close()
		if got.Method != m.method || got.URL.Path != "/ATServicesRest/V1.0"+m.path || got.URL.RawQuery != "search=%7B%7D" || body != m.body || len(got.TransferEncoding) > 0 {
			t.Errorf("%s %s: arrived as %s %s, body %q, transfer encoding %v", m.method, m.path, got.Method, got.URL, body, got.TransferEncoding)
		}
		want := http.Header{
			"Username": {"api@example.com"}, "Secret": {"pass-word"}, "Apiintegrationcode": {"CODE"},
			"Content-Type": {"application/json"}, "Accept-Encoding": {"gzip"},
		}
		if m.body != "" || m.method[0] == 'P' {
			want["Content-Length"] = got.Header["Content-Length"]
		}
		for name := range got.Header {
			if want.Get(name) != got.Header.Get(name) {
				t.Errorf("%s %s: header %s: %q, want %q", m.method, m.path, name, got.Header.Get(name), want.Get(name))
			}
		}
		w.Close()
		srv.Close()
	}
}

func TestARefusedConnectionProvesThatNothingWasSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	w, base := wireTo(t, addr)
	if res := w.Send(context.Background(), Request{Operation: autotask.ThresholdCheck, Base: base, Credential: credential}); res.Verdict != guard.NotSent || res.Err == nil {
		t.Errorf("verdict %v, error %v", res.Verdict, res.Err)
	}
}

// A server that closes kept connections while they are idle: what is sent next goes out once, on a fresh one.
func TestAConnectionThatWasClosedMeanwhileCostsNothing(t *testing.T) {
	var requests atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				requests.Add(1)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
			}
			_ = c.Close()
			closed <- struct{}{}
		}
	}()
	w, base := wireTo(t, l.Addr().String())
	for i := range 20 {
		res := w.Send(context.Background(), Request{Operation: operation(t, "POST", "/Tickets"), Base: base, Credential: credential, Body: text("{}")})
		switch res.Verdict {
		case guard.Accepted:
			<-closed
			_, _ = io.Copy(io.Discard, res.Response.Body)
			_ = res.Response.Body.Close()
		case guard.NoAnswer: // the end of the connection was not seen yet when the request was begun: cautious, never double
		default:
			t.Errorf("call %d: verdict %v, error %v", i, res.Verdict, res.Err)
		}
		if n := int(requests.Load()); n > i+1 {
			t.Fatalf("%d requests for %d calls", n, i+1)
		}
	}
}

func TestAPrivateAddressIsRefusedUnlessTheOperatorNamedIt(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	w := NewWire(new(guard.Memory).Lease(), autotask.HostRule{}, nil)
	defer w.Close()
	_, err := w.dial(context.Background(), "tcp", srv.Listener.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "private address 127.0.0.1") {
		t.Errorf("error %v", err)
	}
	if !autotask.PrivateAddr(netip.MustParseAddr("10.1.2.3")) {
		t.Error("10.1.2.3 is not private")
	}
}

func TestAFreeCallGoesOnlyWhereACredentialMayGo(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Secret", "Username", "Apiintegrationcode", "Authorization"} {
			if r.Header.Get(h) != "" {
				t.Errorf("header %s went out", h)
			}
		}
		http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
	}))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	status, _, err := w.Free(context.Background(), autotask.ZoneInformationRequest(base, "x"))
	if err != nil || status != http.StatusFound {
		t.Errorf("status %d, error %v: a redirect must not be followed", status, err)
	}
	other, _ := url.Parse("http://elsewhere.example/ATServicesRest/V1.0/zoneInformation")
	if _, _, err := w.Free(context.Background(), other); err == nil {
		t.Error("asked a host that the rule does not allow")
	}
}

func TestAnAnswersHeadDecidesAndTheBodyStaysWhole(t *testing.T) {
	long := `{"errors":["` + strings.Repeat("x", 3*autotask.MaxBodyHead) + `"]}`
	for _, gzipped := range []bool{false, true} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			out := io.Writer(w)
			if gzipped {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				defer z.Close()
				out = z
			}
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(out, long)
		}))
		w, base := wireTo(t, srv.Listener.Addr().String())
		res := w.Send(context.Background(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
		in := io.Reader(res.Response.Body)
		if gzipped {
			z, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			in = z
		}
		if b, err := io.ReadAll(in); err != nil || string(b) != long {
			t.Errorf("gzipped %v: %d bytes of %d, error %v", gzipped, len(b), len(long), err)
		}
		_ = res.Response.Body.Close()
		w.Close()
		srv.Close()
	}
}

func TestTheCallersEndDoesNotEndAnAttempt(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	time.AfterFunc(time.Millisecond, func() { close(release) })
	res := w.Send(ctx, Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
	if res.Verdict != guard.Accepted {
		t.Fatalf("verdict %v, error %v", res.Verdict, res.Err)
	}
	_ = res.Response.Body.Close()
}
