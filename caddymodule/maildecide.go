package caddymodule

import (
	"context"
	"strconv"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/maildesk"
	"github.com/psagate/psagate/internal/report"
)

// decidedBy decides about mails in the name of an author, and writes that down.
func decidedBy(desk *maildesk.Desk, who author, name, reason string, again bool) func(ctx context.Context, mailbox string, id int64) (report.MailDecided, error) {
	move, event := desk.Drop, eventMailDropped
	if again {
		move, event = desk.Retry, eventMailRetried
	}
	return func(ctx context.Context, mailbox string, id int64) (report.MailDecided, error) {
		done, err := move(ctx, mailbox, id, ledger.Decision{By: name, Why: reason})
		if err == nil {
			who.note(event, "", map[string]string{
				"mailbox": mailbox, "mail": strconv.FormatInt(id, 10), "was": done.Was, "cause": done.Mail.Cause, "reason": ledger.Line(reason, 300),
			})
		}
		return done, err
	}
}
