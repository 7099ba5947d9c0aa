package gzedit

import "math/bits"

// The sizes of the tables. A code of up to litBits or distBits bits is found with one look, a longer one with two. The
// tables have room for the largest set of second-level tables that complete codes can ask for, which zlib's
// examples/enough.c counts: 1334 entries of 288 symbols, 402 of 32.
const (
	litBits  = 10
	litSize  = 2 << litBits
	distBits = 8
	distSize = 2 << distBits
	preBits  = 7
	preSize  = 1 << preBits
	maxBits  = 15 // of any code, RFC 1951 section 3.2.7
)

// An entry of a table says what a code stands for:
//
//	bits 0-5   how many bits the code has, with its extra bits
//	bits 8-11  how many bits the code has without them; in a link, how many bits the second table looks at
//	bit 12     it is a literal
//	bit 13     it is a link to a second table
//	bit 14     it is the end of the block
//	bit 15     it stands for nothing: no code, or one that must not occur
//	bits 16-31 the literal, the shortest length, the smallest distance, or where the second table begins
const (
	isLiteral = 1 << 12
	isLink    = 1 << 13
	isEnd     = 1 << 14
	isWrong   = 1 << 15
	isOther   = isLink | isEnd | isWrong
)

// bitsOf returns how many bits an entry's code has, extra bits included.
func bitsOf(e uint32) uint { return uint(e & 63) }

// codes are the two codes of a block (RFC 1951 section 3.2.5), and how the code for the block's end is spelled.
type codes struct {
	lit  [litSize]uint32
	dist [distSize]uint32
	end  spelling
}

// spelling is a code as it stands in the stream: the first bit lowest.
type spelling struct {
	code uint16
	bits uint8
}

// endOfBlock is the symbol that ends a block.
const endOfBlock = 256

// What each symbol stands for, without the bits of its code.
var (
	litSymbols  = literals()
	distSymbols = distances()
	preSymbols  = plainSymbols()
)

// literals returns the symbols of RFC 1951 section 3.2.5's first table.
func literals() (all [288]uint32) {
	for i := range 256 {
		all[i] = uint32(i)<<16 | isLiteral
	}
	all[endOfBlock] = isEnd
	length := uint32(3)
	for i := uint32(0); i < 28; i++ {
		extra := uint32(0)
		if i >= 8 {
			extra = i/4 - 1
		}
		all[257+i] = length<<16 | extra
		length += 1 << extra
	}
	all[285] = 258 << 16
	all[286], all[287] = isWrong, isWrong
	return all
}

// distances returns the symbols of RFC 1951 section 3.2.5's second table.
func distances() (all [32]uint32) {
	distance := uint32(1)
	for i := uint32(0); i < 30; i++ {
		extra := uint32(0)
		if i >= 4 {
			extra = i/2 - 1
		}
		all[i] = distance<<16 | extra
		distance += 1 << extra
	}
	all[30], all[31] = isWrong, isWrong
	return all
}

func plainSymbols() (all [19]uint32) {
	for i := range all {
		all[i] = uint32(i) << 16
	}
	return all
}

// fixed are the codes of RFC 1951 section 3.2.6.
var fixed = func() *codes {
	c, lengths := new(codes), fixedLengths()
	c.build(lengths[:288], lengths[288:])
	return c
}()

func fixedLengths() (all [288 + 32]uint8) {
	for i := range all {
		switch {
		case i < 144:
			all[i] = 8
		case i < 256:
			all[i] = 9
		case i < 280:
			all[i] = 7
		case i < 288:
			all[i] = 8
		default:
			all[i] = 5
		}
	}
	return all
}

// build makes the tables for the codes that have these lengths. It is false for what is no code, or one that cannot end
// a block.
func (c *codes) build(lit, dist []uint8) bool {
	var b builder
	if lit[endOfBlock] == 0 || !b.sort(lit) {
		return false
	}
	b.fill(c.lit[:], litBits, litSymbols[:])
	c.end = b.spell(lit, endOfBlock)
	if !b.sort(dist) {
		return false
	}
	b.fill(c.dist[:], distBits, distSymbols[:])
	return true
}

