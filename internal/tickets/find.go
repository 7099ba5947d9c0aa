package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/drive"
)

// ticket is what is read of one.
type ticket struct {
	ID           int64
	TicketNumber string
	ExternalID   string
	Title        string
	Description  string
	CompanyID    int64
	ContactID    *int64
	Status       int64
}

var ticketFields = []string{"id", "ticketNumber", "externalID", "description"}

// line is a reference where it stands in a description.
var (
	line      = regexp.MustCompile(`(?m)^[ \t]*Ref: (mb1[a-z2-7]{32})[ \t]*\r?$`)
	reference = regexp.MustCompile(`^mb1[a-z2-7]{32}$`)
)

// kept says which reference a ticket was made with: its externalID, if that is one, else that of the last line of its description
// that is one; those before it may be quoted.
func (t ticket) kept() drive.Kept {
	k := drive.Kept{ID: t.ID, Number: t.TicketNumber}
	if id := strings.TrimSpace(t.ExternalID); reference.MatchString(id) {
		k.Reference = id
	} else if all := line.FindAllStringSubmatch(t.Description, -1); len(all) > 0 {
		k.Reference = all[len(all)-1][1]
	}
	return k
}

// errNoTicket: the PSA has no ticket of an id, or does not show it.
var errNoTicket = errors.New("the PSA has no such ticket")

// read returns a ticket whole.
func (t *Tickets) read(ctx context.Context, id int64) (ticket, error) {
	var said struct{ Item *ticket }
	if err := t.say(ctx, http.MethodGet, fmt.Sprintf("/Tickets/%d", id), nil, &said); err != nil {
		return ticket{}, err
	}
	if said.Item == nil {
		return ticket{}, fmt.Errorf("ticket %d: %w", id, errNoTicket)
	}
	return *said.Item, nil
}

// Read implements drive.Ticketer.
func (t *Tickets) Read(ctx context.Context, id int64) (drive.Kept, error) {
	of, err := t.read(ctx, id)
	if err != nil {
		return drive.Kept{}, err
	}
	k := of.kept()
	if unkept := of.ExternalID == "" && k.Reference != ""; unkept || of.ExternalID == k.Reference && k.Reference != "" {
		if t.unkept.Swap(unkept) != unkept && unkept {
			t.log.Info("the PSA does not store the externalID of new tickets: they are found by the last line of their description")
		}
	}
	return k, nil
}

// Find implements drive.Ticketer: by the externalID, or by the last line of the description, where the PSA's mail service has it too.
func (t *Tickets) Find(ctx context.Context, reference string) (drive.Kept, bool, error) {
	if !t.unkept.Load() && !t.shallow.Load() { // one question does for both
		found, err := query[ticket](ctx, t, "Tickets", ticketFields, either(equals("externalID", reference), contains("description", reference)))
		if err == nil || errors.Is(err, drive.ErrNotNow) {
			k, there := t.first(found, reference)
			return k, there, err
		}
	}
	return t.findApart(ctx, reference)
}

// findApart asks for the one after the other: what the PSA does not take, or does not answer in time, may be one of them alone.
func (t *Tickets) findApart(ctx context.Context, reference string) (drive.Kept, bool, error) {
	var found []ticket
	var err error
	if !t.unkept.Load() {
		if found, err = query[ticket](ctx, t, "Tickets", ticketFields, equals("externalID", reference)); err != nil {
			return drive.Kept{}, false, err
		}
	}
	k, there := t.first(found, reference)
	if there {
		return k, true, nil
	}
	if found, err = t.described(ctx, reference); err != nil {
		return drive.Kept{}, false, err
	}
	k, there = t.first(found, reference)
	return k, there, nil
}

// recent is how far back tickets are looked through where the PSA's queries do not look into descriptions.
const recent = 48 * time.Hour

// described are the tickets that may have a reference in their description.
func (t *Tickets) described(ctx context.Context, reference string) ([]ticket, error) {
	if !t.shallow.Load() {
		found, err := query[ticket](ctx, t, "Tickets", ticketFields, contains("description", reference))
		if err == nil || !errors.Is(err, drive.ErrRefused) {
			return found, err
		}
		t.shallow.Store(true)
		t.log.Info("the PSA's queries do not look into descriptions: new tickets of the last two days are looked through", "error", err)
	}
	since := t.now().Add(-recent).UTC().Format(time.RFC3339)
	return query[ticket](ctx, t, "Tickets", ticketFields, filter{Op: "gte", Field: "createDate", Value: since})
}

// first is the oldest of those with a reference.
func (t *Tickets) first(found []ticket, reference string) (first drive.Kept, there bool) {
	n := 0
	for _, of := range found {
		k := of.kept()
		if k.Reference != reference {
			continue
		}
		if n++; !there || k.ID < first.ID {
			first, there = k, true
		}
	}
	if n > 1 {
		t.troubles.add(t.now(), t.log, fmt.Sprintf("%d tickets have the reference %s, which should be one: the oldest is number %s", n, reference, first.Number))
	}
	return first, there
}
