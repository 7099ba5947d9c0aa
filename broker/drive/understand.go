package drive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
)

// understand reads a mail and finds out what becomes of it.
func (d *Driver) understand(ctx context.Context, m ledger.Mail, least bool) ledger.Result {
	m.Least = least
	raw, err := d.Ledger.Raw(ctx, m.ID)
	if errors.Is(err, ledger.ErrGone) {
		return ledger.Result{Answer: ledger.Yes, Understood: ledger.Understood{End: ledger.Dead, Cause: "gone"}}
	}
	if err != nil {
		return d.notNow(m, "its bytes cannot be read", err)
	}
	draft, blind, err := d.routed(ctx, m, raw)
	if errors.Is(err, route.ErrPending) {
		return ledger.Result{Answer: ledger.Yes, Understood: ledger.Understood{WaitFor: true}}
	}
	if err != nil {
		return d.notNow(m, "it cannot be routed", err)
	}
	if draft.Lockout != nil && d.Lockout != nil {
		if l := draft.Lockout; l.At.IsZero() || m.Arrived.Before(l.At) {
			l.At = m.Arrived
		}
		if err := d.Lockout(ctx, draft.Lockout); err != nil {
			return d.notNow(m, "what it says of a lockout cannot be told", err)
		}
	}
	if draft.Notice != nil {
		if err := d.heed(ctx, draft.Notice); err != nil {
			return d.notNow(m, "what it says of a mail that was handed to the mail service cannot be written down", err)
		}
	}
	d.guard(draft, m)
	u := d.understood(draft, m.Forced, blind)
	if u.End == "" {
		d.handy(m, draft.Files)
	}
	return ledger.Result{Answer: ledger.Yes, Understood: u}
}

// handy keeps the files that are to be attached at hand.
func (d *Driver) handy(m ledger.Mail, files []message.File) {
	var all [][]byte
	for _, f := range files {
		if d.takes(len(f.Data)) {
			all = append(all, f.Data)
		}
	}
	d.AtHand.keep(m.ID, all...)
}

func (d *Driver) notNow(m ledger.Mail, what string, err error) ledger.Result {
	d.log().Warn("a mail waits: "+what, "mailbox", m.Mailbox, "mail", m.ID, "error", err)
	return ledger.Result{Answer: ledger.NotNow}
}

func (d *Driver) read(m ledger.Mail, raw []byte) (read *message.Message) {
	o := d.Options
	if o.Own == nil {
		o.Own = d.Mailbox.Keys.Own
	}
	if m.Least {
		read = message.ReadLeast(raw, o)
	} else {
		read = message.Read(raw, o)
	}
	read.ContentKey, read.Cut = keyOf(read, m.Arrived), cutOf(m)
	return read
}

// keyOf is what a mail is known by when it comes again. Printers and the like write neither Message-ID nor Date, and the same words each
// time: their second mail is not the first. It is told from that by when it came, to the second, which a mail server keeps.
func keyOf(m *message.Message, arrived time.Time) [sha256.Size]byte {
	if m.MessageID != "" || !m.Date.IsZero() || arrived.IsZero() {
		return m.ContentKey
	}
	return sha256.Sum256(fmt.Appendf(nil, "%x|%d", m.ContentKey, arrived.Unix()))
}

// guard counts a mail once it is routed: not before, since a try that failed is repeated. It counts when it came: those that have waited
// are worked on all at once, and are no loop for that.
func (d *Driver) guard(draft *route.Draft, m ledger.Mail) {
	if d.Loops == nil || m.Forced {
		return
	}
	at := d.now()
	if !m.Arrived.IsZero() && m.Arrived.Before(at) {
		at = m.Arrived
	}
	of := loop.Mail{Sender: draft.Sender.Address.Key(), Subject: draft.Message.Subject, Company: draft.Fields.Company, Hops: draft.Message.Received}
	draft.Guarded(d.Loops.Judge(at, of))
}

// understood is what is written down. Where people want a mail to become something it does, whatever its kind.
func (d *Driver) understood(draft *route.Draft, forced, blind bool) ledger.Understood {
	u := ledger.Understood{Reference: draft.Reference, Why: slices.Concat(draft.Why, draft.Troubles)}
	switch aside := draft.Outcome == route.Suspended || draft.Outcome == route.Suppressed; {
	case aside && !forced:
		u.End, u.Cause = ledger.Suspended, draft.Cause
		if draft.Outcome == route.Suppressed {
			u.End = ledger.Suppressed
		}
		return u
	case aside:
		draft.Fields = draft.Fields.Over(d.Mailbox.Default)
		u.IsNote = draft.Ticket.ID != 0
	default:
		u.IsNote = draft.Outcome == route.Note
	}
	if u.IsNote {
		u.Ticket, u.Number = draft.Ticket.ID, draft.Ticket.Number
	}
	if !u.IsNote {
		u.Why = append(u.Why, ledger.Line(gets+Gets(draft), mostGets))
	}
	p := planOf(draft, d.Mailbox.Default)
	p.Blind = blind
	u.Files = len(p.Files)
	u.Plan, _ = json.Marshal(p) // of strings and numbers: it cannot fail
	return u
}

// mostGets is how long what a ticket gets may be in words, so that it is kept whole.
const mostGets = 400

// threads is what the ledger remembers, for a mail that is being routed.
type threads struct {
	d    *Driver
	mail ledger.Mail
}

// TicketsOf implements route.Threads.
func (t threads) TicketsOf(ctx context.Context, messageID string) ([]int64, error) {
	of, there, err := t.d.Ledger.Referred(ctx, messageID)
	switch {
	case err != nil || !there || of.ID == t.mail.ID:
		return nil, err
	case t.mail.WaitsFor(of):
		return nil, route.ErrPending
	case of.Ticket == 0:
		return nil, nil
	case of.MessageID == messageID:
		return []int64{of.Ticket}, nil
	}
	// Of those that only name it one may be a stranger's, who has a ticket of his own.
	others, err := t.d.Ledger.Naming(ctx, messageID)
	return append([]int64{of.Ticket}, others...), err
}

// Wrote implements route.Threads.
func (t threads) Wrote(ctx context.Context, ticket int64) (list []message.Address, err error) {
	of, err := t.d.Ledger.Conversation(ctx, ticket)
	for _, from := range of.From {
		list = append(list, message.ParseAddresses(from)...)
	}
	return list, err
}

// Participates implements route.Threads.
func (t threads) Participates(ctx context.Context, ticket int64, address string) (bool, error) {
	got, err := t.got(ctx, ticket, address)
	if err != nil || got || t.d.Participates == nil {
		return got, err
	}
	return t.d.Participates(ctx, ticket, address)
}

// got tells whether the last mails of a ticket were sent to an address, too. The mailbox's own, which all were sent to, is nobody.
func (t threads) got(ctx context.Context, ticket int64, address string) (bool, error) {
	of, err := t.d.Ledger.Conversation(ctx, ticket)
	if err != nil {
		return false, err
	}
	for _, id := range of.Mails {
		raw, err := t.d.Ledger.Raw(ctx, id)
		if errors.Is(err, ledger.ErrGone) {
			continue
		}
		if err != nil {
			return false, err
		}
		m := message.ReadLeast(raw, message.Options{})
		for _, a := range slices.Concat(m.To, m.Cc) {
			if a.Key() == address && !t.d.Mailbox.Has(a) {
				return true, nil
			}
		}
	}
	return false, nil
}
