package mailsoak

import (
	"fmt"

	"github.com/psagate/psagate/broker/ledger"
)

// Found is what the PSA and the mail server have of each mail, by its token. It is looked up there, not in the books.
type Found struct {
	Tickets, Notes, Inbox, Processed, DeadLetter map[string]int
}

// Row is a mail in the books. One that came twice has two.
type Row struct {
	Token string
	State ledger.State
	// Cause is why it ended, where it is not done.
	Cause string
	// Repeated tells whether the mail is flagged: there may be two of it.
	Repeated func() bool
}

// Judge says what is wrong when all is calm: each mail that was sent must have become one thing, a ticket, a note, or one that is set
// aside; the mail server's folders, the PSA and the books must agree; and none may be there twice that is not flagged. Doubled is how
// many are flagged and are.
func Judge(mails []Mail, found Found, rows []Row, books ledger.Balance) (wrong []string, doubled int) {
	says := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	byToken := map[string][]Row{}
	for _, r := range rows {
		byToken[r.Token] = append(byToken[r.Token], r)
	}
	want := ledger.Balance{Seen: len(rows)}
	for _, m := range mails {
		ended := map[ledger.State]int{}
		for _, r := range byToken[m.Token] {
			ended[r.State]++
			if r.State == ledger.Suppressed && r.Cause != "duplicate" && r.Cause != "own" {
				says("%s is suppressed as %q", m.Token, r.Cause)
			}
		}
		tickets, notes := found.Tickets[m.Token], found.Notes[m.Token]
		there := tickets + notes
		if there > 1 && flagged(byToken[m.Token]) {
			doubled++
			there = 1
		}
		if aside := ended[ledger.Suspended] + ended[ledger.Dead]; there+aside != 1 || ended[ledger.Done] != there {
			says("%s became %d tickets and %d notes, and ended %v in the books", m.Token, tickets, notes, ended)
		}
		if in := found.Inbox[m.Token]; in != 0 {
			says("%s is in the inbox still", m.Token)
		}
		processed, dead := found.Processed[m.Token], found.DeadLetter[m.Token]
		if in := processed + dead; !m.BySMTP && in != 1 || m.BySMTP && in != 0 {
			says("%s is in the folders %d times", m.Token, in)
		} else if !m.BySMTP && dead != ended[ledger.Dead] {
			says("%s is in the folder of dead mails %d times, and ended %v in the books", m.Token, dead, ended)
		}
		if tickets > 0 {
			want.Tickets++
		} else if notes > 0 {
			want.Notes++
		}
		want.Suspended += ended[ledger.Suspended]
		want.Dead += ended[ledger.Dead]
		want.Suppressed += ended[ledger.Suppressed]
		delete(byToken, m.Token)
	}
	for name := range byToken {
		says("the books have mails of %q, which nobody sent", name)
	}
	if books != want || books.Gap() != 0 {
		says("the books say %+v; the PSA and the folders %+v", books, want)
	}
	return wrong, doubled
}

func flagged(rows []Row) bool {
	for _, r := range rows {
		if r.Repeated() {
			return true
		}
	}
	return false
}
