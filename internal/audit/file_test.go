package audit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// rotating is a file that is rotated between two Writes when it is too large, and compressed then.
type rotating struct {
	t    testing.TB
	dir  string
	max  int64
	mu   sync.Mutex
	f    *os.File
	n    int
	size int64
}

func (r *rotating) current() string { return filepath.Join(r.dir, "audit.log") }

func (r *rotating) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f != nil && r.size+int64(len(p)) > r.max {
		r.rotate()
	}
	if r.f == nil {
		f, err := os.OpenFile(r.current(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		r.f, r.size = f, 0
	}
	n, err := r.f.Write(p)
	r.size += int64(n)
	return n, err
}

func (r *rotating) rotate() {
	_ = r.f.Close()
	text, err := os.ReadFile(r.current())
	if err != nil {
		r.t.Error(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	r.n++
	if err := os.WriteFile(filepath.Join(r.dir, fmt.Sprintf("audit-%03d.log.gz", r.n)), b.Bytes(), 0o600); err != nil {
		r.t.Error(err)
	}
	if err := os.Remove(r.current()); err != nil {
		r.t.Error(err)
	}
	r.f = nil
}

func (r *rotating) Sync() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f == nil {
		return nil
	}
	return r.f.Sync()
}

// verifyFolder checks what is in a folder.
func verifyFolder(t *testing.T, dir string, c VerifyConfig) Report {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		v.Read(filepath.Base(path), f)
		_ = f.Close()
	}
	return v.Report()
}

func TestALogIsWholeOverRotation(t *testing.T) {
	for _, required := range []bool{false, true} {
		out, anchors := &rotating{t: t, dir: t.TempDir(), max: 20_000}, &Memory{}
		w := open(t, Config{Output: out, Anchors: anchors, Required: required})
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				for j := range 50 {
					if err := w.Append(t.Context(), read(strconv.Itoa(100*i+j))); err != nil {
						t.Error(err)
					}
					if !required && j%10 == 9 {
						w.flushed()
					}
				}
			})
		}
		callers.Wait()
		if err := shut(w); err != nil {
			t.Fatal(err)
		}
		c := VerifyConfig{Keys: []Key{keyNow}, Heads: heads(t, anchors), Complete: true}
		if r := verifyFolder(t, out.dir, c); kinds(r) != "" || r.Lines != 402 || r.Files < 3 {
			t.Errorf("required %v: %d files, %d lines, %v", required, r.Files, r.Lines, r.Findings)
		}
		if err := os.Remove(filepath.Join(out.dir, "audit-002.log.gz")); err != nil {
			t.Fatal(err)
		}
		if r := verifyFolder(t, out.dir, c); kinds(r) != "missing" {
			t.Errorf("required %v: %v", required, r.Findings)
		}
		if err := os.Remove(filepath.Join(out.dir, "audit-001.log.gz")); err != nil {
			t.Fatal(err)
		}
		c.Complete = false
		if r := verifyFolder(t, out.dir, c); kinds(r) != "begins-late" || !r.OK() {
			t.Errorf("required %v: %v", required, r.Findings)
		}
		if err := os.Remove(out.current()); err != nil {
			t.Fatal(err)
		}
		if r := verifyFolder(t, out.dir, c); r.OK() {
			t.Errorf("required %v: %v", required, r.Findings)
		}
	}
}

// flushed waits until nothing waits to be written.
func (w *Writer) flushed() {
	for w.Status().Waiting > 0 {
		runtime.Gosched()
	}
}

func TestAFileThatIsRemovedUnderUsShows(t *testing.T) {
	dir, anchors := t.TempDir(), &Memory{}
	path := filepath.Join(dir, "audit.log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := open(t, Config{Output: f, Anchors: anchors, Required: true})
	for i := range 20 {
		if i == 10 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Append(t.Context(), read(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := shut(w); err != nil {
		t.Fatal(err)
	}
	if r := verifyFolder(t, dir, VerifyConfig{Keys: []Key{keyNow}, Heads: heads(t, anchors)}); kinds(r) != "absent" {
		t.Errorf("%v", r.Findings)
	}
}
