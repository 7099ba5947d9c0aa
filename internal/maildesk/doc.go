// Package maildesk is what people ask of the mail broker and decide about its mails: how the books of mailboxes stand, which mails
// there are, what is known of one; that one is tried again, or dropped; and what today's rules would make of those that came. It
// knows no HTTP, and asks nobody whether somebody may: that is for who calls it.
//
// What a mail says comes out of it in one place alone, Raw.
package maildesk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
)

// Boxes are the mailboxes of the config in force.
type Boxes interface {
	// Names are theirs, sorted.
	Names() []string
	// Wake has a mailbox's mails looked at now.
	Wake(name string)
}

// Desk is for any number of callers at any time.
type Desk struct {
	Books ledger.Ledger
	Boxes Boxes
	// Rules are ledger.Default's where they are zero.
	Rules ledger.Rules
	// Now is the time; time.Now without it.
	Now func() time.Time
	// Trial is a Driver whose Try says what would become of a mailbox's mails (drive.Driver.Try); nil for a mailbox that the config does
	// not have. Without it there are no dry runs.
	Trial func(mailbox string) *drive.Driver
}

func (d *Desk) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// Overview are the books of all mailboxes, of those too that the config has no more.
func (d *Desk) Overview(ctx context.Context) (report.MailBooks, error) {
	out := report.MailBooks{Time: d.now(), Mailboxes: []report.MailboxBooks{}}
	counts, err := d.Books.Counts(ctx)
	if err != nil {
		return out, fmt.Errorf("the books of the mailboxes cannot be read: %w", err)
	}
	names := slices.Concat(slices.Collect(maps.Keys(counts)), d.Boxes.Names())
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		books, err := d.books(ctx, name, counts[name])
		if err != nil {
			return out, err
		}
		out.Mailboxes = append(out.Mailboxes, books)
	}
	return out, nil
}

func (d *Desk) books(ctx context.Context, name string, counts ledger.Counts) (report.MailboxBooks, error) {
	b, err := d.Books.Balance(ctx, name)
	if err != nil {
		return report.MailboxBooks{}, fmt.Errorf("the books of mailbox %q cannot be read: %w", name, err)
	}
	out := report.MailboxBooks{
		Name: name, InConfig: slices.Contains(d.Boxes.Names(), name), Seen: b.Seen, Tickets: b.Tickets, Notes: b.Notes, Suspended: b.Suspended, Dead: b.Dead,
		Suppressed: b.Suppressed, Pending: b.Pending, Gap: b.Gap(), Balanced: b.Gap() == 0, OldestPending: moment(counts.Oldest), States: map[string]int{},
	}
	for state, n := range counts.States {
		out.States[string(state)] = n
	}
	return out, nil
}

func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// Limits of a page.
const (
	UsualPage = 50
	MostPage  = 500
)

// List is a page of a mailbox's mails. q.Most is UsualPage where it is 0, and MostPage at the most.
func (d *Desk) List(ctx context.Context, q ledger.Query) (report.MailList, error) {
	out := report.MailList{Time: d.now(), Mails: []report.MailLine{}}
	all, err := d.Overview(ctx)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(all.Mailboxes, func(b report.MailboxBooks) bool { return b.Name == q.Mailbox })
	if i < 0 || q.Mailbox == "" {
		return out, fmt.Errorf("mailbox %q: %w", ledger.Line(q.Mailbox, 100), report.ErrUnknownMailbox)
	}
	out.Mailbox = all.Mailboxes[i]
	if q.Most <= 0 {
		q.Most = UsualPage
	}
	most := min(q.Most, MostPage)
	q.Most = most + 1 // whether there is another page
	page, err := d.Books.List(ctx, q)
	if err != nil {
		return out, fmt.Errorf("the mails of mailbox %q cannot be read: %w", q.Mailbox, err)
	}
	if len(page) > most {
		page = page[:most]
		out.After = page[most-1].ID
	}
	for _, m := range page {
		out.Mails = append(out.Mails, line(m))
	}
	return out, nil
}

// line is what a list says of a mail.
func line(m ledger.Mail) report.MailLine {
	cause := ledger.Explained(m.Cause)
	l := report.MailLine{
		ID: m.ID, Arrived: m.Arrived, From: m.From, Subject: m.Subject, Size: m.Size, Gone: m.Gone, State: string(m.State), Since: moment(m.Since),
		Cause: m.Cause, Why: cause.Says, Do: cause.Do, IsNote: m.IsNote, Ticket: m.Ticket, Number: ledger.Line(m.Number, 100), Tries: m.Tries, Fails: m.Fails,
	}
	if !m.State.Ended() || !m.Acknowledged {
		l.Due = moment(m.Due)
	}
	return l
}

// find reads a mail of a mailbox.
func (d *Desk) find(ctx context.Context, mailbox string, id int64) (ledger.Mail, error) {
	m, err := d.Books.Get(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrUnknown), err == nil && m.Mailbox != mailbox:
		hint := ""
		if names := d.Boxes.Names(); !slices.Contains(names, mailbox) {
			hint = ", and no mailbox of that name in the config; it has " + strings.Join(names, ", ")
		}
		return m, fmt.Errorf("mail %d of mailbox %q: %w%s", id, ledger.Line(mailbox, 100), report.ErrUnknownMail, hint)
	case err != nil:
		return m, fmt.Errorf("mail %d cannot be read: %w", id, err)
	}
	return m, nil
}
