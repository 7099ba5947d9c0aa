package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// TestModel searches for a way to lose, double or misorder a mail: whatever the driver asks for may fail in any way, the process
// may die there, or stand still, and others do passes in between. Then all is calm, and the books are held against the PSA.
func TestModel(t *testing.T) {
	t.Parallel()
	fates := []fate{works, works, works, works, works, works, dieBefore, dieAfter, cut, lost, late, notNow, refused, stalls, overtaken, overtaken}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.rules.FallbackAfter = rapid.SampledFrom([]time.Duration{0, 30 * time.Minute}).Draw(t, "fallback")
		w.tells, w.forgets = rapid.Bool().Draw(t, "tells"), rapid.IntRange(0, 3).Draw(t, "forgets") == 0
		w.takes = rapid.SliceOfN(rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, 50 * time.Minute}), 0, 5).Draw(t, "takes")
		if rapid.Bool().Draw(t, "a ticket is there") {
			w.arrive(strings.Replace(plainMail, "<1@", "<0@", 1))
			w.settle()
		}
		possible := fates
		if rapid.IntRange(0, 3).Draw(t, "beyond") == 0 {
			possible = append(possible, beyond)
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "mails") {
			w.arrive(someMail(t, i))
			w.tape = append(w.tape, rapid.SliceOfN(rapid.SampledFrom(possible), 0, 25).Draw(t, "fates")...)
			for range rapid.IntRange(0, 3).Draw(t, "passes") {
				w.run(w.driver())
			}
			if rapid.IntRange(0, 4).Draw(t, "API") == 0 {
				w.down = w.now
			}
			w.pass(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "pass"))
		}
		w.run(w.driver())
		w.down = time.Time{}
		w.settle()
		w.check()
		w.inOrder()
	})
}

// someMail is a mail, or an answer to one that came before or comes later.
func someMail(t *rapid.T, i int) string {
	id := fmt.Sprintf("Message-ID: <%d@acme.example>\n", i)
	to := fmt.Sprintf("In-Reply-To: <%d@acme.example>\n", rapid.IntRange(0, 4).Draw(t, "to"))
	body := fmt.Sprintf("\nMail %d.\n", i)
	head := "From: jo@acme.example\nTo: support@msp.example\nSubject: Printer\n"
	switch rapid.SampledFrom([]string{"new", "reply", "reply", "stranger", "same", "files"}).Draw(t, "mail") {
	case "reply":
		return head + id + to + body
	case "stranger":
		return strings.Replace(head, "jo@acme.example", "eve@evil.example", 1) + id + to + body
	case "same":
		return plainMail
	case "files":
		return withFiles
	}
	return head + id + body
}

// inOrder demands that the notes of a ticket were made in the order in which their mails came (I8), but where one had to be made
// again that nobody knew of.
func (w *world) inOrder() {
	w.t.Helper()
	ids := map[string]ledger.Mail{}
	for _, m := range w.mails() {
		ids[mark(m.Reference)] = m
	}
	for _, t := range w.tickets {
		last := int64(0)
		for _, n := range t.notes {
			m, is := ids[n.Mark]
			if !is || m.Repeated || w.excused {
				continue
			}
			if m.ID < last && w.linked(m, last) {
				w.t.Fatalf("I8: on ticket %d the note of mail %d comes after that of mail %d\n%v\n%+v", t.id, m.ID, last, w.log, w.mails())
			}
			last = m.ID
		}
	}
}

// linked tells whether it could be known that a mail belongs to a conversation when another came: it may answer one that came still later.
func (w *world) linked(m ledger.Mail, when int64) bool {
	return slices.ContainsFunc(w.mails(), func(o ledger.Mail) bool {
		return o.ID < when && o.ID != m.ID && slices.ContainsFunc(m.References, func(id string) bool { return id == o.MessageID || slices.Contains(o.References, id) })
	})
}

func TestAnswersToAMailThatNobodySawGoTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 { // all at once: the first has no ticket yet when the others are understood
		w.arrive(strings.Replace(reply, "<2@", fmt.Sprintf("<%d@", 2+i), 1))
	}
	w.settle()
	if t1 := w.one(); len(t1.notes) != 2 {
		t.Errorf("%d notes", len(t1.notes))
	}
	w.check()
}

func TestNotesAreMadeInTheOrderOfTheirMails(t *testing.T) {
	t.Parallel()
	for what, first := range map[string][]fate{"waits": {notNow}, "is in doubt": {cut}, "was made, no answer": {lost}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.arrive(plainMail)
			w.settle()
			w.fates["note"] = first
			for i := range 3 {
				w.arrive(strings.Replace(reply, "<2@", fmt.Sprintf("<%d@", 2+i), 1))
			}
			w.settle()
			if t1 := w.one(); len(t1.notes) != 3 {
				t.Errorf("%d notes", len(t1.notes))
			}
			w.check()
			w.inOrder()
		})
	}
}

func TestPeopleTakeUpAMailThatMayBeThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(plainMail)
	for range 5 { // its answer is lost each time, and the PSA finds nothing: it is set aside
		w.fates["create"] = append(w.fates["create"], cut)
	}
	w.settle()
	m := w.mails()[0]
	if m.State != ledger.Suspended || m.Cause != "in-doubt" || len(w.tickets) != 0 {
		t.Fatalf("%+v", m)
	}
	w.put(Ticket{Reference: m.Reference, Title: "it came very late", Fields: route.Fields{Queue: "Level 1"}})
	dropped, err := w.rules.Drop(m, ledger.Decision{By: "ann"}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.rules.Retry(dropped, ledger.Decision{By: "ann"}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.book.Update(context.Background(), again); err != nil {
		t.Fatal(err)
	}
	if found := w.one(); found.Title != "it came very late" || w.mails()[0].Ticket != found.id {
		t.Errorf("%+v", w.mails()[0])
	}
	w.check()
}

// What the mail service took and made nothing of is sent by the API once people want it to be, and not set aside again.
func TestPeopleTakeUpAMailThatTheMailServiceHasLost(t *testing.T) {
	t.Parallel()
	for what, made := range map[string]bool{"it is nowhere": false, "it is there after all": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fallback()
			w.ignores = true
			w.hours(2)
			w.down = time.Time{}
			w.hours(30)
			m := w.mails()[0]
			if m.State != ledger.Suspended || m.Cause != "ates-lost" || w.handed != 1 || len(w.tickets) != 0 {
				t.Fatalf("handed over %d times, %d tickets: %+v", w.handed, len(w.tickets), m)
			}
			if made {
				w.put(Ticket{Reference: m.Reference})
			}
			again, err := w.rules.Retry(m, ledger.Decision{By: "ann"}, w.now)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.book.Update(context.Background(), again); err != nil {
				t.Fatal(err)
			}
			if found := w.one(); w.mails()[0].Ticket != found.id || w.handed != 1 || (found.fixed > 0) != made || w.mails()[0].Repeated == made {
				t.Errorf("handed over %d times, put right %d times: %+v", w.handed, found.fixed, w.mails()[0])
			}
			w.check()
		})
	}
}

func TestADriverStopsBetweenTwoMails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(plainMail)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.driver().Run(ctx)
	if n, err := w.driver().Pass(ctx); n != 0 || err != nil || len(w.tickets) != 0 {
		t.Errorf("%d steps, %v", n, err)
	}
}

func TestMailsThatWaitDoNotHideOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(plainMail)
	w.settle()
	w.fates["note"] = []fate{lost}
	w.fates["hasnote"] = []fate{cut}
	for i := range dueMost + 10 { // the first one is in doubt, and keeps the others waiting
		w.inbox[fmt.Sprintf("2:%03d", i)] = reply + fmt.Sprint(i)
	}
	w.inbox["3:1"] = withFiles
	w.fetch()
	for w.run(w.driver()) > 0 {
	}
	if m := w.mails(); m[len(m)-1].State != ledger.Done || m[1].State != ledger.InDoubt || len(w.tickets[1000].notes) != 1 {
		t.Errorf("the last is %s, the first answer %s; %d notes", m[len(m)-1].State, m[1].State, len(w.tickets[1000].notes))
	}
}

func TestRunWorksUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fates["create"] = []fate{notNow} // so that it has to wait
		w.arrive(plainMail)
		d := w.driver()
		d.Now = func() time.Time { return w.now.Add(time.Since(started)) }
		wake := make(chan struct{})
		d.Wake = wake
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { d.Run(ctx); close(ended) }()
		synctest.Wait()
		if m := w.mails()[0]; m.State != ledger.Ready {
			t.Errorf("%+v", m)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if m := w.mails()[0]; m.State != ledger.Done || !m.Acknowledged || w.inbox[m.Object] != "" {
			t.Errorf("%+v", m)
		}
		w.came["1:2"] = w.now
		w.inbox["1:2"] = withFiles
		w.fetch()
		wake <- struct{}{} // time stands still
		synctest.Wait()
		if m := w.mails()[1]; m.State != ledger.Done {
			t.Errorf("%+v", m)
		}
		cancel()
		<-ended
	})
}

// started is when a bubble of synctest begins.
var started = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
