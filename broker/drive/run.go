package drive

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// Waits of Run.
const (
	idleFor    = 2 * time.Second // each look reads the store
	troubleFor = 5 * time.Second
)

// slice is how many steps of one mail are done in a row. Most have fewer; a mail of a thousand files lets others go between.
const slice = 16

// crew are those who work for a Run.
type crew struct {
	*Driver
	seats chan struct{} // as many may work
	freed chan struct{} // somebody has got up
	wg    sync.WaitGroup

	mu    sync.Mutex
	hands map[int64]bool // the mails that somebody is at
	err   error          // the last that the ledger said
}

// Run works until the context ends. What it has begun then, it ends. A mail that takes long keeps no other from being worked on
// as long as there are more Workers than such mails.
func (d *Driver) Run(ctx context.Context) {
	c := &crew{Driver: d, seats: make(chan struct{}, max(1, d.Workers)), freed: make(chan struct{}, 1), hands: map[int64]bool{}}
	defer c.wg.Wait()
	said := ""
	for ctx.Err() == nil {
		n, err := d.due(ctx, func(m ledger.Mail) (bool, error) { return c.hand(ctx, m) })
		if err == nil {
			err = c.trouble()
		}
		wait, text := idleFor, ""
		if err != nil && ctx.Err() == nil {
			wait, text = troubleFor, err.Error()
		}
		if text != "" && text != said {
			d.log().Error("the books of a mailbox cannot be used: its mails wait", "mailbox", d.Mailbox.Name, "error", err)
		}
		said = text
		if n > 0 && err == nil {
			continue
		}
		c.rest(ctx, wait, err == nil)
	}
}

// rest waits until there may be something to do.
func (c *crew) rest(ctx context.Context, wait time.Duration, well bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	freed := c.freed
	if !well {
		freed = nil // who got up has met the same trouble
	}
	select {
	case <-ctx.Done():
	case <-c.Wake:
	case <-freed:
	case <-timer.C:
	}
}

// hand gives a mail for which something is due to somebody, and waits for one who is free. It is false where nothing is, or somebody
// is at it already.
func (c *crew) hand(ctx context.Context, m ledger.Mail) (bool, error) {
	if c.at(m.ID) {
		return false, nil
	}
	if step, err := c.next(ctx, m); step == ledger.Nothing || err != nil {
		return false, err
	}
	select {
	case c.seats <- struct{}{}:
	case <-ctx.Done():
		return false, nil
	}
	if err := c.trouble(); err != nil {
		<-c.seats
		return false, err
	}
	c.take(m.ID)
	c.wg.Go(func() {
		defer func() {
			c.leave(m.ID)
			<-c.seats
			select {
			case c.freed <- struct{}{}:
			default:
			}
		}()
		c.through(ctx, m)
	})
	return true, nil
}

// through does what is due for a mail, step by step.
func (c *crew) through(ctx context.Context, m ledger.Mail) {
	defer func() {
		if r := recover(); r != nil { // its value may quote the mail
			c.log().Error("the work on a mail broke down", "mailbox", m.Mailbox, "mail", m.ID, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			c.note(fmt.Errorf("the work on mail %d broke down", m.ID))
		}
	}()
	for range slice {
		after, did, err := c.one(ctx, m)
		if err != nil {
			c.note(err)
		}
		if !did || err != nil || ctx.Err() != nil {
			return
		}
		m = after
	}
}

func (c *crew) at(mail int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hands[mail]
}

func (c *crew) take(mail int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hands[mail] = true
}

func (c *crew) leave(mail int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hands, mail)
}

func (c *crew) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// trouble is what the ledger said since it was last asked for.
func (c *crew) trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.err
	c.err = nil
	return err
}
