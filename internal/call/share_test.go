package call

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// head is the head of a create by an integration, with a body of n bytes.
func (w *world) head(integration string, n int) string {
	return fmt.Sprintf("POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Length: %d\r\n\r\n", w.keys[integration].Reveal(), n)
}

// heard is what a conversation by hand is answered.
func heard(t *testing.T, conn io.Reader) (status int, reason, retryAfter string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Psagate-Reason"), resp.Header.Get("Retry-After")
}

func TestABodyThatTricklesIsA408(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration // one byte
		ends  time.Duration // with a 408; 0: it is taken
	}{
		{"a byte each 29 seconds", 29 * time.Second, stall},
		{"a byte each 4 ms", 4 * time.Millisecond, stall + stall}, // 250 a second are credited as half a second
		{"a byte a millisecond", time.Millisecond, 0},
	} {
		inWorld(t, func(w *world) {
			w.T = t
			w.served("a")
			before := w.sim.Requests().Total
			const size = 100_000
			conn := w.dial()
			defer conn.Close()
			start := time.Now()
			io.WriteString(conn, w.head("a", size))
			var sender sync.WaitGroup
			sender.Go(func() {
				for range size {
					if _, err := io.WriteString(conn, " "); err != nil {
						return
					}
					time.Sleep(c.every)
				}
			})
			status, reason, _ := heard(t, conn)
			switch took := time.Since(start); {
			case c.ends == 0 && (reason != "" || w.sim.Requests().Total != before+1):
				t.Errorf("%s: %d %s after %v", c.name, status, reason, took)
			case c.ends != 0 && (status != 408 || reason != "bad-request" || took < c.ends || took > c.ends+time.Second || w.sim.Requests().Total != before):
				t.Errorf("%s: %d %s after %v", c.name, status, reason, took)
			}
			conn.Close()
			sender.Wait()
			w.untouched()
		})
	}
}

// untouched demands that no integration has anything under way.
func (w *world) untouched() {
	w.Helper()
	s := w.shared.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byName) != 0 || s.inMemory != 0 {
		w.Errorf("%d integrations have calls under way, and %d bytes are in memory", len(s.byName), s.inMemory)
	}
}

func TestAnIntegrationThatFillsItsShareOfCallsLeavesTheOthersTheirs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	inWorld(t, func(w *world) {
		w.served("a")
		conns := make([]io.ReadWriteCloser, callsAtOnce)
		for i := range conns {
			conns[i] = w.dial()
			io.WriteString(conns[i], w.head("a", 100))
		}
		synctest.Wait()
		before := w.sim.Requests().Total
		for _, body := range []string{"", "{}"} {
			if a := w.call("a", "POST", "/Tickets", body); a.status != 503 || a.reason() != "queue-full" || a.header.Get("Retry-After") != "5" {
				t.Errorf("%d %s", a.status, a.reason())
			}
		}
		if n := w.sim.Requests().Total - before; n != 0 {
			t.Errorf("%d requests reached the PSA", n)
		}
		w.served("b")
		conns[0].Close()
		synctest.Wait()
		w.served("a")
		for _, conn := range conns[1:] {
			conn.Close()
		}
		synctest.Wait()
		w.untouched()
	})
}

func TestAnIntegrationThatFillsItsShareOfBytesLeavesTheOthersTheirs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		const size = 40_000 // the largest, so that its share is four of them
		w.shared.shares.mostBytes, w.way.MaxBody = 0, size
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Method: "POST", Times: 3})
		for range 4 {
			conn := w.dial()
			defer conn.Close()
			io.WriteString(conn, w.head("a", size)+strings.Repeat(" ", size))
		}
		synctest.Wait() // three are at the PSA, one waits
		conn := w.dial()
		defer conn.Close()
		go io.WriteString(conn, w.head("a", size)+strings.Repeat(" ", size))
		if status, reason, pause := heard(t, conn); status != 503 || reason != "queue-full" || pause != "5" {
			t.Errorf("%d %s %s", status, reason, pause)
		}
		later(time.Second, held.Release)
		if a := w.call("b", "POST", "/Tickets", strings.Repeat(" ", size)); a.reason() != "" {
			t.Errorf("the other's: %d %s", a.status, a.reason())
		}
		synctest.Wait()
		if a := w.call("a", "POST", "/Tickets", strings.Repeat(" ", size)); a.reason() != "" {
			t.Errorf("afterwards: %d %s", a.status, a.reason())
		}
		w.untouched()
	})
}

