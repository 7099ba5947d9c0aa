package webproxy

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// taken is a ResponseWriter whose connection may be taken for a websocket. A server may count what goes over that connection, and look
// at the counts when the handler is done; httputil.ReverseProxy is done while its copying still ends. So who is done waits for that.
type taken struct {
	http.ResponseWriter
	conn *takenConn // nil: it was not taken
}

// Unwrap is for http.ResponseController.
func (t *taken) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Hijack implements http.Hijacker.
func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.conn = &takenConn{Conn: conn}
	return t.conn, rw, nil
}

// done waits until nothing reads or writes any more on a connection that was taken, which is closed by then.
func (t *taken) done() {
	if t.conn == nil {
		return
	}
	_ = t.conn.Close() // what is closed already stays so
	t.conn.using.Lock()
	defer t.conn.using.Unlock()
	t.conn.over = true
}

// takenConn has its own reading and writing alone, through which all that is counted goes.
type takenConn struct {
	net.Conn
	using sync.RWMutex // held, for reading, by who reads or writes
	over  bool
}

// Read implements net.Conn.
func (c *takenConn) Read(p []byte) (int, error) {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.over {
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *takenConn) Write(p []byte) (int, error) {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.over {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}
