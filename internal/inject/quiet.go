package inject

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"github.com/psagate/psagate/internal/guard"
)

// quiet is a connection on which a request begins only while nothing is left of what came before it. A kept connection on
// which more came than the last answer (a Content-Length that is too small, a second answer) may be given to the next
// request before net/http looks, and what was left would be taken for that one's answer: another caller's data, and a
// verdict on a sign-in that was never made. So the first write waits until a read waits, by which all that had come has
// been taken; net/http always has one. An answer that is there before that is not the request's.
type quiet struct {
	net.Conn
	license License
	mu      sync.Mutex
	changed sync.Cond
	reading bool            // a read waits
	armed   bool            // the next write begins a request
	no      int             // of that request, or of the one before
	until   context.Context // the request is not begun once it is over; nil: it is whenever it can be
	ended   bool            // nothing is written any more
}

var errNotQuiet = errors.New("something is left on the connection that nobody asked for")

// quietly wraps the connections of a dial. Without license nothing is written to them: what a process has begun to send
// before it was stopped does not go on when it runs again.
func quietly(license License, dial Dial) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		q := &quiet{Conn: c, license: license}
		q.changed.L = &q.mu
		return q, nil
	}
}

// quietOf finds the quiet connection below TLS.
func quietOf(c net.Conn) *quiet {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	q, _ := c.(*quiet)
	return q
}

// begin says that the next write begins a request, which it does not once a context is over, and returns its number.
func (q *quiet) begin(until context.Context) (no int) {
	q.set(func() {
		q.no++
		q.armed, no, q.until = true, q.no, until
	})
	return no
}

// unsent reports whether a request that was begun has not been written, and sees to it that it never will be. Where the
// connection has been given to the next request, this one was answered in order.
func (q *quiet) unsent(no int) (unsent bool) {
	q.set(func() {
		unsent = q.armed && q.no == no
		q.ended = q.ended || unsent
	})
	return unsent
}

func (q *quiet) set(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	q.changed.Broadcast()
}

// Read implements net.Conn.
func (q *quiet) Read(p []byte) (int, error) {
	q.set(func() { q.reading = true })
	n, err := q.Conn.Read(p)
	q.set(func() { q.reading = false })
	return n, err
}

// Write implements net.Conn.
func (q *quiet) Write(p []byte) (int, error) {
	switch {
	case !q.lets():
		return 0, errNotQuiet
	case !q.license.May():
		return 0, guard.ErrLease
	}
	return q.Conn.Write(p)
}

func (q *quiet) lets() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.armed && !q.reading && !q.ended {
		q.changed.Wait()
	}
	if q.armed && q.until != nil && q.until.Err() != nil {
		q.ended = true
	}
	if q.ended {
		return false
	}
	q.armed = false
	return true
}

// Close implements net.Conn.
func (q *quiet) Close() error {
	q.set(func() { q.ended = true })
	return q.Conn.Close()
}
