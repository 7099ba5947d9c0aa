package smtp

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// What a mail must not be while others wait: after slowAfter, it has come with fewer than slowest bytes a second.
const (
	slowAfter = 10 * time.Second
	slowest   = 4 << 10
)

// taking are the mails that are being received. Where there are as many as may be, one that hardly moves makes room: a few clients that
// send a byte now and then would keep everybody else's mails out.
type taking struct {
	most int
	mu   sync.Mutex
	now  map[*incoming]bool
}

// incoming is a mail that is being received.
type incoming struct {
	io.Reader
	since time.Time
	came  atomic.Int64
	here  atomic.Bool // all of it, and it is being kept
	cut   func()
}

func (i *incoming) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	i.came.Add(int64(n))
	return n, err
}

// slow tells whether it hardly moves.
func (i *incoming) slow(now time.Time) bool {
	took := now.Sub(i.since)
	return took > slowAfter && !i.here.Load() && i.came.Load() < int64(took.Seconds()*slowest)
}

// begin makes room for a mail that is read from r, and which cut ends. It is nil where there is none; then there may be soon.
func (t *taking) begin(r io.Reader, cut func()) *incoming {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if len(t.now) < t.most {
		i := &incoming{Reader: r, since: now, cut: cut}
		t.now[i] = true
		return i
	}
	for i := range t.now {
		if i.slow(now) {
			i.cut()
			break
		}
	}
	return nil
}

func (t *taking) end(i *incoming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.now, i)
}
