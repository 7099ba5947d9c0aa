package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/psagate/psagate/broker/drive"
)

// What the PSA takes of a note, in characters (facts: TicketNotesEntity).
const (
	noteTitleMost = 250
	noteMost      = 32_000
)

// forAll is the publish value of what all users of the PSA see, the customers' portal among them.
const forAll = 1

// AddNote implements drive.Ticketer.
func (t *Tickets) AddNote(ctx context.Context, n drive.Note) error {
	b := body{"title": fit(n.Title, noteTitleMost), "description": ending(n.Text, n.Mark, noteMost), "noteType": int64(1), "publish": int64(forAll)}
	lists, err := t.list(ctx, "TicketNotes")
	switch {
	case err == nil:
		if id, ok := lists.pick("noteType", "note"); ok {
			b["noteType"] = id
		}
		if id, ok := lists.pick("publish", "all "); ok {
			b["publish"] = id
		}
	case !errors.Is(err, drive.ErrRefused) && !errors.Is(err, ErrDenied):
		return err
	}
	err = t.say(ctx, http.MethodPost, fmt.Sprintf("/Tickets/%d/Notes", n.Ticket), b, nil)
	if errors.Is(err, drive.ErrRefused) {
		t.lists.doubt("TicketNotes")
	}
	return err
}

// ending is a text of at most so many characters whose last line is the mark.
func ending(text, mark string, most int) string {
	text = strings.TrimRight(text, " \t\r\n")
	if r := []rune(text); len(r) > most {
		text = string(r[:most-len([]rune(mark))-4]) + "…"
	}
	if lastLine(text) != mark {
		text += "\n\n" + mark
	}
	return text
}

func lastLine(text string) string {
	text = strings.TrimRight(text, " \t\r\n")
	return strings.TrimSpace(text[strings.LastIndexAny(text, "\r\n")+1:])
}

// note is what is read of one.
type note struct {
	ID          int64
	Description string
}

// HasNote implements drive.Ticketer.
func (t *Tickets) HasNote(ctx context.Context, ticket int64, mark string) (bool, error) {
	fields := []string{"id", "description"}
	if !t.shallow.Load() {
		found, err := query[note](ctx, t, "TicketNotes", fields, equals("ticketID", ticket), contains("description", mark))
		if err == nil || !errors.Is(err, drive.ErrRefused) {
			return marked(found, mark), err
		}
	}
	found, err := query[note](ctx, t, "TicketNotes", fields, equals("ticketID", ticket))
	return marked(found, mark), err
}

func marked(found []note, mark string) bool {
	return slices.ContainsFunc(found, func(n note) bool { return lastLine(n.Description) == mark || lastMark(n.Description) == mark })
}

// lastMark is the last line that is a mail's mark. The mail service may write below it; what stands above it may be quoted.
func lastMark(text string) string {
	all := line.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(all[len(all)-1])
}
