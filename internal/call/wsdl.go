package call

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/soap"
)

// wsdlFresh is how long a WSDL is served before the PSA is asked for it again, wsdlAgain how long after it could not be had.
const (
	wsdlFresh = time.Hour
	wsdlAgain = 10 * time.Second
)

// wsdls are the WSDLs of the PSAs that the process has asked, by where.
type wsdls struct {
	mu  sync.Mutex
	all map[string]*wsdl
}

func (s *wsdls) of(at string) *wsdl {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]*wsdl)
	}
	w := s.all[at]
	if w == nil {
		w = new(wsdl)
		s.all[at] = w
	}
	return w
}

// wsdl is one PSA's WSDL. The last one that was good serves while another cannot be had.
type wsdl struct {
	mu     sync.Mutex
	text   []byte        // nil: there was none yet
	until  time.Time     // it is not asked for again before
	flight chan struct{} // closed once the one who asks has an answer; nil: nobody asks
}

// get returns the WSDL, or nil. One caller at a time fetches it; others wait only where there is none yet.
func (d *wsdl) get(ctx context.Context, fetch func(context.Context) []byte) []byte {
	d.mu.Lock()
	flight := d.flight
	if time.Now().Before(d.until) || flight != nil && d.text != nil {
		defer d.mu.Unlock()
		return d.text
	}
	if flight != nil {
		d.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.text
	}
	d.flight = make(chan struct{})
	d.mu.Unlock()
	return d.fetched(fetch(context.WithoutCancel(ctx))) // others wait for it too
}

// fetched keeps what came of asking.
func (d *wsdl) fetched(text []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.flight)
	d.flight, d.until = nil, time.Now().Add(wsdlAgain)
	if text != nil {
		d.text, d.until = text, time.Now().Add(wsdlFresh)
	}
	return d.text
}

// wsdl returns the PSA's WSDL, by way of the first login that has one.
func (g *Gateway) wsdl(ctx context.Context) (text []byte, ok bool) {
	asked := make(map[string]bool)
	for _, n := range g.lanes {
		at := n.discover.String() + " " + n.pinned.String()
		if asked[at] || len(asked) == wsdlSources {
			continue
		}
		asked[at] = true
		if text = g.shared.wsdls.of(at).get(ctx, n.fetchWSDL); text != nil {
			return text, true
		}
	}
	return nil, false
}

// wsdlSources is how many PSAs are asked for a WSDL at the most, of a config whose logins are at several.
const wsdlSources = 3

// anyAddress is put into a WSDL to see that it has an address.
const anyAddress = "urn:psagate:address"

// fetchWSDL asks the PSA for its WSDL, without a credential.
func (n *lane) fetchWSDL(ctx context.Context) []byte {
	if !n.admit() {
		return nil
	}
	defer n.leave()
	if !n.inForce(ctx) {
		return nil
	}
	base := n.wsdlHost()
	op := autotask.Operation{API: autotask.SOAP, Method: http.MethodGet, Form: autotask.FormWSDL, Free: true, Rest: "1.6"}
	status, text, err := n.wire.FreeOf(ctx, base.URL(op, ""), "text/xml", maxWSDL+1)
	switch {
	case err != nil:
		n.warn("the PSA's WSDL could not be fetched", err)
	case status != http.StatusOK || len(text) > maxWSDL || !isWSDL(text):
		n.log.Warn("the PSA answered with something else than its WSDL", "host", base.Host(), "status", status)
	default:
		return text
	}
	return nil
}

// inForce waits, as long as a free call may take, until the config is in force: before that nothing may leave, as the store may not be
// open yet.
func (n *lane) inForce(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, freePatience)
	defer cancel()
	select {
	case <-n.committed:
		return true
	case <-ctx.Done():
		return false
	}
}

// maxWSDL bounds a WSDL, in bytes: the real one has some 190 KB.
const maxWSDL = 2 << 20

// isWSDL reports whether a text can be read to its end, and has an address to lead elsewhere.
func isWSDL(text []byte) bool {
	led, err := io.ReadAll(soap.NewWSDL(bytes.NewReader(text), anyAddress))
	return err == nil && bytes.Contains(led, []byte(anyAddress))
}

// wsdlHost is where the login's calls go, as far as that is known, else where zones are looked up.
func (n *lane) wsdlHost() (base autotask.Base) {
	if last := n.parsed.Load(); last != nil {
		return last.base
	}
	if !n.pinned.IsZero() {
		return n.pinned
	}
	return n.discover
}
