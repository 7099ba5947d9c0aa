package ledger

import (
	"slices"
	"strings"
	"time"
)

// Query says which mails are listed, and in which order. What is zero asks for nothing.
type Query struct {
	Mailbox string
	States  []State
	Cause   string
	// Text is found in From and Subject, whatever its case, or is the ticket's Number.
	Text string
	// Since and Until are for Arrived: not before the one, and before the other.
	Since, Until time.Time
	// After is the last mail of the page before, in the order of this query.
	After int64
	// Oldest has those listed first that came first; otherwise it is the newest.
	Oldest bool
	// Most is how many are listed; 0 and less are none.
	Most int
}

// Words is what Query.Text is found in.
func (m Mail) Words() string { return strings.ToLower(m.From + "\n" + m.Subject) }

// Sought is Text as it is found in Words.
func (q Query) Sought() string { return strings.ToLower(Line(q.Text, mostSaid)) }

// Has tells whether a mail is among those of the query, on whichever page.
func (q Query) Has(m Mail) bool {
	switch {
	case q.Mailbox != "" && m.Mailbox != q.Mailbox, q.Cause != "" && m.Cause != q.Cause:
		return false
	case len(q.States) > 0 && !slices.Contains(q.States, m.State):
		return false
	case !q.Since.IsZero() && m.Arrived.Before(q.Since), !q.Until.IsZero() && !m.Arrived.Before(q.Until):
		return false
	}
	return q.Text == "" || m.Number == q.Text || strings.Contains(m.Words(), q.Sought())
}

// follows tells whether a mail is on this page or a later one.
func (q Query) follows(id int64) bool {
	return q.After == 0 || id != q.After && (id > q.After) == q.Oldest
}
