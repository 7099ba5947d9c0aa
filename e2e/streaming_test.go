package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/psagate/psagate/internal/realparts"
)

// sum is the hash and the length of what was written to it.
type sum struct {
	hash.Hash
	n int64
}

func newSum() *sum { return &sum{Hash: sha256.New()} }

func (s *sum) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return s.Hash.Write(p)
}

func (s *sum) String() string {
	return fmt.Sprintf("%d bytes, %s", s.n, hex.EncodeToString(s.Sum(nil)))
}

func TestALongAnswerStreamsThroughLittleMemory(t *testing.T) {
	zone := newLongPages(t)
	w := newWorld(t)
	w.binary = binary(t, false) // the race detector multiplies memory
	w.caddyfile.discover = zone.URL
	w.start()
	w.served("a")
	want := newSum()
	writePage(want, w.url(""), zone.URL)
	for _, encoding := range []string{"identity", "gzip"} {
		t.Run(encoding, func(t *testing.T) {
			zone.gzip = encoding == "gzip"
			idle := w.resetPeak(t)
			r := w.request("a", "POST", "/Tickets/query", strings.NewReader(`{"filter":[]}`))
			r.Header.Set("Accept-Encoding", encoding)
			got := newSum()
			w.download(t, r, encoding, got)
			if got.String() != want.String() {
				t.Errorf("got %s; want %s", got, want)
			}
			grown := w.memory(t, "VmHWM") - idle
			t.Logf("%d MB came through; the memory of the process was %d MB and grew by %d MB at most", got.n/1_000_000, idle>>20, grown>>20)
			if grown >= 64<<20 {
				t.Errorf("the memory grew by %d bytes", grown)
			}
		})
	}
}

// download writes the answer's body to a sum, without its encoding.
func (w *world) download(t *testing.T, r *http.Request, encoding string, to io.Writer) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Encoding"); resp.StatusCode != 200 || got != strings.TrimPrefix(encoding, "identity") {
		t.Fatalf("%d, encoding %q", resp.StatusCode, got)
	}
	body := io.Reader(resp.Body)
	if encoding == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(to, body); err != nil {
		t.Fatal(err)
	}
}

// resetPeak makes the process' peak of memory what it has now, and returns that, in bytes.
func (w *world) resetPeak(t *testing.T) int64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		realparts.LeftOut(t, "the memory of another process, which is read from Linux' /proc")
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.server.Process.Pid), []byte("5"), 0); err != nil {
		t.Logf("the peak counts from the process' start: %v", err)
	}
	return w.memory(t, "VmRSS")
}

// memory returns a value of the process' /proc/PID/status, in bytes.
func (w *world) memory(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.server.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if field == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	kilobytes, err := strconv.ParseInt(string(field[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
