package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// scanner reads lines in bounded memory, gzip or not.
type scanner struct {
	r *bufio.Reader
	// text is the line, without its end; of one that is longer than a line can be, its last part. no is its number.
	text []byte
	no   int
	buf  []byte
}

// errZstd: the standard library cannot read it.
var errZstd = errors.New("it is compressed with zstd: unpack it first (zstd -d)")

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

func newScanner(src io.Reader) (*scanner, error) {
	r := bufio.NewReaderSize(src, 64<<10)
	switch start, _ := r.Peek(4); {
	case bytes.HasPrefix(start, zstdMagic):
		return nil, errZstd
	case bytes.HasPrefix(start, gzipMagic):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	return &scanner{r: r}, nil
}

// next reads a line. At the end it returns io.EOF, and with another error what could be read of the line.
func (s *scanner) next() error {
	s.buf = s.buf[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		if len(s.buf)+len(part) > MaxLine {
			// Whatever it is, a line may still be at its end.
			s.buf = s.buf[:copy(s.buf, s.buf[min(len(s.buf), len(s.buf)+len(part)-MaxLine):])]
		}
		s.buf = append(s.buf, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		s.text = bytes.TrimSuffix(s.buf, []byte("\n"))
		if len(s.buf) > 0 {
			s.no++
			if errors.Is(err, io.EOF) {
				err = nil
			}
		}
		return err
	}
}
