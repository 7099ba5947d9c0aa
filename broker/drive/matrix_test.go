package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

const (
	plainMail = "From: jo@acme.example\nTo: support@msp.example\nSubject: Printer\nMessage-ID: <1@acme.example>\n\nIt is on fire.\n"
	reply     = "From: jo@acme.example\nTo: support@msp.example\nSubject: Re: Printer\nMessage-ID: <2@acme.example>\nIn-Reply-To: <1@acme.example>\n\nStill.\n"
	withFiles = "From: jo@acme.example\nTo: support@msp.example\nSubject: Files\nMessage-ID: <3@acme.example>\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nTwo files.\n" +
		"--b\nContent-Type: text/csv; name=big.csv\nContent-Disposition: attachment; filename=big.csv\n\n1,2,3,4,5,6,7\n" +
		"--b\nContent-Type: text/csv; name=small.csv\nContent-Disposition: attachment; filename=small.csv\n\n1,2\n--b--\n"
)

// cases are the rows of the crash matrix (39 in all: the numbers are those of the list of what mail bridges must outlive) that need no
// real server: what dies or is cut is this process, the PSA, or the ledger. All 39 are run with real servers in internal/mail; here they
// are quick, and those of the mail service with SMTP are in broker/ates.
var cases = []struct {
	row  int
	what string
	run  func(w *world)
}{
	{6, "spooled, and fetched again", func(w *world) { w.arrive(plainMail); w.fetch(); w.one() }},
	{8, "the parser dies over it, until it is not used any more", func(w *world) {
		w.fates["raw 1"] = []fate{dieBefore, dieBefore}
		w.arrive(plainMail)
		if t := w.one(); len(t.files) != 1 || t.files[0].Name != "original.eml" || string(t.files[0].Data) != plainMail {
			w.t.Errorf("the ticket of a mail that cannot be read: %+v", t)
		}
	}},
	{9, "while it is routed", func(w *world) { w.fates["directory"] = []fate{dieAfter}; w.arrive(plainMail); w.one() }},
	{10, "the intent is written down, and nothing is sent", func(w *world) { w.fates["write in-flight 0"] = []fate{dieAfter}; w.arrive(plainMail); w.one() }},
	{11, "sent, not done, no answer", func(w *world) { w.fates["create"] = []fate{cut}; w.arrive(plainMail); w.one() }},
	{12, "sent, done, no answer", func(w *world) { w.fates["create"] = []fate{lost}; w.arrive(plainMail); w.one() }},
	{13, "sent, done 90 s later", func(w *world) { w.fates["create"] = []fate{late}; w.arrive(plainMail); w.one() }},
	{13, "sent, done later than any settles: flagged", func(w *world) {
		w.fates["create"] = []fate{beyond}
		w.arrive(plainMail)
		w.settle()
		if m := w.mails()[0]; len(w.tickets) != 2 || !m.Repeated {
			w.t.Errorf("%d tickets, %+v", len(w.tickets), m)
		}
	}},
	{14, "answered, and the id is not written down", func(w *world) { w.fates["create"] = []fate{dieAfter}; w.arrive(plainMail); w.one() }},
	{15, "the PSA puts it into another ticket", func(w *world) {
		w.merges = true
		w.tickets[7] = &ticket{Ticket: Ticket{Title: "Printer", Reference: "other"}, id: 7}
		w.arrive(plainMail)
		w.arrive(reply)
		w.settle()
		if m := w.mails()[0]; len(w.tickets) != 1 || len(w.tickets[7].merged) != 1 || !m.Merged || m.Ticket != 7 || len(w.tickets[7].notes) != 1 {
			w.t.Errorf("%+v, %+v", w.tickets[7], m)
		}
	}},
	{16, "the id is written down, and no file attached", func(w *world) { w.fates["write ready 1"] = []fate{dieAfter}; w.arrive(withFiles); w.files(2) }},
	{17, "a file is attached, no answer", func(w *world) { w.fates["attach"] = []fate{lost, dieAfter}; w.arrive(withFiles); w.files(2) }},
	{18, "a file is refused, another waits", func(w *world) {
		w.fates["attach"] = []fate{refused, notNow, notNow}
		w.arrive(withFiles)
		if t := w.files(1); len(t.notes) != 1 || !strings.HasPrefix(t.notes[0].Text, "1 of 2 files") {
			w.t.Errorf("the note about the file: %+v", t.notes)
		}
	}},
	{18, "a file is larger than any that the PSA takes", func(w *world) {
		w.arrive(strings.Replace(withFiles, "1,2,3,4,5,6,7", strings.Repeat("1234567,\n", 200_000), 1))
		if t := w.files(1); t.files[0].Name != "small.csv" || len(t.notes) != 1 {
			w.t.Errorf("%+v", t)
		}
	}},
	{19, "done, and not moved", func(w *world) { w.fates["acknowledge"] = []fate{dieBefore}; w.arrive(plainMail); w.one() }},
	{20, "moved, no answer", func(w *world) { w.fates["acknowledge"] = []fate{lost}; w.arrive(plainMail); w.one() }},
	{23, "moved, and that is not written down", func(w *world) { w.fates["acknowledge"] = []fate{dieAfter}; w.arrive(plainMail); w.one() }},
	{25, "somebody deletes it in the inbox", func(w *world) { w.arrive(plainMail); w.inbox["1:1"] = ""; w.one() }},
	{27, "a process stands still after it has written its intent, and another goes on", func(w *world) {
		w.fates["raw 1"] = []fate{works, works, stalls}
		w.arrive(withFiles)
		w.files(2)
	}},
	{27, "two processes at once", func(w *world) {
		w.tape = slices.Repeat([]fate{overtaken}, 20)
		w.arrive(plainMail)
		w.one()
	}},
	{28, "handing it to the mail service fails, and the API comes back", func(w *world) {
		w.fallback()
		w.fates["mail"] = []fate{notNow}
		w.pass(31 * time.Minute)
		w.run(w.driver())
		w.down = time.Time{}
		if w.one(); w.handed != 0 {
			w.t.Errorf("%d were handed over", w.handed)
		}
	}},
	{29, "handed to the mail service, no answer", func(w *world) {
		w.fallback()
		w.fates["mail"] = []fate{lost}
		w.hours(2)
		w.down = time.Time{}
		w.repaired()
	}},
	{30, "handed to the mail service, and that is not written down", func(w *world) {
		w.fallback()
		w.fates["mail"] = []fate{dieAfter}
		w.hours(2)
		w.down = time.Time{}
		w.repaired()
	}},
	{31, "the API comes back: what the mail service made is put right", func(w *world) { w.fallback(); w.hours(2); w.down = time.Time{}; w.repaired() }},
	{31, "a mail comes when the API cannot be used: it is handed over, and put right", func(w *world) {
		w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
		w.arrive(plainMail)
		w.hours(2)
		if w.handed != 1 {
			w.t.Errorf("handed over %d times", w.handed)
		}
		w.down = time.Time{}
		w.repaired()
	}},
	{31, "a mail comes when the API cannot be used, and that comes back before it is handed over", func(w *world) {
		w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
		w.fates["mail"] = []fate{notNow}
		w.arrive(plainMail)
		w.pass(31 * time.Minute)
		w.run(w.driver())
		w.run(w.driver())
		w.down = time.Time{}
		if t := w.one(); w.handed != 0 || t.fixed != 0 || t.Fields.Queue != "Level 1" {
			w.t.Errorf("handed over %d times; %+v", w.handed, t)
		}
	}},
	{31, "an answer that comes when the API cannot be used is handed over, and becomes a note", func(w *world) {
		w.known(plainMail)
		w.arrive(reply)
		w.hours(2)
		w.down = time.Time{}
		if t := w.one(); w.handed != 1 || len(t.notes) != 1 || t.fixed != 0 {
			w.t.Errorf("handed over %d times; %+v", w.handed, t)
		}
	}},
	{31, "an answer that comes when the API cannot be used, and that comes back before it is handed over", func(w *world) {
		w.known(plainMail)
		w.fates["mail"] = []fate{notNow}
		w.arrive(reply)
		w.pass(31 * time.Minute)
		w.run(w.driver())
		w.run(w.driver())
		w.down = time.Time{}
		if t := w.one(); w.handed != 0 || len(t.notes) != 1 || t.fixed != 0 {
			w.t.Errorf("handed over %d times; %+v", w.handed, t)
		}
	}},
	{31, "an answer with files comes when the API cannot be used: they are attached later", func(w *world) {
		w.known(plainMail)
		w.arrive(strings.Replace(withFiles, "Subject: Files", "Subject: Re: Printer\nIn-Reply-To: <1@acme.example>", 1))
		w.hours(2)
		w.down = time.Time{}
		if t := w.files(2); w.handed != 1 || len(t.notes) != 1 {
			w.t.Errorf("handed over %d times; %+v", w.handed, t)
		}
	}},
	{31, "the mail service makes the note on a ticket that is there", func(w *world) {
		w.understoodReply()
		w.hours(2)
		w.down = time.Time{}
		if t := w.one(); w.handed != 1 || len(t.notes) != 1 || t.fixed != 0 {
			w.t.Errorf("handed over %d times; %+v", w.handed, t)
		}
	}},
	{31, "the mail service does not find the ticket that the mail is a note on, and makes another: that is put right", func(w *world) {
		w.understoodReply()
		w.forgets = true
		w.hours(2)
		w.down = time.Time{}
		w.instead()
	}},
	{31, "the same of an answer that comes when the API cannot be used", func(w *world) {
		w.known(plainMail)
		w.forgets = true
		w.arrive(reply)
		w.hours(2)
		w.down = time.Time{}
		w.instead()
	}},
	{32, "a notice is about a mail of books that are lost", func(w *world) {
		w.fallback()
		w.hours(2)
		w.arrive("From: addticket@autotask.example\nTo: support+" + w.mailbox.Keys.HandedTag(1, "of another time") + "@msp.example\nSubject: Failed\n\n")
		w.arrive("From: addticket@autotask.example\nTo: support+" + w.mailbox.Keys.HandedTag(99, "never") + "@msp.example\nSubject: Failed\n\n")
		w.hours(1)
		if m := w.mails()[0]; m.State != ledger.AtesSent {
			w.t.Errorf("%+v", m)
		}
		w.down = time.Time{}
		w.repaired()
		w.suppressed(2, 3)
	}},
	{32, "the mail service's notice of success comes to our own mailbox, twice", func(w *world) {
		w.fallback()
		w.hours(2)
		w.arrive(w.notice(1, "Ticket created\n\nThe ticket was created successfully.\n"))
		w.arrive(w.notice(1, "Ticket created\n\nThe ticket was created successfully. Again.\n"))
		w.hours(1)
		w.down = time.Time{}
		w.repaired()
		w.suppressed(2, 3)
	}},
	{32, "the mail service's notice of failure comes to our own mailbox", func(w *world) {
		w.fallback()
		w.ignores = true
		w.hours(2)
		w.arrive(w.notice(1, "Ticket creation failed\n\nThe key is not known.\n"))
		w.hours(2)
		if m := w.mails()[0]; m.State != ledger.Ready || m.Cause != ledger.AtesFailed || w.handed != 1 {
			w.t.Errorf("handed over %d times: %+v", w.handed, m)
		}
		w.down = time.Time{}
		if t := w.one(); t.fixed != 0 || t.Fields.Queue != "Level 1" {
			w.t.Errorf("%+v", t)
		}
		w.suppressed(2)
	}},
	{32, "a notice of failure is about a mail that the mail service has made all the same", func(w *world) {
		w.fallback()
		w.hours(2)
		w.arrive(w.notice(1, "Ticket creation failed\n\nOr not.\n"))
		w.hours(1)
		w.down = time.Time{}
		w.repaired()
	}},
	{34, "no secret: the API cannot be used for hours, and there is no mail service to use", func(w *world) {
		w.arrive(plainMail)
		w.down = w.now
		w.hours(5)
		if m := w.mails()[0]; m.State != ledger.Spooled {
			w.t.Errorf("%+v", m)
		}
		w.down = time.Time{}
		w.one()
	}},
	{36, "the ledger is lost after the ticket was made", func(w *world) { w.fates["acknowledge"] = []fate{restarts}; w.arrive(plainMail); w.one() }},
	{36, "the ledger is lost in the midst of the files", func(w *world) { w.fates["attach"] = []fate{works, restarts}; w.arrive(withFiles); w.files(2) }},
	{37, "the clock is set back by a day, and forward", func(w *world) {
		w.arrive(plainMail)
		w.run(w.driver())
		w.now = w.now.Add(-24 * time.Hour)
		w.run(w.driver())
		w.now = w.now.Add(48 * time.Hour)
		w.one()
	}},
	{37, "the clock is set back by a day before it is sent again", func(w *world) { w.fates["create"] = []fate{notNow}; w.setBack(1) }},
	{37, "the clock is set back by a day while it is in flight", func(w *world) { w.fates["write in-flight 0"] = []fate{dieAfter}; w.setBack(1) }},
	{37, "the clock is set back by a day while it is in doubt: it has its time to settle", func(w *world) { w.fates["create"] = []fate{late}; w.setBack(1) }},
	{37, "the clock is set back by a day before it is moved", func(w *world) { w.fates["acknowledge"] = []fate{cut}; w.setBack(1) }},
	{37, "the clock is set back by a day while a process stands still, which sends no more then", func(w *world) {
		w.arrive(plainMail)
		w.run(w.driver())
		m := w.mails()[0]
		now := w.now.Add(-24 * time.Hour)
		if m = w.rules.Begin(m, ledger.Send, w.now); !w.rules.MaySend(m, w.now) || w.rules.MaySend(m, now) {
			w.t.Errorf("a day before it was to be sent: %v", w.rules.MaySend(m, now))
		}
		w.one()
	}},
	{38, "its alias is taken out of the config while it is under way", func(w *world) {
		w.fates["create"] = []fate{notNow}
		w.arrive(plainMail)
		w.run(w.driver())
		w.run(w.driver())
		w.mailbox.Aliases = nil
		w.mailbox.Default = route.Fields{Company: "9", Queue: "Other"}
		if t := w.one(); t.Fields.Queue != "Level 1" || t.Fields.Company != "0" {
			w.t.Errorf("it went to %+v", t.Fields)
		}
	}},
	{38, "its alias is taken out while the API cannot be used, and that comes back before it is handed over", func(w *world) {
		w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
		w.fates["mail"] = []fate{notNow}
		w.arrive(plainMail)
		w.pass(31 * time.Minute)
		w.run(w.driver())
		w.run(w.driver())
		w.mailbox.Aliases, w.mailbox.Default = nil, route.Fields{Company: "9", Queue: "Other"}
		w.down = time.Time{}
		if t := w.one(); t.Fields.Queue != "Level 1" || t.Fields.Company != "0" || w.handed != 0 {
			w.t.Errorf("it went to %+v, handed over %d times", t.Fields, w.handed)
		}
	}},
	{38, "its alias is taken out after it was handed over", func(w *world) {
		w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
		w.arrive(plainMail)
		w.hours(2)
		w.mailbox.Aliases, w.mailbox.Default = nil, route.Fields{Company: "9", Queue: "Other"}
		w.down = time.Time{}
		if t := w.one(); t.Fields.Queue != "Level 1" || t.Fields.Company != "0" || w.handed != 1 {
			w.t.Errorf("it went to %+v, handed over %d times", t.Fields, w.handed)
		}
	}},
	{39, "the process dies of it, every time; others go on", func(w *world) {
		w.fates["raw 1"] = []fate{dieBefore, dieBefore, dieBefore, dieBefore}
		w.arrive(plainMail)
		w.arrive(withFiles)
		w.settle()
		if m := w.mails(); m[0].State != ledger.Dead || m[0].Cause != "unreadable" || m[1].State != ledger.Done || w.died != 4 {
			w.t.Errorf("%d died, %+v", w.died, m)
		}
	}},
}

