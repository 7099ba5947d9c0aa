package smtp

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// listener makes connections that remember whether they have ended, and gives no client more than most of them: it takes as many as
// there may be, and one could have them all.
type listener struct {
	net.Listener
	most int

	mu   sync.Mutex
	has  map[string]int
	open map[*watched]bool
}

func newListener(l net.Listener, most int) *listener {
	return &listener{Listener: l, most: most, has: map[string]int{}, open: map[*watched]bool{}}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := client(conn.RemoteAddr().String())
		if l.count(peer, 1) <= l.most {
			w := &watched{Conn: conn}
			w.gone = sync.OnceFunc(func() {
				l.count(peer, -1)
				l.note(w, false)
			})
			l.note(w, true)
			return w, nil
		}
		l.count(peer, -1)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // nobody else is let in meanwhile
		_, _ = conn.Write([]byte("421 4.7.0 Too many connections from there\r\n"))
		_ = conn.Close()
	}
}

// client is whose an address is: of IPv6, a machine has all of a network of 64 bits (RFC 4291 section 2.5.4).
func client(address string) string {
	host, _, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
	}
	return host
}

// count is how many connections a client has.
func (l *listener) count(peer string, more int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.has[peer] += more
	n := l.has[peer]
	if n == 0 {
		delete(l.has, peer)
	}
	return n
}

// note remembers which connections are open.
func (l *listener) note(w *watched, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if open {
		l.open[w] = true
		return
	}
	delete(l.open, w)
}

// cutOff closes those that are open.
func (l *listener) cutOff() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.open {
		_ = w.Conn.Close()
	}
}

// Close closes the connection, whose address may have another then.
func (w *watched) Close() error {
	w.gone()
	return w.Conn.Close()
}
