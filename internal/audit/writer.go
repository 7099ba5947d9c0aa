package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
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
)

// Syncer is an output that can be told to put on disk what was written, as *os.File is.
type Syncer interface{ Sync() error }

// Config is how a Writer writes.
type Config struct {
	// Output takes lines: whole ones, up to 512 KiB in one Write, by one caller at a time. One that rotates files must do so
	// between two Writes. If it is a Syncer, it is synced before anything is promised.
	Output io.Writer
	// Required: Append and Begin return only once the line is on disk. Output must be a Syncer.
	Required bool
	// Key chains the lines.
	Key Key
	// Host names the replica for as long as its files live; Process names this process. Both are bounded by MaxName.
	Host, Process string
	// Former is the head of the host's chain before, where it is known: see LastOf.
	Former *Head
	// Anchors take the chain's heads; nil: nobody does.
	Anchors Anchors
	// AnchorLines and AnchorEvery are how many lines, and how much time, may pass between a line and an anchor beyond it.
	// Defaults: 1000 and 1s.
	AnchorLines int
	AnchorEvery time.Duration
	// Queue is how many lines may wait, of at most 32 MiB together. Default: 8192.
	Queue int
	// Told is told of trouble and of its end. It must be quick, and must not call the Writer. nil: nobody is.
	Told func(Trouble)
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
}

// The defaults of a Config, and what is the same for all.
const (
	DefaultAnchorLines = 1000
	DefaultAnchorEvery = time.Second
	DefaultQueue       = 8192

	// gather is how long a line that nobody waits for may wait for others, so that they are written at once.
	gather = 20 * time.Millisecond
	// maxBatch is how many bytes are gathered for one Write, the last line apart.
	maxBatch = 256 << 10
	// The first and the longest pause after a Write that failed.
	firstPause, longestPause = 50 * time.Millisecond, 5 * time.Second
	// maxWaiting is how many bytes may wait.
	maxWaiting = 32 << 20
	// putTime is how long the anchors may take.
	putTime = 5 * time.Second
)

// Trouble is something that an operator should know at once.
type Trouble struct {
	// What went wrong, or is well again.
	What TroubleKind
	// Err is why; nil where it is well again.
	Err error
	// Lost is how many entries are not in the log.
	Lost uint64
}

// TroubleKind is a kind of trouble.
type TroubleKind string

// The kinds of trouble.
const (
	// WriteFailed: the output takes no lines; Written: it does again.
	WriteFailed TroubleKind = "write-failed"
	Written     TroubleKind = "written"
	// EntriesLost: entries are not in the log. It is told at the first of them, with Lost 0, and when their number is known.
	EntriesLost TroubleKind = "entries-lost"
	// AnchorFailed: heads are not anchored, so the tail that could be cut off unseen grows; Anchored: they are again.
	AnchorFailed TroubleKind = "anchor-failed"
	Anchored     TroubleKind = "anchored"
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
	w.anchor = newAnchorer(w.config)
	w.giveUp = sync.OnceFunc(func() { close(w.give); w.anchor.stop() })
	p := newPress(w)
	w.head = Head{Chain: p.sealer.chain, Host: w.config.Host, Key: c.Key.ID}
	go w.anchor.run()
	go p.run()
	return w, nil
}

func (c Config) check() error {
	if c.Output == nil {
		return errors.New("the audit log has no output")
	}
	if _, ok := c.Output.(Syncer); c.Required && !ok {
		return errors.New("the audit log is required, but its output cannot be put on disk: give it a file")
	}
	return c.Key.check()
}

func (c Config) withDefaults() Config {
	c.AnchorLines = max(c.AnchorLines, 0)
	if c.AnchorLines == 0 {
		c.AnchorLines = DefaultAnchorLines
	}
	if c.AnchorEvery <= 0 {
		c.AnchorEvery = DefaultAnchorEvery
	}
	if c.Queue <= 0 {
		c.Queue = DefaultQueue
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Told == nil {
		c.Told = func(Trouble) {}
	}
	for _, name := range []*string{&c.Host, &c.Process} {
		if len(*name) > MaxName {
			*name = cut(*name, MaxName)
		}
	}
	return c
}

func newChain() string { return rand.Text()[:16] }

// Append writes an entry. Where the log is required it returns once the line is on disk, and an error means that what the entry
// tells of must not be done; the line may be there all the same. Where it is not required Append never waits, and an error means
// that the entry is lost.
func (w *Writer) Append(ctx context.Context, e Entry) error {
	_, err := w.append(ctx, e)
	return err
}

func (w *Writer) append(ctx context.Context, e Entry) (seq uint64, err error) {
	if !w.config.Required {
		return 0, w.take(item{entry: e})
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
