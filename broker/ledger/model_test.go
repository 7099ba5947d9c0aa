package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestModel searches for a way to lose, double or misorder a mail: two processes that die anywhere, a PSA that applies and
// says nothing, or late, a mail service, an API that comes and goes. In the end all is calm, and the books are held against
// what the PSA has.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, Rules{FallbackAfter: rapid.SampledFrom([]time.Duration{0, 30 * time.Minute}).Draw(t, "fallback")})
		w.beyond = rapid.IntRange(0, 3).Draw(t, "beyond") == 0
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(*rapid.T) { w.arrive() },
			"begin":  func(*rapid.T) { w.pick() },
			"run":    func(*rapid.T) { w.run(); w.run() },
			"wait":   func(*rapid.T) { w.pass(w.untilDue()); w.run() },
			"work":   func(*rapid.T) { w.workSome() },
			"end":    func(*rapid.T) { w.endSome() },
			"die":    func(*rapid.T) { *w.some() = proc{} },
			"pass": func(*rapid.T) {
				w.pass(rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Second, time.Minute, 3 * time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "pass"))
			},
			"notice": func(*rapid.T) { w.notice() },
			"people": func(*rapid.T) { w.decide() },
			"API": func(*rapid.T) {
				if w.down.IsZero() {
					w.down = w.now
				} else {
					w.down = time.Time{}
				}
			},
			"": func(*rapid.T) { w.check() },
		})
		for range rapid.IntRange(0, 60).Draw(t, "more") {
			w.pass(w.untilDue())
			w.run()
			w.check()
		}
		w.settle()
	})
}

func (w *world) some() *proc { return &w.procs[rapid.IntRange(0, 1).Draw(w.t, "process")] }

func (w *world) arrive() {
	if len(w.mails) >= 8 {
		return
	}
	n := len(w.mails)
	k := kind{content: fmt.Sprint(n), files: rapid.IntRange(0, 2).Draw(w.t, "files")}
	switch rapid.SampledFrom([]string{"ticket", "ticket", "note", "reply", "reply", "same", "poison", "aside", "refused", "merged"}).Draw(w.t, "mail") {
	case "note":
		k.note = int64(rapid.IntRange(1, 2).Draw(w.t, "ticket"))
	case "reply":
		k.reply = fmt.Sprint("id", rapid.IntRange(0, n+1).Draw(w.t, "to")) // to itself, and to one that comes later, too
	case "same":
		if n > 0 {
			k = w.mails[rapid.IntRange(0, n-1).Draw(w.t, "as")]
		}
	case "poison":
		k.poison = rapid.IntRange(1, 9).Draw(w.t, "kills")
	case "aside":
		k.end = rapid.SampledFrom([]State{Suspended, Suppressed}).Draw(w.t, "end")
	case "refused":
		k.plain = rapid.IntRange(1, 5).Draw(w.t, "times")
	case "merged":
		k.merged = true
	}
	m := Mail{Mailbox: "support", Object: fmt.Sprint("1:", n), MessageID: fmt.Sprint("id", n), Arrived: w.now}
	if k.reply != "" {
		m.References = []string{k.reply}
	}
	if k.note != 0 {
		m.References = []string{fmt.Sprint("T", k.note)}
	}
	m, fresh, err := w.book.Spool(ctx, m, []byte(k.content))
	if err != nil || !fresh || m.ID != int64(n+1) {
		w.fatal("%+v, %t, %v", m, fresh, err)
	}
	w.mails = append(w.mails, k)
	if again, fresh, err := w.book.Spool(ctx, Mail{Mailbox: "support", Object: m.Object}, nil); fresh || err != nil || again.ID != m.ID {
		w.fatal("the same place is spooled twice: %v", err)
	}
}

func (w *world) pick() {
	p := w.some()
	due, err := w.book.Due(ctx, "support", w.now, 100)
	w.must(err)
	if p.step == Nothing && len(due) > 0 {
		w.begin(p, due[rapid.IntRange(0, len(due)-1).Draw(w.t, "which")])
	}
}

// decide has people try a mail again, or drop it.
func (w *world) decide() {
	if len(w.mails) == 0 {
		return
	}
	m := rapid.SampledFrom(w.all()).Draw(w.t, "of")
	after, err := w.rules.Retry(m, ann, w.now)
	if again := rapid.Bool().Draw(w.t, "again"); !again {
		after, err = w.rules.Drop(m, ann, w.now)
		if may := m.State == Suspended || m.State == Dead || m.State == Spooled || m.State == Ready && m.Item == 0 && !m.Repair; (err == nil) != may {
			w.fatal("dropped: %v, %s", err, w.describe(m))
		}
	} else if (err == nil) != (m.State.Ended() && m.State != Done && m.Cause != "duplicate" && m.Was != "duplicate") {
		w.fatal("tried again: %v, %s", err, w.describe(m))
	}
	if err == nil {
		_, err = w.book.Update(ctx, after)
		w.must(err)
		w.begun[m.ID], w.decided[m.ID] = 0, true
	}
}

// notice has the mail service say of a mail that it has made nothing of it.
func (w *world) notice() {
	for _, m := range w.all() {
		if !w.failed[m.ID] {
			continue
		}
		after, changed, err := w.rules.NotTaken(m, w.now)
		if errors.Is(err, ErrBeingHanded) {
			continue // it is read again later
		}
		w.must(err)
		if delete(w.failed, m.ID); changed {
			_, err = w.book.Update(ctx, after)
			w.must(err)
		}
	}
}

