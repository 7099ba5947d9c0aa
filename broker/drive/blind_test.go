package drive

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
)

// answerOf is an answer to a mail, by somebody.
func answerOf(id int, from, to string) string {
	return fmt.Sprintf("From: %s\nTo: support@msp.example\nSubject: Re: Printer\nMessage-ID: <%d@answers.example>\nIn-Reply-To: <%s>\n\nAnswer %d.\n", from, id, to, id)
}

// Whoever the ledger does not know to take part may take part all the same: that is the PSA's to say.
func TestWhoseAnswerIsBelievedWithoutThePSA(t *testing.T) {
	t.Parallel()
	const first = "From: jo@acme.example\nTo: support@msp.example, it@acme.example\nCc: kim@gmail.com\nSubject: Printer\nMessage-ID: <1@acme.example>\n\nIt is on fire.\n"
	for what, c := range map[string]struct {
		mail   string
		handed int // in the outage
		note   bool
	}{
		"who made the ticket":                 {answerOf(2, "Jo@acme.example", "1@acme.example"), 1, true},
		"who got a copy of it":                {answerOf(2, "kim@gmail.com", "1@acme.example"), 1, true},
		"whom it was sent to, too":            {answerOf(2, "it@acme.example", "1@acme.example"), 1, true},
		"somebody at the same company":        {answerOf(2, "sam@mail.acme.example", "1@acme.example"), 1, true},
		"somebody at the same free provider":  {answerOf(2, "eve@gmail.com", "1@acme.example"), 0, false},
		"a stranger":                          {answerOf(2, "eve@evil.example", "1@acme.example"), 0, false},
		"in the mailbox's own name":           {answerOf(2, "support+x@msp.example", "1@acme.example"), 0, false},
		"a form, in somebody's name":          {strings.Replace(answerOf(2, "noreply@evil.example", "1@acme.example"), "\n", "\nReply-To: jo@acme.example\n", 1), 0, false},
		"nobody says who":                     {answerOf(2, "", "1@acme.example"), 0, false},
		"a stranger with a token of ours":     {strings.Replace(answerOf(2, "eve@evil.example", "x@y.example"), "support@", "support+TOKEN@", 1), 1, true},
		"a token of a ticket of others":       {strings.Replace(answerOf(2, "jo@acme.example", "x@y.example"), "support@", "support+OTHER@", 1), 0, false},
		"a number alone, by who made it":      {strings.Replace(answerOf(2, "jo@acme.example", "x@y.example"), "Re: Printer", "Re: T20261127.1000", 1), 0, false},
		"no answer, by who made it":           {answerOf(2, "jo@acme.example", "x@y.example"), 1, false},
		"an automatic one that nobody awaits": {strings.Replace(answerOf(2, "jo@acme.example", "x@y.example"), "\n", "\nAuto-Submitted: auto-replied\n", 1), 0, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.known(first)
			own := message.Address{Local: "support", Domain: "msp.example"}
			w.tickets[7] = &ticket{id: 7} // of somebody who telephoned
			w.arrive(strings.NewReplacer("support+TOKEN", w.mailbox.Keys.ReplyTo("1", 1000, own).Local, "support+OTHER", w.mailbox.Keys.ReplyTo("1", 7, own).Local).Replace(c.mail))
			w.hours(3)
			if w.handed != c.handed {
				t.Errorf("%d were handed over: %+v", w.handed, w.mails()[1])
			}
			w.down = time.Time{}
			w.settle()
			if m := w.mails()[1]; m.IsNote != c.note && c.handed > 0 || m.Repeated {
				t.Errorf("%+v", m)
			}
			delete(w.tickets, 7)
			if !strings.Contains(what, "automatic") && !strings.Contains(what, "others") {
				w.check()
			}
		})
	}
}

// Notes stay in their order (I8): the mail service does not promise one.
func TestTheNextAnswerIsHandedOverWhenTheMailServiceIsDoneWithTheOneBefore(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		tells, ignores bool
		within         time.Duration // of the first
		handed         int
	}{
		"it says that it has made it":        {true, false, 25 * time.Minute, 3},
		"it says nothing":                    {false, false, time.Hour, 1},
		"it says nothing, and time goes by":  {false, false, 75 * time.Minute, 2},
		"it says that it makes nothing":      {true, true, 5 * time.Hour, 1},
		"it makes nothing, and says nothing": {false, true, 4 * time.Hour, 3},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.known(plainMail)
			w.tells, w.ignores = c.tells, c.ignores
			for i := range 3 {
				w.arrive(answerOf(2+i, "jo@acme.example", "1@acme.example"))
			}
			w.pass(29 * time.Minute)
			for w.handed == 0 {
				w.pass(time.Minute)
				w.run(w.driver())
			}
			for end := w.now.Add(c.within); w.now.Before(end); w.pass(time.Minute) {
				w.run(w.driver())
			}
			if w.handed != c.handed {
				t.Errorf("%d were handed over: %+v", w.handed, w.mails())
			}
			w.down = time.Time{}
			w.settle()
			if !c.ignores || c.tells {
				if of := w.one(); len(of.notes) != 3 {
					t.Errorf("%d notes", len(of.notes))
				}
				w.check()
			}
			w.inOrder()
		})
	}
}

