package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Why a line is not written.
var (
	// ErrClosed: the Writer was closed.
	ErrClosed = errors.New("the audit log is closed")
	// ErrFull: so many lines wait for the disk that no more may.
	ErrFull = errors.New("too many audit lines wait to be written")
	// ErrNotWritten: the line could not be written, or not in time. What went wrong is wrapped beside it.
	ErrNotWritten = errors.New("the audit line is not on disk")

	errHangs = errors.New("the output hangs: a write to it, or a sync, does not come to an end")
)

// item is an entry on its way. done is nil where nobody waits for it.
type item struct {
	entry Entry
	done  chan written
	size  int
}

// written is what became of an entry.
type written struct {
	seq uint64
	err error
}

// Writer writes the lines of one chain. Its methods may be called by any number of callers at once; lines are in the order in
// which it got them.
type Writer struct {
	config Config
	began  time.Time
	wake   chan struct{} // there is something to write; holds one
	give   chan struct{} // closed when Close gives up, by giveUp
	ended  chan struct{} // closed when all is written that will be
	anchor *anchorer
	giveUp func()
	demand atomic.Bool // lines are required

	mu      sync.Mutex
	queue   []item
	size    int  // of the queue
	urgent  bool // somebody waits for a line of the queue
	closing bool
	lost    uint64 // entries that no line tells of yet
	lostAll uint64
	trouble error
	head    Head
}

// New begins a chain, whose first line is written at once.
func New(c Config) (*Writer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := &Writer{
		config: c.withDefaults(), began: time.Now(), wake: make(chan struct{}, 1), give: make(chan struct{}), ended: make(chan struct{}),
	}
	w.demand.Store(c.Required)
	w.anchor = newAnchorer(w.config)
	w.giveUp = sync.OnceFunc(func() { close(w.give); w.anchor.stop() })
	p := newPress(w)
	w.head = Head{Chain: p.sealer.chain, Host: w.config.Host, Key: c.Key.ID}
	go w.anchor.run()
	go p.run()
	return w, nil
}

// Require says from now on whether the log is required: Config.Required is what it was at first. What is under way goes on as it
// began. The error is that of New, and changes nothing.
func (w *Writer) Require(required bool) error {
	c := w.config
	c.Required = required
	if err := c.check(); err != nil {
		return err
	}
	w.demand.Store(required)
	return nil
}

func newChain() string { return rand.Text()[:16] }

// Append writes an entry. Where the log is required it returns once the line is on disk, and an error means that what the entry
// tells of must not be done; the line may be there all the same, and is without an outcome then. Where it is not required Append never waits, and an error means
// that the entry is lost.
func (w *Writer) Append(ctx context.Context, e Entry) error {
	_, err := w.append(ctx, e)
	return err
}

func (w *Writer) append(ctx context.Context, e Entry) (seq uint64, err error) {
	if !w.demand.Load() {
		return 0, w.take(item{entry: e})
	}
	if err := context.Cause(ctx); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotWritten, err)
	}
	done := make(chan written, 1)
	if err := w.take(item{entry: e, done: done}); err != nil {
		return 0, err
	}
	select {
	case d := <-done:
		return d.seq, d.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrNotWritten, context.Cause(ctx))
	}
}

// Note writes an entry that nothing depends on, and never waits: an outcome, or an event that cannot be undone. One that is lost
// is counted in the log.
func (w *Writer) Note(e Entry) { _ = w.take(item{entry: e}) }

// take takes an item in, or says why not. One that nobody waits for is lost then.
func (w *Writer) take(i item) error {
	i.size = i.entry.bound()
	w.mu.Lock()
	err := w.room(i.size)
	if err != nil {
		first := i.done == nil && w.lose(1)
		w.mu.Unlock()
		if first {
			w.config.Told(Trouble{What: EntriesLost, Err: err})
		}
		return err
	}
	i.entry.Time, i.entry.Up = w.config.Now(), time.Since(w.began)
	w.queue, w.size = append(w.queue, i), w.size+i.size
	w.urgent = w.urgent || i.done != nil
	stir := len(w.queue) == 1 || w.hurried()
	w.mu.Unlock()
	if stir {
		w.stir()
	}
	return nil
}

// lose counts lost entries, with mu held. first: they are the first that no line tells of.
func (w *Writer) lose(n int) (first bool) {
	first = w.lost == 0
	w.lost += uint64(n)
	w.lostAll += uint64(n)
	return first
}

// hurried reports, with mu held, whether what waits is to be written without waiting for more.
func (w *Writer) hurried() bool { return w.urgent || w.closing || 2*len(w.queue) >= w.config.Queue }

// room says, with mu held, why nothing of that size is taken in.
func (w *Writer) room(size int) error {
	switch {
	case w.closing:
		return ErrClosed
	case len(w.queue) < w.config.Queue && w.size+size <= maxWaiting:
		return nil
	case w.trouble != nil:
		return fmt.Errorf("%w: %w", ErrFull, w.trouble)
	}
	return ErrFull
}

// stir wakes whoever writes.
func (w *Writer) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Close writes what waits and the chain's last line, and anchors it. The error says that not all of that was done before the
// context ended. Whatever comes later is lost.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.stir()
	select {
	case <-w.ended:
	case <-ctx.Done():
		w.giveUp()
		return fmt.Errorf("%w: %w", ErrNotWritten, context.Cause(ctx))
	}
	if err := w.anchor.close(ctx); err != nil {
		return err
	}
	return w.Status().Err
}

// Status is how a Writer is.
type Status struct {
	// Head is how far the chain is surely on disk, Anchored how far it is anchored.
	Head, Anchored Head
	// Waiting is how many lines wait, Lost how many entries were lost since the chain began.
	Waiting int
	Lost    uint64
	// Err is why nothing can be written now; AnchorErr why nothing is anchored.
	Err, AnchorErr error
}

// Status returns how the Writer is.
func (w *Writer) Status() Status {
	w.mu.Lock()
	s := Status{Head: w.head, Waiting: len(w.queue), Lost: w.lostAll, Err: w.trouble}
	w.mu.Unlock()
	s.Anchored, s.AnchorErr = w.anchor.status()
	return s
}
