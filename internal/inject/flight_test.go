package inject

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

// counted is a context that counts what waits for its end.
type counted struct {
	context.Context
	done    chan struct{}
	waiting atomic.Int32
}

func newCounted() *counted { return &counted{Context: context.Background(), done: make(chan struct{})} }

func (c *counted) Done() <-chan struct{} { return c.done }

// AfterFunc is what the package context asks for.
func (c *counted) AfterFunc(func()) (stop func() bool) {
	c.waiting.Add(1)
	var stopped atomic.Bool
	return func() bool {
		if stopped.CompareAndSwap(false, true) {
			c.waiting.Add(-1)
			return true
		}
		return false
	}
}

// during is a license that lasts as long as a context.
type during struct{ ctx context.Context }

func (d during) May() bool { return d.ctx.Err() == nil }

func (d during) During(uint64) (context.Context, bool) { return d.ctx, d.May() }

// hangsUpAfter returns the address of a server that gives each connection this answer, after which it closes it.
func hangsUpAfter(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_ = r.Body.Close()
				_, _ = io.WriteString(c, answer)
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// A caller's context lasts as long as its connection's request, and the process's as long as the process: what waits for
// their end must not outlive a call.
func TestNothingOfACallIsLeftInItsContexts(t *testing.T) {
	const head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	for name, c := range map[string]struct {
		answer  string
		verdict guard.Verdict
		read    bool
	}{
		"an answer":                  {fmt.Sprintf(head, "200 OK", 2, "{}"), guard.Accepted, true},
		"one that is not read":       {fmt.Sprintf(head, "200 OK", 2, "{}"), guard.Accepted, false},
		"one that is cut off":        {fmt.Sprintf(head, "200 OK", 9, "{}"), guard.Accepted, true},
		"one that is judged by text": {fmt.Sprintf(head, "500 Internal Server Error", 17, `{"errors":["no"]}`), guard.Neutral, true},
		"no answer":                  {"", guard.NoAnswer, true},
		"one that is none":           {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", guard.NoAnswer, true},
	} {
		process, caller := newCounted(), newCounted()
		w, base := wireTo(t, hangsUpAfter(t, c.answer))
		w.license = during{process}
		res := w.Send(caller, Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
		if res.Verdict != c.verdict {
			t.Errorf("%s: verdict %v, error %v", name, res.Verdict, res.Err)
		}
		if res.Response != nil {
			if process.waiting.Load() != 1 || caller.waiting.Load() != 1 {
				t.Errorf("%s: while it is read %d wait for the process's end and %d for the caller's: want one each", name, process.waiting.Load(), caller.waiting.Load())
			}
			if c.read {
				_, _ = io.Copy(io.Discard, res.Response.Body)
			}
			_ = res.Response.Body.Close()
		}
		if process.waiting.Load() != 0 || caller.waiting.Load() != 0 {
			t.Errorf("%s: %d still wait for the process's end, %d for the caller's", name, process.waiting.Load(), caller.waiting.Load())
		}
	}
}
