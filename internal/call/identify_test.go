package call

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/identity"
)

const home = "192.0.2.7"

// request is a call of an integration, and of nobody where there is no such key.
func (w *world) request(integration, method, path string) *http.Request {
	req := httptest.NewRequest(method, gatewayURL+path, nil)
	if key, ok := w.keys[integration]; ok {
		req.Header.Set("Secret", key.Reveal())
	}
	return req
}

func (w *world) ticket(integration string) *http.Request {
	return w.request(integration, "GET", "/ATServicesRest/V1.0/Tickets/1")
}

// knock takes a request straight to the gateway.
func (w *world) knock(clientIP string, req *http.Request) answer {
	w.Helper()
	return knock(w.g, clientIP, req)
}

func knock(g *Gateway, clientIP string, req *http.Request) answer {
	rec := httptest.NewRecorder()
	if req, _, done := g.Identify(rec, req, clientIP); !done {
		g.Proxy(rec, req, ProxyOptions{})
	}
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

// change edits an integration and puts the config into force.
func (w *world) change(name string, edit func(*Integration)) {
	w.Helper()
	for i := range w.cfg.Integrations {
		if w.cfg.Integrations[i].Name == name {
			edit(&w.cfg.Integrations[i])
		}
	}
	w.load()
}

// logged returns the lines of the log that hold all of the texts.
func (w *world) logged(texts ...string) (lines []string) {
	synctest.Wait()
lines:
	for line := range strings.Lines(w.log.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (w *world) bare(a answer) bool {
	return a.status == 401 && a.body == "" && a.reason() == "" && strings.HasPrefix(a.header.Get("Www-Authenticate"), "Basic ")
}

// unreadable is a body that nobody may read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

func (unreadable) Close() error { return nil }

func TestWhoIsInTheWrongPlaceOrTooLateHearsNoReason(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) {
			i.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
			i.Expires = time.Now().Add(time.Hour)
			i.Disabled = true // and even so
		})
		id := w.keys["a"].Hash().ID()
		for ip, inLog := range map[string]string{"198.51.100.1": "198.51.100.1", "not an address": `"not an address"`, "": `""`} {
			if a := w.knock(ip, w.ticket("a")); !w.bare(a) {
				t.Errorf("from %q: %d %s %s", ip, a.status, a.reason(), a.body)
			}
			if len(w.logged("reason=wrong-network", "key="+id, "client_ip="+inLog, "integration=a")) != 1 {
				t.Errorf("from %q: the log has no line for it:\n%s", ip, w.log)
			}
		}
		for _, ip := range []string{"192.0.2.200", "::ffff:192.0.2.200", "2001:db8::7"} {
			if a := w.knock(ip, w.ticket("a")); a.status != 403 {
				t.Errorf("from %s: %d", ip, a.status)
			}
		}
		time.Sleep(time.Hour)
		if a := w.knock(home, w.ticket("a")); !w.bare(a) || len(w.logged("reason=expired", "key="+id, "client_ip="+home)) != 1 {
			t.Errorf("after its end: %d %s\n%s", a.status, a.reason(), w.log)
		}
		w.served("b")
		w.safeNow()
	})
}

func TestAnIntegrationEndsAtItsMoment(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Expires = time.Now().Add(time.Hour) })
		time.Sleep(time.Hour - 1)
		if a := w.knock(home, w.ticket("a")); a.status != 200 {
			t.Errorf("just before: %d %s", a.status, a.body)
		}
		time.Sleep(time.Until(w.cfg.Integrations[0].Expires))
		if a := w.knock(home, w.ticket("a")); !w.bare(a) {
			t.Errorf("at that moment: %d %s", a.status, a.body)
		}
	})
}

