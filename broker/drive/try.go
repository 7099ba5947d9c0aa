package drive

import (
	"context"
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// Try is what would become of a mail if it were understood now, and had not been before: by the Mailbox and the Options as they are, and
// by what the Directory says. Nothing is written down, told or counted; the guard against loops is not asked. Of the Driver, Mailbox,
// Ledger and Directory must be set, and Options and Participates count. Its error is that of the Ledger, of the Directory, or
// route.ErrPending.
func (d *Driver) Try(ctx context.Context, m ledger.Mail) (*route.Draft, error) {
	raw, err := d.Ledger.Raw(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	return d.Mailbox.Route(ctx, d.read(m, raw), d.Directory, before{threads{d, m}})
}

// before is what the ledger remembered when a mail came: not what came later, nor the ticket that it made itself.
type before struct{ threads }

// TicketsOf implements route.Threads. Where the ledger now has this mail or a later one first, which of the earlier ones it had then is not
// known: for a note it is taken to have been one of that ticket.
func (b before) TicketsOf(ctx context.Context, messageID string) ([]int64, error) {
	of, there, err := b.d.Ledger.Referred(ctx, messageID)
	switch {
	case err != nil || !there || of.ID < b.mail.ID:
		return b.threads.TicketsOf(ctx, messageID)
	case b.mail.IsNote && of.Ticket == b.mail.Ticket && of.Ticket != 0:
		return []int64{of.Ticket}, nil
	}
	return nil, nil
}

// gets begins the step that says what a ticket gets.
const gets = "its ticket gets "

// Gets is what a new ticket of a draft gets, in words, and GotBy what that of a mail got when it was understood; empty where that is not
// known any more.
func Gets(d *route.Draft) string {
	said := d.Fields.Said()
	if id := d.Contact(); id != 0 {
		said = strings.TrimPrefix(said+fmt.Sprintf(", contact %d", id), ", ")
	}
	return said
}

// GotBy is described with Gets.
func GotBy(m ledger.Mail) string {
	for _, step := range m.Why {
		if said, found := strings.CutPrefix(step, gets); found {
			return said
		}
	}
	return ""
}
