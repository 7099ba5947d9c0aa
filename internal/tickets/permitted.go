package tickets

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/call"
)

// Permits says whether a call would be let through: a call.Inside.
type Permits interface {
	May(ctx context.Context, method, path string, body []byte) (call.InsideAnswer, error)
}

// MayMake returns what says whether a ticket could be made by the API, were that there: whoever is switched off, or may not make tickets by
// policy, does not make them by the PSA's mail service either. It is for mail.PSA.MayMake.
func MayMake(by Permits) func(context.Context, drive.Ticket) error {
	return func(ctx context.Context, t drive.Ticket) error { return mayMake(ctx, by, t) }
}

// asked has the fields that the API would be told of a ticket, since policies know them by their names. What their values would be in
// the PSA cannot be looked up while it is away.
func asked(t drive.Ticket) body {
	b := body{"title": t.Title, "description": t.Description, "externalID": t.Reference, "companyID": 0, "status": 0, "priority": 0}
	fields := chosen(t.Fields)
	for _, n := range names {
		if fields[n.ours] != "" {
			b[n.psa] = 0
		}
	}
	if t.Contact != 0 {
		b["contactID"] = t.Contact
	}
	if b["queueID"] == nil {
		b["dueDateTime"] = ""
	}
	return b
}

func mayMake(ctx context.Context, by Permits, t drive.Ticket) error {
	path, b := "/Tickets", asked(t)
	if t.Note != "" { // whose id is not known here
		path, b = "/Tickets/0/Notes", body{"title": t.Title, "description": t.Description, "noteType": 0, "publish": 0}
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrNotNow, err)
	}
	a, err := by.May(ctx, http.MethodPost, path, text)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", drive.ErrNotNow, err)
	case a.Reason != "":
		return fmt.Errorf("%w: it is not handed to the mail service, since its ticket is refused here (%s)", drive.ErrNotNow, a.Reason)
	}
	return nil
}
