package maildesk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
)

// Retry has a mail tried again that is set aside or dropped. What it may have made before is looked for first.
func (d *Desk) Retry(ctx context.Context, mailbox string, id int64, by ledger.Decision) (report.MailDecided, error) {
	return d.decide(ctx, mailbox, id, by, d.Rules.Retry)
}

// Drop decides that nothing is to become of a mail.
func (d *Desk) Drop(ctx context.Context, mailbox string, id int64, by ledger.Decision) (report.MailDecided, error) {
	return d.decide(ctx, mailbox, id, by, d.Rules.Drop)
}

// decideTries is how often a decision is tried that somebody's step comes between.
const decideTries = 5

// decide moves a mail as people want it. A move that does not fit its state is report.Unfit.
func (d *Desk) decide(ctx context.Context, mailbox string, id int64, by ledger.Decision, move func(ledger.Mail, ledger.Decision, time.Time) (ledger.Mail, error)) (report.MailDecided, error) {
	for range decideTries {
		m, err := d.find(ctx, mailbox, id)
		if err != nil {
			return report.MailDecided{}, err
		}
		after, err := move(m, by, d.now())
		if err != nil {
			return report.MailDecided{}, report.NewUnfit(err)
		}
		kept, err := d.Books.Update(ctx, after)
		switch {
		case errors.Is(err, ledger.ErrStale):
			continue
		case err != nil:
			return report.MailDecided{}, fmt.Errorf("what was decided about mail %d cannot be written down: %w", id, err)
		}
		d.Boxes.Wake(mailbox)
		return report.MailDecided{Mailbox: mailbox, Was: string(m.State), Mail: line(kept)}, nil
	}
	return report.MailDecided{}, fmt.Errorf("mail %d: %w", id, report.ErrMailMoved)
}
