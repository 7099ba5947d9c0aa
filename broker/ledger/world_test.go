package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// world is a PSA, a mail server, and two processes that may die at any moment, on a clock of its own.
type world struct {
	t     *rapid.T
	rules Rules
	now   time.Time
	book  *Memory
	procs [2]proc
	mails []kind // by ID - 1

	down     time.Time
	calm     bool // no faults any more
	tickets  int64
	made     map[thing]int // what the PSA has, and how many times
	madeAt   map[thing]time.Time
	ticketOf map[string]int64  // by reference
	notes    map[int64][]int64 // mails of notes by ticket, in the order in which they were made
	late     []effect
	beyond   bool            // sends may take effect later than any settles
	excused  map[string]bool // by reference: it may be there twice
	acked    map[int64]bool
	decided  map[int64]bool // by people, later than its time
	begun    map[int64]int  // tries to understand it
	failed   map[int64]bool // the mail service has made nothing of it, and says so some time
}

// kind is what a mail is.
type kind struct {
	content string
	poison  int    // how many tries with the parser kill the process
	note    int64  // a note on this ticket of the PSA's
	reply   string // a reply to this Message-ID
	end     State
	files   int
	plain   int // how many times the PSA refuses it
	merged  bool
}

// merged is the ticket that the PSA puts others into.
const merged = 7

type thing struct {
	reference string
	item      int
}

type effect struct {
	at    time.Time
	apply func()
}

// proc is between the two writes of a step, or not.
type proc struct {
	step   Step
	mail   Mail
	result *Result // the work is done
}

var ctx = context.Background()

func newWorld(t *rapid.T, rules Rules) *world {
	return &world{
		t: t, rules: rules.Whole(), now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), book: NewMemory(), tickets: 1000, made: map[thing]int{}, madeAt: map[thing]time.Time{},
		ticketOf: map[string]int64{}, notes: map[int64][]int64{}, excused: map[string]bool{}, acked: map[int64]bool{}, begun: map[int64]int{}, decided: map[int64]bool{}, failed: map[int64]bool{},
	}
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(format, args...)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time go by, and what the PSA still had in hand take effect.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	slices.SortStableFunc(w.late, func(a, b effect) int { return a.at.Compare(b.at) })
	for len(w.late) > 0 && !w.late[0].at.After(w.now) {
		w.late[0].apply()
		w.late = w.late[1:]
	}
}

func (w *world) world(m Mail) World {
	var over time.Time
	if !w.down.IsZero() {
		over = w.rules.Over(w.now)
	}
	blocked, err := w.book.Blocked(ctx, m, over)
	w.must(err)
	return World{Down: w.down, Blocked: blocked}
}

// begin takes a step up, and writes it down.
func (w *world) begin(p *proc, m Mail) bool {
	step := w.rules.Next(m, w.now, w.world(m))
	if step == Nothing {
		return false
	}
	kept, err := w.book.Update(ctx, w.rules.Begin(m, step, w.now))
	if errors.Is(err, ErrStale) {
		return false
	}
	w.must(err)
	if kept.State == Ready && kept.Repeated && m.State == AtesInDoubt {
		w.excused[kept.Reference] = true // the API is down, and nobody can look
	}
	if step == Understand || step == UnderstandLeast {
		w.begun[m.ID]++
	}
	if step != Expire {
		*p = proc{step: step, mail: kept}
	}
	return true
}

// end writes down what came of it.
func (w *world) end(p *proc) {
	after, err := w.rules.End(p.mail, p.step, *p.result, w.now)
	w.must(err)
	_, err = w.book.Update(ctx, after)
	if errors.Is(err, ErrReference) {
		_, err = w.book.Update(ctx, w.rules.Duplicate(p.mail, w.now))
	}
	if !errors.Is(err, ErrStale) {
		w.must(err)
	}
	*p = proc{}
}

// work does a step; true is that the process dies of it.
func (w *world) work(p *proc) bool {
	result, k := Result{Answer: NotNow}, w.mails[p.mail.ID-1]
	switch p.step {
	case Understand, UnderstandLeast:
		if p.step == Understand && p.mail.Tries <= k.poison {
			return true
		}
		result = w.understand(p.mail, k)
	case Send:
		if w.rules.MaySend(p.mail, w.now) && w.down.IsZero() {
			result = w.send(p.mail, k)
		}
	case Look, Find:
		if w.down.IsZero() && !w.unlucky("look") {
			result = w.look(p.mail)
		}
	case Repair:
		if w.down.IsZero() && !w.unlucky("repair") {
			result.Answer = Yes
		}
	case SendAtes:
		if w.rules.MaySend(p.mail, w.now) {
			result = w.sendAtes(p.mail)
		}
	case Acknowledge:
		if !p.mail.State.Ended() { // it had ended when that was begun; people may have taken it up again meanwhile
			w.fatal("I3: mail %d is acknowledged while it is %s", p.mail.ID, p.mail.State)
		}
		if !w.unlucky("acknowledge") {
			w.acked[p.mail.ID], result.Answer = true, Yes
		}
	}
	p.result = &result
	return false
}

