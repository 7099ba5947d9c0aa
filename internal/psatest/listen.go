package psatest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// door is how a zone is reached. It is guarded by sim.mu.
type door struct {
	server *http.Server                 // nil while the zone is down
	open   net.Listener                 // what it serves on
	again  func() (net.Listener, error) // listens where the first listener did; nil where that is not known
	cert   *tls.Certificate             // of a zone behind TLS
}

// AddTLSZone adds a zone behind TLS on a free port of 127.0.0.1. Its URL is https:// and the address, whether or
// not the certificate fits it. It panics when no port can be had.
func (s *Sim) AddTLSZone(name string, cert tls.Certificate) *Zone {
	z := s.AddZoneOn(name, nil)
	z.SetCertificate(cert)
	l := loopback()
	z.serveOn(l)
	z.SetURL("https://" + l.Addr().String())
	return z
}

// SetCertificate sets what a zone of AddTLSZone shows from the next handshake on.
func (z *Zone) SetCertificate(cert tls.Certificate) {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	z.door.cert = &cert
}

// encrypted puts TLS before a listener, where the zone has a certificate.
func (z *Zone) encrypted(l net.Listener) net.Listener {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	if z.door.cert == nil {
		return l
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		z.sim.mu.Lock()
		defer z.sim.mu.Unlock()
		return z.door.cert, nil
	}})
}

// serveOn opens the zone's door; nil leaves it to the caller.
func (z *Zone) serveOn(l net.Listener) {
	if l == nil {
		return
	}
	z.SetURL("http://" + l.Addr().String())
	z.sim.mu.Lock()
	z.door.again = again(l)
	z.sim.mu.Unlock()
	z.open(z.encrypted(l))
}

// open serves on l, unless the Sim was closed or the zone is served already: then l is closed.
func (z *Zone) open(l net.Listener) {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	if z.sim.closed || z.door.server != nil {
		_ = l.Close()
		return
	}
	server := &http.Server{Handler: z}
	z.door.server, z.door.open = server, l
	z.sim.serving.Go(func() {
		// Serve always ends in an error, ErrServerClosed after stop; a listener that breaks shows as refused dials.
		_ = server.Serve(l)
	})
}

// again finds out how to listen a second time where l listens.
func again(l net.Listener) func() (net.Listener, error) {
	switch l := l.(type) {
	case *net.TCPListener:
		addr := l.Addr().String()
		return func() (net.Listener, error) { return net.Listen("tcp", addr) }
	case *pipeListener:
		return func() (net.Listener, error) { return l.network.Listen(string(l.addr)), nil }
	}
	return nil
}

// Down makes an outage at the door: from now on nobody listens at the zone's address, so that dialing is
// refused, and all its connections are cut. Calls that were read go on without a client; a Fault with Then:
// Reset is the outage that still takes connections.
func (z *Zone) Down() {
	z.sim.mu.Lock()
	server, open := z.door.server, z.door.open
	z.door.server, z.door.open = nil, nil
	z.sim.mu.Unlock()
	if server != nil {
		// The server closes what it serves on, but not before it has begun to. Only closing the listener can fail here, and then
		// it is closed already.
		_ = open.Close()
		_ = server.Close()
	}
}

// Up ends what Down began, at the same address. An error says that the address is taken, or that the zone's
// listener was a caller's own of a kind that cannot be made again.
func (z *Zone) Up() error {
	z.sim.mu.Lock()
	again := z.door.again
	z.sim.mu.Unlock()
	if again == nil {
		return errors.New("psatest: a zone comes up again only on TCP or on a Network, and this one is on another listener or on none")
	}
	l, err := again()
	if err != nil {
		return fmt.Errorf("psatest: zone %q cannot listen again: %w", z.name, err)
	}
	z.open(z.encrypted(l))
	return nil
}
