package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MailBooks writes how the mailboxes stand.
func (p Printer) MailBooks(b MailBooks) {
	for _, m := range b.Mailboxes {
		p.mailbox(m, b.Time)
	}
	if len(b.Mailboxes) == 0 {
		p.line("there is no mailbox, and no mail in the books")
	}
}

func (p Printer) mailbox(m MailboxBooks, now time.Time) {
	p.line("mailbox %s: %s", m.Name, m.Headline())
	p.field("books", "%s", m.Equation())
	for i, state := range slices.Sorted(maps.Keys(m.States)) {
		label := "states"
		if i > 0 {
			label = ""
		}
		p.field(label, "%s: %d", state, m.States[state])
	}
	if m.OldestPending != nil {
		p.field("pending", "for %s at the longest", age(now.Sub(*m.OldestPending)))
	}
	if !m.InConfig {
		p.field("config", "has no such mailbox any more")
	}
}

// Headline says in a few words how a mailbox's books stand.
func (m MailboxBooks) Headline() string {
	switch aside := m.Suspended + m.Dead; {
	case m.Gap != 0:
		return fmt.Sprintf("THE BOOKS DO NOT BALANCE, %s missing", are(m.Gap, "mail"))
	case aside > 0:
		return fmt.Sprintf("%s for people to decide", are(aside, "mail"))
	case m.Pending > 0:
		return fmt.Sprintf("%s pending", are(m.Pending, "mail"))
	}
	return "nothing to do"
}

func are(n int, one string) string {
	if n == 1 {
		return "1 " + one + " is"
	}
	return plural(n, one) + " are"
}

// Equation is the balance of the books.
func (m MailboxBooks) Equation() string {
	sign := "="
	if m.Gap != 0 {
		sign = "is not"
	}
	return fmt.Sprintf("%d seen %s %s + %s + %d suspended + %d dead + %d suppressed + %d pending",
		m.Seen, sign, plural(m.Tickets, "ticket"), plural(m.Notes, "note"), m.Suspended, m.Dead, m.Suppressed, m.Pending)
}

// MailList writes a page of mails.
func (p Printer) MailList(l MailList) {
	p.mailbox(l.Mailbox, l.Time)
	for _, t := range l.Troubles {
		p.line("  ! %s", p.MailTrouble(t, l.Time))
	}
	for _, m := range l.Mails {
		p.line("")
		p.mail(m, l.Time)
	}
	switch {
	case l.After != 0:
		p.line("")
		p.line("there are more: --after %d", l.After)
	case len(l.Mails) == 0:
		p.line("")
		p.line("no mail is as asked for")
	}
}

// mail writes how one stands.
func (p Printer) mail(m MailLine, now time.Time) {
	p.line("mail %d: %s", m.ID, m.Stands())
	for _, f := range p.MailFacts(m, now) {
		p.field(f.Label, "%s", f.Text)
	}
}

// Stands says in a few words how a mail stands.
func (m MailLine) Stands() string {
	text := m.State
	if m.Cause != "" {
		text += ", " + m.Cause
	}
	switch name := m.TicketName(); {
	case name == "":
	case m.IsNote:
		text += ", note on ticket " + name
	default:
		text += ", ticket " + name
	}
	return text
}

// TicketName is the ticket as people write it; empty for none.
func (m MailLine) TicketName() string {
	if m.Number == "" && m.Ticket != 0 {
		return fmt.Sprint(m.Ticket)
	}
	return m.Number
}

// MailFacts are the labelled lines that are printed of a mail.
func (p Printer) MailFacts(m MailLine, now time.Time) []Fact {
	return p.factsOf(func(p Printer) {
		if m.Gone {
			p.field("from", "not kept any more, as its bytes are not")
		} else {
			p.field("from", "%s", cmp.Or(m.From, "nobody"))
			p.field("subject", "%s", cmp.Or(m.Subject, "none"))
		}
		p.field("arrived", "%s, %s ago, %s", p.clock(m.Arrived, now), age(now.Sub(m.Arrived)), plural(m.Size, "byte"))
		if m.Since != nil {
			p.field("since", "%s", p.clock(*m.Since, now))
		}
		if m.Tries+m.Fails > 0 {
			p.field("tries", "%d, and %d in a row that could not be made", m.Tries, m.Fails)
		}
		if m.Due != nil {
			p.field("next", "%s", p.next(*m.Due, now))
		}
		if m.Why != "" {
			p.field("why", "%s", m.Why)
		}
		if m.Do != "" {
			p.field("what to do", "%s", m.Do)
		}
	})
}