// one comes to the end of all, which is one ticket.
func (w *world) one() *ticket {
	w.t.Helper()
	w.settle()
	for _, t := range w.tickets {
		if len(w.tickets) == 1 && t.Fields.Queue != "" {
			return t
		}
	}
	w.t.Fatalf("%d tickets\n%s\n%+v", len(w.tickets), strings.Join(w.log, "\n"), w.mails())
	return nil
}

func (w *world) files(want int) *ticket {
	w.t.Helper()
	t := w.one()
	if len(t.files) != want {
		w.t.Errorf("%d files, want %d: %+v", len(t.files), want, t.files)
	}
	return t
}

// fallback has a mail come after which the API cannot be used, in a config with the mail service.
func (w *world) fallback() {
	w.rules.FallbackAfter = 30 * time.Minute
	w.arrive(plainMail)
	w.run(w.driver()) // it is understood
	w.down = w.now
}

// known has a mail become a ticket, after which the API cannot be used, in a config with the mail service.
func (w *world) known(raw string) {
	w.t.Helper()
	w.arrive(raw)
	w.settle()
	w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
}

// understoodReply is known for an answer that is understood already.
func (w *world) understoodReply() {
	w.t.Helper()
	w.arrive(plainMail)
	w.settle()
	w.rules.FallbackAfter = 30 * time.Minute
	w.arrive(reply)
	w.run(w.driver())
	w.down = w.now
}

