package gzedit

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// known is how much of the text before the change the compressor may refer to. More would cost more than it saves where
// little text follows.
const known = 8 << 10

// compressors are used again: they are large.
var compressors sync.Pool

// compressor writes raw deflate (RFC 1951) to an output. Its errors are the output's, which has none.
type compressor struct{ z *flate.Writer }

func newCompressor(to *output, before []byte) *compressor {
	c, _ := compressors.Get().(*compressor)
	if c == nil {
		c = new(compressor)
		c.z, _ = flate.NewWriter(to, flate.BestSpeed) // the level is one that there is
	}
	c.z.ResetDict(to, before)
	return c
}

// rest gives the compressor back, without the text that it referred to.
func (c *compressor) rest() {
	c.z.ResetDict(io.Discard, nil)
	compressors.Put(c)
}

func (c *compressor) write(p []byte) { _, _ = c.z.Write(p) }
func (c *compressor) flush()         { _ = c.z.Flush() }
func (c *compressor) close()         { _ = c.z.Close() }

// change has everything from the last checkpoint on compressed anew: what the editor gave back as it was, and from now on
// all that it gives.
func (w *work) change() {
	w.out.goBack()
	w.out.align()
	w.out.changed = true
	from := int(w.out.passed.text - w.before)
	w.again = newCompressor(&w.out.output, w.in.text[max(0, from-known):from])
	w.again.write(w.in.text[from:w.confirmed])
	w.out.release()
}

// common returns how many bytes a and b begin with that are the same.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
