package gzedit

import (
	"compress/flate"
	"io"
)

// input is what came of the compressed stream, to be read bit by bit.
type input struct {
	src  io.Reader
	buf  []byte
	r    int   // the next byte of buf that is not in bits yet
	end  int   // of what is in buf
	kept int   // the first bit of buf that is still needed; what is before it is of no use any more
	base int64 // how much came before buf
	err  error // what src ended with

	bits uint64 // the next bits, the first lowest
	n    uint   // how many of them count; the ones above are zero or what they will be
}

func (i *input) open(src io.Reader) {
	*i = input{src: src, buf: i.buf}
}

// pos returns which bit of buf is read next.
func (i *input) pos() int { return i.r*8 - int(i.n) }

// refill puts as many bytes of buf into bits as there is room for.
func (i *input) refill() {
	for i.n <= 56 && i.r < i.end {
		i.bits |= uint64(i.buf[i.r]) << i.n
		i.r++
		i.n += 8
	}
}

// drop goes over bits that are there.
func (i *input) drop(n uint) {
	i.bits >>= n
	i.n -= n
}

// align goes on to the next whole byte.
func (i *input) align() {
	i.r = (i.pos() + 7) / 8
	i.bits, i.n = 0, 0
}

// emptyReads is how often in a row a source may give nothing.
const emptyReads = 100

// read waits for more of the stream. It returns what the source ended with when there is no more.
func (i *input) read() error {
	if i.err != nil {
		return i.err
	}
	gone := i.kept >> 3
	copy(i.buf, i.buf[gone:i.end])
	i.r, i.end, i.kept, i.base = i.r-gone, i.end-gone, i.kept&7, i.base+int64(gone)
	for range emptyReads {
		var n int
		n, i.err = i.src.Read(i.buf[i.end:])
		i.end += n
		if n > 0 {
			return nil
		}
		if i.err != nil {
			return i.err
		}
	}
	i.err = io.ErrNoProgress
	return i.err
}

// bytes returns the next n whole bytes and waits for them. Nothing before them is kept. The error is io.EOF only where
// the stream ends before the first of them.
func (i *input) bytes(n int) ([]byte, error) {
	i.kept = i.r * 8
	for i.end-i.r < n {
		if err := i.read(); err == io.EOF && i.end > i.r { //nolint:errorlint // a Reader's EOF is this value
			return nil, io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, err
		}
	}
	i.r += n
	return i.buf[i.r-n : i.r], nil
}

// corrupt says where the stream makes no sense.
func (i *input) corrupt() error {
	return flate.CorruptInputError(i.base + int64(i.r))
}

// noEOF is for where a stream must not end.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // a Reader's EOF is this value
		return io.ErrUnexpectedEOF
	}
	return err
}
