package mail

import (
	"context"
	"time"
)

// Mails that could not be worked on wait longer each time, for a quarter of an hour in the end. Where that may be over, such as with another
// config, they are to wait no longer.

// hastenMost is how often that is done: what comes within it comes together.
const hastenMost = 5 * time.Second

// Hasten has the mails of all mailboxes looked at that wait since something stood in their way: something has changed that it may have
// been. It waits for nothing.
func (e *Engine) Hasten() {
	select {
	case e.hurry <- struct{}{}:
	default:
	}
}

// hasten does so, until the context ends.
func (e *Engine) hasten(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.hurry:
		}
		for _, name := range e.Names() {
			e.hastenOne(ctx, name)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(hastenMost):
		}
	}
}

func (e *Engine) hastenOne(ctx context.Context, name string) {
	n, err := e.books.Hasten(ctx, name, time.Now())
	if err != nil && ctx.Err() == nil {
		e.log.Warn("mails that wait cannot be hastened: they are looked at when their time has come", "mailbox", name, "error", err)
	}
	if n == 0 || err != nil {
		return
	}
	e.log.Info("mails that have waited are looked at now", "mailbox", name, "mails", n)
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.boxes[name]; b != nil {
		b.wake()
	}
}
