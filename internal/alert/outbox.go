package alert

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// Sender brings an alert to somebody.
type Sender interface {
	// Send tries once. Its error is a [Permanent] where trying again would be in vain, and a [Partial] where some got it; it
	// shows no secret.
	Send(ctx context.Context, a report.Alert) error
}

// Target is somebody who is told.
type Target struct {
	// Kind is the word of the config: webhook or mail.
	Kind string
	// Name says who it is, in logs and reports. It holds no secret.
	Name string
	// Key tells it from others over configs. It holds no secret.
	Key string
	// On are the states that it is told of; none: all.
	On []report.AlertState
	Sender
	// Close gives back what the target holds, once nothing is sent to it any more; nil: it holds nothing.
	Close func()
}

// Permanent is the error of an alert that is not tried again.
type Permanent struct{ error }

// Unwrap returns what went wrong.
func (p Permanent) Unwrap() error { return p.error }

// Partial is the error of an alert that some of its readers did not get.
type Partial struct{ error }

// Unwrap returns what went wrong.
func (p Partial) Unwrap() error { return p.error }

const (
	// boxSize is how many alerts may wait for one target; of more the oldest are dropped, for the newest say what is so.
	boxSize = 64
	// tries is how often an alert is sent that does not arrive; with the pauses between them that takes a quarter of an hour.
	tries = 10
	// firstPause is the one after the first try; each is twice the one before.
	firstPause = 2 * time.Second
)

// outbox holds the alerts for one target and sends them, one after the other.
type outbox struct {
	d     *Dispatcher
	retry chan struct{} // somebody has changed the target: try at once

	mu      sync.Mutex
	target  *lease
	left    bool // no config has the target any more
	waiting []report.Alert
	idle    chan struct{} // closed while nothing waits
	failing bool          // it was logged that alerts do not arrive
}

// lease is a target that is closed once nothing is sent to it any more.
type lease struct {
	Target
	sending int
	over    bool
}

// giveBack closes what nobody needs any more. Called with the outbox's mutex held.
func (l *lease) giveBack() {
	if l.over && l.sending == 0 && l.Close != nil {
		go l.Close() // it may take its time, and callers wait for the mutex
		l.Close = nil
	}
}

func newOutbox(d *Dispatcher, t Target) *outbox {
	box := &outbox{d: d, target: &lease{Target: t}, idle: make(chan struct{}), retry: make(chan struct{}, 1)}
	close(box.idle)
	return box
}

// wanted are those changes that the target is told of. A recovery is told to whom one of what it ended was.
func (b *outbox) wanted(all []report.AlertChange) (some []report.AlertChange) {
	b.mu.Lock()
	on := b.target.On
	b.mu.Unlock()
	hears := func(state report.AlertState) bool { return len(on) == 0 || slices.Contains(on, state) }
	for _, c := range all {
		if hears(c.State) && (len(c.After) == 0 || slices.ContainsFunc(c.After, hears)) {
			some = append(some, c)
		}
	}
	return some
}

// put adds an alert.
func (b *outbox) put(a report.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.d.stopped.Err() != nil {
		b.d.counted(b.target.Kind, Dropped)
		return
	}
	if len(b.waiting) >= boxSize {
		b.drop(1)
	}
	b.waiting = append(b.waiting, a)
	if len(b.waiting) == 1 {
		b.idle = make(chan struct{})
		go b.run()
	}
}

// drop takes away the oldest alerts after the one that is being sent. Called with the mutex held.
func (b *outbox) drop(n int) {
	for range n {
		b.d.counted(b.target.Kind, Dropped)
	}
	b.waiting = slices.Delete(b.waiting, 1, 1+n)
}

// empty is closed once nothing waits.
func (b *outbox) empty() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.idle
}

// replace goes on with another config's target of the same key.
func (b *outbox) replace(t Target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target.over = true
	b.target.giveBack()
	b.target = &lease{Target: t}
	select {
	case b.retry <- struct{}{}:
	default:
	}
}

// leave ends the outbox as soon as nothing waits, and reports whether that is now.
func (b *outbox) leave() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = true
	b.end()
	return len(b.waiting) == 0
}

// end gives back the target that nobody will need any more. Called with the mutex held.
func (b *outbox) end() {
	if b.left && len(b.waiting) == 0 {
		b.target.over = true
		b.target.giveBack()
	}
}

// run sends what waits, until nothing does.
func (b *outbox) run() {
	b.mu.Lock()
	a := b.waiting[0]
	b.mu.Unlock()
	for more := true; more; {
		b.deliver(a)
		a, more = b.next()
	}
	b.mu.Lock()
	left := b.left
	b.mu.Unlock()
	if left {
		b.d.gone(b)
	}
}

// next returns the alert after the one that was sent. Where there is none, the sending ends.
func (b *outbox) next() (a report.Alert, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting = b.waiting[1:]; len(b.waiting) > 0 {
		return b.waiting[0], true
	}
	close(b.idle)
	b.end()
	return a, false
}

// deliver sends an alert until it arrives, or it is in vain.
func (b *outbox) deliver(a report.Alert) {
	select {
	case <-b.retry: // of a change before
	default:
	}
	pause, err := firstPause, error(nil)
	for range tries {
		if b.d.stopped.Err() != nil {
			b.abandon()
			return
		}
		err = b.send(b.d.stopped, a)
		var permanent Permanent
		switch partial := new(Partial); {
		case err == nil || errors.As(err, partial):
			b.over(Delivered, err)
			return
		case errors.As(err, &permanent):
			b.over(Failed, err)
			return
		}
		b.troubled(err)
		b.rest(pause)
		pause *= 2
	}
	b.over(Failed, err)
}

// send tries once.
func (b *outbox) send(ctx context.Context, a report.Alert) error {
	b.mu.Lock()
	to := b.target
	to.sending++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		to.sending--
		to.giveBack()
	}()
	return to.Send(ctx, a)
}

// rest waits between two tries.
func (b *outbox) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.retry:
	case <-b.d.stopped.Done():
	}
}

// troubled logs that alerts do not arrive, once until one does.
func (b *outbox) troubled(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.failing && b.d.stopped.Err() == nil {
		b.failing = true
		b.d.log.Error("alerts do not arrive", "kind", b.target.Kind, "to", b.target.Name, "error", err)
	}
}

// over counts what came of an alert, and logs the end of trouble.
func (b *outbox) over(o Outcome, err error) {
	if err != nil {
		b.troubled(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.d.counted(b.target.Kind, o)
	if o == Delivered && err == nil && b.failing {
		b.failing = false
		b.d.log.Info("alerts arrive again", "kind", b.target.Kind, "to", b.target.Name)
	}
}

// abandon drops all that waits: the process ends.
func (b *outbox) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.d.log.Error("alerts were not delivered before the stop", "kind", b.target.Kind, "to", b.target.Name, "count", len(b.waiting))
	b.d.counted(b.target.Kind, Dropped)
	b.drop(len(b.waiting) - 1)
}