func TestBodiesGoToFilesWhereMemoryIsShort(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		folder string
		size   int
		status int
	}{
		{folder, firstRoom, 200},
		{folder, firstRoom + 20_000, 200},
		{folder, 3 * firstRoom, 200},
		{folder + "/none", firstRoom, 200},
		{folder + "/none", firstRoom + 20_000, 503},
	} {
		t.Setenv("TMPDIR", c.folder)
		inWorld(t, func(w *world) {
			w.shared.shares.mostInMemory = 40_000
			var arrived string
			w.standIn(func(rw http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				arrived = string(b)
				rw.Header().Set("Content-Type", "application/json")
				io.WriteString(rw, "{}")
			})
			body := strings.Repeat("a", c.size)
			if a := w.call("a", "POST", "/Tickets", body); a.status != c.status || a.status == 200 && arrived != body {
				t.Errorf("%+v: %d %s, %d bytes arrived", c, a.status, a.reason(), len(arrived))
			}
			w.untouched()
		})
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("%v, %v are left", err, left)
	}
}

// However much one integration keeps in memory, another's is kept there too.
func TestOneIntegrationTakesAQuarterOfTheMemoryForBodies(t *testing.T) {
	s := newShares()
	a, b := s.enter("a", 10, 0), s.enter("b", 10, 0)
	for range 16 {
		if !a.keep(1 << 20) {
			t.Fatal("less than a quarter is kept")
		}
	}
	if a.keep(1) || !b.keep(1<<20) {
		t.Error("one takes more than a quarter, or from the other")
	}
	a.spilled()
	if !a.keep(1 << 20) {
		t.Error("what went to a file is still counted")
	}
	a.leave()
	b.leave()
	if s.inMemory != 0 || len(s.byName) != 0 {
		t.Errorf("%d bytes, %d integrations", s.inMemory, len(s.byName))
	}
}

// A call that an earlier config let in counts in its integration's share until it ends.
func TestASharesCallsOutliveAReload(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: 1, Only: psatest.SignInCall})
		var first sync.WaitGroup
		first.Go(func() { w.call("a", "GET", "/Tickets/1", "") })
		synctest.Wait()
		w.load()
		w.served("a")
		s := w.shared.shares
		s.mu.Lock()
		n := s.byName["a"].calls
		s.mu.Unlock()
		if n != 1 {
			t.Errorf("%d calls are under way", n)
		}
		held.Release()
		first.Wait()
		synctest.Wait()
		w.untouched()
	})
}

func TestStrangersCannotFillTheLogWhateverTheirAddresses(t *testing.T) {
	inWorld(t, func(w *world) {
		req := func(i int) {
			r := httptest.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
			r.Header.Set("Secret", "none")
			w.g.Identify(httptest.NewRecorder(), r, fmt.Sprintf("192.0.%d.%d", i/256, i%256))
		}
		const line = "a call without a good key"
		for i := range 5_000 {
			req(i)
		}
		if n := strings.Count(w.log.String(), line); n != linesAMinute {
			t.Errorf("%d lines", n)
		}
		time.Sleep(time.Minute)
		req(0)
		req(1)
		log := w.log.String()
		if n := strings.Count(log, line); n != linesAMinute+2 || strings.Count(log, "not_logged_before=") != 1 || !strings.Contains(log, fmt.Sprintf("not_logged_before=%d", 5_000-linesAMinute)) {
			t.Errorf("%d lines, the last: %s", n, log[max(0, len(log)-500):])
		}
	})
}

// A gzip can be made that takes seconds to inflate. An integration inflates one at a time, and none for who has left.
func TestOneBodyOfAnIntegrationIsInflatedAtATime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		k := w.shared.shares.enter("a", 10, DefaultMaxBody)
		defer k.leave()
		done, err := k.inflate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		gzipped := func(ctx context.Context, integration string) (answer, error) {
			var body bytes.Buffer
			z := gzip.NewWriter(&body)
			io.WriteString(z, `{"filter":[]}`)
			z.Close()
			req, _ := http.NewRequestWithContext(ctx, "POST", gatewayURL+"/ATServicesRest/V1.0/Tickets/query", &body)
			req.Header.Set("Secret", w.keys[integration].Reveal())
			req.Header.Set("Content-Encoding", "gzip")
			req.Header.Set("Content-Type", "application/json")
			return w.do(req)
		}
		if a, err := gzipped(context.Background(), "b"); err != nil || a.reason() != "" {
			t.Errorf("the other's: %d %s %v", a.status, a.reason(), err)
		}
		before := w.sim.Requests().Total
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := gzipped(ctx, "a"); err == nil {
			t.Error("answered while another is inflated")
		}
		synctest.Wait()
		if n := w.sim.Requests().Total - before; n != 0 {
			t.Errorf("%d requests reached the PSA for one who has left", n)
		}
		later(time.Second, done)
		if a, err := gzipped(context.Background(), "a"); err != nil || a.reason() != "" {
			t.Errorf("afterwards: %d %s %v", a.status, a.reason(), err)
		}
	})
}
