package report_test

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestMailReadsWell(t *testing.T) {
	at := func(d time.Duration) *time.Time { when := before(d); return &when }
	books := report.MailboxBooks{
		Name: "support", InConfig: true, Seen: 12, Tickets: 5, Notes: 1, Suspended: 1, Dead: 1, Suppressed: 2, Pending: 1, Gap: 1, OldestPending: at(20 * time.Minute),
		States: map[string]int{"done": 6, "dead": 1, "suspended": 1, "suppressed": 2, "in-doubt": 1},
	}
	dead := report.MailLine{
		ID: 4711, Arrived: before(26 * time.Hour), From: "jo@acme.example", Subject: "Printer on fire", Size: 2210, State: "dead", Since: at(25 * time.Hour),
		Cause: "refused", Why: "The PSA refuses it.", Do: "Put it right.", Tries: 0, Fails: 3,
	}
	gone := report.MailLine{ID: 4, Arrived: before(1000 * time.Hour), Size: 1, Gone: true, State: "done", IsNote: true, Ticket: 99, Since: at(999 * time.Hour)}
	waits := report.MailLine{ID: 5, Arrived: before(time.Minute), State: "ready", Due: at(-time.Minute), Ticket: 7, Number: "T7"}
	all := report.MailBooks{Time: noon, Mailboxes: []report.MailboxBooks{
		books,
		{Name: "calm", Balanced: true, States: map[string]int{}},
		{Name: "busy", InConfig: true, Balanced: true, Seen: 2, Pending: 2, States: map[string]int{"ready": 2}},
	}}
	none := report.MailBooks{Time: noon, Mailboxes: []report.MailboxBooks{}}
	list := report.MailList{Time: noon, Mailbox: books, Mails: []report.MailLine{dead, gone, waits}, After: 5, Troubles: []report.MailTrouble{
		{Since: before(time.Hour), Last: before(time.Minute), Times: 3, Text: `queue "Level 9" is not in the PSA's picklist`}, {Since: before(time.Hour), Last: before(time.Hour), Times: 1, Text: "2 tickets have one reference"},
	}}
	shown := report.MailShown{
		Time: noon, Mailbox: "support", Mail: dead, Object: "7:12", MessageID: "a@b", Reference: "mb1AAAA", Files: 3, Skipped: 1, Marks: []string{"one", "another"}, Understood: []string{"it came by an alias"},
		History: []report.MailMove{{At: before(26 * time.Hour), State: "ready"}, {At: before(time.Hour), State: "suppressed", Cause: "dropped", By: "corp/ann", Why: "spam"}},
		NoDrop:  "it is being sent",
	}
	decided := report.MailDecided{Mailbox: "support", Was: "dead", Mail: waits}
	golden(t, "mail-books", all, func(p report.Printer) { p.MailBooks(all) })
	golden(t, "mail-books-none", none, func(p report.Printer) { p.MailBooks(none) })
	golden(t, "mail-list", list, func(p report.Printer) { p.MailList(list) })
	golden(t, "mail-shown", shown, func(p report.Printer) { p.MailShown(shown) })
	golden(t, "mail-decided", decided, func(p report.Printer) { p.MailDecided(decided) })
}
