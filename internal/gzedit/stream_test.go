package gzedit

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// taps gives one piece after the other, and tells before it would wait for the next.
type taps struct {
	pieces [][]byte
	wait   func()
}

func (t *taps) Read(p []byte) (int, error) {
	if len(t.pieces) == 0 {
		return 0, io.EOF
	}
	if t.wait != nil {
		t.wait()
	}
	n := copy(p, t.pieces[0])
	if t.pieces[0] = t.pieces[0][n:]; len(t.pieces[0]) == 0 {
		t.pieces = t.pieces[1:]
	}
	return n, nil
}

func TestNothingIsWaitedForThatCanBeGiven(t *testing.T) {
	text := page(psa, 20<<10)
	z := flushed(text)
	pieces := bytes.SplitAfter(z, []byte("\x00\x00\xff\xff\x00\x00\x00\xff\xff"))
	if len(pieces) < 25 {
		t.Fatalf("only %d pieces", len(pieces))
	}
	var got bytes.Buffer
	src := &taps{pieces: pieces}
	src.wait = func() {
		came := (len(pieces) - len(src.pieces)) * 700
		out, _ := inflated(got.Bytes())
		if len(out) != min(came, len(text)) {
			t.Fatalf("waits for more where %d bytes of text came and %d were given", came, len(out))
		}
	}
	if _, err := io.Copy(&got, onlyReader{New(src, identity)}); err != nil {
		t.Fatal(err)
	}
	if out, err := inflated(got.Bytes()); err != nil || !bytes.Equal(out, text) {
		t.Errorf("%d bytes came out, error %v", len(out), err)
	}
}

func TestATrailerIsNotWaitedForWhereThereIsText(t *testing.T) {
	z := packed(lastBlock("some text"), []byte("some text"))
	got := 0
	src := &taps{pieces: [][]byte{z[:len(z)-8], z[len(z)-8:]}}
	src.wait = func() {
		if len(src.pieces) == 1 && got < len(header)+len("some text") {
			t.Errorf("%d bytes are given before the trailer is waited for", got)
		}
	}
	r := New(src, identity)
	for buf := make([]byte, 100); ; {
		n, err := r.Read(buf)
		if got += n; err != nil {
			break
		}
	}
}

func TestPiecesOfEverySize(t *testing.T) {
	text := page(psa, 40<<10)
	for _, c := range compressions() {
		z := c.compress(text)
		for _, size := range []int{1, 2, 3, 7, 100, 5000} {
			var pieces [][]byte
			for i := 0; i < len(z); i += size {
				pieces = append(pieces, z[i:min(len(z), i+size)])
			}
			if err := check(z, &taps{pieces: pieces}, rewriter); err != nil {
				t.Errorf("%s, in pieces of %d bytes: %v", c.name, size, err)
			}
		}
	}
}

func TestReadsOfEverySize(t *testing.T) {
	z := flushed(page(psa, 10<<10))
	want, _ := io.ReadAll(New(bytes.NewReader(z), rewriter))
	for _, size := range []int{1, 2, 3, 10, 1000} {
		got, err := io.ReadAll(&sized{New(iotest.HalfReader(bytes.NewReader(z)), rewriter), size})
		if err != nil || !bytes.Equal(got, want) {
			text, _ := inflated(got)
			wanted, _ := inflated(want)
			if !bytes.Equal(text, wanted) {
				t.Errorf("read by %d bytes, it gives something else", size)
			}
		}
	}
	r := New(bytes.NewReader(z), identity)
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing gives %d bytes and %v", n, err)
	}
}

type sized struct {
	io.Reader
	size int
}

func (s *sized) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), s.size)]) }

func TestItPassesAsItCame(t *testing.T) {
	text, z := pageAsGzip()
	same, err := io.ReadAll(New(bytes.NewReader(z), identity))
	if err != nil {
		t.Fatal(err)
	}
	if n := different(z, same); n > 50 || len(same) > len(z)+10 {
		t.Errorf("of %d bytes that nobody changed came %d, and %d are others", len(z), len(same), n)
	}
	changed, err := io.ReadAll(New(bytes.NewReader(z), rewriter))
	if err != nil {
		t.Fatal(err)
	}
	if n := common(same[len(same)/4:], changed[len(same)/4:]); n < len(same)*3/4-8000 {
		t.Errorf("of %d bytes whose end was changed %d passed", len(same), n+len(same)/4)
	}
	held, _ := io.ReadAll(New(bytes.NewReader(z), func(text io.Reader) io.Reader {
		return &delayed{text: rewriter(text), held: 40 << 10}
	}))
	if n := common(same[len(same)/4:], held[len(same)/4:]); n < len(same)*3/4-8000 {
		t.Errorf("of %d bytes whose end was changed and whose text was held %d passed", len(same), n+len(same)/4)
	}
	if len(changed) > len(z)+8000 {
		t.Errorf("%d bytes became %d", len(z), len(changed))
	}
	again, _ := inflated(changed)
	if len(again) != len(text)-len(psa)+len(gateway) {
		t.Errorf("%d bytes of text became %d", len(text), len(again))
	}
}

