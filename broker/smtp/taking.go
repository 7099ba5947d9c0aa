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

// lookEvery is how often whoever waits looks for one that hardly moves.
const lookEvery = time.Second

// taking are the mails that are being received. Others wait for their turn: not every program that sends mails comes again when it is
// told to. And where there are as many as may be, one that hardly moves makes room: a few clients that send a byte now and then would
// keep everybody else's mails out.
type taking struct {
	turns chan struct{}
	wait  time.Duration
	mu    sync.Mutex
	now   map[*incoming]bool
}

func newTaking(most int, wait time.Duration) *taking {
	return &taking{turns: make(chan struct{}, most), wait: wait, now: map[*incoming]bool{}}
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

// begin waits for the turn of a mail that is read from r, and which cut ends. It is nil where that does not come.
func (t *taking) begin(r io.Reader, cut func()) *incoming {
	over := time.NewTimer(t.wait)
	defer over.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for t.makeRoom(); ; {
		select {
		case t.turns <- struct{}{}:
			i := &incoming{Reader: r, since: time.Now(), cut: cut}
			t.mu.Lock()
			defer t.mu.Unlock()
			t.now[i] = true
			return i
		case <-look.C:
			t.makeRoom()
		case <-over.C:
			return nil
		}
	}
}

// makeRoom ends one that hardly moves, where none is free.
func (t *taking) makeRoom() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.now {
		if len(t.now) == cap(t.turns) && i.slow(time.Now()) {
			i.cut()
			return
		}
	}
}

func (t *taking) end(i *incoming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.now, i)
	<-t.turns
}
