package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
)

// A mail that comes while the PSA's API cannot be used cannot be routed, for nobody says who wrote it. Where the PSA's mail service is
// due it is routed blind, as one of somebody unknown, and once more before the API makes its ticket or puts it right.

// mayBeBlind tells whether the mail service is due.
func (d *Driver) mayBeBlind() bool {
	if d.Fallback == nil || d.Down == nil || d.Rules.FallbackAfter <= 0 {
		return false
	}
	down := d.Down()
	return !down.IsZero() && d.now().Sub(down) >= d.Rules.FallbackAfter
}

// routed routes a mail, blind if it has to be.
func (d *Driver) routed(ctx context.Context, m ledger.Mail, of *message.Message) (draft *route.Draft, blindly bool, err error) {
	draft, err = d.Mailbox.Route(ctx, of, d.Directory, threads{d, m})
	if err == nil || errors.Is(err, route.ErrPending) || !d.mayBeBlind() {
		return draft, false, err
	}
	b := blind{threads{d, m}, map[int64]string{}}
	if draft, err = d.Mailbox.Route(ctx, of, b, b); err != nil {
		return nil, false, err
	}
	draft.Troubles = append(draft.Troubles, "the PSA's API could not be used when it was routed, so that who wrote it was not known: it is routed once more when that can be used again")
	return draft, true, nil
}

// blind is a Directory that knows nobody, and of tickets those that this broker knows of itself: by its own signed tokens, and by the
// mails that the ledger remembers, which have their numbers, too.
type blind struct {
	threads
	numbers map[int64]string
}

var _ route.Directory = blind{}

// TicketOf implements route.Threads.
func (b blind) TicketOf(ctx context.Context, messageID string) (int64, bool, error) {
	id, known, err := b.threads.TicketOf(ctx, messageID)
	if err == nil && known {
		of, _, err := b.d.Ledger.Referred(ctx, messageID)
		if err != nil {
			return 0, false, err
		}
		b.numbers[id] = of.Number
	}
	return id, known, err
}

// Resources implements route.Directory, as all below.
func (blind) Resources(context.Context, string) ([]route.Person, error) { return nil, nil }

func (blind) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (blind) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (blind) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil // whether the sender has to do with it is not known
}

func (b blind) TicketByID(_ context.Context, id int64) (route.Ticket, bool, error) {
	return route.Ticket{ID: id, Number: b.numbers[id]}, true, nil
}

// sighted is the plan of a mail that was routed blind, by what the PSA says now. It stays as it is where the mail cannot be routed in the
// same way any more: its bytes are gone, or its alias is another mailbox's by now.
func (d *Driver) sighted(ctx context.Context, m ledger.Mail, p plan) (plan, error) {
	if !p.Blind || m.Item > 0 || m.IsNote {
		return p, nil
	}
	raw, err := d.Ledger.Raw(ctx, m.ID)
	if errors.Is(err, ledger.ErrGone) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	draft, err := d.Mailbox.Route(ctx, d.read(m, raw, m.Least), d.Directory, before{threads{d, m}})
	if err != nil {
		return p, fmt.Errorf("routing it once more: %w", err)
	}
	if draft.Reference != m.Reference {
		return p, nil
	}
	p.Fields, p.Contact = draft.Fields.Over(d.Mailbox.Default), draft.Contact()
	if draft.Outcome == route.NewTicket {
		p.Title, p.Description = draft.Title, draft.Description
	}
	return p, nil
}
