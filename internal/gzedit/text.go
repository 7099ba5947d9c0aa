package gzedit

import (
	"errors"
	"io"
)

// textReader is what the editor reads. It gives nothing any more when the work is done.
type textReader struct{ work *work }

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (int, error) {
	w := t.work
	if w == nil {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if w.given == w.in.w && w.fault == nil {
		w.fault = w.inflate()
	}
	if w.given == w.in.w {
		w.told = w.fault != nil
		return 0, w.fault
	}
	n := copy(p, w.in.text[w.given:w.in.w])
	w.given += n
	return n, nil
}

// inflate makes some more text. It waits for input only as long as it has none. The error is what the text ended with;
// text may come before it.
func (w *work) inflate() error {
	w.room()
	start := w.in.w
	for w.in.w < start+textStep {
		err := w.advance(start + textStep)
		if errors.Is(err, errDry) {
			if w.in.w > start {
				return nil
			}
			err = noEOF(w.in.read())
		}
		if err != nil || w.in.w > start && w.in.stage == atTrailer {
			return err
		}
	}
	return nil
}

// advance takes one step, which ends at the next checkpoint.
func (w *work) advance(limit int) error {
	switch w.in.stage {
	case atMember:
		return w.nextMember()
	case atTrailer:
		return w.in.memberTrailer(w.member.sum, w.member.size)
	}
	from := w.in.w
	err := w.in.step(min(from+spacing, limit))
	w.member.add(w.in.text[from:w.in.w])
	w.keep()
	return err
}

// nextMember begins a member. In the output, the text goes on in the member that there is.
func (w *work) nextMember() error {
	if err := w.in.memberHeader(); err != nil {
		return err
	}
	w.member = digest{}
	if !w.out.changed {
		w.out.align()
	}
	return nil
}

// keep copies to the output what has been inflated, in its compressed form.
func (w *work) keep() {
	at := w.in.pos()
	if !w.out.changed {
		w.copyStep(at)
		w.out.mark(w.before+int64(w.in.w), w.blockEnd())
		if w.out.held() > maxHeld {
			w.change()
		}
	}
	w.in.kept = at
}

// copyStep copies what was read up to the bit at. A stored block may go on for long, so that it is written as one block for
// each piece of it that came.
func (w *work) copyStep(at int) {
	piece := w.in.piece
	if piece == nil {
		w.out.copyBits(w.in.buf, w.in.kept, at)
		return
	}
	if w.in.first {
		w.out.copyBits(w.in.buf, w.in.kept, at-8*len(piece)-32)
		w.in.first = false
	} else {
		w.out.add(storedBlock<<1, 8)
	}
	w.out.storedLength(len(piece))
	_, _ = w.out.Write(piece)
}

// blockEnd returns what ends the block that the inflater is in.
func (w *work) blockEnd() spelling {
	if w.in.stage == inCodes {
		return w.in.codes.end
	}
	return spelling{}
}

// room makes room in the text for another step. Text goes that nothing can refer to: a window's worth is kept for the
// inflater, and what is behind the last checkpoint for the compressor.
func (w *work) room() {
	if roomFor(w.in.w) {
		return
	}
	gone := w.in.w - window
	if !w.out.changed {
		gone = min(gone, int(w.out.passed.text-w.before))
	}
	if !w.out.changed && !roomFor(w.in.w-gone) {
		w.change()
		gone = w.in.w - window
	}
	copy(w.in.text, w.in.text[gone:w.in.w])
	w.in.w, w.given, w.confirmed = w.in.w-gone, w.given-gone, w.confirmed-gone
	w.in.low = max(0, w.in.low-gone)
	w.before += int64(gone)
}

// roomFor says whether there is room for a step from here on.
func roomFor(at int) bool { return at+textStep+slack <= textSize }
