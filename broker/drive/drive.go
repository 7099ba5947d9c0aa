package drive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
)

// Driver works on the mails of a mailbox. Several may, in one process or in many; each is for one goroutine at a time, and calls what it
// is given from several where it has Workers. What is not said to be optional must be set.
type Driver struct {
	Mailbox   route.Mailbox
	Ledger    ledger.Ledger
	Ticketer  Ticketer
	Source    Source
	Directory route.Directory

	// What follows is optional.

	// Workers is how many mails Run works on at once; 1 where it is 0.
	Workers int
	// Rules are ledger.Default's where they are zero.
	Rules ledger.Rules
	// Options are for reading mails; Own is that of the Mailbox's Keys where it is nil.
	Options message.Options
	// Fallback is used after Rules.FallbackAfter.
	Fallback Fallback
	// Down tells since when the PSA's API cannot be used; zero where it can. Without it the API always can.
	Down func() time.Time
	// Loops guards against loops; its counts are of this Driver alone.
	Loops *loop.Guard
	// Participates is route.Threads's: without it nobody takes part in a ticket but its own people.
	Participates func(ctx context.Context, ticket int64, address string) (bool, error)
	// Lockout is told what a notice of the PSA's says, perhaps more than once. With an error the mail is tried again.
	Lockout func(ctx context.Context, l *route.Lockout) error
	// Ended is told each mail that comes to an end, by this Driver and whatever the end, when that is written down. It must not wait.
	Ended func(m ledger.Mail)
	// FileMost is the largest file that the PSA takes, in bytes: larger ones are not tried. 0: whatever the PSA says.
	FileMost int
	// AtHand keeps the files of the mails that are being worked on. Without it a mail is taken apart again for each of its files.
	AtHand *AtHand
	// Wake has Run look at once: a mail was spooled. Without it Run finds that out by itself, within seconds.
	Wake <-chan struct{}
	// Now is the time; time.Now without it.
	Now func() time.Time
	Log *slog.Logger
}

// dueMost is how many mails are looked at, at first.
const dueMost = 100

// Pass does one step of each mail for which one is due, those that came first before others. It returns how many it did. Its
// error is the ledger's.
func (d *Driver) Pass(ctx context.Context) (steps int, err error) {
	return d.due(ctx, func(m ledger.Mail) (bool, error) {
		_, did, err := d.one(ctx, m)
		return did, err
	})
}

// due has something done with the mails for which a step may be due, and returns with how many of them it was.
func (d *Driver) due(ctx context.Context, do func(ledger.Mail) (did bool, err error)) (n int, err error) {
	for most := dueMost; ; most *= 2 {
		due, err := d.Ledger.Due(ctx, d.Mailbox.Name, d.now(), most)
		if err != nil {
			return n, fmt.Errorf("looking for mails that are due: %w", err)
		}
		for _, m := range due {
			if ctx.Err() != nil {
				return n, nil
			}
			did, err := do(m)
			if err != nil {
				return n, err
			}
			if did {
				n++
			}
		}
		if n > 0 || len(due) < most { // else those that wait may hide others
			return n, nil
		}
	}
}

// next is what is due for a mail.
func (d *Driver) next(ctx context.Context, m ledger.Mail) (step ledger.Step, err error) {
	w := ledger.World{}
	if d.Down != nil {
		w.Down = d.Down()
	}
	if m.IsNote && m.State == ledger.Ready {
		var over time.Time
		if !w.Down.IsZero() {
			over = d.Rules.Over(d.now())
		}
		if w.Blocked, err = d.Ledger.Blocked(ctx, m, over); err != nil {
			return ledger.Nothing, fmt.Errorf("looking for mails that come before mail %d: %w", m.ID, err)
		}
	}
	return d.Rules.Next(m, d.now(), w), nil
}

// one does what is due for a mail, if anything is, and returns the mail as it is then.
func (d *Driver) one(ctx context.Context, m ledger.Mail) (after ledger.Mail, did bool, err error) {
	step, err := d.next(ctx, m)
	if step == ledger.Nothing || err != nil {
		return m, false, err
	}
	m, err = d.Ledger.Update(ctx, d.Rules.Begin(m, step, d.now()))
	if errors.Is(err, ledger.ErrStale) {
		return m, false, nil // somebody else has it
	}
	if err != nil {
		return m, false, fmt.Errorf("beginning with mail %d: %w", m.ID, err)
	}
	if step == ledger.Expire {
		return m, true, nil
	}
	ctx = context.WithoutCancel(ctx) // a send that is broken off is in doubt
	return d.end(ctx, m, step, d.safely(ctx, m, step))
}

// endWithin is how long what came of a step is tried to be written down.
const endWithin = 10 * time.Second

// end writes down what came of a step, and returns the mail as it is then: where somebody else has gone on with it, as it was.
func (d *Driver) end(ctx context.Context, m ledger.Mail, step ledger.Step, result ledger.Result) (ledger.Mail, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	after, err := d.Rules.End(m, step, result, d.now())
	if err != nil {
		return m, true, err
	}
	kept, err := d.Ledger.Update(ctx, after)
	if errors.Is(err, ledger.ErrReference) {
		after = d.Rules.Duplicate(m, d.now())
		kept, err = d.Ledger.Update(ctx, after)
	}
	if errors.Is(err, ledger.ErrStale) {
		return m, true, nil // it took longer than it was given, and somebody else has gone on
	}
	if err != nil {
		return m, true, fmt.Errorf("writing down what became of mail %d: %w", m.ID, err)
	}
	if after.State.Ended() && after.State != m.State {
		d.log().Info("a mail has ended", "mailbox", m.Mailbox, "mail", m.ID, "state", string(after.State), "cause", after.Cause, "ticket", after.Ticket)
		if d.Ended != nil {
			d.Ended(after)
		}
	}
	return kept, true, nil
}

// safely does a step, and goes on where that breaks down. The panic's value may quote the mail, and is not told.
func (d *Driver) safely(ctx context.Context, m ledger.Mail, step ledger.Step) (result ledger.Result) {
	defer func() {
		if recover() != nil {
			d.log().Error("a step broke down", "mailbox", m.Mailbox, "mail", m.ID, "step", string(step))
			result = ledger.Result{Answer: ledger.Unknown}
			if step == ledger.Understand || step == ledger.UnderstandLeast {
				result.Answer = ledger.No
			}
		}
	}()
	return d.work(ctx, m, step)
}

func (d *Driver) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d *Driver) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}
