package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/psagate/psagate/broker/drive"
)

// addresses is what is read of a contact.
type addresses struct {
	ID                                         int64
	EmailAddress, EmailAddress2, EmailAddress3 string
}

func (a addresses) have(address string) bool {
	for _, of := range []string{a.EmailAddress, a.EmailAddress2, a.EmailAddress3} {
		if of != "" && strings.EqualFold(strings.TrimSpace(of), address) {
			return true
		}
	}
	return false
}

// Participates tells whether an address is that of a ticket's contact, or of one of its additional contacts. It is for
// drive.Driver.Participates.
func (t *Tickets) Participates(ctx context.Context, id int64, address string) (bool, error) {
	of, err := t.read(ctx, id)
	if errors.Is(err, errNoTicket) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	contacts, err := t.additional(ctx, id)
	if err != nil {
		return false, err
	}
	if of.ContactID != nil {
		contacts = append(contacts, *of.ContactID)
	}
	if len(contacts) == 0 {
		return false, nil
	}
	found, err := query[addresses](ctx, t, "Contacts", append([]string{"id"}, addressFields...), filter{Op: "in", Field: "id", Value: contacts})
	for _, c := range found {
		if c.have(address) {
			return true, nil
		}
	}
	return false, err
}

// additional are the ids of a ticket's additional contacts. Where they may not be read there are none.
func (t *Tickets) additional(ctx context.Context, id int64) (ids []int64, err error) {
	var said struct {
		Items []struct{ ContactID int64 }
	}
	err = t.say(ctx, http.MethodGet, fmt.Sprintf("/Tickets/%d/AdditionalContacts", id), nil, &said)
	if errors.Is(err, drive.ErrRefused) || errors.Is(err, ErrDenied) {
		return nil, nil
	}
	for _, c := range said.Items {
		ids = append(ids, c.ContactID)
	}
	return ids, err
}
