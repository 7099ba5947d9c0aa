package ledger

import (
	"context"
	"time"
)

// Counts are the mails of one mailbox.
type Counts struct {
	// States is how many there are in each state; states of none are not in it.
	States map[State]int
	// Oldest is when the one arrived that came first of those that have not ended; zero where all have.
	Oldest time.Time
}

// Count adds a mail.
func (c *Counts) Count(m Mail) {
	if c.States == nil {
		c.States = map[State]int{}
	}
	c.States[m.State]++
	if !m.State.Ended() && (c.Oldest.IsZero() || m.Arrived.Before(c.Oldest)) {
		c.Oldest = m.Arrived
	}
}

// Pending is how many have not ended.
func (c Counts) Pending() (n int) {
	for state, of := range c.States {
		if !state.Ended() {
			n += of
		}
	}
	return n
}

// Aside is how many are set aside for people: suspended or dead.
func (c Counts) Aside() int { return c.States[Suspended] + c.States[Dead] }

// Counts counts.
func (l *Memory) Counts(context.Context) (map[string]Counts, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]Counts{}
	for _, m := range l.rows {
		of := all[m.Mailbox]
		of.Count(m)
		all[m.Mailbox] = of
	}
	return all, nil
}