// run has a process do what it is at, or else another step, from one end to the other.
func (w *world) run() {
	p := w.some()
	if p.step == Nothing {
		due, err := w.book.Due(ctx, "support", w.now, 100)
		w.must(err)
		for _, m := range due {
			if w.begin(p, m) && p.step != Nothing {
				break
			}
		}
	}
	if p.step == Nothing {
		return
	}
	if p.result == nil && w.work(p) {
		*p = proc{}
		return
	}
	w.end(p)
}

func (w *world) workSome() {
	if p := w.some(); p.step != Nothing && p.result == nil && w.work(p) {
		*p = proc{}
	}
}

func (w *world) endSome() {
	if p := w.some(); p.result != nil {
		w.end(p)
	}
}

// check is what holds at every moment.
func (w *world) check() {
	for _, m := range w.all() {
		raw, err := w.book.Raw(ctx, m.ID)
		switch {
		case err != nil || !bytes.Equal(raw, []byte(w.mails[m.ID-1].content)):
			w.fatal("I1: the bytes of mail %d are lost: %v", m.ID, err)
		case !slices.Contains(States, m.State):
			w.fatal("I1: %s", w.describe(m))
		case w.acked[m.ID] && !m.State.Ended() && !m.Forced:
			w.fatal("I3: acknowledged before its end: %s", w.describe(m))
		case m.Tries > max(w.rules.Understand+2, w.rules.Send+1):
			w.fatal("I4: %s", w.describe(m))
		case m.Cause == AtesFailed && (m.State.Ended() || m.Item > 0 || m.State == AtesSent || m.State == AtesInFlight || m.State == AtesInDoubt):
			w.fatal("it is not what the mail service made nothing of: %s", w.describe(m))
		case m.Cause != AtesFailed && (m.Cause != "") != (m.State.Ended() && m.State != Done):
			w.fatal("a cause, or none: %s", w.describe(m))
		}
	}
	for thing, times := range w.made {
		if times > 1 && !w.excused[thing.reference] {
			w.fatal("I2: %+v is there %d times", thing, times)
		}
	}
	for ticket, order := range w.notes {
		// What people decide comes when it comes, and so does what answers that. In merged, conversations of their own meet.
		if !slices.IsSorted(order) && len(w.excused)+len(w.decided) == 0 && ticket != merged {
			w.fatal("I8: notes on ticket %d are made in the order %v", ticket, order)
		}
	}
	balance, err := w.book.Balance(ctx, "support")
	if err != nil || balance.Gap() != 0 || balance.Seen != len(w.mails) {
		w.fatal("the books: %+v, %v", balance, err)
	}
}

// settledWithin is how long all takes to end when all is calm, at the most: a mail that the mail service makes nothing of takes the
// longest, and is asked after some hundred times meanwhile.
const settledWithin = 48 * time.Hour

// settle makes everything calm and lets the processes run until all has an end.
func (w *world) settle() {
	w.calm, w.down = true, time.Time{}
	w.procs = [2]proc{}
	for end := w.now.Add(settledWithin); !w.quiet() && w.now.Before(end); {
		due, err := w.book.Due(ctx, "support", w.now, 100)
		w.must(err)
		busy := false
		for _, m := range due {
			p := &w.procs[0]
			for w.begin(p, m) && p.step != Nothing {
				busy = true
				if w.work(p) {
					*p = proc{}
					break
				}
				w.end(p)
				m, err = w.book.Get(ctx, m.ID)
				w.must(err)
			}
		}
		w.check()
		if !busy {
			w.pass(w.untilDue())
		}
	}
	w.pass(7 * 24 * time.Hour) // whatever is still to take effect
	w.balance()
}

// untilDue is how long nothing is due.
func (w *world) untilDue() time.Duration {
	wait := time.Hour
	for _, m := range w.all() {
		if m.Due.After(w.now) && (!m.State.Ended() || !m.Acknowledged) {
			wait = min(wait, m.Due.Sub(w.now))
		}
	}
	return wait
}

func (w *world) quiet() bool {
	return !slices.ContainsFunc(w.all(), func(m Mail) bool { return !m.State.Ended() || !m.Acknowledged })
}

// balance holds the books against the PSA and the server.
func (w *world) balance() {
	for _, m := range w.all() {
		k := w.mails[m.ID-1]
		made := w.made[thing{m.Reference, 0}]
		switch {
		case !m.State.Ended() || !w.acked[m.ID]:
			w.fatal("I1: it has no end: %s", w.describe(m))
		case m.State == Done && made == 0:
			w.fatal("I1: it is done, and not there: %s", w.describe(m))
		case m.State == Done && !m.IsNote && !m.Repeated && m.Ticket != w.ticketOf[m.Reference]:
			w.fatal("it is ticket %d, not %s", w.ticketOf[m.Reference], w.describe(m))
		case m.State == Done && made > 1 && !m.Repeated:
			w.fatal("I2: it is there %d times, and not marked: %s", made, w.describe(m))
		case m.Cause == "unreadable" && w.begun[m.ID] < w.rules.Understand+2, m.Cause == "refused" && k.plain <= w.rules.Plainest:
			w.fatal("I4: it is dead without a reason: %s", w.describe(m))
		case m.State == Suspended && k.end != Suspended && !slices.Contains([]string{"in-doubt", "ates-in-doubt", "ates-lost"}, m.Cause):
			w.fatal("I4: it is set aside without a reason: %s", w.describe(m))
		case k.poison > w.rules.Understand && m.State == Done && !m.Least:
			w.fatal("a poison was understood: %s", w.describe(m))
		}
		for item := 1; m.State == Done && item <= k.files && !m.Least; item++ {
			if w.made[thing{m.Reference, item}] == 0 && m.Skipped == 0 {
				w.fatal("attachment %d is not there: %s", item, w.describe(m))
			}
		}
	}
}
