package gzedit

// The largest numbers of codes in a block (RFC 1951 section 3.2.5).
const (
	maxLit  = 286
	maxDist = 30
)

// The kinds of blocks (RFC 1951 section 3.2.3).
const (
	storedBlock = iota
	fixedBlock
	dynamicBlock
)

// block reads a block's header, and clears its mark of the last block: others will follow.
func (f *inflater) block() error {
	f.refill()
	if f.n < 3 {
		return errDry
	}
	before := f.input
	at := f.pos()
	last := f.bits&1 != 0
	kind := f.bits >> 1 & 3
	f.drop(3)
	var err error
	switch kind {
	case storedBlock:
		err = f.openStored()
	case fixedBlock:
		f.codes, f.stage = fixed, inCodes
	case dynamicBlock:
		err = f.openDynamic()
	default:
		err = f.corrupt()
	}
	if err != nil {
		f.input = before
		return err
	}
	f.last = last
	f.buf[at>>3] &^= 1 << (at & 7)
	return nil
}

// openStored reads the length of a stored block (RFC 1951 section 3.2.4). The block must have begun to come, so that the
// length can be written anew for each piece.
func (f *inflater) openStored() error {
	f.align()
	if f.end-f.r < 4 {
		return errDry
	}
	head := f.buf[f.r : f.r+4]
	f.left = int(head[0]) | int(head[1])<<8
	if head[0] != ^head[2] || head[1] != ^head[3] {
		return f.corrupt()
	}
	if f.left > 0 && f.end-f.r < 5 {
		return errDry
	}
	f.r += 4
	f.stage, f.first = inStored, true
	return nil
}

// stored reads what is there of a stored block, up to limit.
func (f *inflater) stored(limit int) error {
	n := min(f.left, f.end-f.r, limit-f.w)
	if n == 0 && f.left > 0 {
		return errDry
	}
	f.piece = f.buf[f.r : f.r+n]
	copy(f.text[f.w:], f.piece)
	f.w, f.r, f.left = f.w+n, f.r+n, f.left-n
	if f.left == 0 {
		f.blockEnds()
	}
	return nil
}

// order is in which order the lengths of the codes for lengths come (RFC 1951 section 3.2.7).
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// openDynamic reads the codes of a block (RFC 1951 section 3.2.7).
func (f *inflater) openDynamic() error {
	f.refill()
	if f.n < 14 {
		return errDry
	}
	lit, dist, pre := int(f.bits&31)+257, int(f.bits>>5&31)+1, int(f.bits>>10&15)+4
	f.drop(14)
	if lit > maxLit || dist > maxDist {
		return f.corrupt()
	}
	if err := f.readPre(pre); err != nil {
		return err
	}
	if err := f.readLengths(f.lengths[:lit+dist]); err != nil {
		return err
	}
	if !f.own.build(f.lengths[:lit], f.lengths[lit:lit+dist]) {
		return f.corrupt()
	}
	f.codes, f.stage = &f.own, inCodes
	return nil
}

// readPre reads the code that the lengths of the codes are spelled in.
func (f *inflater) readPre(count int) error {
	var lengths [19]uint8
	for i := range count {
		f.refill()
		if f.n < 3 {
			return errDry
		}
		lengths[order[i]] = uint8(f.bits & 7)
		f.drop(3)
	}
	var b builder
	if !b.sort(lengths[:]) {
		return f.corrupt()
	}
	b.fill(f.pre[:], preBits, preSymbols[:])
	return nil
}

// readLengths reads the lengths of the codes.
func (f *inflater) readLengths(all []uint8) error {
	for i := 0; i < len(all); {
		f.refill()
		e := f.pre[f.bits&(preSize-1)]
		n := bitsOf(e)
		if n > f.n {
			return errDry
		}
		if e&isWrong != 0 {
			return f.corrupt()
		}
		symbol := uint8(e >> 16)
		if symbol < 16 {
			all[i] = symbol
			i++
			f.drop(n)
			continue
		}
		repeated, again, used := repeat(symbol, f.bits>>n)
		if n+used > f.n {
			return errDry
		}
		f.drop(n + used)
		if again && i == 0 || repeated > len(all)-i {
			return f.corrupt()
		}
		length := uint8(0)
		if again {
			length = all[i-1]
		}
		for range repeated {
			all[i] = length
			i++
		}
	}
	return nil
}

// repeat reads how often a length comes, of the bits behind its symbol: the one before again, or zero.
func repeat(symbol uint8, bits uint64) (count int, again bool, used uint) {
	switch symbol {
	case 16:
		return 3 + int(bits&3), true, 2
	case 17:
		return 3 + int(bits&7), false, 3
	}
	return 11 + int(bits&127), false, 7
}
