package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
)

// mailWithin is how long mails may take to be read.
const mailWithin = 15 * time.Second

// mailBooks are the books of the mailboxes, or why they are not known.
type mailBooks struct {
	report.MailBooks
	err error
}

func (c *Console) lookAtMail(struct{}) mailBooks {
	ctx, cancel := context.WithTimeout(context.Background(), mailWithin) // of no request: others wait for it too
	defer cancel()
	books, err := c.cfg.Source.MailBooks(ctx)
	return mailBooks{books, err}
}

// mailboxLine is one mailbox on the page of all.
type mailboxLine struct {
	Name, To, State, Books, Pending string
	Danger                          report.Danger
	States                          []link
	Gone                            bool
}

// mail tells what the mail is doing.
func (c *Console) mail(*http.Request) (content, error) {
	books := c.mails.get(struct{}{})
	if books.err != nil {
		return content{}, books.err
	}
	now := books.Time.Truncate(step)
	var lines []mailboxLine
	aside, gaps := 0, 0
	for _, m := range books.Mailboxes {
		line := mailboxLine{Name: m.Name, To: mailboxAt(m.Name, nil), State: m.Headline(), Books: m.Equation(), Gone: !m.InConfig, States: statesOf(m)}
		line.Danger = dangerOf(m)
		if m.OldestPending != nil {
			line.Pending = report.Age(now.Sub(*m.OldestPending)) + " at the longest"
		}
		if aside += m.Suspended + m.Dead; m.Gap != 0 {
			gaps++
		}
		lines = append(lines, line)
	}
	what, err := made("mail.html", "Mail", lines)
	switch {
	case gaps > 0:
		what.Danger, what.Headline = report.DangerStopped, "The books of "+mailboxes(gaps)+" do not balance: a mail is missing."
	case aside > 0:
		what.Danger, what.Headline = report.DangerCounted, counted(aside, "mail")+" set aside for people to decide."
	default:
		what.Danger, what.Headline = report.DangerNone, "The books balance, and no mail waits for people."
	}
	return what, err
}

func mailboxes(n int) string {
	if n == 1 {
		return "1 mailbox"
	}
	return strconv.Itoa(n) + " mailboxes"
}

func dangerOf(m report.MailboxBooks) report.Danger {
	switch {
	case m.Gap != 0:
		return report.DangerStopped
	case m.Suspended+m.Dead > 0:
		return report.DangerCounted
	}
	return report.DangerNone
}

// statesOf lead to the mails of each state.
func statesOf(m report.MailboxBooks) (all []link) {
	for _, state := range ledger.States {
		if n := m.States[string(state)]; n > 0 {
			all = append(all, link{Text: string(state) + ": " + strconv.Itoa(n), To: mailboxAt(m.Name, url.Values{"state": {string(state)}})})
		}
	}
	return all
}

// mailboxAt is the address of the page of a mailbox's mails, of those that are asked for.
func mailboxAt(name string, asked url.Values) string {
	q := url.Values{"name": {name}}
	for _, word := range []string{"state", "text", "from"} {
		if value := asked.Get(word); value != "" {
			q.Set(word, value)
		}
	}
	return pageMailbox + "?" + q.Encode()
}

// messageAt is the address of the page of a mail.
func messageAt(mailbox string, id int64) string {
	return pageMessage + "?" + url.Values{"name": {mailbox}, "mail": {strconv.FormatInt(id, 10)}}.Encode()
}
