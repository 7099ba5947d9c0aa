package tickets

import (
	"context"
	"errors"
	"net/url"
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

// company is what is read of one.
type company struct {
	ID          int64
	CompanyName string
	WebAddress  string
	IsActive    *flag
}

var companyFields = []string{"id", "webAddress", "isActive"}

// Companies implements route.Directory. Those whose web site is at the domain go before those that only have contacts there: a contact may
// work for another company than the one that it is filed under.
func (t *Tickets) Companies(ctx context.Context, domain string) ([]int64, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if domain == "" {
		return nil, nil
	}
	found, err := query[company](ctx, t, "Companies", companyFields, contains("webAddress", domain))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, c := range found {
		if active(c.IsActive) && siteOf(c.WebAddress, domain) {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	return t.byContacts(ctx, domain)
}

// siteOf reports whether a web address, as people write one, is at a domain or its www.
func siteOf(address, domain string) bool {
	address = strings.ToLower(strings.TrimSpace(address))
	if !strings.Contains(address, "://") {
		address = "//" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	return host == domain || host == "www."+domain
}

// companiesMost is how many companies are told of: of more than one none is taken.
const companiesMost = 50

// byContacts are the active companies of the active contacts with an address at a domain.
func (t *Tickets) byContacts(ctx context.Context, domain string) ([]int64, error) {
	var each []filter
	for _, field := range addressFields {
		each = append(each, filter{Op: "endsWith", Field: field, Value: "@" + domain})
	}
	people, err := query[person](ctx, t, "Contacts", []string{"id", "companyID", "isActive"}, either(each...))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, p := range people {
		if active(p.IsActive) && !slices.Contains(ids, p.CompanyID) {
			ids = append(ids, p.CompanyID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := query[company](ctx, t, "Companies", companyFields, filter{Op: "in", Field: "id", Value: ids[:min(len(ids), companiesMost)]})
	if err != nil {
		return nil, err
	}
	ids = nil
	for _, c := range found {
		if active(c.IsActive) {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
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
