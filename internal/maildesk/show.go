package maildesk

import (
	"context"
	"errors"
	"fmt"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
)

// Show is all that is known of a mail, but for what it says.
func (d *Desk) Show(ctx context.Context, mailbox string, id int64) (report.MailShown, error) {
	m, err := d.find(ctx, mailbox, id)
	if err != nil {
		return report.MailShown{}, err
	}
	out := report.MailShown{
		Time: d.now(), Mailbox: m.Mailbox, Mail: line(m), Object: m.Object, MessageID: ledger.Line(m.MessageID, 300), Reference: m.Reference, Files: m.Files, Skipped: m.Skipped,
		Marks: marks(m), Understood: append([]string{}, m.Why...), History: []report.MailMove{},
	}
	for _, h := range m.History {
		out.History = append(out.History, report.MailMove{At: h.At, State: string(h.State), Cause: h.Cause, By: h.By, Why: h.Why})
	}
	if _, err := d.Rules.Retry(m, ledger.Decision{}, out.Time); err != nil {
		out.NoRetry = err.Error()
	}
	if _, err := d.Rules.Drop(m, ledger.Decision{}, out.Time); err != nil {
		out.NoDrop = err.Error()
	}
	return out, nil
}

// marks are what is particular about a mail.
func marks(m ledger.Mail) []string {
	all := []string{}
	for _, mark := range []struct {
		is   bool
		says string
	}{
		{m.Forced, "people want it to become something, whatever kind of mail it is"},
		{m.Least, "it was too much for the parser, and is the least of a ticket, with the mail as a file"},
		{m.Plainness > 0, fmt.Sprintf("the PSA refused it %d times, and less is said each time", m.Plainness)},
		{m.Repair, "the PSA's mail service made the ticket, which is to be put right"},
		{m.Repeated, "it was sent again after doubt: there may be two of it in the PSA"},
		{m.Merged, "the PSA put it into a ticket that was there before"},
		{m.State.Ended() && !m.Acknowledged, "it still lies in the inbox, and is to be moved or marked there"},
	} {
		if mark.is {
			all = append(all, mark.says)
		}
	}
	return all
}

// Raw is a mail as it came. Whoever calls it has written down who reads it.
func (d *Desk) Raw(ctx context.Context, mailbox string, id int64) ([]byte, error) {
	if _, err := d.find(ctx, mailbox, id); err != nil {
		return nil, err
	}
	raw, err := d.Books.Raw(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrGone):
		return nil, report.NewUnfit(fmt.Errorf("the bytes of mail %d are not kept any more", id))
	case err != nil:
		return nil, fmt.Errorf("mail %d cannot be read: %w", id, err)
	}
	return raw, nil
}
