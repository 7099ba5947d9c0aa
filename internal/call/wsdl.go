package call

import (
	"context"
	"sync"
	"time"
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
