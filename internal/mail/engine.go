package mail

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
)

// Engine runs mailboxes. Its methods may be called at any time by any number of callers.
type Engine struct {
	books   ledger.Ledger
	log     *slog.Logger
	watcher Watcher
	atHand  drive.AtHand  // of all mailboxes: what they keep in memory has one bound
	hurry   chan struct{} // Hasten was called

	mu      sync.Mutex
	boxes   map[string]*box  // by name
	doors   map[string]*door // by place
	places  map[string]*addresses
	keeper  *running
	monitor *running
	hurrier *running
	ending  []*running // what was stopped
	stopped bool
}

// New is an engine that runs nothing yet. The watcher is told what happens; nil for nobody.
func New(books ledger.Ledger, log *slog.Logger, watcher Watcher) *Engine {
	if watcher == nil {
		watcher = nobody{}
	}
	return &Engine{books: books, log: log, watcher: watcher, hurry: make(chan struct{}, 1), boxes: map[string]*box{}, doors: map[string]*door{}, places: map[string]*addresses{}}
}

// Use runs what a config has, and nothing else, from now on. It waits for nothing.
func (e *Engine) Use(c Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		c.Close()
		return
	}
	named := map[string]bool{}
	for _, m := range c.Mailboxes {
		named[m.name()] = true
		b := e.boxes[m.name()]
		if b == nil {
			b = newBox(e, m.name())
			e.boxes[m.name()] = b
		}
		b.use(m)
	}
	for name, b := range e.boxes {
		if !named[name] {
			e.end(b)
			delete(e.boxes, name)
		}
	}
	for _, d := range c.Doors {
		if e.places[d.Place] == nil {
			e.places[d.Place] = new(addresses)
		}
	}
	for place, a := range e.places { // also where a door is closing
		a.use(place, e.boxes)
	}
	e.openDoors(c.Doors)
	e.sweepEnded()
	if e.keeper == nil && len(e.boxes) > 0 {
		e.keeper = run(nil, e.log, "the forgetting of mails", e.forget)
		e.monitor = run(nil, e.log, "the watch over mailboxes", e.watch)
		e.hurrier = run(nil, e.log, "the hastening of mails", e.hasten)
	}
	e.Hasten() // another config may have what they wait for
}

// Close gives back what a config holds that was not used.
func (c Config) Close() {
	for _, m := range c.Mailboxes {
		call(m.CloseIMAP)
		call(m.Close)
	}
}

// openDoors opens the doors of a config, and closes the others, whose clients have their time to end. Each has the settings of
// its config, so all are opened anew: Door.Listen knows how to listen where somebody still does.
func (e *Engine) openDoors(doors []*Door) {
	for _, d := range e.doors {
		d.stop()
		e.ending = append(e.ending, d.running)
	}
	e.doors = map[string]*door{}
	for _, d := range doors {
		opened := &door{Door: d, books: e.books, log: e.log.With("smtp", d.Place), addresses: e.places[d.Place]}
		opened.running = run(nil, opened.log, "the intake of mails", opened.serve)
		e.doors[d.Place] = opened
	}
}

// end stops a mailbox.
func (e *Engine) end(b *box) {
	if b.reader != nil {
		e.ending = append(e.ending, b.reader.running)
	}
	for _, r := range []*running{b.worker, b.beside} {
		if r != nil {
			e.ending = append(e.ending, r)
		}
	}
	b.stop()
}

// sweepEnded forgets what has ended.
func (e *Engine) sweepEnded() {
	e.ending = slices.DeleteFunc(e.ending, func(r *running) bool {
		select {
		case <-r.done:
			return true
		default:
			return false
		}
	})
}

// Stop begins to end everything, for good: no mail is begun with any more, and none comes in. What is under way goes on.
func (e *Engine) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	for _, b := range e.boxes {
		e.end(b)
	}
	e.openDoors(nil)
	for _, r := range []*running{e.keeper, e.monitor, e.hurrier} {
		if r != nil {
			r.stop()
			e.ending = append(e.ending, r)
		}
	}
}

// Wait waits, after Stop, until all has ended that was under way.
func (e *Engine) Wait(ctx context.Context) error {
	e.mu.Lock()
	ending := slices.Clone(e.ending)
	e.mu.Unlock()
	for _, r := range ending {
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Names are those of the mailboxes.
func (e *Engine) Names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.boxes))
}

// Mailbox is the one of a name, as it is used now, for those who ask what would become of a mail.
func (e *Engine) Mailbox(name string) (*Mailbox, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.boxes[name]
	if b == nil {
		return nil, false
	}
	return b.mailbox, true
}

// Wake has a mailbox's mails looked at now, and its mail server: somebody has moved one, or put right what was wrong.
func (e *Engine) Wake(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.boxes[name]; b != nil {
		b.wake()
		if b.reader != nil {
			b.reader.wakes()
		}
	}
}
