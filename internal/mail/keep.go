package mail

import (
	"context"
	"math/rand/v2"
	"time"
)

// forgetEvery is how often mails are forgotten. Processes that share a store each do it; what one has done is nothing to the next.
const forgetEvery = time.Hour

// forget removes the bytes of mails that were kept for as long as their mailbox says, until the context ends.
func (e *Engine) forget(ctx context.Context) {
	for {
		e.forgetNow(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(forgetEvery/2 + rand.N(forgetEvery)): // not all processes at once
		}
	}
}

// forgetNow does so once, also for mailboxes that no config has any more.
func (e *Engine) forgetNow(ctx context.Context) {
	all, err := e.books.Counts(ctx)
	if err != nil {
		return // whoever works on mails says it
	}
	for name := range all {
		keep := DefaultKeep
		if m, there := e.Mailbox(name); there {
			keep = m.keep()
		}
		n, err := e.books.Forget(ctx, name, time.Now().Add(-keep))
		if err != nil && ctx.Err() == nil {
			e.log.Warn("old mails cannot be removed", "mailbox", name, "error", err)
		}
		if n > 0 {
			e.log.Info("old mails were removed, and their rows kept", "mailbox", name, "mails", n)
		}
	}
}
