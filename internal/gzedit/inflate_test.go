package gzedit

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

// inflateRaw has an inflater alone inflate raw deflate, in steps of this size.
func inflateRaw(f *inflater, src io.Reader, step int, out io.Writer) error {
	f.open(src)
	f.stage = atBlock
	for f.stage != atTrailer {
		if gone := f.w - window; f.w+step+slack > len(f.text) {
			copy(f.text, f.text[gone:f.w])
			f.w, f.low = window, max(0, f.low-gone)
		}
		start := f.w
		err := f.step(f.w + step)
		_, _ = out.Write(f.text[start:f.w])
		f.kept = f.pos()
		if errors.Is(err, errDry) {
			err = f.read()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newInflater() *inflater {
	return &inflater{input: input{buf: make([]byte, inputSize)}, text: make([]byte, 128<<10)}
}

func TestInflateInStepsOfEverySize(t *testing.T) {
	text := page(psa, 300<<10)
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		var z bytes.Buffer
		w, _ := flate.NewWriter(&z, level)
		_, _ = w.Write(text)
		_ = w.Close()
		for _, step := range []int{1, 300, 32 << 10} {
			var out bytes.Buffer
			if err := inflateRaw(newInflater(), bytes.NewReader(z.Bytes()), step, &out); err != nil || !bytes.Equal(out.Bytes(), text) {
				t.Errorf("level %d, in steps of %d: %d bytes came out, error %v", level, step, out.Len(), err)
			}
		}
	}
}

// BenchmarkInflate has the inflater beside klauspost's.
func BenchmarkInflate(b *testing.B) {
	text, z := pageAsGzip()
	raw := z[len(header) : len(z)-8]
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		f := newInflater()
		for b.Loop() {
			if err := inflateRaw(f, bytes.NewReader(raw), textStep, io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("klauspost", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		r := kflate.NewReader(nil)
		buf := make([]byte, textStep)
		for b.Loop() {
			_ = r.(kflate.Resetter).Reset(bytes.NewReader(raw), nil)
			if _, err := io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{r}, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