// instead demands that the mail service has made a ticket of the second mail, which was to be a note, and that this one is put right.
func (w *world) instead() {
	w.t.Helper()
	w.settle()
	m := w.mails()[1]
	t := w.tickets[m.Ticket]
	if len(w.tickets) != 2 || w.handed != 1 || m.State != ledger.Done || m.Repeated || m.IsNote || t == nil || t.Reference != m.Reference || t.fixed == 0 || t.Fields.Queue != "Level 1" {
		w.t.Errorf("handed over %d times; %+v, %+v", w.handed, m, t)
	}
}

func (w *world) hours(n int) {
	for range n * 12 {
		w.run(w.driver())
		w.pass(5 * time.Minute)
	}
}

// notice is one of the mail service about a mail.
func (w *world) notice(mail int64, text string) string {
	w.t.Helper()
	m, err := w.book.Get(context.Background(), mail)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return "From: addticket@autotask.example\nTo: support+" + w.mailbox.Keys.HandedTag(m.ID, m.Reference) + "@msp.example\nSubject: " + text
}

// suppressed demands that nothing became of these mails, being notices.
func (w *world) suppressed(mails ...int64) {
	w.t.Helper()
	for _, id := range mails {
		if m, err := w.book.Get(context.Background(), id); err != nil || m.State != ledger.Suppressed || m.Cause != "ates-notice" || w.inbox[m.Object] != "" {
			w.t.Errorf("%+v, %v", m, err)
		}
	}
}

