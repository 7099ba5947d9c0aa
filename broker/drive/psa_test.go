package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

var errNoAnswer = errors.New("no answer")

// make does what the fate says with something that is to be made once.
func (w *world) make(point string, apply func()) error {
	began := w.now
	f := w.at(point)
	if w.now.Sub(began) > ledger.Default.Answer { // its context is over, and it sends no more
		return errNoAnswer
	}
	switch f {
	case notNow:
		return fmt.Errorf("testing: %w", ErrNotNow)
	case refused:
		return fmt.Errorf("testing: %w", ErrRefused)
	case cut:
		return errNoAnswer
	case late, beyond:
		by := 90 * time.Second
		if f == beyond {
			by, w.excused = time.Hour, true
		}
		w.late = append(w.late, effect{w.now.Add(by), apply})
		return errNoAnswer
	}
	apply()
	w.after(f)
	if f == lost {
		return errNoAnswer
	}
	return nil
}

// asked is for what changes nothing.
func (w *world) asked(point string) error {
	switch f := w.at(point); f {
	case works, dieAfter:
		return nil
	default:
		return errNoAnswer
	}
}

// psa is a Ticketer.
type psa struct{ w *world }

func (p psa) Create(_ context.Context, t Ticket) (id int64, err error) {
	err = p.w.make("create", func() { id = p.w.put(t) })
	return id, err
}

// put makes a ticket, or merges it into one with the same title.
func (w *world) put(t Ticket) int64 {
	if w.merges {
		for id, have := range w.tickets {
			if have.Title == t.Title && have.Reference != t.Reference {
				have.merged = append(have.merged, t)
				return id
			}
		}
	}
	id := int64(1000 + len(w.tickets))
	w.tickets[id] = &ticket{Ticket: t, id: id}
	return id
}

func (t *ticket) kept() Kept {
	return Kept{t.id, fmt.Sprintf("T20261127.%04d", t.id), t.Reference}
}

func (p psa) Read(_ context.Context, id int64) (Kept, error) {
	if err := p.w.asked("read"); err != nil {
		return Kept{}, err
	}
	return p.w.tickets[id].kept(), nil
}

func (p psa) Find(_ context.Context, reference string) (Kept, bool, error) {
	if err := p.w.asked("find"); err != nil {
		return Kept{}, false, err
	}
	for _, t := range p.w.tickets {
		if t.Reference == reference {
			return t.kept(), true, nil
		}
	}
	return Kept{}, false, nil
}

func (p psa) Repair(_ context.Context, id int64, t Ticket) error {
	return p.w.make("repair", func() {
		p.w.tickets[id].Fields = t.Fields
		p.w.tickets[id].fixed++
	})
}

func (p psa) AddNote(_ context.Context, n Note) error {
	return p.w.make("note", func() { p.w.tickets[n.Ticket].notes = append(p.w.tickets[n.Ticket].notes, n) })
}

func (p psa) HasNote(_ context.Context, ticket int64, mark string) (bool, error) {
	err := p.w.asked("hasnote")
	return err == nil && slices.ContainsFunc(p.w.tickets[ticket].notes, func(n Note) bool { return strings.HasSuffix(n.Text, "\n"+mark) }), err
}

func (p psa) Attach(_ context.Context, f File) error {
	return p.w.make("attach", func() { p.w.tickets[f.Ticket].files = append(p.w.tickets[f.Ticket].files, f) })
}

func (p psa) HasFile(_ context.Context, ticket int64, title string) (bool, error) {
	err := p.w.asked("hasfile")
	return err == nil && slices.ContainsFunc(p.w.tickets[ticket].files, func(f File) bool { return f.Title == title }), err
}

// service is the PSA's mail service: its tickets come later, and in its own queue.
type service struct{ w *world }

func (s service) HandOver(_ context.Context, t Ticket, again bool) error {
	s.w.excused = s.w.excused || again // nobody can look, and it has been long enough: it is flagged
	return s.w.make("mail", func() {
		s.w.handed++
		takes := 10 * time.Minute
		if len(s.w.takes) > 0 {
			takes, s.w.takes = s.w.takes[0], s.w.takes[1:]
		}
		s.w.late = append(s.w.late, effect{s.w.now.Add(takes), func() { s.w.serve(t) }})
	})
}

// serve makes what the mail service was handed, and says so.
func (w *world) serve(t Ticket) {
	said := "Ticket created\n\nThe ticket was created successfully.\n"
	if w.ignores {
		said = "Ticket creation failed\n\nIt was.\n"
	} else {
		w.served(t)
	}
	if w.tells {
		w.arrive("From: addticket@autotask.example\nTo: support+" + w.mailbox.Keys.HandedTag(t.Mail, t.Reference) + fmt.Sprintf("@msp.example\nMessage-ID: <%d@notices>\nSubject: ", len(w.inbox)) + said)
	}
}

func (w *world) served(t Ticket) {
	t.Fields = route.Fields{Queue: "Mail"}
	for _, on := range w.tickets {
		if t.Note == on.kept().Number && !w.forgets {
			on.notes = append(on.notes, Note{Ticket: on.id, Title: t.Title, Text: t.Description, Mark: mark(t.Reference)})
			return
		}
	}
	w.put(t)
}

// directory knows nobody, and all tickets.
type directory struct{ w *world }

func (d directory) Resources(context.Context, string) ([]route.Person, error) {
	if !d.w.down.IsZero() {
		return nil, errNoAnswer // it is the PSA, as all else
	}
	return nil, d.w.asked("directory")
}

func (d directory) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (d directory) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (d directory) TicketByNumber(context.Context, string) (route.Ticket, bool, error) {
	return route.Ticket{}, false, nil
}

func (d directory) TicketByID(_ context.Context, id int64) (route.Ticket, bool, error) {
	if !d.w.down.IsZero() {
		return route.Ticket{}, false, errNoAnswer
	}
	t, there := d.w.tickets[id]
	if !there {
		return route.Ticket{}, false, nil
	}
	return route.Ticket{ID: id, Number: t.kept().Number}, true, nil
}
