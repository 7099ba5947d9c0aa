package webproxy

import (
	"io"
	"slices"
)

// streamed is a text as it passes, with edits made. It holds one piece of it and the little before whose end nothing can be decided.
type streamed struct {
	from io.ReadCloser
	find turn
	in   []byte // read, and what of it was decided last
	done int    // how much of that is decided: what stands before an address decides what it is
	out  []byte // decided, not given
	err  error  // that ended the reading
}

// piece is how much is read at once, in bytes.
const piece = 32 << 10

// stream makes edits in a text of any length. Closing it closes what it reads.
func stream(from io.ReadCloser, find turn) io.ReadCloser {
	return &streamed{from: from, find: nearest(find)}
}

// Read implements io.Reader.
func (s *streamed) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.fill()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// Close implements io.Closer.
func (s *streamed) Close() error { return s.from.Close() }

// behind is how much of what is decided is still looked at, in bytes.
const behind = 64

// fill reads more and decides what can be decided.
func (s *streamed) fill() {
	s.in = slices.Grow(s.in, piece)
	n, err := s.from.Read(s.in[len(s.in) : len(s.in)+piece])
	s.in, s.err = s.in[:len(s.in)+n], err
	sure := len(s.in) - longest
	if err != nil {
		sure = len(s.in)
	}
	if sure > s.done {
		s.decide(sure)
	}
}

// decide moves what begins before a place to what is decided.
func (s *streamed) decide(sure int) {
	lowered, at := asciiLower(s.in), s.done
	s.out = s.out[:0]
	for {
		e, found := s.find(s.in, lowered, at)
		if !found || e.from >= sure {
			break
		}
		s.out = append(append(s.out, s.in[at:e.from]...), e.text...)
		at = e.to
	}
	if sure > at {
		s.out = append(s.out, s.in[at:sure]...)
		at = sure
	}
	first := max(0, at-behind)
	s.in, s.done = append(s.in[:0], s.in[first:]...), at-first
}
