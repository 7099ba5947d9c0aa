package tickets

import (
	"context"
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/route"
)

// addressFields are a contact's.
var addressFields = []string{"emailAddress", "emailAddress2", "emailAddress3"}

// contact is what is read of one.
type contact struct {
	person
	EmailAddress, EmailAddress2, EmailAddress3 string
}

// has reports whether one of its fields, from 1 on, is an address. The PSA compares without regard to case.
func (c contact) has(address string, field int) bool {
	of := []string{c.EmailAddress, c.EmailAddress2, c.EmailAddress3}[field-1]
	return strings.EqualFold(strings.TrimSpace(of), address)
}

// Contacts implements route.Directory. Whoever looks somebody up asks for one field after the other: all are asked for at once.
func (t *Tickets) Contacts(ctx context.Context, address string, field int) ([]route.Person, error) {
	if field < 1 || field > len(addressFields) {
		return nil, fmt.Errorf("a contact has %d addresses, and no %d", len(addressFields), field)
	}
	all, known := t.contacts.get(address, t.now())
	if !known {
		var each []filter
		for _, name := range addressFields {
			each = append(each, equals(name, address))
		}
		var err error
		if all, err = query[contact](ctx, t, "Contacts", append([]string{"id", "firstName", "lastName", "companyID", "isActive"}, addressFields...), either(each...)); err != nil {
			return nil, err
		}
		if len(all) <= answerMost {
			t.contacts.put(address, all, t.now(), personFor)
		}
	}
	var of []person
	for _, c := range all {
		if !c.has(address, 1) && !c.has(address, 2) && !c.has(address, 3) { // the PSA compares otherwise: it is to say which field it is
			return t.contactsBy(ctx, address, field)
		}
		if c.has(address, field) {
			of = append(of, c.person)
		}
	}
	return persons(of), nil
}

// contactsBy asks for one field alone.
func (t *Tickets) contactsBy(ctx context.Context, address string, field int) ([]route.Person, error) {
	found, err := query[person](ctx, t, "Contacts", []string{"id", "firstName", "lastName", "companyID", "isActive"}, equals(addressFields[field-1], address))
	return persons(found), err
}
