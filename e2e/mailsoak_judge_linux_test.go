package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/mailsoak"
	"github.com/psagate/psagate/internal/report"
)

// calms waits until nothing is left to be done, neither by the processes nor by the PSA, for as long as anything moves: mails may be many,
// and the machine slow. It says how fast it goes.
func (s *mailSoak) calms(mails int) {
	s.Helper()
	begin, told := time.Now(), time.Time{}
	for _, o := range s.orders {
		if o.Hits() == 0 {
			o.Release()
		}
	}
	last, since := "", time.Now()
	before := s.done()
	for {
		books, err := s.books(0)
		inbox, done := len(s.inbox.Folder("INBOX")), s.done()
		now := fmt.Sprint(books.States, inbox, done)
		if err == nil && books.Seen >= mails && books.Pending == 0 && inbox == 0 && time.Since(begin) > mailTooLate {
			s.says("calm: %d kills, %d answers lost or late, %d times a sender came again; %+v", s.kills, s.lost(), s.again.Load(), books)
			s.ReportMetric(0, "ns/op")
			s.ReportMetric(time.Since(begin).Seconds(), "calm-s")
			return
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > mailStill {
			s.Fatalf("it does not come to an end: %+v, %v; in the inbox: %d", books, err, inbox)
		}
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			s.says("%d tickets and notes, %d since %v; in the inbox: %d; in the books %v (%v)", done, done-before, time.Since(begin).Round(time.Second), inbox, books.States, err)
		}
		time.Sleep(2 * time.Second)
	}
}

// done is how many mails the PSA has something of, at least.
func (s *mailSoak) done() int { return len(s.made("Tickets")) + len(s.made("TicketNotes")) }

// lost is how often the PSA did something without an answer, or late.
func (s *mailSoak) lost() (n int) {
	for _, o := range s.orders {
		n += o.Hits()
	}
	return n
}

// judge looks at each mail in the PSA and in the mail server's folders first, and holds the books of both replicas against that.
func (s *mailSoak) judge(mails []mailsoak.Mail) {
	s.Helper()
	found := mailsoak.Found{
		Tickets: s.made("Tickets"), Notes: s.made("TicketNotes"),
		Inbox: s.lies("INBOX"), Processed: s.lies("Processed"), DeadLetter: s.lies("DeadLetter"),
	}
	for _, r := range s.tenant.Records("Tickets") {
		if token := mailsoak.Token(fmt.Sprint(r["title"])); token != "" && fmt.Sprint(r["queueID"]) != fmt.Sprint(queueOfMails) {
			s.Errorf("the ticket of %s is in queue %v", token, r["queueID"])
		}
	}
	for i := range s.seats {
		books, err := s.books(i)
		if err != nil || !books.Balanced {
			s.Errorf("replica %d: the books do not balance: %+v, %v", i, books, err)
		}
		balance := ledger.Balance{
			Seen: books.Seen, Tickets: books.Tickets, Notes: books.Notes, Suspended: books.Suspended, Dead: books.Dead, Suppressed: books.Suppressed, Pending: books.Pending,
		}
		wrong, doubled := mailsoak.Judge(mails, found, s.rows(i), balance)
		for _, w := range wrong {
			s.Errorf("by the books of replica %d: %s", i, w)
		}
		s.says("replica %d: %d mails that may be there twice are flagged and are; %d equations do not hold", i, doubled, len(wrong))
	}
	if n := s.user.MaxFailedSinceSuccess(); n > 0 || s.user.Locked() {
		s.Errorf("the PSA refused %d sign-ins in a row", n)
	}
}

// made counts what the PSA has of each mail.
func (s *mailSoak) made(entity string) map[string]int {
	counts := map[string]int{}
	for _, r := range s.tenant.Records(entity) {
		if token := mailsoak.Token(fmt.Sprint(r["title"])); token != "" {
			counts[token]++
		}
	}
	return counts
}

// lies counts what a folder of the mail server has of each mail.
func (s *mailSoak) lies(folder string) map[string]int {
	counts := map[string]int{}
	for _, m := range s.inbox.Folder(folder) {
		counts[mailsoak.TokenOf(m.Raw)]++
	}
	return counts
}

// books are the mailbox's, as `psagate mail list --json` says.
func (s *mailSoak) books(i int) (report.MailboxBooks, error) {
	var all report.MailBooks
	out, err := s.command(i, "mail", "list", "--json")
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil || len(all.Mailboxes) != 1 {
		return report.MailboxBooks{}, fmt.Errorf("mail list: %d mailboxes, %w", len(all.Mailboxes), err)
	}
	return all.Mailboxes[0], nil
}

// rows are all mails of the books, as `psagate mail list support --json` has them, page by page.
func (s *mailSoak) rows(i int) (all []mailsoak.Row) {
	s.Helper()
	args := []string{"mail", "list", "support", "--json", "--oldest", "--most", "500"}
	for further := []string(nil); ; {
		var page report.MailList
		out, err := s.command(i, append(args, further...)...)
		if err == nil {
			err = json.Unmarshal(out, &page)
		}
		if err != nil {
			s.Fatal(err)
		}
		for _, m := range page.Mails {
			all = append(all, mailsoak.Row{Token: mailsoak.Token(m.Subject), State: ledger.State(m.State), Cause: m.Cause, Repeated: func() bool { return s.repeated(i, m.ID) }})
		}
		if page.After == 0 {
			return all
		}
		further = []string{"--after", strconv.FormatInt(page.After, 10)}
	}
}

// repeated tells whether a mail is flagged, as `psagate mail show` says.
func (s *mailSoak) repeated(i int, id int64) bool {
	s.Helper()
	var shown report.MailShown
	out, err := s.command(i, "mail", "show", "support", strconv.FormatInt(id, 10), "--json")
	if err == nil {
		err = json.Unmarshal(out, &shown)
	}
	if err != nil {
		s.Error(err)
	}
	return strings.Contains(strings.Join(shown.Marks, "; "), "there may be two of it")
}
