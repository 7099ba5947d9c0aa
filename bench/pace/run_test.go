package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPercentilesAreNearestRanks(t *testing.T) {
	var sorted []time.Duration
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1)*time.Millisecond)
	}
	for n, want := range map[int]float64{0: 1, 50: 100, 99: 198, 100: 200} {
		if got := percentile(sorted, n); got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
	if percentile(nil, 99) != 0 || percentile(sorted[:1], 99) != 1 {
		t.Error("of none and of one")
	}
}

// paced makes calls at a server at a rate for as long as it takes for 100.
func paced(t *testing.T, body string, answer http.HandlerFunc) result {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	dir := t.TempDir()
	s := settings{address: strings.TrimPrefix(server.URL, "http://"), method: "POST", path: "/x", callers: filepath.Join(dir, "callers"), rate: 1000, counted: 100 * time.Millisecond, most: 50}
	if body != "" {
		s.body = filepath.Join(dir, "body")
	}
	for path, text := range map[string]string{s.callers: "a 1 YTox\nb 2 Yjoy\n", s.body: body} {
		if path != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCallersTakeTurnsWhateverFormTheAnswerHas(t *testing.T) {
	var calls [2]atomic.Int64
	r := paced(t, `{"a":1}`, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 100)
		n, _ := r.Body.Read(buf)
		switch user, secret := r.Header.Get("UserName"), r.Header.Get("Secret"); {
		case string(buf[:n]) != `{"a":1}`:
			http.Error(w, "the body", http.StatusBadRequest)
		case user == "a" && secret == "1":
			if calls[0].Add(1)%2 == 0 {
				w.(http.Flusher).Flush() // chunked
			}
			_, _ = w.Write([]byte("x"))
		case user == "b" && secret == "2":
			calls[1].Add(1)
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Error(w, "who?", http.StatusUnauthorized)
		}
	})
	if r.Failed != 0 || r.Calls != 100 || r.Error != "" || calls[0].Load() != 50 || calls[1].Load() != 50 || r.P50 <= 0 || r.P99 < r.P50 || r.Max < r.P99 {
		t.Errorf("%+v", r)
	}
}

func TestAnAnswerThatIsNo2xxIsAFailureWithItsWords(t *testing.T) {
	var n atomic.Int64
	r := paced(t, "", func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 10:
			w.Header().Set("Psagate-Reason", "queue-full")
			http.Error(w, "too many", http.StatusServiceUnavailable)
		case 20:
			panic(http.ErrAbortHandler)
		}
	})
	if r.Failed != 2 || r.Calls != 98 || !strings.Contains(r.Error, "503 Service Unavailable queue-full: too many") && !strings.Contains(r.Error, "EOF") {
		t.Errorf("%+v", r)
	}
}

func TestASOAPCallHasItsActionAndItsCallerByBasic(t *testing.T) {
	head := string(settings{method: "POST", path: "/x", address: "h", body: "b", operation: "query"}.head("a", "1", "YTox", 9))
	for _, line := range []string{"Authorization: Basic YTox\r\n", "SOAPAction: \"http://autotask.net/ATWS/v1_6/query\"\r\n", "Content-Type: text/xml; charset=utf-8\r\n", "Content-Length: 9\r\n\r\n"} {
		if !strings.Contains(head, line) {
			t.Errorf("no %q in %q", line, head)
		}
	}
}

func TestWithoutCallersThereIsNoRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "callers")
	if _, err := (settings{callers: path}).run(); err == nil {
		t.Error("no file")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (settings{callers: path}).run(); err == nil {
		t.Error("an empty file")
	}
}
