package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/console"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// MailBooks implements console.Source.
func (s consoleSource) MailBooks(ctx context.Context) (report.MailBooks, error) {
	return mailDesk(s.app).Overview(ctx)
}

// Mails implements console.Source.
func (s consoleSource) Mails(ctx context.Context, q ledger.Query) (report.MailList, error) {
	return listed(ctx, mailDesk(s.app), q)
}

// Mail implements console.Source.
func (s consoleSource) Mail(ctx context.Context, mailbox string, id int64) (report.MailShown, error) {
	return mailDesk(s.app).Show(ctx, mailbox, id)
}

// ReadMail implements console.Deeds.
func (d consoleDeeds) ReadMail(ctx context.Context, by console.Doer, mailbox string, id int64) ([]byte, policy.Decision, error) {
	decision, err := d.Permits(ctx, by, policy.ReadMail, policy.Target{Kind: policy.Mailbox, Name: mailbox})
	switch {
	case err != nil:
		return nil, decision, err
	case !decision.Allowed():
		return nil, decision, fmt.Errorf("reading a mail of mailbox %q: %w", mailbox, console.ErrDenied)
	}
	raw, err := mailDesk(d.app).Raw(ctx, mailbox, id)
	if err != nil {
		return nil, decision, err
	}
	var log auditor
	if d.app.audit != nil {
		log = d.app.audit.trail
	}
	if err := noteReading(ctx, log, authorOf(by), mailbox, id); err != nil {
		return nil, decision, err
	}
	return raw, decision, nil
}

// noteReading writes down that a mail is shown to a person. Where it cannot, none must be.
func noteReading(ctx context.Context, log auditor, who author, mailbox string, id int64) error {
	if log == nil {
		return errors.New("there is no audit log that could say that the mail was read")
	}
	e := ofPerson(*who.person, who.person.Issuer)
	e.Kind, e.Event, e.Address = audit.Event, eventMailRead, who.address
	e.Data = map[string]string{"mailbox": mailbox, "mail": strconv.FormatInt(id, 10)}
	if err := log.Append(ctx, e); err != nil {
		return fmt.Errorf("the audit log cannot say that the mail was read: %w", err)
	}
	return nil
}

// RetryMail implements console.Deeds.
func (d consoleDeeds) RetryMail(ctx context.Context, by console.Doer, mailbox string, id int64, reason string) (report.MailDecided, error) {
	return d.decide(ctx, by, mailbox, id, reason, true)
}

// DropMail implements console.Deeds.
func (d consoleDeeds) DropMail(ctx context.Context, by console.Doer, mailbox string, id int64, reason string) (report.MailDecided, error) {
	return d.decide(ctx, by, mailbox, id, reason, false)
}

func (d consoleDeeds) decide(ctx context.Context, by console.Doer, mailbox string, id int64, reason string, again bool) (report.MailDecided, error) {
	person := by.Session.Person
	return decidedBy(mailDesk(d.app), authorOf(by), person.Issuer+"/"+person.Subject, reason, again)(ctx, mailbox, id)
}
