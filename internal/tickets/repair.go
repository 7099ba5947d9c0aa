package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/drive"
)

// statusComplete is the same in every Autotask.
const statusComplete = 5

// Repair implements drive.Ticketer. A ticket that is complete by now gets its reference alone: people have done with it. Neither is the
// status of another changed.
func (t *Tickets) Repair(ctx context.Context, id int64, want drive.Ticket) error {
	have, err := t.read(ctx, id)
	if errors.Is(err, errNoTicket) {
		return fmt.Errorf("%w: %w", drive.ErrRefused, err)
	}
	if err != nil {
		return err
	}
	b := body{"id": id}
	if !reference.MatchString(have.ExternalID) {
		b["externalID"] = want.Reference
	}
	if have.Title == ates.Varied(want.Title, want.Reference) && have.Title != want.Title { // it was one of too many alike
		b["title"] = fit(want.Title, titleMost)
	}
	lists := &picklists{}
	if have.Status != statusComplete {
		ids, of, err := t.resolve(ctx, want)
		if err != nil {
			return err
		}
		lists = of
		delete(ids, "status")
		b.set(ids)
		if want.Contact != 0 {
			b["contactID"] = want.Contact
		}
	}
	if len(b) == 1 {
		return nil
	}
	return t.persist(ctx, http.MethodPatch, b, lists, nil)
}
