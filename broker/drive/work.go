package drive

import (
	"context"
	"errors"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// work does a step that is begun.
func (d *Driver) work(ctx context.Context, m ledger.Mail, step ledger.Step) ledger.Result {
	within := d.Rules.Whole()
	limit := within.Lease
	if step == ledger.Send || step == ledger.SendAtes {
		limit = within.Answer
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch step {
	case ledger.Understand, ledger.UnderstandLeast:
		return d.understand(ctx, m, step == ledger.UnderstandLeast)
	case ledger.Acknowledge:
		d.AtHand.drop(m.ID)
		return ledger.Result{Answer: seen(d.Source.Acknowledge(ctx, m.Object, m.State))}
	}
	p, err := readPlan(m)
	if err != nil {
		return d.notNow(m, "what is to be made of it cannot be read", err)
	}
	switch step {
	case ledger.Send:
		return d.send(ctx, m, p)
	case ledger.SendAtes:
		return d.handOver(ctx, m, p)
	case ledger.Repair:
		return ledger.Result{Answer: answer(d.repair(ctx, m, p, m.Ticket))}
	}
	return d.look(ctx, m, p)
}

// look asks the PSA for what is in doubt.
func (d *Driver) look(ctx context.Context, m ledger.Mail, p plan) ledger.Result {
	switch {
	case m.Item > m.Files:
		return ledger.Result{Answer: seen(d.Ticketer.HasNote(ctx, m.Ticket, p.left(m, d.FileMost).Mark))}
	case m.Item > 0:
		return ledger.Result{Answer: seen(d.Ticketer.HasFile(ctx, m.Ticket, p.fileTitle(m)))}
	case m.IsNote:
		result := ledger.Result{Answer: seen(d.Ticketer.HasNote(ctx, m.Ticket, mark(m.Reference)))}
		if ates := d.Fallback != nil || m.State == ledger.AtesSent || m.State == ledger.AtesInDoubt; result.Answer != ledger.No || !ates {
			return result
		}
		// The mail service makes a ticket where it is not told, or does not find, the one to make a note on.
	}
	kept, there, err := d.Ticketer.Find(ctx, m.Reference)
	return ledger.Result{Answer: seen(there, err), Ticket: kept.ID, Number: kept.Number}
}

// clocksApart is how far a mail server's clock may be ahead.
const clocksApart = time.Hour

// mayBeThere tells whether an item may have been sent although the ledger does not say so: the mail came before the ledger knows
// everything, or people have taken it up again, or it was given up for lost, or the mail service says that it has not made it.
func (d *Driver) mayBeThere(ctx context.Context, m ledger.Mail) (bool, error) {
	if m.Forced || m.Repeated || m.Cause == ledger.AtesFailed {
		return true, nil
	}
	since, err := d.Ledger.Since(ctx)
	return !since.IsZero() && m.Arrived.Before(since.Add(clocksApart)), err
}

// adopt looks for an item before it is sent. A ticket that the mail service may have made is put right at once, since the ledger
// does not know that it has to be.
func (d *Driver) adopt(ctx context.Context, m ledger.Mail, p plan) ledger.Result {
	result := d.look(ctx, m, p)
	if result.Answer != ledger.Yes || m.Item > 0 || result.Ticket == 0 || d.Fallback == nil {
		return result
	}
	if err := d.repair(ctx, m, p, result.Ticket); err != nil && !errors.Is(err, ErrRefused) {
		return d.notNow(m, "what the mail service made of it cannot be put right", err)
	}
	return result
}

// send makes the next item.
func (d *Driver) send(ctx context.Context, m ledger.Mail, p plan) ledger.Result {
	there, err := d.mayBeThere(ctx, m)
	if err != nil {
		return d.notNow(m, "since when the books are whole is not known", err)
	}
	if there {
		if result := d.adopt(ctx, m, p); result.Answer != ledger.No {
			return result
		}
	}
	if p.Blind && m.Item == 0 {
		if result, is := d.replan(ctx, m); is {
			return result
		}
	}
	var data []byte
	if 0 < m.Item && m.Item <= m.Files {
		if data, err = d.file(ctx, m, p); errors.Is(err, ErrRefused) || errors.Is(err, errFile) || errors.Is(err, ledger.ErrGone) {
			d.log().Warn("a file of a mail is left out", "mailbox", m.Mailbox, "mail", m.ID, "file", m.Item, "error", err)
			return ledger.Result{Answer: ledger.No}
		} else if err != nil {
			return d.notNow(m, "a file of it cannot be read", err)
		}
	}
	if !d.Rules.MaySend(m, d.now()) { // this process was held up, and another may have taken the mail over
		return ledger.Result{Answer: ledger.NotNow}
	}
	switch {
	case m.Item > m.Files:
		return ledger.Result{Answer: d.told(m, d.Ticketer.AddNote(ctx, p.left(m, d.FileMost)))}
	case m.Item > 0:
		f := p.Files[m.Item-1]
		return ledger.Result{Answer: d.told(m, d.Ticketer.Attach(ctx, File{m.Ticket, p.fileTitle(m), f.Name, f.Type, data}))}
	case m.IsNote:
		return ledger.Result{Answer: d.told(m, d.Ticketer.AddNote(ctx, p.note(m)))}
	}
	return d.create(ctx, m, p)
}

func (d *Driver) told(m ledger.Mail, err error) ledger.Answer {
	if err != nil {
		d.log().Warn("a send for a mail failed", "mailbox", m.Mailbox, "mail", m.ID, "item", m.Item, "error", err)
	}
	return answer(err)
}

// create makes the ticket and reads it back: the PSA may have put it into another, which says nothing of ours.
func (d *Driver) create(ctx context.Context, m ledger.Mail, p plan) ledger.Result {
	id, err := d.Ticketer.Create(ctx, p.ticket(m))
	if err != nil {
		return ledger.Result{Answer: d.told(m, err)}
	}
	result := ledger.Result{Answer: ledger.Yes, Ticket: id}
	if kept, err := d.Ticketer.Read(ctx, id); err != nil { // the ticket is there all the same
		d.log().Warn("a ticket could not be read back: whether the PSA put the mail into another is not known", "mailbox", m.Mailbox, "mail", m.ID, "ticket", id, "error", err)
	} else {
		result.Number, result.Merged = kept.Number, kept.Reference != m.Reference
	}
	if d.Loops != nil {
		d.Loops.Made(p.loopMail(), id)
	}
	return result
}

// file is the file that is to be attached: it is at hand, or the mail is taken apart once more, for all that are still to come.
func (d *Driver) file(ctx context.Context, m ledger.Mail, p plan) ([]byte, error) {
	f := p.Files[m.Item-1]
	if !d.takes(f.Size) {
		return nil, ErrRefused
	}
	if data, have := d.AtHand.file(m.ID, f.Hash); have {
		return data, nil
	}
	raw, err := d.Ledger.Raw(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	read := d.read(m, raw)
	var all [][]byte
	for _, f := range p.Files[m.Item-1:] {
		if data, err := f.bytes(read, raw); err == nil && d.takes(f.Size) {
			all = append(all, data)
		}
	}
	d.AtHand.keep(m.ID, all...)
	return f.bytes(read, raw)
}

// takes tells whether the PSA takes a file of so many bytes, as far as is known.
func (d *Driver) takes(size int) bool { return d.FileMost <= 0 || size <= d.FileMost }

func (d *Driver) handOver(ctx context.Context, m ledger.Mail, p plan) ledger.Result {
	if d.Fallback == nil || !d.Rules.MaySend(m, d.now()) {
		return ledger.Result{Answer: ledger.NotNow}
	}
	t := p.ticket(m)
	if m.IsNote && t.Note == "" { // the guard against loops knows tickets by their ids
		of, err := d.Ledger.Conversation(ctx, m.Ticket)
		if err == nil && of.Number == "" {
			err = errBlind
		}
		if err != nil {
			return d.notNow(m, "the number of its ticket is not known", err)
		}
		t.Note = of.Number
	}
	return ledger.Result{Answer: d.told(m, d.Fallback.HandOver(ctx, t, m.Repeated))}
}
