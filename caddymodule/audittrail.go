package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
)

// auditing is the audit log of the config that is in force, as lent to that config: one of before may have been lent the same, and
// its end is not the end of this. nil: it has none.
var auditing atomic.Pointer[lentTrail]

// trail is an audit log. It outlives configs, as a chain does: those that name the same output share it, and a call writes to the
// log of the config that admitted it, to the call's end.
type trail struct {
	key, name string // of the output: what tells it apart, and what people call it
	log       *slog.Logger
	after     *trail                       // has the output still; nil: nobody
	writer    atomic.Pointer[audit.Writer] // nil until the key is known that chains its lines
	required  atomic.Bool
	ready     chan struct{} // closed once there is a writer
	ending    chan struct{} // closed once nobody uses it any more
	over      chan struct{} // closed once the output is closed

	uses, calls int // configs, and calls under way: guarded by the trails' mutex

	mu    sync.Mutex
	to    *outlet       // nil: not open
	early []audit.Entry // what came before there was a writer
	lost  int           // and found no room there
}

// earlyMost is how many entries wait for the key.
const earlyMost = 4096

// auditPatience is how long a call waits until its line is on disk.
const auditPatience = 10 * time.Second

// trails are the audit logs that are open, or will be, by their output.
var trails = struct {
	mu   sync.Mutex
	of   map[string]*trail
	ends sync.WaitGroup
}{of: make(map[string]*trail)}

// output is where a config wants its lines.
type output struct {
	caddy.WriterOpener
	settings string
	required bool
}

// lentTrail is an audit log, for as long as a config uses it.
type lentTrail struct {
	*trail
	out  output
	left sync.Once
}

// takeTrail returns the audit log of an output. It opens nothing.
func takeTrail(o output) *lentTrail {
	trails.mu.Lock()
	defer trails.mu.Unlock()
	key := o.WriterKey()
	t := trails.of[key]
	if t == nil || t.isEnding() {
		t = &trail{
			key: key, name: o.String(), log: slog.New(currentLog{}), after: t,
			ready: make(chan struct{}), ending: make(chan struct{}), over: make(chan struct{}),
		}
		trails.of[key] = t
	}
	t.uses++
	return &lentTrail{trail: t, out: o}
}

func (t *trail) isEnding() bool {
	select {
	case <-t.ending:
		return true
	default:
		return false
	}
}

// leave ends a config's use.
func (l *lentTrail) leave() { l.left.Do(func() { l.count(-1, 0) }) }

// Enter implements call.Auditor.
func (t *trail) Enter() { t.count(0, 1) }

// Leave implements call.Auditor.
func (t *trail) Leave() { t.count(0, -1) }

// count counts those who use it. The last one's leaving ends it.
func (t *trail) count(uses, calls int) {
	trails.mu.Lock()
	defer trails.mu.Unlock()
	t.uses, t.calls = t.uses+uses, t.calls+calls
	if t.uses == 0 && (t.calls == 0 || caddy.Exiting()) {
		t.finish()
	}
}

// finish ends it, once. Called with the trails' mutex held.
func (t *trail) finish() {
	if !t.isEnding() {
		close(t.ending)
		trails.ends.Go(t.end)
	}
}

// end writes what is to be written, and closes the output.
func (t *trail) end() {
	defer close(t.over)
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.writer.Load(); w != nil {
		ctx, cancel := context.WithTimeout(context.Background(), auditPatience)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.log.Error("the audit log was not closed in order", "output", t.name, "error", err)
		}
	}
	if t.to != nil {
		if err := t.to.Close(); err != nil {
			t.log.Error("closing the audit log's output", "output", t.name, "error", err)
		}
	}
	trails.mu.Lock()
	defer trails.mu.Unlock()
	if trails.of[t.key] == t {
		delete(trails.of, t.key)
	}
}

// endTrails closes the audit logs that are open, as the process ends.
func endTrails() {
	trails.mu.Lock()
	for _, t := range trails.of {
		t.finish()
	}
	trails.mu.Unlock()
	trails.ends.Wait()
}

