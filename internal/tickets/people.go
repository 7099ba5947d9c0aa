package tickets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
)

// flag is a truth that some entities spell as a number. What is not there is true: who does not say that it is inactive, is not.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.Trim(string(b), `"`) {
	case "0", "false", "False":
		*f = false
	default:
		*f = true
	}
	return nil
}

// person is what is read of a resource or contact.
type person struct {
	ID                  int64
	FirstName, LastName string
	CompanyID           int64
	IsActive            *flag
}

func (p person) known() route.Person {
	return route.Person{ID: p.ID, Company: p.CompanyID, Name: strings.TrimSpace(p.FirstName + " " + p.LastName)}
}

func active(of *flag) bool { return of == nil || bool(*of) }

func persons(found []person) (all []route.Person) {
	for _, p := range found {
		if active(p.IsActive) {
			all = append(all, p.known())
		}
	}
	return all
}

// Resources implements route.Directory.
func (t *Tickets) Resources(ctx context.Context, address string) ([]route.Person, error) {
	if found, known := t.resources.get(address, t.now()); known {
		return slices.Clone(found), nil
	}
	found, err := t.resourcesBy(ctx, address)
	if err == nil && len(found) <= answerMost {
		t.resources.put(address, slices.Clone(found), t.now(), personFor)
	}
	return found, err
}

func (t *Tickets) resourcesBy(ctx context.Context, address string) ([]route.Person, error) {
	fields := []string{"id", "firstName", "lastName", "isActive"}
	three := !t.oneAddress.Load()
	if three {
		found, err := query[person](ctx, t, "Resources", fields, either(equals("email", address), equals("email2", address), equals("email3", address)))
		if err == nil || !errors.Is(err, drive.ErrRefused) {
			return persons(found), err
		}
	}
	found, err := query[person](ctx, t, "Resources", fields, equals("email", address))
	if three && err == nil { // else it may have been the address that the PSA refused, which anybody may have sent
		t.oneAddress.Store(true)
	}
	return persons(found), err
}

func (t ticket) route() route.Ticket {
	out := route.Ticket{ID: t.ID, Number: t.TicketNumber, Company: t.CompanyID}
	if t.ContactID != nil {
		out.Contact = *t.ContactID
	}
	return out
}

// TicketByNumber implements route.Directory.
func (t *Tickets) TicketByNumber(ctx context.Context, number string) (route.Ticket, bool, error) {
	found, err := query[ticket](ctx, t, "Tickets", []string{"id", "ticketNumber", "companyID", "contactID"}, equals("ticketNumber", number))
	if err != nil || len(found) == 0 {
		return route.Ticket{}, false, err
	}
	return found[0].route(), true, nil
}

// TicketByID implements route.Directory.
func (t *Tickets) TicketByID(ctx context.Context, id int64) (route.Ticket, bool, error) {
	of, err := t.read(ctx, id)
	if errors.Is(err, errNoTicket) {
		return route.Ticket{}, false, nil
	}
	return of.route(), err == nil, err
}
