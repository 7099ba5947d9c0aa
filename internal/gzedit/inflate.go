package gzedit

import (
	"encoding/binary"
	"errors"
	"io"
)

// window is how far back a stream may refer (RFC 1951 section 2).
const window = 32 << 10

// slack is how far the text may go beyond the limit that a step is given: three literals and the longest match, copied
// in words.
const slack = 3 + 258 + 16

// stage is where in a gzip stream the inflater stands.
type stage uint8

const (
	atMember  stage = iota // before a member's header
	atBlock                // before a block's header
	inStored               // in a stored block
	inCodes                // in a block of codes
	atTrailer              // behind the last block
)

// errDry: what came of the stream ends within a token or a header. Nothing of it has been read.
var errDry = errors.New("gzedit: more input is needed")

// inflater undoes the compression of a stream, member after member, in steps. Whoever drives it waits for input, and has
// room in text.
type inflater struct {
	input
	stage   stage
	last    bool // it is the last block of its member
	suspect bool // something is wrong ahead
	codes   *codes
	own     codes // where codes of the stream's own are kept

	text []byte // what came out, and room for more
	w    int    // where in text it goes on
	low  int    // where in text the member began; nothing before it can be referred to

	left  int    // of a stored block
	piece []byte // the part of a stored block that the last step read, in buf
	first bool   // the piece is the first one of its block

	lengths [maxLit + maxDist]uint8
	pre     [preSize]uint32
}

// open begins a stream.
func (f *inflater) open(src io.Reader) {
	f.input.open(src)
	f.stage, f.suspect, f.w, f.low = atMember, false, 0, 0
}

// step reads on until the text ends at limit or a little behind it, a piece of a stored block or the member's last block
// has been read, or input is lacking.
func (f *inflater) step(limit int) error {
	f.piece = nil
	for f.w < limit && f.stage != atTrailer && f.piece == nil {
		var err error
		switch f.stage {
		case atBlock:
			err = f.block()
		case inStored:
			err = f.stored(limit)
		default:
			err = f.tokens(limit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blockEnds goes on behind a block.
func (f *inflater) blockEnds() {
	f.stage = atBlock
	if f.last {
		f.stage = atTrailer
	}
}

// tokens reads tokens of a block of codes, up to its end.
func (f *inflater) tokens(limit int) error {
	for f.w < limit && f.stage == inCodes {
		if !f.suspect {
			f.suspect = !f.fast(limit)
		}
		if f.w >= limit {
			break
		}
		if err := f.token(); err != nil {
			return err
		}
	}
	return nil
}

// token reads one token, or none of it. Like compress/flate, it takes none where less is left than the block's end takes,
// which must still come: what is cut off gives the same text.
func (f *inflater) token() error {
	f.refill()
	e := f.codes.literal(f.bits)
	n := bitsOf(e)
	switch {
	case n > f.n || uint(f.codes.end.bits) > f.n:
		return errDry
	case e&isLiteral != 0:
		f.text[f.w] = byte(e >> 16)
		f.w++
	case e&isEnd != 0:
		f.blockEnds()
	case e&isWrong != 0:
		return f.corrupt()
	default:
		return f.match(e)
	}
	f.drop(n)
	return nil
}

// match reads what follows a length, and copies.
func (f *inflater) match(e uint32) error {
	n := bitsOf(e)
	d := f.codes.distance(f.bits >> n)
	all := n + bitsOf(d)
	if all > f.n {
		return errDry
	}
	distance := int(value(d, f.bits>>n))
	if d&isWrong != 0 || distance > f.w-f.low {
		return f.corrupt()
	}
	length := int(value(e, f.bits))
	for end := f.w + length; f.w < end; {
		f.w += copy(f.text[f.w:end], f.text[f.w-distance:f.w])
	}
	f.drop(all)
	return nil
}

// literal looks up the literal or length that bits begin with.
func (c *codes) literal(bits uint64) uint32 {
	e := c.lit[bits&(1<<litBits-1)]
	if e&isLink != 0 {
		e = c.lit[uint64(e>>16)+bits>>litBits&(1<<(e>>8&15)-1)]
	}
	return e
}

// distance looks up the distance that bits begin with.
func (c *codes) distance(bits uint64) uint32 {
	e := c.dist[bits&(1<<distBits-1)]
	if e&isLink != 0 {
		e = c.dist[uint64(e>>16)+bits>>distBits&(1<<(e>>8&15)-1)]
	}
	return e
}

// value returns the length or distance of an entry whose code bits begin with.
func value(e uint32, bits uint64) uint32 {
	return e>>16 + uint32(bits&(1<<(e&63)-1))>>(e>>8&15)
}

// fast does what token does, as long as there is plenty of input, and stops before the end of the block. It is false,
// and nothing is read, when it finds something wrong: token then finds out where.
func (f *inflater) fast(limit int) bool {
	c, buf, text, low := f.codes, f.buf[:f.end], f.text, f.low
	bits, n, r, w := f.bits, f.n, f.r, f.w
	for w < limit && r+16 <= len(buf) {
		// At least 56 bits, of which three literals with one look each leave enough for one more or a length.
		bits |= binary.LittleEndian.Uint64(buf[r:]) << (n & 63)
		r += int(63-n) >> 3
		n |= 56
		e := c.lit[bits&(1<<litBits-1)]
		for k := 0; k < 3 && e&isLiteral != 0; k++ {
			text[w] = byte(e >> 16)
			w++
			bits >>= e & 63
			n -= uint(e & 63)
			e = c.lit[bits&(1<<litBits-1)]
		}
		if e&isLink != 0 {
			e = c.lit[(uint64(e>>16)+bits>>litBits&(1<<(e>>8&15)-1))&(litSize-1)]
		}
		if e&isLiteral != 0 {
			text[w] = byte(e >> 16)
			w++
			bits >>= e & 63
			n -= uint(e & 63)
			continue
		}
		if e&isOther != 0 {
			break
		}
		length := int(value(e, bits))
		bits >>= e & 63
		n -= uint(e & 63)

		bits |= binary.LittleEndian.Uint64(buf[r:]) << (n & 63)
		r += int(63-n) >> 3
		n |= 56
		d := c.dist[bits&(1<<distBits-1)]
		if d&isLink != 0 {
			d = c.dist[(uint64(d>>16)+bits>>distBits&(1<<(d>>8&15)-1))&(distSize-1)]
		}
		distance := int(value(d, bits))
		if d&isWrong != 0 || distance > w-low {
			return false
		}
		bits >>= d & 63
		n -= uint(d & 63)
		copyMatch(text, w, distance, length)
		w += length
	}
	f.bits, f.n, f.r, f.w = bits, n, r, w
	return true
}

// copyMatch copies length bytes to text[w:] from distance bytes before, in words where those do not overlap. What it writes
// may go on for 15 bytes more.
func copyMatch(text []byte, w, distance, length int) {
	from, to := text[w-distance:], text[w:]
	if distance < 16 {
		for n := 0; n < length; {
			n += copy(to[n:length], from[:distance+n])
		}
		return
	}
	for {
		*(*[16]byte)(to) = *(*[16]byte)(from)
		if length <= 16 {
			return
		}
		length -= 16
		to, from = to[16:], from[16:]
	}
}
