package gzedit

// checkpoint is a place in both streams from which on the output can go on in another way.
type checkpoint struct {
	text int64    // how much text is before it
	out  int64    // how many whole bytes of output are before it
	tail byte     // the bits behind them
	bits uint     // how many there are
	end  spelling // what ends the block that it stands in, where it stands in one
}

// spacing is about how much text is between checkpoints, and so how much is compressed again before the first change.
const spacing = 4 << 10

// maxHeld is how much compressed text is held that the editor has not given back. What has more is compressed anew.
const maxHeld = 128 << 10

// passing is what of the compressed stream passes as it came: up to the last checkpoint before the first change.
type passing struct {
	output
	changed bool         // the output is compressed anew
	passed  checkpoint   // the last one that has been passed
	points  []checkpoint // the ones ahead, in their order
}

func (p *passing) open() {
	p.output.open()
	p.changed, p.points, p.passed = false, p.points[:0], checkpoint{out: int64(len(header))}
}

// mark sets a checkpoint at the end of the output. The one before it goes where they stand close together, but the newest
// is always there: what has been confirmed up to the end of what came can pass.
func (p *passing) mark(text int64, end spelling) {
	c := checkpoint{text, p.base + int64(len(p.buf)), p.tail, p.bits, end}
	n := len(p.points)
	if n > 0 && p.points[n-1].text == text || n > 1 && text-p.points[n-2].text < spacing {
		n--
	}
	p.points = append(p.points[:n], c)
}

// confirm passes the checkpoints up to here in the text.
func (p *passing) confirm(text int64) {
	n := 0
	for n < len(p.points) && p.points[n].text <= text {
		n++
	}
	if n == 0 {
		return
	}
	p.passed = p.points[n-1]
	p.points = p.points[:copy(p.points, p.points[n:])]
	p.ready = int(p.passed.out - p.base)
}

// goBack takes back what is behind the last checkpoint that has been passed, and ends the block that it stands in.
func (p *passing) goBack() {
	c := p.passed
	p.buf, p.tail, p.bits = p.buf[:c.out-p.base], c.tail, c.bits
	p.points = p.points[:0]
	p.add(c.end.code, c.end.bits)
}
