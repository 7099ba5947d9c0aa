package imap

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
)

// talkMost is how much a server may say in answer to one command, in bytes, beside the mail that was asked for: what the
// library keeps in memory. A list of a million UIDs fits.
const talkMost = 8 << 20

// deepest is how many calls may be under way where the library reads. It calls itself for each parenthesis that a server opens in what it
// says of a mail's structure, which nobody asks for: a server that opens millions of them would end the process, as Go's stacks cannot
// grow further. Usually there are some twenty.
const deepest = 500

var errTalk = errors.New("the server says far more than was asked")

// meter is a connection from which so much is read, and no deeper.
type meter struct {
	net.Conn
	left atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 || runtime.Callers(deepest, make([]uintptr, 1)) > 0 {
		return 0, errTalk
	}
	n, err := m.Conn.Read(p[:min(int64(len(p)), left)])
	m.left.Add(-int64(n))
	return n, err
}

// credited is what was asked for: it does not count.
type credited struct {
	io.Reader
	meter *meter
}

func (c credited) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.meter.left.Add(int64(n))
	return n, err
}
