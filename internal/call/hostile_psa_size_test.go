package call

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// swallow makes a call and throws its answer away as it comes, at most limit bytes of it. It returns how much came, and how
// much memory was in use at most meanwhile, above what it was before.
func (w *world) swallow(method, path, acceptEncoding string, limit int64) (got int64, grown uint64, err error) {
	req, _ := http.NewRequestWithContext(context.Background(), method, gatewayURL+"/ATServicesRest/V1.0"+path, strings.NewReader("{}"))
	req.Header.Set("Secret", w.keys["a"].Reveal())
	if acceptEncoding != "" {
		req.Header.Set("Accept-Encoding", acceptEncoding)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	for got < limit {
		n, err := io.CopyN(io.Discard, resp.Body, 2<<20)
		got += n
		runtime.GC()
		runtime.ReadMemStats(&m)
		grown = max(grown, m.HeapAlloc-min(before, m.HeapAlloc))
		if err != nil {
			return got, grown, err
		}
	}
	return got, grown, nil
}

// A body of kilobytes that inflates to gigabytes streams by in memory that does not grow, and so does one without an end;
// what the caller leaves unread stays unread.
func TestABodyOfAnySizeStreamsInFlatMemory(t *testing.T) {
	const size, limit = 32 << 20, 16 << 20 // twice and more of what may be in use
	packed := bomb(size)
	for name, c := range map[string]struct {
		path, accept string
		fault        psatest.Fault
	}{
		"a query that inflates":              {"/Companies/query", "gzip", psatest.Fault{At: psatest.Received, Change: psatest.GzipBomb(size)}},
		"a query without an end":             {"/Companies/query", "", psatest.Fault{At: psatest.Judged, Then: psatest.EndlessBody, Body: `{"items":[],"more":"x"`}},
		"a query of one string":              {"/Companies/query", "", psatest.Fault{At: psatest.Judged, Then: psatest.EndlessBody, Header: http.Header{"Content-Type": {"application/json"}}, Body: `xxxxxxxx`}},
		"an error without an end":            {"/Companies", "", psatest.Fault{At: psatest.Judged, Then: psatest.EndlessBody, Status: 500, Body: `old-passwor`}},
		"a record without an end":            {"/Companies", "", psatest.Fault{At: psatest.Judged, Then: psatest.EndlessBody, Body: `{"item":"`}},
		"an error that inflates":             {"/Companies", "gzip", psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 500, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: packed}},
		"an error that inflates unannounced": {"/Companies", "", psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 404, Body: packed}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.served("a")
				c.fault.Path = "/Companies"
				order := w.sim.Fault(c.fault)
				got, grown, err := w.swallow("POST", c.path, c.accept, limit)
				if err != nil && err != io.EOF || got == 0 || grown > 8<<20 {
					t.Errorf("%d bytes, %d more in use, error %v", got, grown, err)
				}
				order.Release()
				synctest.Wait()
				time.Sleep(2 * time.Minute)
				w.served("a")
				w.safeNow()
			})
		})
	}
}

// bomb is size blanks in gzip.
func bomb(size int) string {
	return zipped(strings.Repeat(" ", size))
}

// What comes with an answer and is none of it may not reach another caller as his. (What comes so late that the next request
// is on its way already cannot be told from its answer: HTTP/1.1 has no names for answers.)
func TestAnAnswerTooManyIsNobodys(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		var n atomic.Int64
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			mine, stray := fmt.Sprintf(`{"item":{"id":%s}}`, id), fmt.Sprintf(`{"item":{"stray":%d}}`, n.Add(1))
			var both strings.Builder
			for _, body := range []string{mine, stray} {
				fmt.Fprintf(&both, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
			_, _ = io.WriteString(conn, both.String())
			_, _ = io.Copy(io.Discard, conn)
		})
		time.Sleep(time.Minute) // kept connections to the real zone are closed by now
		var strays sync.Map
		said := newTally()
		parallel(30, func(i int) {
			for j := range 30 {
				id := i*100 + j
				a, err := w.try(context.Background(), []string{"a", "b"}[i%2], "GET", fmt.Sprintf("/Tickets/%d", id), "")
				said.add(a, err)
				if a.status == 200 && a.body != fmt.Sprintf(`{"item":{"id":%d}}`, id) {
					strays.Store(id, a.body)
				}
			}
		})
		said.all(t, "200", "502 upstream-unreachable", "503 gate-shut", "503 budget-spent", "503 queue-deadline")
		strays.Range(func(id, body any) bool {
			t.Errorf("the call for %v got %v", id, body)
			return true
		})
	})
}