func TestADisabledIntegrationIsToldSoAndNothingIsReadOfIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Disabled, i.DisabledReason = true, `moved to <new> "host"` })
		for range 25 { // more than any limit of failures
			req := w.request("a", "POST", "/ATServicesRest/V1.0/Tickets")
			req.Body, req.ContentLength = unreadable{t}, 100
			a := w.knock(home, req)
			if a.status != 403 || a.reason() != "disabled" || a.header.Get("Connection") != "close" || a.header.Get("Retry-After") != "" {
				t.Fatalf("%d %v", a.status, a.header)
			}
			if errs := a.json(t)["errors"].([]any); len(errs) != 1 || errs[0] != `this integration is disabled: moved to <new> "host"` {
				t.Fatalf("errors %v", errs)
			}
		}
		if n := len(w.logged("reason=disabled", "key="+w.keys["a"].Hash().ID(), "client_ip="+home, "integration=a", "a call of a disabled integration")); n != 1 {
			t.Errorf("%d lines in the log", n)
		}
		time.Sleep(time.Minute)
		w.knock(home, w.ticket("a"))
		if n := len(w.logged("reason=disabled")); n != 2 {
			t.Errorf("%d lines in the log after a minute", n)
		}
		soap := w.request("a", "POST", "/ATServices/1.6/atws.asmx")
		soap.Header = http.Header{}
		soap.SetBasicAuth("a", w.keys["a"].Reveal())
		if a := w.knock(home, soap); a.status != 500 || a.reason() != "disabled" || !strings.Contains(a.body, `<faultstring>this integration is disabled: moved to &lt;new&gt; `) {
			t.Errorf("SOAP: %d %s %s", a.status, a.reason(), a.body)
		}
		if a := w.knock(home, w.request("a", "GET", "/ATServicesRest/V1.0/zoneInformation?user=x")); a.status != 200 {
			t.Errorf("what needs no sign-in: %d", a.status)
		}
		for range 9 {
			if a := w.knock(home, w.ticket("nobody")); !w.bare(a) {
				t.Fatalf("a stranger from there: %d %s", a.status, a.reason())
			}
		}
		w.change("a", func(i *Integration) { i.DisabledReason = "" })
		if a := w.knock(home, w.ticket("a")); a.status != 403 || !strings.Contains(a.body, "ask whoever runs this gateway") {
			t.Errorf("without a reason: %d %s", a.status, a.body)
		}
		w.change("a", func(i *Integration) { i.Disabled = false })
		w.served("a")
	})
}

func TestADisabledCallIsOnesWhoIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Disabled = true })
		_, info, done := w.g.Identify(httptest.NewRecorder(), w.ticket("a"), home)
		if !done || info.Integration != "a" || info.Login != "main" || info.Reason != "disabled" || info.Entity != "Tickets" {
			t.Errorf("%+v, done %v", info, done)
		}
		w.change("a", func(i *Integration) { i.Disabled, i.From = false, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
		if _, info, done = w.g.Identify(httptest.NewRecorder(), w.ticket("a"), home); !done || info.Integration != "" || info.Reason != "" {
			t.Errorf("from elsewhere: %+v, done %v", info, done)
		}
	})
}

func TestAWrongNetworkCountsAsAFailure(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.From = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
		for range 10 {
			if a := w.knock(home, w.ticket("a")); !w.bare(a) {
				t.Fatalf("%d", a.status)
			}
		}
		if a := w.knock(home, w.ticket("a")); a.status != 429 || a.reason() != "too-many-failures" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		if n := len(w.logged("reason=wrong-network")); n != 10 {
			t.Errorf("%d lines in the log: it is not the caller's to fill", n)
		}
	})
}

// authority signs certificates that a server trusts.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	c := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	made := c.sign(template)
	c.key, c.cert = made.PrivateKey.(*ecdsa.PrivateKey), made.Leaf
	return c
}

func (c *authority) sign(template *x509.Certificate) tls.Certificate {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	parent, by := c.cert, c.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		c.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// issue makes a certificate for a host, good for two hours.
func (c *authority) issue(host string) tls.Certificate {
	return c.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(2 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
}

// eagerListener accepts connections whose writes wait for no reader: TLS writes while its peer writes too, as any socket's
// buffer allows.
type eagerListener struct{ net.Listener }

func (l eagerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	e := &eagerConn{Conn: c, out: make(chan []byte, 1000), closed: make(chan struct{})}
	go e.pass()
	return e, nil
}

type eagerConn struct {
	net.Conn
	out    chan []byte
	closed chan struct{}
	once   sync.Once
}

func (c *eagerConn) pass() {
	for {
		select {
		case b := <-c.out:
			_, _ = c.Conn.Write(b)
		case <-c.closed:
			return
		}
	}
}

func (c *eagerConn) Write(b []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	case c.out <- bytes.Clone(b):
		return len(b), nil
	}
}

func (c *eagerConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// serveTLS puts a TLS server before the gateway, and returns its client configuration.
func (w *world) serveTLS(ca *authority, auth tls.ClientAuthType) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	srv := &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			req, _, done := w.g.Identify(rw, r, home)
			if !done {
				rw.Header().Set("X-Resumed", map[bool]string{true: "yes"}[r.TLS.DidResume])
				w.g.Proxy(rw, req, ProxyOptions{})
			}
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.issue("gateway.test")}, ClientCAs: pool, ClientAuth: auth, NextProtos: []string{"h2", "http/1.1"}},
	}
	go srv.ServeTLS(eagerListener{w.net.Listen("gateway.test:443")}, "", "")
	w.after = append(w.after, func() { _ = srv.Close() })
	return &tls.Config{RootCAs: pool, ServerName: "gateway.test", ClientSessionCache: tls.NewLRUClientSessionCache(8)}
}

