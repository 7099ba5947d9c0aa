package smtp

import (
	"net"
	"sync"
	"time"
)

// listener makes connections that remember whether they have ended, and gives no address more than most of them: it takes as many as
// there may be, and one client could have them all.
type listener struct {
	net.Listener
	most int

	mu  sync.Mutex
	has map[string]int
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		if l.count(peer, 1) <= l.most {
			return &watched{Conn: conn, gone: sync.OnceFunc(func() { l.count(peer, -1) })}, nil
		}
		l.count(peer, -1)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // nobody else is let in meanwhile
		_, _ = conn.Write([]byte("421 4.7.0 Too many connections from there\r\n"))
		_ = conn.Close()
	}
}

// count is how many connections an address has.
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

// Close closes the connection, whose address may have another then.
func (w *watched) Close() error {
	w.gone()
	return w.Conn.Close()
}
