package tickets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
)

// body is a record as it is sent.
type body map[string]any

// made is the answer to what makes or changes something.
type made struct{ ItemID int64 }

// titleMost is a ticket's, in characters (facts: TicketsEntity).
const titleMost = 255

// statusNew is the same in every Autotask.
const statusNew = 1

// Create implements drive.Ticketer. Where the PSA refuses values by the names of their fields, the ticket is sent again without
// those, for nothing was made; what is still refused then is a drive.ErrRefused.
func (t *Tickets) Create(ctx context.Context, of drive.Ticket) (id int64, err error) {
	ids, lists, err := t.resolve(ctx, of)
	if err != nil {
		return 0, err
	}
	b := body{"title": fit(of.Title, titleMost), "description": of.Description, "externalID": of.Reference, "companyID": int64(0), "status": int64(statusNew)}
	if p, ok := lists.pick("priority", "medium", "normal"); ok {
		b["priority"] = p
	}
	b.set(ids)
	if of.Contact != 0 {
		b["contactID"] = of.Contact
	}
	if b["queueID"] == nil { // the one or the other has to be there
		b["dueDateTime"] = t.due()
	}
	var said made
	if err := t.persist(ctx, http.MethodPost, b, lists, &said); err != nil {
		return 0, err
	}
	if said.ItemID <= 0 {
		return 0, errors.New("the PSA made a ticket, and did not say which")
	}
	if company, is := b["companyID"].(int64); is && t.naming {
		t.companies.want(company)
	}
	return said.ItemID, nil
}

// dueIn is when a ticket without a queue is due: the PSA demands one of the two.
const dueIn = 24 * time.Hour

func (t *Tickets) due() string { return t.now().Add(dueIn).UTC().Format(time.RFC3339) }

// set puts in what the fields mean.
func (b body) set(ids route.IDs) {
	for _, n := range names {
		if id, ok := ids[n.ours]; ok {
			b[n.psa] = id
		}
	}
	if id, ok := ids["company"]; ok {
		b["companyID"] = id
	}
}

// repeats is how many times something is sent again that the PSA refused for its fields.
const repeats = 3

// persist sends a ticket, with less in it where the PSA refuses fields by their names.
func (t *Tickets) persist(ctx context.Context, method string, b body, lists *picklists, to any) error {
	for n := 0; ; n++ {
		err := t.say(ctx, method, "/Tickets", b, to)
		said := refusedTexts(err)
		if said == "" {
			return err
		}
		t.lists.doubt("Tickets")
		if n >= repeats || !t.plainer(b, said, lists, method == http.MethodPost) {
			return err
		}
	}
}

// droppable are the fields that a ticket does without, each before what it depends on.
var droppable = []string{
	"subIssueType", "issueType", "ticketType", "ticketCategory", "source", "contactID", "externalID", "queueID", "priority", "status", "dueDateTime",
}

// plainer takes out of a ticket the fields that a refusal names. It reports whether there was one.
func (t *Tickets) plainer(b body, said string, lists *picklists, isNew bool) (less bool) {
	before := maps.Clone(b)
	for _, name := range droppable {
		if !mentions(said, name) {
			continue
		}
		switch _, there := b[name]; {
		case name == "dueDateTime" && isNew && !there: // this one is missing
			b[name] = t.due()
			less = true
			continue
		case !there:
			continue
		}
		delete(b, name)
		if name == "issueType" {
			delete(b, "subIssueType")
		}
		if isNew {
			t.instead(b, name, before[name], lists)
		}
		if less = less || b[name] != before[name]; b[name] == before[name] {
			continue
		}
		t.troubles.add(t.now(), t.log, fmt.Sprintf("the PSA refuses the %s of tickets, which are made without it: %v: %s", name, before[name], bounded(said)))
	}
	return less
}

// instead puts something in the place of a field without which the PSA makes no ticket.
func (t *Tickets) instead(b body, name string, was any, lists *picklists) {
	switch name {
	case "queueID":
		b["dueDateTime"] = t.due()
	case "status":
		b[name] = int64(statusNew)
	case "priority":
		if p, ok := lists.pick("priority", "medium", "normal"); ok {
			b[name] = p
		}
	}
}

// mentions reports whether a text names a field, as a word of its own.
func mentions(said, field string) bool {
	field = strings.ToLower(field)
	for rest := said; ; {
		i := strings.Index(rest, field)
		if i < 0 {
			return false
		}
		end := i + len(field)
		if (i == 0 || !wordy(rest[i-1])) && (end == len(rest) || !wordy(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func wordy(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
}

// fit cuts a text to so many characters.
func fit(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
