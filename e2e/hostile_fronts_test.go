package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/psagate/psagate/internal/vaulttest"
)

// newFronts starts a psagate that is reached in every version of HTTP, with and without TLS.
func newFronts(t *testing.T) *wire {
	t.Helper()
	x := newWireWorld(t, "protocols h1 h2 h2c h3")
	ca := vaulttest.NewCA(t, t.TempDir())
	cert, key := ca.Server("127.0.0.1")
	x.secure, x.roots = freeAddress(t), ca.Pool()
	_, port, _ := net.SplitHostPort(x.secure)
	// The site's end is the end of the one that follows.
	x.site += fmt.Sprintf("\n}\n\nhttps://:%s {\n\tbind 127.0.0.1\n\ttls %s %s\n\tlog {\n\t\toutput file %s\n\t\tformat psa\n\t}\n\tpsa_gateway\n\tlog_append who {psa.integration}", port, cert, key, x.accessLog)
	x.begin()
	return x
}

// front is a way in.
type front struct {
	name   string
	major  int // version of HTTP
	base   string
	client *http.Client
}

// fronts are all ways in; leave ends their connections.
func (x *wire) fronts() (all []front, leave func()) {
	x.Helper()
	trust := func() *tls.Config { return &tls.Config{RootCAs: x.roots} }
	h2c, h2 := &http.Transport{Protocols: new(http.Protocols)}, &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: trust()}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	h2.Protocols.SetHTTP2(true)
	h1, h1s, h3 := new(http.Transport), &http.Transport{TLSClientConfig: trust()}, &http3.Transport{TLSClientConfig: trust()}
	plain, secure := "http://"+x.address, "https://"+x.secure
	all = []front{
		{"HTTP/1.1", 1, plain, &http.Client{Transport: h1}},
		{"HTTP/1.1 over TLS", 1, secure, &http.Client{Transport: h1s}},
		{"HTTP/2 without TLS", 2, plain, &http.Client{Transport: h2c}},
		{"HTTP/2", 2, secure, &http.Client{Transport: h2}},
		{"HTTP/3", 3, secure, &http.Client{Transport: h3}},
	}
	return all, func() {
		for _, f := range all {
			f.client.CloseIdleConnections()
		}
		_ = h3.Close()
	}
}

// at is a call through a front, with these headers and an address that no call came from before.
func (x *wire) at(f front, method, path string, body io.Reader, headers ...field) *http.Request {
	x.Helper()
	r, err := http.NewRequest(method, f.base+path, body)
	if err != nil {
		x.Fatal(err)
	}
	_, from, _ := strings.Cut(strings.TrimSpace(x.fill("{from}")), ": ")
	r.Header.Set("X-Forwarded-For", from)
	for _, h := range headers {
		r.Header.Add(h.name, x.fill(h.value))
	}
	return r
}

// answered makes a call through a front and returns what came back.
func (x *wire) answered(f front, r *http.Request) answer {
	x.Helper()
	resp, err := f.client.Do(r)
	if err != nil {
		x.Errorf("%s: %v", f.name, err)
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != f.major {
		x.Errorf("%s: an answer in %s, %v", f.name, resp.Proto, err)
	}
	a := answer{resp.StatusCode, resp.Header, string(body)}
	x.heard.add(a.place("an answer through "+f.name, x.keys["a"].Reveal()))
	return a
}