// What waits for the PSA keeps what came after it waiting, on its ticket alone.
func TestAnAnswerIsNotHandedOverBeforeOneThatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(strings.ReplaceAll(plainMail, "1@acme", "other@acme"))
	w.known(plainMail)
	w.arrive(answerOf(2, "eve@evil.example", "1@acme.example")) // who knows whose note that is
	w.arrive(answerOf(3, "jo@acme.example", "1@acme.example"))
	w.arrive(answerOf(4, "jo@acme.example", "other@acme.example"))
	w.arrive(answerOf(5, "jo@acme.example", "4@answers.example"))
	w.arrive(answerOf(6, "jo@acme.example", "3@answers.example"))
	w.hours(4)
	states := fmt.Sprint(w.mails()[2].State, w.mails()[3].State, w.mails()[4].State, w.mails()[5].State, w.mails()[6].State)
	if w.handed != 2 || states != fmt.Sprint(ledger.Spooled, ledger.Ready, ledger.AtesSent, ledger.AtesSent, ledger.Ready) {
		t.Errorf("%d were handed over: %s", w.handed, states)
	}
	w.down = time.Time{}
	w.settle()
	if m := w.mails(); len(w.tickets) != 3 || m[2].IsNote || m[2].Ticket == m[1].Ticket || len(w.tickets[m[1].Ticket].notes) != 2 || len(w.tickets[m[0].Ticket].notes) != 2 {
		t.Errorf("%d tickets: %+v", len(w.tickets), m)
	}
	w.check()
	w.inOrder()
}

// An answer never goes before its ticket, which is not known before the API is back.
func TestAnAnswerToWhatTheMailServiceHasWaitsForTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
	w.tells = true
	w.arrive(plainMail)
	w.hours(2)
	w.arrive(reply)
	w.hours(4)
	if m := w.mails()[2]; w.handed != 1 || m.State != ledger.Spooled {
		t.Errorf("%d were handed over: %+v", w.handed, m)
	}
	w.down = time.Time{}
	if of := w.one(); len(of.notes) != 1 || of.fixed == 0 {
		t.Errorf("%+v", of)
	}
	w.check()
}

// A mail in doubt is handed over again after hours, unless the mail service says that it has it.
func TestANoticeOfSuccessEndsADoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fallback()
	w.tells = true
	w.fates["mail"] = []fate{lost}
	w.hours(8)
	if m := w.mails()[0]; m.State != ledger.AtesSent || m.Cause != ledger.AtesMade || w.handed != 1 {
		t.Errorf("handed over %d times: %+v", w.handed, m)
	}
	w.down = time.Time{}
	w.repaired()
	w.check()
}

// The guard against loops knows a ticket by its id alone; the mail service asks for its number, and makes another ticket without.
func TestTheMailServiceIsToldTheNumberOfATicketThatTheGuardNames(t *testing.T) {
	t.Parallel()
	alarm := func(n int) string {
		return fmt.Sprintf("From: monitor@acme.example\nTo: support@msp.example\nSubject: Disk full\nMessage-ID: <%d@m>\n\nIt is.\n", n)
	}
	w := newWorld(t)
	guard := loop.New(loop.Limits{Same: 1})
	guarded := func() *Driver { d := w.driver(); d.Loops = guard; return d }
	w.arrive(alarm(1))
	for w.run(guarded()) > 0 {
	}
	w.arrive(alarm(2))
	w.run(guarded())
	if m := w.mails()[1]; !m.IsNote || m.Number != "" {
		t.Fatalf("this is to be a note on a ticket without a number: %+v", m)
	}
	w.rules.FallbackAfter, w.down = 30*time.Minute, w.now
	w.hours(1)
	w.down = time.Time{}
	if of := w.one(); len(of.notes) != 1 || w.handed != 1 {
		t.Errorf("%d were handed over: %+v", w.handed, of)
	}
	w.check()
}

// A stranger who names a conversation gets a ticket of his own, and does not draw the others there.
func TestAStrangerDoesNotDrawAConversationToHisTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(answerOf(1, "jo@acme.example", "root@unseen.example")) // to a mail that nobody here has seen
	w.settle()
	w.arrive(answerOf(2, "eve@evil.example", "root@unseen.example"))
	w.settle()
	w.arrive(answerOf(3, "sam@acme.example", "root@unseen.example"))
	w.settle()
	if m := w.mails(); m[1].IsNote || !m[2].IsNote || m[2].Ticket != m[0].Ticket {
		t.Errorf("%+v", m)
	}
	w.check()
}
