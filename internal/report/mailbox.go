package report

import (
	"fmt"
	"strings"
	"time"
)

// MailboxStatus is how one mailbox stands.
type MailboxStatus struct {
	// Name is the mailbox's name in the config.
	Name string `json:"name"`
	// Aliases are its addresses.
	Aliases []string `json:"aliases,omitempty"`
	// State is one word for the whole: working, waiting (the PSA's API cannot be used, so that mails wait), failing (no mails come out of
	// it, or none in), no-books (the store cannot be used) or gap (a mail is missing from its books).
	State MailboxState `json:"state"`
	// Server is where it is read, and User who signs in there; absent where it is not read by IMAP.
	Server string `json:"server,omitempty"`
	// User is who signs in there.
	User string `json:"user,omitempty"`
	// ConnectedSince is since when there is a connection; absent where there is none.
	ConnectedSince *time.Time `json:"connected_since,omitempty"`
	// CompleteAt is when the whole inbox was last compared; absent where it never was.
	CompleteAt *time.Time `json:"complete_at,omitempty"`
	// Inbox is how many mails were in the inbox then.
	Inbox int `json:"inbox"`
	// Held is how many mails could not be fetched or kept, time after time, and are tried again later.
	Held int `json:"held,omitempty"`
	// SMTP is where mails come in by SMTP; absent where none do.
	SMTP string `json:"smtp,omitempty"`
	// Problem is why no mails come out of it, or none in; absent where they do. It holds no secret.
	Problem string `json:"problem,omitempty"`
	// DownSince is since when the PSA's API cannot be used for it; absent where it can.
	DownSince *time.Time `json:"down_since,omitempty"`
	// DownWhy is why it cannot, in a word or a few: the reason of the last answer.
	DownWhy string `json:"down_why,omitempty"`
	// Troubles are what somebody should look at about its tickets, of the last day; the one that came up last is the last.
	Troubles []MailTrouble `json:"troubles,omitempty"`
	// BooksProblem is why nothing is known of its mails; absent where it is.
	BooksProblem string `json:"books_problem,omitempty"`
	// Seen is how many mails came, ever.
	Seen int `json:"seen"`
	// Pending is how many have not become what they are to become.
	Pending int `json:"pending"`
	// OldestPending is when the first of those arrived; absent where there is none.
	OldestPending *time.Time `json:"oldest_pending,omitempty"`
	// Suspended is how many are set aside for people.
	Suspended int `json:"suspended"`
	// Dead is how many can become nothing.
	Dead int `json:"dead"`
	// Fallback is how many are with the PSA's mail service.
	Fallback int `json:"fallback,omitempty"`
	// Gap is how many are missing from the books.
	Gap int `json:"gap,omitempty"`
}

// MailTrouble is something about the tickets of a mailbox that somebody should look at.
type MailTrouble struct {
	// Since is when it came up first.
	Since time.Time `json:"since"`
	// Last is when it came up last.
	Last time.Time `json:"last"`
	// Times is how often it came up.
	Times int `json:"times"`
	// Text says what is wrong, and what to do where that is known. It holds no secret, and nothing of what mails say.
	Text string `json:"text"`
}

// MailTrouble is a trouble in a line.
func (p Printer) MailTrouble(t MailTrouble, now time.Time) string {
	if t.Times < 2 {
		return fmt.Sprintf("%s (%s)", t.Text, p.clock(t.Last, now))
	}
	return fmt.Sprintf("%s (%d times since %s, the last %s)", t.Text, t.Times, p.clock(t.Since, now), p.clock(t.Last, now))
}

// MailboxState is one word for how a mailbox stands.
type MailboxState string

// The states of a mailbox, from the mildest on.
const (
	MailboxWorking MailboxState = "working"
	MailboxWaiting MailboxState = "waiting"
	MailboxFailing MailboxState = "failing"
	MailboxNoBooks MailboxState = "no-books"
	MailboxGap     MailboxState = "gap"
)

// Judge fills in the word.
func (m *MailboxStatus) Judge() {
	switch {
	case m.Gap != 0:
		m.State = MailboxGap
	case m.BooksProblem != "":
		m.State = MailboxNoBooks
	case m.Problem != "":
		m.State = MailboxFailing
	case m.DownSince != nil:
		m.State = MailboxWaiting
	default:
		m.State = MailboxWorking
	}
}

// Headline is the word in a few words.
func (m MailboxStatus) Headline() string {
	return sentence(string(m.State), map[string]string{
		string(MailboxWaiting): "WAITING, the PSA's API cannot be used",
		string(MailboxFailing): "FAILING, no mails come",
		string(MailboxNoBooks): "NO STORE, no mail is taken",
		string(MailboxGap):     "A MAIL IS MISSING from the books",
	})
}

// Advice is what somebody should do; empty where that is nothing.
func (m MailboxStatus) Advice() string {
	switch {
	case m.Gap != 0:
		return fmt.Sprintf("%d mails came and %d are in the books: look into the mailbox for the one that is missing, and tell who made psagate", m.Seen, m.Seen-m.Gap)
	case m.Problem != "":
		return "psagate mail test " + m.Name + " says what is wrong, step by step"
	case m.Suspended+m.Dead > 0:
		return "somebody has to decide about those that are set aside: psagate mail list " + m.Name
	}
	return ""
}

func (p Printer) mailboxStands(m MailboxStatus, now time.Time) {
	p.line("mailbox %s: %s", m.Name, m.Headline())
	if len(m.Aliases) > 0 {
		p.wrapped("aliases", strings.Join(m.Aliases, ", "))
	}
	if m.Server != "" {
		text := "not connected"
		if m.ConnectedSince != nil {
			text = "connected for " + age(now.Sub(*m.ConnectedSince))
		}
		if m.CompleteAt != nil {
			text += fmt.Sprintf(", %d in the inbox %s ago", m.Inbox, age(now.Sub(*m.CompleteAt)))
		}
		if m.Held > 0 {
			text += fmt.Sprintf(", %d that cannot be fetched", m.Held)
		}
		p.field("imap", "%s at %s: %s", m.User, m.Server, text)
	}
	if m.SMTP != "" {
		p.field("smtp", "%s", m.SMTP)
	}
	if m.BooksProblem == "" {
		p.field("mails", "%s", m.mails(now))
	}
	for _, problem := range []string{m.Problem, m.BooksProblem} {
		if problem != "" {
			p.line("  ! %s", problem)
		}
	}
	if m.DownSince != nil {
		why := ""
		if m.DownWhy != "" {
			why = ": " + m.DownWhy
		}
		p.line("  ! the PSA's API cannot be used for it since %s%s", p.clock(*m.DownSince, now), why)
	}
	for _, t := range m.Troubles {
		p.line("  ! %s", p.MailTrouble(t, now))
	}
	if advice := m.Advice(); advice != "" {
		p.line("  → %s", advice)
	}
}

func (m MailboxStatus) mails(now time.Time) string {
	text := fmt.Sprintf("%d came, %d pending", m.Seen, m.Pending)
	if m.OldestPending != nil {
		text += ", the oldest for " + age(now.Sub(*m.OldestPending))
	}
	text += fmt.Sprintf(", %d suspended, %d dead", m.Suspended, m.Dead)
	if m.Fallback > 0 {
		text += fmt.Sprintf(", %d with the PSA's mail service", m.Fallback)
	}
	return text
}
