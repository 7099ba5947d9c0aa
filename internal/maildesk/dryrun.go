package maildesk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/report"
)

// MostTried is how many mails a dry run looks at: the PSA is asked for the sender of each.
const MostTried = 500

// DryRun says what would become today of the mails that came to a mailbox since a time, and how that differs from what did. It writes
// nothing anywhere; the PSA is asked who is who.
func (d *Desk) DryRun(ctx context.Context, mailbox string, since time.Time, most int) (report.MailDryRun, error) {
	out := report.MailDryRun{Time: d.now(), Mailbox: mailbox, Since: since, Outcomes: map[string]int{}, Mails: []report.MailDryLine{}}
	var driver *drive.Driver
	if d.Trial != nil {
		driver = d.Trial(mailbox)
	}
	if driver == nil {
		return out, fmt.Errorf("mailbox %q: %w", ledger.Line(mailbox, 100), report.ErrUnknownMailbox)
	}
	if most <= 0 || most > MostTried {
		most = MostTried
	}
	page, err := d.Books.List(ctx, ledger.Query{Mailbox: mailbox, Since: since, Oldest: true, Most: most + 1})
	if err != nil {
		return out, fmt.Errorf("the mails of mailbox %q cannot be read: %w", mailbox, err)
	}
	if out.More = len(page) > most; out.More {
		page = page[:most]
	}
	for _, m := range page {
		if m.Gone {
			out.Gone++
			continue
		}
		tried := try(ctx, driver, m)
		if ctx.Err() != nil {
			return out, fmt.Errorf("the dry run is broken off: %w", context.Cause(ctx))
		}
		out.Mails = append(out.Mails, tried)
		switch {
		case tried.Problem != "":
			out.Failed++
			continue
		case len(tried.Differs) > 0:
			out.Differ++
		}
		out.Looked++
		out.Outcomes[tried.Outcome]++
	}
	return out, nil
}

// try says what would become of one.
func try(ctx context.Context, driver *drive.Driver, m ledger.Mail) report.MailDryLine {
	l := report.MailDryLine{Mail: line(m), Differs: []string{}, Steps: []string{}}
	draft, err := driver.Try(ctx, m)
	switch {
	case errors.Is(err, route.ErrPending):
		l.Outcome, l.Steps = "waits", []string{"it answers a mail that has not become a ticket yet"}
		return l
	case err != nil:
		l.Problem = err.Error()
		return l
	}
	l.Outcome, l.Cause = string(draft.Outcome), draft.Cause
	for _, step := range append(draft.Why, draft.Troubles...) {
		l.Steps = append(l.Steps, ledger.Line(step, 500))
	}
	switch draft.Outcome {
	case route.NewTicket:
		l.Gets = drive.Gets(draft)
	case route.Note:
		l.Ticket = ledger.Line(draft.Ticket.Number, 100)
	}
	l.Differs = differences(m, draft)
	return l
}

// differences are those of what would become of a mail from what did, in words. Of a mail that is worked on there are none, nor of
// one about which people decided, or the guard against loops, or that is a duplicate: none of those is asked again.
func differences(m ledger.Mail, draft *route.Draft) []string {
	cause := m.Cause
	if cause == ledger.Dropped {
		cause = m.Was
	}
	was := became(m)
	if was == "" || m.Forced || cause == "loop" || cause == "duplicate" || m.Merged {
		return []string{}
	}
	would := string(draft.Outcome)
	if draft.Cause != "" {
		would += ", " + draft.Cause
	}
	switch {
	case would != was:
		return []string{"it became " + was + ", and would become " + would}
	case draft.Outcome == route.Note && m.Ticket != draft.Ticket.ID:
		return []string{fmt.Sprintf("it became a note on ticket %s, and would on %s", line(m).TicketName(), ledger.Line(draft.Ticket.Number, 100))}
	case draft.Outcome == route.NewTicket:
		if got, gets := drive.GotBy(m), drive.Gets(draft); got != "" && got != gets {
			return []string{"its ticket got " + got + ", and would get " + gets}
		}
	}
	return []string{}
}

// became is what a mail was understood as; empty where it was not, or that is not known.
func became(m ledger.Mail) string {
	switch {
	case m.State == ledger.Done && m.IsNote:
		return string(route.Note)
	case m.State == ledger.Done:
		return string(route.NewTicket)
	case m.State == ledger.Suspended && m.Plan == nil: // else it was understood as something, and could not be sent
		return string(route.Suspended) + ", " + m.Cause
	case m.State == ledger.Suppressed && m.Cause == ledger.Dropped && m.Plan == nil && m.Was != "":
		return string(route.Suspended) + ", " + m.Was
	case m.State == ledger.Suppressed && m.Cause != ledger.Dropped:
		return string(route.Suppressed) + ", " + m.Cause
	}
	return ""
}