// builder makes a table for a code that is given by the lengths of its symbols' codes (RFC 1951 section 3.2.2).
type builder struct {
	count  [maxBits + 1]int // codes by their length
	sorted [288]uint16      // symbols in the order of their codes
	used   int              // of sorted
}

// sort puts the symbols in the order of their codes. It is false for lengths that no complete code has: what is over-
// subscribed, or leaves bits that stand for nothing. A single code of one bit is let pass, and so are no codes at all, as
// compress/flate does it.
func (b *builder) sort(lengths []uint8) bool {
	b.count = [maxBits + 1]int{}
	for _, n := range lengths {
		b.count[n]++
	}
	b.used = len(lengths) - b.count[0]
	var next [maxBits + 2]int
	free := 1
	for n := 1; n <= maxBits; n++ {
		free = free<<1 - b.count[n] // below zero, it stays there
		next[n+1] = next[n] + b.count[n]
	}
	for i, n := range lengths {
		if n != 0 {
			b.sorted[next[n]] = uint16(i)
			next[n]++
		}
	}
	return free == 0 || b.used == 0 || b.used == 1 && b.count[1] == 1
}

// spell returns how a symbol's code is spelled.
func (b *builder) spell(lengths []uint8, symbol uint16) spelling {
	code, i := 0, 0
	for n := 1; n <= maxBits; n++ {
		for range b.count[n] {
			if b.sorted[i] == symbol {
				return spelling{uint16(reversed(code, n)), uint8(n)}
			}
			code++
			i++
		}
		code <<= 1
	}
	return spelling{}
}

// reversed returns a code of n bits as it is spelled in the stream.
func reversed(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }

// fill makes the table. The first 1<<width entries are looked at first.
func (b *builder) fill(table []uint32, width int, symbols []uint32) {
	if b.used < 2 {
		b.fillSingle(table[:1<<width], symbols)
		return
	}
	code, i := 0, 0
	for n := 1; n <= width; n++ {
		for range b.count[n] {
			table[reversed(code, n)] = entry(symbols[b.sorted[i]], n)
			code++
			i++
		}
		code <<= 1
		if n < width {
			copy(table[1<<n:2<<n], table[:1<<n])
		}
	}
	b.fillLong(table, width, symbols, code, i)
}

// fillSingle makes the table of a code of one symbol, whose code is 0, or of none.
func (b *builder) fillSingle(table, symbols []uint32) {
	for i := range table {
		table[i] = isWrong | uint32(b.used)
		if b.used == 1 && i&1 == 0 {
			table[i] = entry(symbols[b.sorted[0]], 1)
		}
	}
}

// fillLong makes the second-level tables, from the i-th symbol on, whose code is the first of width+1 bits.
func (b *builder) fillLong(table []uint32, width int, symbols []uint32, code, i int) {
	end, link, deep := 1<<width, -1, 0
	for n := width + 1; n <= maxBits; n++ {
		for left := b.count[n]; left > 0; left-- {
			spelled := reversed(code, n)
			if first := spelled & (1<<width - 1); first != link {
				link, deep = first, b.depth(n, left, width)
				table[link] = uint32(end)<<16 | uint32(deep)<<8 | isLink
				end += 1 << deep
			}
			begin := int(table[link] >> 16)
			for j := spelled >> width; j < 1<<deep; j += 1 << (n - width) {
				table[begin+j] = entry(symbols[b.sorted[i]], n)
			}
			code++
			i++
		}
		code <<= 1
	}
}

// depth returns how many bits a second-level table looks at whose first code has n bits, where left codes of n bits are
// not in a table yet.
func (b *builder) depth(n, left, width int) int {
	deep := n - width
	for space := left; space < 1<<deep; {
		deep++
		space = space<<1 + b.count[width+deep]
	}
	return deep
}

func entry(symbol uint32, n int) uint32 { return symbol + uint32(n) + uint32(n)<<8 }
