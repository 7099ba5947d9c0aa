package smtp

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// The library takes a connection that ends within a chunk of BDAT (RFC 3030) for the end of the mail, and would keep half of
// it: the sender, who was told nothing, comes again with the whole. It has no way to leave BDAT out either. So before a mail
// that came in chunks is kept, the connection is looked at.

// listener makes connections that remember whether they have ended.
type listener struct {
	net.Listener
	open *connections
}

// connections are those that are open.
type connections struct {
	mu  sync.Mutex
	all map[*watched]bool
}

// close closes them.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.all {
		_ = conn.Conn.Close()
	}
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &watched{Conn: conn, of: l.open}
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	l.open.all[w] = true
	return w, nil
}

// watched is a connection that remembers whether reading it has failed.
type watched struct {
	net.Conn
	of    *connections
	ended atomic.Bool
}

// Close closes it.
func (w *watched) Close() error {
	w.of.mu.Lock()
	delete(w.of.all, w)
	w.of.mu.Unlock()
	return w.Conn.Close()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.ended.Store(true)
	}
	return n, err
}

// whole tells whether a mail that was read to its end can be so. Nobody else reads the connection meanwhile.
func (s *session) whole(r io.Reader) bool {
	if _, chunks := r.(*io.PipeReader); !chunks {
		return true // of DATA the library knows the end
	}
	if s.watched.ended.Load() {
		return false
	}
	if _, secured := s.conn.TLSConnectionState(); !secured {
		return true
	}
	// The end of TLS cannot be seen from below it. What there is to read stays: it may be the client's next command.
	reader := reading(s.conn)
	if reader == nil || s.conn.Conn().SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	_, err := reader.R.Peek(1)
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded) // the library sets the next deadline itself
}

// reading is what the library reads a connection with; nil where the library has changed. Then nothing is taken in chunks,
// and TestAMailThatIsCutOffIsNotTaken fails.
func reading(conn *smtp.Conn) *textproto.Conn {
	field := reflect.ValueOf(conn).Elem().FieldByName("text")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*textproto.Conn]() {
		return nil
	}
	return (*textproto.Conn)(field.UnsafePointer())
}
