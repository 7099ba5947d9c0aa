package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// heed writes down what a notice says of a mail that was handed to the mail service. After a success the next mail of the ticket may
// follow, and a mail that was in doubt is so no longer. It may be done twice.
func (d *Driver) heed(ctx context.Context, n *route.Notice) error {
	if !n.Failed && !n.Made {
		return nil
	}
	m, err := d.Ledger.Get(ctx, n.Of.Mail)
	switch {
	case errors.Is(err, ledger.ErrUnknown) || err == nil && !n.Of.Is(m.ID, m.Reference):
		d.log().Warn("a notice of the mail service is about a mail that the books do not know", "mailbox", d.Mailbox.Name, "mail", n.Of.Mail)
		return nil
	case err != nil:
		return fmt.Errorf("looking up mail %d: %w", n.Of.Mail, err)
	}
	move := d.Rules.Taken
	if n.Failed {
		move = d.Rules.NotTaken
	}
	after, changed, err := move(m, d.now())
	if err != nil || !changed {
		return err
	}
	if _, err := d.Ledger.Update(ctx, after); err != nil { // also where somebody else has moved it: then it is looked at again
		return fmt.Errorf("writing down what the mail service made of mail %d: %w", m.ID, err)
	}
	if n.Made {
		return nil
	}
	d.log().Error("the mail service has made nothing of a mail, which waits for the API", "mailbox", m.Mailbox, "mail", m.ID)
	return nil
}