func (w *world) repaired() {
	w.t.Helper()
	if t := w.one(); t.fixed == 0 || t.Fields.Queue != "Level 1" || w.handed != 1 {
		w.t.Errorf("handed over %d times, put right %d times, in queue %s", w.handed, t.fixed, t.Fields.Queue)
	}
}

func TestCrashMatrix(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		t.Run(fmt.Sprintf("%d %s", c.row, c.what), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.run(w)
			w.settle()
			w.check()
			for point, left := range w.fates {
				if len(left) > 0 {
					t.Errorf("it never came to %s %d times more:\n%s", point, len(left), strings.Join(w.log, "\n"))
				}
			}
		})
	}
}

// setBack sets the clock back by so many days in the midst of a mail, which is done with all the same, and not days later.
func (w *world) setBack(days int) {
	w.arrive(plainMail)
	for range 4 {
		w.run(w.driver())
	}
	w.now = w.now.Add(-time.Duration(days) * 24 * time.Hour)
	for i := range w.late { // the PSA has another clock
		w.late[i].at = w.late[i].at.Add(-time.Duration(days) * 24 * time.Hour)
	}
	steps := 0
	for range 60 {
		steps += w.run(w.driver())
		w.pass(time.Minute)
	}
	if m := w.mails()[0]; m.State != ledger.Done || !m.Acknowledged || steps > 20 {
		w.t.Errorf("an hour after the clock was set back, in %d steps: %+v", steps, m)
	}
	w.one()
}
