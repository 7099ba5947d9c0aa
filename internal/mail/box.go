package mail

import (
	"context"
	"log/slog"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
)

// box is a mailbox that is being run. Its fields are the Engine's to change.
type box struct {
	engine  *Engine
	mailbox *Mailbox
	log     *slog.Logger
	woken   chan struct{}
	guard   *loop.Guard // of whichever worker runs: its counts outlive reloads
	limits  loop.Limits
	reader  *reader // nil: it is not read by IMAP
	worker  *running
	beside  *running // PSA.Run
	seen    seen
}

// workers is how many mails of a mailbox are worked on at once: one that takes long keeps no other waiting, and the PSA, which takes three
// calls at once of each kind, has room for others.
const workers = 2

func newBox(e *Engine, name string) *box {
	return &box{engine: e, woken: make(chan struct{}, 1), log: e.log.With("mailbox", name)}
}

// wake has the worker look at once.
func (b *box) wake() {
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// use goes on with a mailbox as a config has it now. What was begun as it was before ends first.
func (b *box) use(m *Mailbox) {
	b.useIMAP(m)
	before := b.mailbox
	if b.guard == nil || b.limits != m.Loops {
		b.guard, b.limits = loop.New(m.Loops), m.Loops
	}
	b.mailbox = m
	driver := &drive.Driver{
		Mailbox: m.Route, Ledger: b.engine.books, Ticketer: m.PSA.Ticketer, Source: acks{b.reader}, Directory: m.PSA.Directory,
		Rules: m.Rules, Options: m.Reading, Fallback: m.fallback(), Down: m.PSA.Down, Loops: b.guard,
		Participates: m.PSA.Participates, Lockout: m.PSA.Lockout, FileMost: m.FileMost, AtHand: &b.engine.atHand, Wake: b.woken, Log: b.engine.log,
		Ended: b.ended, Workers: workers,
	}
	was := b.stopWork(before)
	b.worker = run(was, b.log, "the work on a mailbox", driver.Run)
	if m.PSA.Run != nil {
		b.beside = run(nil, b.log, "the watch over the PSA's API", m.PSA.Run)
	}
}

// stopWork ends the worker, whose mailbox gives back what it holds when it has ended.
func (b *box) stopWork(m *Mailbox) *running {
	worker, beside := b.worker, b.beside
	b.worker, b.beside = nil, nil
	worker.stop()
	beside.stop()
	if worker != nil {
		go func() {
			<-worker.done
			if beside != nil {
				<-beside.done
			}
			call(m.Close)
		}()
	}
	return worker
}

// useIMAP goes on with the connection that is there, where it is the same.
func (b *box) useIMAP(m *Mailbox) {
	if b.reader != nil && m.IMAP != nil && m.Key != "" && b.reader.key == m.Key {
		call(m.CloseIMAP) // it goes on with what the former one holds
		return
	}
	before := b.stopReading()
	if m.IMAP == nil {
		call(m.CloseIMAP)
		return
	}
	b.reader = newReader(m, b.engine.books, b.wake, b.log)
	b.reader.running = run(before, b.log, "the reading of a mailbox", b.reader.read)
}

// stopReading ends the reader, which gives back what it holds when it has ended.
func (b *box) stopReading() *running {
	r := b.reader
	if r == nil {
		return nil
	}
	b.reader = nil
	r.stop()
	go func() {
		<-r.done
		call(r.closing)
	}()
	return r.running
}

// stop begins to end all of it.
func (b *box) stop() {
	b.stopWork(b.mailbox)
	b.stopReading()
}

func (b *box) ended(m ledger.Mail) {
	b.engine.watcher.Ended(m, time.Since(m.Arrived))
}

// acks is the drive.Source of a mailbox. Mails that came by SMTP lie nowhere else; nor do those of a mailbox that is not read any
// more.
type acks struct{ reader *reader }

// Acknowledge implements drive.Source.
func (a acks) Acknowledge(ctx context.Context, object string, end ledger.State) (bool, error) {
	if a.reader == nil {
		return false, nil
	}
	return a.reader.acknowledge(ctx, object, end)
}
