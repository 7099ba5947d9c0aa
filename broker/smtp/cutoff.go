package smtp

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// The library takes a connection that ends within a chunk of BDAT (RFC 3030) for the end of the mail, and would keep half of
// it: the sender, who was told nothing, comes again with the whole. It has no way to leave BDAT out either. So before a mail
// that came in chunks is kept, the connection is looked at.

// watched is a connection that remembers whether reading it has failed.
type watched struct {
	net.Conn
	gone  func() // it is told once that the connection is closed
	ended atomic.Bool
	// peeking says that the end of a deadline means nothing.
	peeking atomic.Bool
	// late says that the client has let a deadline go by. Nothing is read any more: the library would go on where that was within a mail,
	// and what is left of the mail, should it still come, would be taken for commands, which are whoever's who wrote the mail.
	late atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	if w.late.Load() {
		return 0, io.EOF
	}
	n, err := w.Conn.Read(p)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.late.Store(!w.peeking.Load())
	case err != nil:
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
	s.watched.peeking.Store(true)
	defer s.watched.peeking.Store(false)
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

// cut ends a mail that is being received, which is answered. The library has none of its deadlines for the time of a mail.
func (s *session) cut() { _ = s.conn.Conn().SetReadDeadline(time.Unix(1, 0)) }