// clientOf is a client that shows certificates over the protocol that is named.
func (w *world) clientOf(config *tls.Config, http2 bool, certs ...tls.Certificate) *http.Client {
	config = config.Clone()
	config.Certificates = certs
	t := &http.Transport{DialContext: w.net.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: http2}
	w.after = append(w.after, t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

func (w *world) secure(c *http.Client, key string) *http.Response {
	w.Helper()
	req, _ := http.NewRequestWithContext(context.Background(), "GET", "https://gateway.test/ATServicesRest/V1.0/Tickets/1", nil)
	if k, ok := w.keys[key]; ok {
		req.Header.Set("Secret", k.Reveal())
	} else if key != "" {
		req.Header.Set("Secret", key)
	}
	resp, err := c.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp
}

func TestAVerifiedCertificateIsProofOverEveryProtocolAndResumption(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.change("a", func(i *Integration) { i.Keys, i.Certs = nil, []string{"a.example.com"} })
				ca := newAuthority(t)
				c := w.clientOf(w.serveTLS(ca, tls.VerifyClientCertIfGiven), http2, ca.issue("a.example.com"))
				for _, resumed := range []string{"", "yes"} {
					resp := w.secure(c, "")
					if resp.StatusCode != 200 || resp.Header.Get("X-Resumed") != resumed || (resp.ProtoMajor == 2) != http2 {
						t.Errorf("%d over %s, resumed %q, want %q", resp.StatusCode, resp.Proto, resp.Header.Get("X-Resumed"), resumed)
					}
					c.CloseIdleConnections()
				}
				if resp := w.secure(c, "hunter2"); resp.StatusCode != 200 {
					t.Errorf("beside an old password: %d", resp.StatusCode)
				}
				if resp := w.secure(c, "b"); resp.StatusCode != 401 || len(w.logged("reason=conflicting-certificate", "key="+w.keys["b"].Hash().ID(), "subject=\"CN=a.example.com\"")) != 1 {
					t.Errorf("beside another's key: %d\n%s", resp.StatusCode, w.log)
				}
				time.Sleep(2*time.Hour + 2*time.Second) // the connection is open still
				if resp := w.secure(c, ""); resp.StatusCode != 401 || len(w.logged("reason=expired-certificate", "key=cert:")) != 1 {
					t.Errorf("after the certificate's end: %d\n%s", resp.StatusCode, w.log)
				}
			})
		})
	}
}

func TestACertificateThatTheServerOnlyAsksForProvesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Keys, i.Certs = nil, []string{"a.example.com"} })
		ca, stranger := newAuthority(t), newAuthority(t)
		config := w.serveTLS(ca, tls.RequestClientCert)
		for name, cert := range map[string]tls.Certificate{"the authority's": ca.issue("a.example.com"), "one that anybody made": stranger.issue("a.example.com")} {
			c := w.clientOf(config, false, cert)
			before := len(w.logged("reason=unverified-certificate"))
			if resp := w.secure(c, ""); resp.StatusCode != 401 || len(w.logged("reason=unverified-certificate")) != before+1 {
				t.Errorf("%s: %d\n%s", name, resp.StatusCode, w.log)
			}
			if resp := w.secure(c, "b"); resp.StatusCode != 200 {
				t.Errorf("%s, beside b's key: %d", name, resp.StatusCode)
			}
		}
	})
}

func TestAFrontProxysCertificateLeavesTheKeyAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Certs = []string{"a.example.com"} })
		ca := newAuthority(t)
		c := w.clientOf(w.serveTLS(ca, tls.RequireAndVerifyClientCert), true, ca.issue("proxy.example.com"))
		for _, key := range []string{"a", "b"} {
			if resp := w.secure(c, key); resp.StatusCode != 200 {
				t.Errorf("%s's key: %d", key, resp.StatusCode)
			}
		}
		if resp := w.secure(c, ""); resp.StatusCode != 401 || len(w.logged("reason=unknown-certificate", "subject=\"CN=proxy.example.com\"")) != 1 {
			t.Errorf("without a key: %d\n%s", resp.StatusCode, w.log)
		}
		if resp := w.secure(w.clientOf(&tls.Config{RootCAs: poolOf(ca), ServerName: "gateway.test"}, false, ca.issue("a.example.com")), "a"); resp.StatusCode != 200 {
			t.Errorf("a's key and a's certificate: %d", resp.StatusCode)
		}
	})
}

func poolOf(ca *authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

func TestAConfigWithOneCertificateForTwoIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := w.cfg
		cfg.Integrations = []Integration{
			{Integration: identity.Integration{Name: "x", Login: "main", Certs: []string{"urn:one"}}},
			{Integration: identity.Integration{Name: "y", Login: "main", Certs: []string{"urn:one"}}},
		}
		if _, err := New(cfg, w.shared); err == nil || !strings.Contains(err.Error(), `integrations "x" and "y" both have client certificate "urn:one"`) {
			t.Errorf("%v", err)
		}
	})
}
