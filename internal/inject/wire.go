package inject

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

const (
	// patience is how long an attempt is waited for: the PSA ends its own requests after five minutes.
	patience = 5 * time.Minute
	// freePatience is the same for a call that needs no sign-in.
	freePatience = 10 * time.Second
	// idle connections are closed long before the PSA's IIS closes them (120 s), for a request on a connection that is
	// just being closed is a call without an answer.
	idle = 30 * time.Second
	// deadAfter is when a connection whose peer acknowledges nothing is given up.
	deadAfter = 30 * time.Second

	dialPatience     = 10 * time.Second
	maxAnswerHeaders = 256 << 10
	// writeRoom is how much of a request goes out at once, in bytes: a head and a small body that is in memory, such as an envelope,
	// need one system call, and one of the PSA's to read them.
	writeRoom = 16 << 10
)

// Wire sends requests to the hosts that a rule allows. It never sends one twice by itself.
type Wire struct {
	rule    autotask.HostRule
	license License
	dialer  net.Dialer
	kept    *http.Transport
	fresh   *http.Transport
}

// License is the permission to send, such as a guard.Lease.
type License interface {
	// May reports whether something may be sent now.
	May() bool
	// During returns a context that ends with a term of the permission, and with it all that is under way, and whether
	// something may be sent in that term now.
	During(term uint64) (ctx context.Context, may bool)
}

// Dial connects to a host and port, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// NewWire returns a wire to the rule's hosts. Close it after use. Without license not a byte leaves. dial is for tests that connect in memory; nil connects with TCP, and to private addresses
// only where the rule names them.
func NewWire(license License, rule autotask.HostRule, dial Dial) *Wire {
	w := &Wire{rule: rule, license: license, dialer: net.Dialer{
		Timeout:         dialPatience,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 10 * time.Second, Count: 2},
	}}
	if dial == nil {
		dial = w.dial
	}
	dial = quietly(license, dial)
	w.kept, w.fresh = transport(dial), transport(dial)
	w.fresh.DisableKeepAlives = true
	return w
}

// transport speaks HTTP/1.1 alone: over HTTP/2 the standard library sends a request again by itself where the server
// says that it has not looked at it. It uses no proxy, for the credential is for the PSA.
func transport(dial Dial) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialPatience,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: maxAnswerHeaders,
		WriteBufferSize:        writeRoom,
	}
}

// Close closes the idle connections. Requests under way end as they would.
func (w *Wire) Close() {
	w.kept.CloseIdleConnections()
	w.fresh.CloseIdleConnections()
}

// dial judges the address that a host name resolves to, at the moment of connecting: what was resolved before may have changed.
func (w *Wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	d := w.dialer
	d.ControlContext = func(_ context.Context, _, resolved string, c syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return fmt.Errorf("address %q: %w", resolved, err)
		}
		if autotask.PrivateAddr(ip.Addr()) && !w.rule.Named(host, port) {
			return fmt.Errorf("host %q resolves to the private address %s: name it with hosts if that is meant", host, ip.Addr())
		}
		return setUserTimeout(c, deadAfter)
	}
	return d.DialContext(ctx, network, addr)
}
