// Package gzedit edits text that is compressed with gzip. What comes before the first change passes in the compressed
// form in which it came: it is inflated, to be looked at, but not compressed again.
package gzedit

import (
	"hash/crc32"
	"io"
	"sync"
)

// New returns src, which is gzip (RFC 1952), with its text edited: one gzip member of exactly edit's text. edit gets the
// text and returns it as it shall be; what it returns is read by whoever reads the result, and reads the text in the same
// goroutine. Nothing is read, and edit is not called, before the result is read.
//
// Where the editor gives the text back as it came, the compressed bytes pass, up to a few KiB of text before the first
// difference. From there on everything is compressed anew at the fastest level. Up to there, the result gives what it has
// in whole bytes without waiting for more of src; behind it, when 64 KiB are together. It holds as much as the editor does, up to about
// 120 KiB of text: where the editor holds more, everything is compressed anew.
//
// Its errors are the editor's, unwrapped, and those of the text, even where the editor would end without one: those of
// src; io.ErrUnexpectedEOF where src is cut off; gzip.ErrHeader, gzip.ErrChecksum and flate.CorruptInputError of the
// standard library where it is no gzip. What was confirmed before comes before the error. An empty src is an empty text.
// What an editor leaves unread when it ends is not looked at.
func New(src io.Reader, edit func(text io.Reader) io.Reader) io.Reader {
	return &reader{src: src, edit: edit}
}

type reader struct {
	src  io.Reader
	edit func(io.Reader) io.Reader
	work *work // from the first read to the end
	err  error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 || r.err != nil {
		return 0, r.err
	}
	if r.work == nil {
		r.work = newWork(r.src, r.edit)
	}
	for {
		if n := r.work.out.take(p); n > 0 {
			return n, nil
		}
		if r.err = r.work.ended; r.err != nil {
			r.work.free()
			r.work = nil
			return 0, r.err
		}
		r.work.more()
	}
}

// How much is done at once, in bytes.
const (
	inputSize = 32 << 10
	textStep  = 32 << 10
	textSize  = 160 << 10
)

// work is an edit under way.
type work struct {
	in     inflater
	out    passing
	edited io.Reader
	lent   *textReader
	ended  error // what edited ended with

	fault     error  // what the text ended with
	told      bool   // the editor knows it
	given     int    // where in in.text the editor reads on
	confirmed int    // how much of in.text came back from the editor as it was
	before    int64  // how much came before in.text
	member    digest // of the member's text so far
	result    digest // of the edited text so far
	again     *compressor
	chunk     [textStep + slack]byte
}

// digest is what a member's trailer says of its text.
type digest struct{ sum, size uint32 }

func (d *digest) add(p []byte) {
	d.sum = crc32.Update(d.sum, crc32.IEEETable, p)
	d.size += uint32(len(p))
}

// works are used again: they are large.
var works sync.Pool

func newWork(src io.Reader, edit func(io.Reader) io.Reader) *work {
	w, _ := works.Get().(*work)
	if w == nil {
		w = new(work)
		w.in.buf = make([]byte, inputSize)
		w.in.text = make([]byte, textSize)
	}
	w.in.open(src)
	w.out.open()
	w.fault, w.ended, w.told = nil, nil, false
	w.given, w.confirmed, w.before = 0, 0, 0
	w.result = digest{}
	w.lent = &textReader{w}
	w.edited = edit(w.lent)
	return w
}

// free gives back what can be used again.
func (w *work) free() {
	w.lent.work = nil
	if w.again != nil {
		w.again.rest()
	}
	w.again, w.edited, w.lent, w.in.src = nil, nil, nil, nil
	works.Put(w)
}

// more asks the editor for more.
func (w *work) more() {
	w.out.forget()
	n, err := w.edited.Read(w.chunk[:])
	w.compare(w.chunk[:n])
	switch {
	case err == nil:
	case err != io.EOF: //nolint:errorlint // a Reader's EOF is this value
		w.breakOff(err)
	case w.told && w.fault != io.EOF: //nolint:errorlint // a Reader's EOF is this value
		w.breakOff(w.fault)
	default:
		w.finish()
	}
}

// compare takes edited text.
func (w *work) compare(p []byte) {
	w.result.add(p)
	if !w.out.changed {
		n := common(p, w.in.text[w.confirmed:w.in.w])
		w.confirmed += n
		w.out.confirm(w.before + int64(w.confirmed))
		p = p[n:]
		if len(p) == 0 {
			return
		}
		w.change()
	}
	w.again.write(p)
	w.out.release()
}

// finish ends the output where the editor does.
func (w *work) finish() {
	w.ended = io.EOF
	if w.confirmedMore() {
		w.change()
	}
	if w.out.changed {
		w.again.close()
	} else {
		w.out.goBack()
		w.out.close()
	}
	w.out.trailer(w.result.sum, w.result.size)
	w.out.release()
}

// breakOff gives all that was confirmed, without an end, so that whoever reads it sees that it is cut off.
func (w *work) breakOff(err error) {
	w.ended = err
	if w.confirmedMore() {
		w.change()
	}
	if w.out.changed {
		w.again.flush()
	} else {
		w.out.goBack()
		w.out.align()
	}
	w.out.release()
}

// confirmedMore says whether there is text behind the last checkpoint that the editor gave back.
func (w *work) confirmedMore() bool {
	return !w.out.changed && w.out.passed.text < w.before+int64(w.confirmed)
}
