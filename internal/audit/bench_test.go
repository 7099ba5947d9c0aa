package audit

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// fast is an output that takes everything at once.
type fast struct{ io.Writer }

func (fast) Sync() error { return nil }

// BenchmarkAppend is what a call pays where the log is not required: lines come in bursts that fit into the queue, and what the
// press does between them is not counted. dropped must be 0: else it measures how fast lines are lost.
func BenchmarkAppend(b *testing.B) {
	w := open(b, Config{Output: fast{io.Discard}})
	e := read("4711")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_ = w.Append(b.Context(), e)
		if n%4000 == 3999 {
			b.StopTimer()
			for w.Status().Waiting > 0 {
				time.Sleep(time.Millisecond)
			}
			b.StartTimer()
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(w.Status().Lost), "dropped")
}

// BenchmarkLine is what the press pays for a line, beside the calls.
func BenchmarkLine(b *testing.B) {
	s := sealer{chain: newChain(), key: keyNow.ID, process: "gate-1/77", coder: newCoder(keyNow)}
	e := read("4711")
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = s.entry(buf[:0], &e)
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkRequired is how many lines a second reach a real disk, by how many wait at once. commits are syncs a second.
func BenchmarkRequired(b *testing.B) {
	for _, callers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			f, err := os.OpenFile(filepath.Join(b.TempDir(), "audit.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			d := &counted{File: f}
			w := open(b, Config{Output: d, Required: true, Queue: 1 << 20})
			b.SetParallelism(callers)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := w.Append(b.Context(), read("4711")); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(d.syncs)/b.Elapsed().Seconds(), "commits/s")
			if err := shut(w); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// counted counts syncs.
type counted struct {
	*os.File
	syncs int
}

func (c *counted) Sync() error {
	c.syncs++
	return c.File.Sync()
}

// BenchmarkVerify is how fast a log is checked.
func BenchmarkVerify(b *testing.B) {
	s := sealer{chain: newChain(), key: keyNow.ID, process: "gate-1/77", coder: newCoder(keyNow)}
	log := s.note(nil, read("").Time, 0, note{Word: wordStart, Version: 1, Host: "gate-1"})
	e := read("4711")
	for range 10_000 {
		log = s.entry(log, &e)
	}
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Verify(VerifyConfig{Keys: []Key{keyNow}}, File{"a.log", bytes.NewReader(log)})
		if err != nil || !r.OK() || r.Lines != 10_001 {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkAppendParallel is the same with as many callers as there are processors.
func BenchmarkAppendParallel(b *testing.B) {
	w := open(b, Config{Output: fast{io.Discard}})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		e := read("4711")
		for pb.Next() {
			for w.Append(b.Context(), e) != nil {
				runtime.Gosched() // the press is behind
			}
		}
	})
}

func TestAppendAllocatesNothingForACall(t *testing.T) {
	w := open(t, Config{Output: fast{io.Discard}})
	e, ctx := read("4711"), t.Context()
	if n := testing.AllocsPerRun(2000, func() { _ = w.Append(ctx, e) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
