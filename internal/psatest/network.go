package psatest

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Network is a network in memory: listeners by address, and a dialer for http.Transport. It uses net.Pipe, so
// that it works inside a testing/synctest bubble.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

// NewNetwork returns a network on which nobody listens.
func NewNetwork() *Network { return &Network{listeners: map[string]*pipeListener{}} }

// Listen starts to listen on addr, a host and port such as "webservices5.test:80". It replaces a former
// listener of that address.
func (n *Network) Listen(addr string) net.Listener {
	l := &pipeListener{network: n, addr: pipeAddr(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[addr] = l
	return l
}

// DialContext connects to the listener of addr; an error says that nobody listens there.
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, refusedDial(addr)
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, refusedDial(addr)
	case <-ctx.Done():
		return nil, fmt.Errorf("psatest: dialing %s in memory: %w", addr, ctx.Err())
	}
}

func refusedDial(addr string) error {
	return &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr(addr), Err: fmt.Errorf("nobody listens there")}
}

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

type pipeListener struct {
	network *Network
	addr    pipeAddr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.addr }
