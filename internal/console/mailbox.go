package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// mailboxData is what the page of a mailbox shows.
type mailboxData struct {
	Known       bool
	Name, Books string
	Text, State string
	States      []link
	Mails       []mailLine
	More, All   string
	// Troubles are lines.
	Troubles []string
}

type mailLine struct {
	ID                           int64
	To, From, Subject, Came, How string
	Why                          string
}

// mailbox shows the mails of one, a page of them.
func (c *Console) mailbox(r *http.Request) (content, error) {
	asked := r.URL.Query()
	q := ledger.Query{Mailbox: asked.Get("name"), Text: asked.Get("text")}
	if state := ledger.State(asked.Get("state")); slices.Contains(ledger.States, state) {
		q.States = []ledger.State{state}
	}
	q.After, _ = strconv.ParseInt(asked.Get("from"), 10, 64) // the beginning is as good where it is none
	q.After = max(0, q.After)
	ctx, cancel := context.WithTimeout(r.Context(), mailWithin)
	defer cancel()
	list, err := c.cfg.Source.Mails(ctx, q)
	if errors.Is(err, report.ErrUnknownMailbox) {
		what, err := made("mailbox.html", "Mailbox", mailboxData{})
		what.Status = http.StatusNotFound
		return what, err
	}
	if err != nil {
		return content{}, err
	}
	data := mailboxData{Known: true, Name: q.Mailbox, Books: list.Mailbox.Equation(), Text: q.Text, States: statesOf(list.Mailbox)}
	if len(q.States) > 0 {
		data.State = string(q.States[0])
	}
	if data.Text != "" || data.State != "" || q.After != 0 {
		data.All = mailboxAt(q.Mailbox, nil)
	}
	for _, m := range list.Mails {
		data.Mails = append(data.Mails, lineOfMail(q.Mailbox, m, list.Time))
	}
	for _, t := range list.Troubles {
		data.Troubles = append(data.Troubles, printer.MailTrouble(t, list.Time))
	}
	if list.After != 0 {
		asked.Set("from", strconv.FormatInt(list.After, 10))
		data.More = mailboxAt(q.Mailbox, asked)
	}
	what, err := made("mailbox.html", "Mailbox "+q.Mailbox, data)
	what.Danger, what.Headline = dangerOf(list.Mailbox), sentence(list.Mailbox.Headline())
	return what, err
}

func lineOfMail(mailbox string, m report.MailLine, now time.Time) mailLine {
	line := mailLine{ID: m.ID, To: messageAt(mailbox, m.ID), From: m.From, Subject: m.Subject, Came: printer.Clock(m.Arrived, now), How: m.Stands(), Why: m.Why}
	if m.Gone {
		line.From, line.Subject = "not kept any more", "not kept any more"
	}
	return line
}

// messageData is what the page of a mail shows.
type messageData struct {
	Known   bool
	Facts   []report.Fact
	Acts    []link
	Mailbox link
}

// letter shows what is known of a mail, but for what it says.
func (c *Console) letter(r *http.Request) (content, error) {
	asked := r.URL.Query()
	id, _ := strconv.ParseInt(asked.Get("mail"), 10, 64) // none has the number 0
	ctx, cancel := context.WithTimeout(r.Context(), mailWithin)
	defer cancel()
	m, err := c.cfg.Source.Mail(ctx, asked.Get("name"), id)
	if errors.Is(err, report.ErrUnknownMail) {
		what, err := made("letter.html", "Mail", messageData{})
		what.Status = http.StatusNotFound
		return what, err
	}
	if err != nil {
		return content{}, err
	}
	data := messageData{Known: true, Mailbox: link{Text: "All mails of " + m.Mailbox, To: mailboxAt(m.Mailbox, nil)}}
	data.Facts = append(printer.MailFacts(m.Mail, m.Time), slices.DeleteFunc(printer.MailShownFacts(m), isCommand)...)
	if c.cfg.Deeds != nil {
		data.Acts = c.actsOnMail(m)
	}
	what, err := made("letter.html", "Mail "+strconv.FormatInt(m.Mail.ID, 10)+" of "+m.Mailbox, data)
	what.Danger, what.Headline = report.DangerNone, sentence(m.Mail.Stands())
	if m.Mail.State == string(ledger.Suspended) || m.Mail.State == string(ledger.Dead) {
		what.Danger = report.DangerCounted
	}
	return what, err
}

// isCommand says that a line is of what to type, which is a button here.
func isCommand(f report.Fact) bool { return f.Label == "retry" || f.Label == "drop" }

// actsOnMail are the ways to what may be done about a mail.
func (c *Console) actsOnMail(m report.MailShown) (all []link) {
	on, id := policy.Target{Kind: policy.Mailbox, Name: m.Mailbox}, strconv.FormatInt(m.Mail.ID, 10)
	for _, of := range []struct {
		what policy.Action
		can  bool
	}{{policy.ReadMail, !m.Mail.Gone}, {policy.RetryMail, m.NoRetry == ""}, {policy.DropMail, m.NoDrop == ""}} {
		if of.can {
			all = append(all, link{Text: c.acts[of.what].button, To: actAt(of.what, on, "mail", id)})
		}
	}
	return all
}
