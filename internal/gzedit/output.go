package gzedit

import "encoding/binary"

// output is the stream that goes out. Its first part may be read; what comes behind may still be taken back.
type output struct {
	buf   []byte // whole bytes
	tail  byte   // the bits behind them, the first lowest
	bits  uint   // how many there are, up to 7
	ready int    // how much of buf may be read
	read  int    // how much of that has been
	base  int64  // how much came before buf
}

func (o *output) open() { *o = output{buf: append(o.buf[:0], header...)} }

// Write adds whole bytes where there are no bits behind them. It never fails.
func (o *output) Write(p []byte) (int, error) {
	o.buf = append(o.buf, p...)
	return len(p), nil
}

// copyBits adds what stands in buf from one bit to another. The first one stands at the same place in its byte as where
// it is copied to, and the bits before it in there are those that have been written already.
func (o *output) copyBits(buf []byte, from, to int) {
	first, last := from>>3, to>>3
	if first < last {
		o.buf = append(o.buf, buf[first:last]...)
	}
	o.tail, o.bits = 0, uint(to&7)
	if o.bits > 0 {
		o.tail = buf[last] & (1<<o.bits - 1)
	}
}

// add adds up to 16 bits, the first lowest.
func (o *output) add(code uint16, n uint8) {
	v := uint32(o.tail) | uint32(code)<<o.bits
	o.bits += uint(n)
	for ; o.bits >= 8; o.bits -= 8 {
		o.buf = append(o.buf, byte(v))
		v >>= 8
	}
	o.tail = byte(v)
}

// pad fills the last byte up.
func (o *output) pad() {
	if o.bits > 0 {
		o.add(0, uint8(8-o.bits))
	}
}

// align goes on to a whole byte, with an empty stored block where there are bits behind the last one.
func (o *output) align() {
	if o.bits > 0 {
		o.add(storedBlock<<1, 3)
		o.pad()
		o.storedLength(0)
	}
}

// storedLength adds the length of a stored block (RFC 1951 section 3.2.4).
func (o *output) storedLength(n int) {
	o.buf = append(o.buf, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
}

// close adds an empty last block of fixed codes.
func (o *output) close() {
	o.add(1|fixedBlock<<1, 3)
	o.add(fixed.end.code, fixed.end.bits)
	o.pad()
}

// trailer adds the trailer of a member (RFC 1952 section 2.3.1).
func (o *output) trailer(sum, size uint32) {
	o.buf = binary.LittleEndian.AppendUint32(o.buf, sum)
	o.buf = binary.LittleEndian.AppendUint32(o.buf, size)
}

// release lets everything be read that is there.
func (o *output) release() { o.ready = len(o.buf) }

// held is how much may not be read yet.
func (o *output) held() int { return len(o.buf) - o.ready }

// take reads.
func (o *output) take(p []byte) int {
	n := copy(p, o.buf[o.read:o.ready])
	o.read += n
	return n
}

// forget makes room where everything that may be read has been.
func (o *output) forget() {
	o.base += int64(o.read)
	o.buf = o.buf[:copy(o.buf, o.buf[o.read:])]
	o.ready -= o.read
	o.read = 0
}
