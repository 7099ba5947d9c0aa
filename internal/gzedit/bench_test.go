package gzedit

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// pageAsGzip is a query page as a server sends it.
func pageAsGzip() (text, z []byte) {
	text = page(psa, 1<<20)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	return text, b.Bytes()
}

// BenchmarkPage edits a query page. Beside it is what it takes to inflate it alone, and to inflate it and compress all of
// it again.
func BenchmarkPage(b *testing.B) {
	text, z := pageAsGzip()
	b.Logf("%d bytes of text, %d as gzip", len(text), len(z))
	run := func(name string, open func(io.Reader) io.Reader) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			buf := make([]byte, 32<<10)
			for b.Loop() {
				if _, err := io.CopyBuffer(onlyWriter{io.Discard}, open(bytes.NewReader(z)), buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	var in kgzip.Reader
	inflate := func(src io.Reader) io.Reader {
		_ = in.Reset(src)
		return onlyReader{&in}
	}
	out, _ := kgzip.NewWriterLevel(nil, kgzip.BestSpeed)
	run("unchanged", func(src io.Reader) io.Reader { return New(src, identity) })
	run("page URLs rewritten", func(src io.Reader) io.Reader { return New(src, rewriter) })
	run("inflated alone", inflate)
	run("page URLs rewritten, all compressed again", func(src io.Reader) io.Reader {
		return &recompressing{src: rewriter(inflate(src)), z: out}
	})
	run("as it comes", func(src io.Reader) io.Reader { return onlyReader{src} })
}

type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// recompressing compresses all that it reads.
type recompressing struct {
	src   io.Reader
	z     *kgzip.Writer
	out   bytes.Buffer
	chunk [32 << 10]byte
	end   error
}

func (r *recompressing) Read(p []byte) (int, error) {
	if r.end == nil && r.out.Cap() == 0 {
		r.z.Reset(&r.out)
	}
	for r.out.Len() == 0 && r.end == nil {
		var n int
		n, r.end = r.src.Read(r.chunk[:])
		_, _ = r.z.Write(r.chunk[:n])
		if r.end == io.EOF {
			_ = r.z.Close()
		}
	}
	if r.out.Len() == 0 {
		return 0, r.end
	}
	return r.out.Read(p)
}