// different counts the bytes that differ.
func different(a, b []byte) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestNoMemoryIsAskedForWithEachBlock(t *testing.T) {
	z := flushed(page(psa, 1<<20)) // in thousands of blocks
	buf := make([]byte, 32<<10)
	for name, edit := range map[string]func(io.Reader) io.Reader{"nothing is changed": identity, "the end is": atPlace(1_000_000, 1, "x")} {
		n := testing.AllocsPerRun(5, func() {
			_, _ = io.CopyBuffer(onlyWriter{io.Discard}, New(bytes.NewReader(z), edit), buf)
		})
		if n > 100 { // most of the time it is less than ten
			t.Errorf("%v allocations for a page where %s", n, name)
		}
	}
}

// endless repeats what it has, up to a number of bytes.
type endless struct {
	begin, again []byte
	left         int
	at           int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.begin) > 0 {
		n := copy(p, e.begin)
		e.begin = e.begin[n:]
		return n, nil
	}
	if e.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, e.again[e.at:])
	e.at = (e.at + n) % len(e.again)
	e.left -= n
	return n, nil
}

// holding gives back what it read only when it has seen the end.
func holding(text io.Reader) io.Reader { return edited(func(text []byte) []byte { return text })(text) }

func TestWhatNeverEndsTakesNoMemory(t *testing.T) {
	var empty bytes.Buffer
	_ = gzip.NewWriter(&empty).Close()
	some := flushed([]byte("some text"))
	begin := some[:len(some)-8-5] // without its last block and trailer
	dynamic := rawStreams(t)["complete HCLenTree, degenerate HLitTree, empty HDistTree"]
	zeros := flushed(make([]byte, 200))
	for name, src := range map[string]*endless{
		"empty members":        {begin: some, again: empty.Bytes()},
		"empty stored blocks":  {begin: begin, again: []byte("\x00\x00\x00\xff\xff")},
		"empty fixed blocks":   {begin: begin, again: []byte{2, 8, 32, 128, 0}},
		"empty dynamic blocks": {begin: begin, again: append(notLast(dynamic[10:len(dynamic)-8]), 0, 0, 0, 0xff, 0xff)},
		"a name":               {begin: []byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"), again: []byte("name")},
		"zeros":                {begin: header10(), again: notLast(zeros[10 : len(zeros)-13])},
	} {
		for _, e := range []editor{{"that changes nothing", identity}, {"that holds everything", holding}} {
			src := *src
			src.left = 1 << 20
			r, _ := New(&src, e.edit).(*reader)
			most := 0
			buf := make([]byte, 8<<10)
			var err error
			for err == nil {
				_, err = r.Read(buf)
				if r.work != nil {
					most = max(most, cap(r.work.out.buf)+cap(r.work.out.points)*64+len(r.work.in.buf)+len(r.work.in.text))
				}
			}
			if err == io.EOF || most > 600<<10 {
				t.Errorf("%s, an editor %s: error %v, up to %d bytes held", name, e.name, err, most)
			}
		}
	}
}

func header10() []byte { return []byte(header) }

// notLast clears the mark of the last block in its first byte.
func notLast(raw []byte) []byte {
	raw = bytes.Clone(raw)
	raw[0] &^= 1
	return raw
}

func TestAnEditorThatHoldsMuch(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 600<<10)
	for i := range text {
		text[i] = "0123456789abcdef"[random.IntN(16)]
	}
	for _, c := range compressions()[:8] {
		z := c.compress(text)
		for _, held := range []int{1, 5 << 10, 40 << 10, 100 << 10, 500 << 10} {
			if err := check(z, bytes.NewReader(z), func(text io.Reader) io.Reader { return &delayed{text: text, held: held} }); err != nil {
				t.Errorf("%s, %d bytes held: %v", c.name, held, err)
			}
		}
	}
}

// delayed gives text when it has some more behind it.
type delayed struct {
	text io.Reader
	held int
	buf  []byte
	err  error
}

func (d *delayed) Read(p []byte) (int, error) {
	for len(d.buf) <= d.held && d.err == nil {
		chunk := make([]byte, 8<<10)
		var n int
		n, d.err = d.text.Read(chunk)
		d.buf = append(d.buf, chunk[:n]...)
	}
	n := copy(p, d.buf[:max(0, len(d.buf)-d.held)])
	if d.err != nil {
		n = copy(p, d.buf)
	}
	d.buf = d.buf[n:]
	if n == 0 {
		return 0, d.err
	}
	return n, nil
}