func (w *world) unlucky(what string) bool {
	return !w.calm && rapid.IntRange(0, 2).Draw(w.t, what) == 0
}

func (w *world) understand(m Mail, k kind) Result {
	if !w.down.IsZero() || w.unlucky("directory") {
		return Result{Answer: rapid.SampledFrom([]Answer{NotNow, No}).Draw(w.t, "fails")}
	}
	u := Understood{Reference: "ref of " + k.content, Plan: []byte(k.content), Files: k.files, End: k.end, IsNote: k.note != 0, Ticket: k.note}
	if k.note != 0 {
		u.Number = fmt.Sprint("T", k.note)
	}
	if m.Forced {
		u.End = ""
	}
	if u.End != "" {
		u.Cause = "kind"
	}
	if k.reply != "" {
		if to, ok, err := w.book.Referred(ctx, k.reply); err == nil && ok && (to.Ticket != 0 || m.WaitsFor(to)) {
			u.IsNote, u.Ticket, u.Number, u.WaitFor = true, to.Ticket, to.Number, m.WaitsFor(to)
		}
	}
	return Result{Answer: Yes, Understood: u}
}

// apply is what the PSA does with a send.
func (w *world) apply(m Mail, k kind) {
	w.made[thing{m.Reference, m.Item}]++
	w.madeAt[thing{m.Reference, m.Item}] = w.now
	switch {
	case m.Item > 0:
	case m.IsNote:
		w.notes[m.Ticket] = append(w.notes[m.Ticket], m.ID)
	case k.merged:
		w.ticketOf[m.Reference] = merged
	case w.ticketOf[m.Reference] == 0:
		w.tickets++
		w.ticketOf[m.Reference] = w.tickets
	}
}

func (w *world) send(m Mail, k kind) Result {
	if m.Item == 0 && m.Plainness < k.plain {
		return Result{Answer: No}
	}
	yes := func() Result { return Result{Answer: Yes, Ticket: w.ticketOf[m.Reference], Merged: k.merged} }
	if w.calm {
		w.apply(m, k)
		return yes()
	}
	switch rapid.SampledFrom([]string{"works", "works", "answer lost", "lost", "late", "not now", "too large"}).Draw(w.t, "send") {
	case "works":
		w.apply(m, k)
		return yes()
	case "answer lost":
		w.apply(m, k)
	case "late":
		most := w.rules.settled(m).Sub(w.now) - 1
		if w.beyond {
			most *= 3
			w.excused[m.Reference] = true
		}
		w.late = append(w.late, effect{w.now.Add(time.Duration(rapid.Int64Range(0, int64(most)).Draw(w.t, "late by"))), func() { w.apply(m, k) }})
	case "too large":
		return Result{Answer: map[bool]Answer{true: No, false: NotNow}[m.Item > 0]}
	case "not now":
		return Result{Answer: NotNow}
	}
	return Result{Answer: Unknown}
}

func (w *world) sendAtes(m Mail) Result {
	arrives := func() {
		w.late = append(w.late, effect{w.now.Add(time.Duration(rapid.Int64Range(0, int64(w.rules.AtesSettle)).Draw(w.t, "mail by"))), func() { w.apply(m, kind{}) }})
	}
	if w.calm {
		arrives()
		return Result{Answer: Yes}
	}
	switch rapid.SampledFrom([]string{"works", "answer lost", "lost", "not now", "makes nothing", "makes nothing, answer lost"}).Draw(w.t, "mail service") {
	case "works":
		arrives()
		return Result{Answer: Yes}
	case "answer lost":
		arrives()
	case "makes nothing":
		w.failed[m.ID] = true
		return Result{Answer: Yes}
	case "makes nothing, answer lost":
		w.failed[m.ID] = true
	case "not now":
		return Result{Answer: NotNow}
	}
	return Result{Answer: Unknown}
}

// look asks the PSA, which may not find what it has just made.
func (w *world) look(m Mail) Result {
	it := thing{m.Reference, m.Item}
	if w.made[it] == 0 || w.now.Sub(w.madeAt[it]) < w.rules.Apart && w.unlucky("not found yet") {
		return Result{Answer: No}
	}
	return Result{Answer: Yes, Ticket: w.ticketOf[m.Reference]}
}

// all are the rows.
func (w *world) all() (all []Mail) {
	for id := range w.mails {
		m, err := w.book.Get(ctx, int64(id+1))
		w.must(err)
		all = append(all, m)
	}
	return all
}

func (w *world) describe(m Mail) string {
	return fmt.Sprintf("%+v", m)
}