// start opens the output, unless it is open, and has lines written once their key is known.
func (l *lentTrail) start() error {
	t := l.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.after != nil {
		<-t.after.over
		t.after = nil
	}
	if t.to == nil {
		to, err := openOutlet(l.out)
		if err != nil {
			return fmt.Errorf("the audit log cannot be written to %s: %w", t.name, err)
		}
		t.to = to
		t.required.Store(l.out.required)
		go t.begin(to)
	}
	if l.out.required && !t.to.syncs() {
		return fmt.Errorf("what is written to %s cannot be put on disk before a call is made: the audit log cannot be required", t.name)
	}
	return nil
}

// commit applies a config's settings.
func (l *lentTrail) commit() {
	t := l.trail
	t.required.Store(l.out.required)
	if w := t.writer.Load(); w != nil {
		_ = w.Require(l.out.required) // start has seen that it can be
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to == nil {
		return // start was not called: a test's
	}
	if err := t.to.renew(l.out); err != nil {
		t.log.Error("the audit log's output goes on with the settings that it had", "output", t.name, "error", err)
	}
}

// begin begins the chain, once the store is open.
func (t *trail) begin(to *outlet) {
	f := ground()
	select {
	case <-f.opened:
	case <-t.ending:
		return
	}
	w, err := audit.New(t.config(f, to))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.log.Error("the audit log cannot be begun", "output", t.name, "error", err)
		return
	case t.isEnding():
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // its output is closed
		_ = w.Close(ctx)
		return
	}
	_ = w.Require(t.required.Load())
	for _, e := range t.early {
		w.Note(e)
	}
	if t.lost > 0 {
		t.log.Error("lines of the audit log are lost: too much happened before the store was open", "output", t.name, "lost", t.lost)
	}
	t.early = nil
	t.writer.Store(w)
	close(t.ready)
}

func (t *trail) config(f *foundation, to *outlet) audit.Config {
	c := audit.Config{
		Output: to.asOutput(), Required: t.required.Load(), Key: f.auditKeys()[0], Host: t.host(), Process: processName(),
		Anchors: f.store.Anchors(), AnchorLines: math.MaxInt, Told: t.told,
	}
	ctx, cancel := context.WithTimeout(context.Background(), auditPatience)
	defer cancel()
	heads, err := c.Anchors.Heads(ctx)
	if err != nil {
		t.log.Error("what the audit log's last line was before this process is not known", "error", err)
	}
	if last, ok := audit.LastOf(heads, c.Host); ok {
		c.Former = &last
	}
	return c
}

// host names this machine's log of that output: two on one machine are two.
func (t *trail) host() string {
	sum := sha256.Sum256([]byte(caddy.AppDataDir() + " " + t.key))
	host := hostName()
	return host[:min(len(host), audit.MaxName-9)] + "/" + hex.EncodeToString(sum[:4])
}

func hostName() string {
	host, _ := os.Hostname()
	return host
}

func processName() string { return fmt.Sprintf("%s/%d", hostName(), os.Getpid()) }

// told tells the operator.
func (t *trail) told(what audit.Trouble) {
	switch what.What {
	case audit.WriteFailed:
		t.log.Error("the audit log cannot be written", "output", t.name, "required", t.required.Load(), "error", what.Err)
	case audit.EntriesLost:
		t.log.Error("lines of the audit log are lost", "output", t.name, "lost", what.Lost, "error", what.Err)
	case audit.AnchorFailed:
		t.log.Error("the audit log's last line cannot be anchored in the store: what is written from now on can be cut off unseen", "output", t.name, "error", what.Err)
	case audit.Written:
		t.log.Info("the audit log is written again", "output", t.name)
	case audit.Anchored:
		t.log.Info("the audit log's last line is anchored again", "output", t.name)
	}
}

var _ call.Auditor = (*trail)(nil)