func TestTheErrorsAreThoseOfTheSource(t *testing.T) {
	z := flushed(page(psa, 10<<10))
	broken := errors.New("the line is dead")
	sum := bytes.Clone(z)
	sum[len(sum)-8] ^= 1
	size := bytes.Clone(z)
	size[len(size)-1] ^= 1
	for name, c := range map[string]struct {
		src  io.Reader
		want error
	}{
		"a source that fails":          {io.MultiReader(bytes.NewReader(z[:len(z)/2]), iotest.ErrReader(broken)), broken},
		"a source that fails at once":  {iotest.ErrReader(broken), broken},
		"a source that gives nothing":  {&taps{pieces: make([][]byte, 1000)}, io.ErrNoProgress},
		"no gzip":                      {strings.NewReader(`{"items":[]}`), gzip.ErrHeader},
		"a header that is cut off":     {bytes.NewReader(z[:5]), io.ErrUnexpectedEOF},
		"a name that is cut off":       {strings.NewReader("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xffname"), io.ErrUnexpectedEOF},
		"an extra that is cut off":     {strings.NewReader("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x09\x00"), io.ErrUnexpectedEOF},
		"a header sum that is cut off": {strings.NewReader("\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\xff"), io.ErrUnexpectedEOF},
		"a trailer that is cut off":    {bytes.NewReader(z[:len(z)-3]), io.ErrUnexpectedEOF},
		"a wrong sum":                  {bytes.NewReader(sum), gzip.ErrChecksum},
		"a wrong size":                 {bytes.NewReader(size), gzip.ErrChecksum},
		"something behind":             {io.MultiReader(bytes.NewReader(z), strings.NewReader("something behind")), gzip.ErrHeader},
		"a second one that is cut off": {io.MultiReader(bytes.NewReader(z), bytes.NewReader(z[:5])), io.ErrUnexpectedEOF},
		"a reserved flag":              {strings.NewReader("\x1f\x8b\x08\x20\x00\x00\x00\x00\x00\xff\x03\x00"), gzip.ErrHeader},
		"a name without end":           {io.MultiReader(strings.NewReader("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"), strings.NewReader(strings.Repeat("n", 600))), gzip.ErrHeader},
	} {
		r := New(c.src, rewriter)
		_, err := io.ReadAll(r)
		if err != c.want {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if _, again := r.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: error %v at first, then %v", name, err, again)
		}
	}
}

func TestAnEditorCannotHideThatTheTextIsBroken(t *testing.T) {
	z := flushed(page(psa, 10<<10))
	_, err := io.ReadAll(New(bytes.NewReader(z[:len(z)-20]), func(text io.Reader) io.Reader { return &quiet{text} }))
	if err != io.ErrUnexpectedEOF {
		t.Errorf("error %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// quiet ends without an error, whatever happens.
type quiet struct{ io.Reader }

func (q *quiet) Read(p []byte) (int, error) {
	n, err := q.Reader.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func TestAnEditorThatReadsOnIsToldThatItHasEnded(t *testing.T) {
	z := flushed([]byte("some text"))
	var kept io.Reader
	if _, err := io.ReadAll(New(bytes.NewReader(z), func(text io.Reader) io.Reader { kept = text; return io.LimitReader(text, 3) })); err != nil {
		t.Fatal(err)
	}
	if n, err := kept.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and error %v, want none and the end", n, err)
	}
}

func TestHeadersOfEveryKind(t *testing.T) {
	raw := stateless([]byte("some text"))
	sum := func(head string) string { return string(withHeaderSum([]byte(head))) }
	for name, head := range map[string]string{
		"a name":           "\x1f\x8b\x08\x08\x01\x02\x03\x04\x05\x06name\x00",
		"a comment":        "\x1f\x8b\x08\x10\x01\x02\x03\x04\x05\x06comment\x00",
		"extra":            "\x1f\x8b\x08\x04\x01\x02\x03\x04\x05\x06\x03\x00\x01\x02\x03",
		"everything":       sum("\x1f\x8b\x08\x1f\x01\x02\x03\x04\x05\x06\x03\x00\x01\x02\x03name\x00comment\x00"),
		"a wrong sum":      "\x1f\x8b\x08\x02\x01\x02\x03\x04\x05\x06\x00\x00",
		"another method":   "\x1f\x8b\x07\x00\x01\x02\x03\x04\x05\x06",
		"the longest name": "\x1f\x8b\x08\x08\x01\x02\x03\x04\x05\x06" + strings.Repeat("n", 511) + "\x00",
		"a name too long":  "\x1f\x8b\x08\x08\x01\x02\x03\x04\x05\x06" + strings.Repeat("n", 512) + "\x00",
		"much extra":       sum("\x1f\x8b\x08\x06\x01\x02\x03\x04\x05\x06\xff\xff" + strings.Repeat("x", 0xffff)),
	} {
		z := append([]byte(head), packed(raw, []byte("some text"))[10:]...)
		if err := check(z, iotest.HalfReader(bytes.NewReader(z)), identity); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