func (p Printer) next(at, now time.Time) string {
	if at.After(now) {
		return "in " + age(at.Sub(now))
	}
	return "now"
}

// MailShown writes all that is known of a mail, but for what it says.
func (p Printer) MailShown(s MailShown) {
	p.mail(s.Mail, s.Time)
	for _, f := range p.MailShownFacts(s) {
		p.field(f.Label, "%s", f.Text)
	}
}

// MailShownFacts are the labelled lines that are printed of a mail beside those of MailFacts.
func (p Printer) MailShownFacts(s MailShown) []Fact {
	return p.factsOf(func(p Printer) {
		p.field("mailbox", "%s, at %s", s.Mailbox, s.Object)
		if s.MessageID != "" {
			p.field("message id", "%s", s.MessageID)
		}
		if s.Reference != "" {
			p.field("reference", "%s", s.Reference)
		}
		switch {
		case s.Skipped > 0:
			p.field("files", "%d, of which %d could not be attached", s.Files, s.Skipped)
		case s.Files > 0:
			p.field("files", "%d", s.Files)
		}
		p.all("marks", s.Marks)
		p.all("understood", s.Understood)
		var moves []string
		for _, m := range s.History {
			moves = append(moves, p.move(m, s.Time))
		}
		p.all("history", moves)
		if s.NoRetry == "" {
			p.field("retry", "psagate mail retry %s %d", s.Mailbox, s.Mail.ID)
		}
		if s.NoDrop == "" {
			p.field("drop", "psagate mail drop %s %d", s.Mailbox, s.Mail.ID)
		}
	})
}

// all writes a list under one label.
func (p Printer) all(label string, list []string) {
	for _, text := range list {
		p.field(label, "%s", text)
		label = ""
	}
}

func (p Printer) move(m MailMove, now time.Time) string {
	text := p.clock(m.At, now) + " " + m.State
	if m.Cause != "" {
		text += ", " + m.Cause
	}
	if m.By != "" {
		text += ", by " + m.By
	}
	if m.Why != "" {
		text += ": " + m.Why
	}
	return text
}

// MailDecided writes what became of a decision.
func (p Printer) MailDecided(d MailDecided) {
	p.line("mail %d of mailbox %s was %s, and is %s", d.Mail.ID, d.Mailbox, d.Was, d.Mail.Stands())
}

// wouldBe counts mails by what they would become.
func wouldBe(n int, outcome string) string {
	if outcome == "ticket" || outcome == "note" {
		return plural(n, outcome)
	}
	return fmt.Sprintf("%d %s", n, outcome)
}

// MailDryRun writes what the rules of today would make of mails.
func (p Printer) MailDryRun(d MailDryRun) {
	p.line("mailbox %s: of %s since %s, %d would become something else than they did", d.Mailbox, plural(d.Looked, "mail"), p.clock(d.Since, d.Time), d.Differ)
	var would []string
	for _, outcome := range slices.Sorted(maps.Keys(d.Outcomes)) {
		would = append(would, wouldBe(d.Outcomes[outcome], outcome))
	}
	p.field("would be", "%s", cmp.Or(strings.Join(would, ", "), "nothing"))
	if d.Gone > 0 {
		p.field("not kept", "%s not kept any more", are(d.Gone, "mail"))
	}
	if d.Failed > 0 {
		p.field("failed", "%d, as the PSA could not be asked", d.Failed)
	}
	if d.More {
		p.field("more", "there are more than were looked at: ask for a shorter time")
	}
	for _, m := range d.Mails {
		if len(m.Differs) == 0 && m.Problem == "" {
			continue
		}
		p.line("")
		p.line("mail %d: %s", m.Mail.ID, m.Mail.Stands())
		p.field("from", "%s", cmp.Or(m.Mail.From, "nobody"))
		p.field("subject", "%s", cmp.Or(m.Mail.Subject, "none"))
		p.all("would", m.Differs)
		p.all("steps", m.Steps)
		if m.Problem != "" {
			p.field("problem", "%s", m.Problem)
		}
	}
}
