package caddymodule

import (
	"log/slog"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/mail"
)

// mailWatch is told what happens to mails, and tells who wants to know.
type mailWatch struct{}

// Ended implements mail.Watcher.
func (mailWatch) Ended(m ledger.Mail, after time.Duration) {
	if m.State == ledger.Done && !m.Arrived.IsZero() {
		counted.mails.WithLabelValues(m.Mailbox).Observe(after.Seconds())
	}
	if m.State == ledger.Suspended || m.State == ledger.Dead {
		happened(call.Happening{Event: call.MailSetAside, Mailbox: m.Mailbox, Done: string(m.State)})
	}
}

// Changed implements mail.Watcher.
func (mailWatch) Changed(mailbox string, what mail.Change, words string) {
	log := slog.New(currentLog{}).With("mailbox", mailbox)
	switch what {
	case mail.Failing:
		log.Error("no mails come out of a mailbox", "problem", words)
		happened(call.Happening{Event: call.MailboxFailing, Mailbox: mailbox})
	case mail.Working:
		log.Info("mails come out of the mailbox again")
		happened(call.Happening{Event: call.MailboxWorking, Mailbox: mailbox})
	case mail.Gap:
		log.Error("the books of a mailbox do not balance: a mail is missing from them", "problem", words)
		happened(call.Happening{Event: call.MailMissing, Mailbox: mailbox})
	case mail.Balanced:
		log.Info("the books of the mailbox balance again")
	case mail.Fallback:
		log.Warn("mails go to the PSA's mail service, since its API cannot be used", "problem", words)
		happened(call.Happening{Event: call.MailFallback, Mailbox: mailbox})
	case mail.FallbackOK:
		log.Info("all mails that went to the PSA's mail service have become tickets")
	}
}

// happened tells it as what befalls logins is told: as an event, an alert, and a line of the audit log.
func happened(h call.Happening) { observer{counted, &heralded, alarms()}.Happened(h) }

// hastenMails has mails looked at that may have waited for what has changed.
func hastenMails() {
	if mailed.Load() {
		mails().Hasten()
	}
}

// tellMailboxes has the mailboxes find out at once whether the PSA's API can be used again, when something says so.
func tellMailboxes(h call.Happening) {
	switch h.Event {
	case call.LoginReleased, call.LoginRecovered, call.GateOpen:
	default:
		return
	}
	if mailed.Load() {
		go mails().apiMayBeBack() // whoever tells of it may hold what that waits for
	}
}
