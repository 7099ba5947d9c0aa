package drive

import (
	"context"
	"errors"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// A mail that comes when the PSA's API cannot be used is routed without it once it is the mail service's turn: nobody is known then.
// When the API is back it is routed again, before anything is made of it there, or as what the mail service made is put right.
//
// An answer becomes a note so where the ledger alone says all: which ticket it is, by the mails that it answers or by a token, that
// ticket's number, and, but for a token, that its sender is in a mail of the ticket already. What else may belong to a ticket waits, and so
// does what would be set aside: who wrote it may decide that.

// blind tells whether mails are routed so.
func (d *Driver) blind() bool {
	if d.Fallback == nil || d.Rules.FallbackAfter <= 0 || d.Down == nil {
		return false
	}
	down := d.Down()
	return !down.IsZero() && d.now().Sub(down) >= d.Rules.FallbackAfter
}

// errBlind: whether the mail belongs to a ticket cannot be found out.
var errBlind = errors.New("the PSA cannot be asked about a ticket that it names")

// remembered is a route.Directory that knows no people, and those tickets alone of which the ledger has the number.
type remembered struct{ d *Driver }

func (remembered) Resources(context.Context, string) ([]route.Person, error)     { return nil, nil }
func (remembered) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }
func (remembered) Companies(context.Context, string) ([]int64, error)            { return nil, nil }

func (remembered) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, errBlind
}

// TicketByID implements route.Directory. Whether the ticket is still there is not known: if it is not, the mail service makes one of its
// own, which is found.
func (r remembered) TicketByID(ctx context.Context, id int64) (route.Ticket, bool, error) {
	of, err := r.d.Ledger.Conversation(ctx, id)
	if err == nil && of.Number == "" {
		err = errBlind
	}
	return route.Ticket{ID: id, Number: of.Number}, err == nil, err
}

// blindly is route.Threads for when the PSA cannot be asked: who is in no mail of the ticket may take part in it all the same.
type blindly struct{ threads }

// Participates implements route.Threads.
func (b blindly) Participates(ctx context.Context, ticket int64, address string) (bool, error) {
	got, err := b.got(ctx, ticket, address)
	if err == nil && !got {
		err = errBlind
	}
	return got, err
}

// errUnsure is why a mail is not routed without the PSA.
var errUnsure = errors.New("what becomes of it hangs on who wrote it, and the PSA cannot be asked that")

// routed routes a mail with what can be known now.
func (d *Driver) routed(ctx context.Context, m ledger.Mail, raw []byte) (draft *route.Draft, blind bool, err error) {
	if !d.blind() {
		draft, err = d.Mailbox.Route(ctx, d.read(m, raw), d.Directory, threads{d, m})
		return draft, false, err
	}
	draft, err = d.Mailbox.Route(ctx, d.read(m, raw), remembered{d}, blindly{threads{d, m}})
	if err != nil {
		return nil, true, err
	}
	told := draft.Notice != nil || draft.Lockout != nil || draft.Cause == "own" // whoever wrote it
	becomes := draft.Outcome == route.NewTicket || draft.Outcome == route.Note
	if !told && (!becomes || draft.Claimed != "") {
		return nil, true, errUnsure
	}
	return draft, becomes, nil
}

// again routes a mail that was routed blindly, with the PSA.
func (d *Driver) again(ctx context.Context, m ledger.Mail) (*route.Draft, error) {
	raw, err := d.Ledger.Raw(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	return d.Mailbox.Route(ctx, d.read(m, raw), d.Directory, threads{d, m})
}

// replan is what a mail becomes that has not been sent: what was planned of it is forgotten. It is false where the plan stays: the mail
// would take another way by now, for the config has changed since, or its bytes are gone.
func (d *Driver) replan(ctx context.Context, m ledger.Mail) (ledger.Result, bool) {
	draft, err := d.again(ctx, m)
	switch {
	case errors.Is(err, ledger.ErrGone):
		return ledger.Result{}, false
	case err != nil:
		return d.notNow(m, "it cannot be routed again", err), true
	case draft.Reference != m.Reference:
		return ledger.Result{}, false
	}
	return ledger.Result{Answer: ledger.NotNow, Understood: d.understood(draft, m.Forced, false)}, true
}

// sighted is the plan by which the ticket that the mail service made is put right.
func (d *Driver) sighted(ctx context.Context, m ledger.Mail, p plan) (plan, error) {
	if !p.Blind {
		return p, nil
	}
	draft, err := d.again(ctx, m)
	if errors.Is(err, ledger.ErrGone) || err == nil && draft.Reference != m.Reference {
		return p, nil // as in replan
	}
	if err != nil {
		return p, err
	}
	return planOf(draft, d.Mailbox.Default), nil
}

// repair puts right what the mail service made.
func (d *Driver) repair(ctx context.Context, m ledger.Mail, p plan, ticket int64) error {
	p, err := d.sighted(ctx, m, p)
	if err != nil {
		return err
	}
	return d.Ticketer.Repair(ctx, ticket, p.ticket(m))
}
