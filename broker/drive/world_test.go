package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
)

// fate is what happens at a point where the driver comes out of itself.
type fate string

const (
	works     fate = ""
	dieBefore fate = "the process dies before"
	dieAfter  fate = "the process dies after"
	cut       fate = "it does not arrive, and there is no answer"
	lost      fate = "it is done, and there is no answer"
	late      fate = "it is done 90 s later, and there is no answer"
	beyond    fate = "it is done an hour later, and there is no answer"
	notNow    fate = "not now"
	refused   fate = "it is refused"
	stalls    fate = "the process stands still for hours, and another goes on"
	overtaken fate = "another process does a pass"
	restarts  fate = "the ledger is lost, and the mails are fetched once more"
)

// reporter is a testing.TB or a rapid.T.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// world is a PSA, a mailbox, and processes that work on it, on a clock of its own. It is for one goroutine at a time, though a
// process has its own, so that it can die.
type world struct {
	t     reporter
	now   time.Time
	book  *ledger.Memory
	inbox map[string]string // by object
	came  map[string]time.Time
	fates map[string][]fate // by point, one after the other
	tape  []fate            // for any point, where there are no fates
	log   []string

	mailbox route.Mailbox
	rules   ledger.Rules
	down    time.Time
	deep    int // processes that are in the midst of something
	merges  bool
	forgets bool            // the mail service finds no ticket by its number
	ignores bool            // the mail service makes nothing of what it gets
	tells   bool            // the mail service's notices come to us
	takes   []time.Duration // how long the mail service takes for one after the other, else 10 minutes

	tickets map[int64]*ticket
	late    []effect
	handed  int
	died    int
	excused bool // an effect came later than any settles
}

type ticket struct {
	Ticket
	id     int64
	merged []Ticket
	notes  []Note
	files  []File
	fixed  int
}

type effect struct {
	at    time.Time
	apply func()
}

func newWorld(t reporter) *world {
	keys, err := thread.NewKeys(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &world{
		t: t, now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), book: ledger.NewMemory(), inbox: map[string]string{}, came: map[string]time.Time{}, fates: map[string][]fate{}, tickets: map[int64]*ticket{},
		mailbox: route.Mailbox{Name: "support", Tenant: "1", Keys: keys, Default: route.Fields{Company: "0", Queue: "Triage"}, Aliases: []route.Alias{{Address: "support@msp.example", Fields: route.Fields{Queue: "Level 1"}}}},
	}
}

// driver is a new process.
func (w *world) driver() *Driver {
	return &Driver{
		Mailbox: w.mailbox, Ledger: books{w.book, w}, Ticketer: psa{w}, Source: source{w}, Directory: directory{w}, Fallback: service{w}, Rules: w.rules,
		Down: func() time.Time { return w.down }, Now: func() time.Time { return w.now }, FileMost: 1 << 20, AtHand: new(AtHand),
	}
}

// arrive puts a mail into the inbox and, as a source does, into the ledger.
func (w *world) arrive(raw string) {
	w.t.Helper()
	object := fmt.Sprintf("1:%d", len(w.inbox)+1)
	w.inbox[object], w.came[object] = raw, w.now
	w.fetch()
}

func (w *world) fetch() {
	w.t.Helper()
	for _, object := range slices.Sorted(maps.Keys(w.inbox)) {
		raw := w.inbox[object]
		if raw == "" {
			continue // it was moved
		}
		if _, _, err := w.book.Spool(context.Background(), Spooled("support", object, []byte(raw), w.came[object]), []byte(raw)); err != nil {
			w.t.Fatalf("%v", err)
		}
	}
}

// at is a point: what happens there. The process may die, which ends its goroutine.
func (w *world) at(point string) fate {
	f := works
	if list := w.fates[point]; len(list) > 0 {
		f, w.fates[point] = list[0], list[1:]
	} else if len(w.tape) > 0 {
		f, w.tape = w.tape[0], w.tape[1:]
	}
	if f != works {
		w.log = append(w.log, fmt.Sprintf("%s at %s: %s", w.now.Format("15:04:05"), point, f))
	}
	switch f {
	case dieBefore:
		w.die()
	case stalls:
		for range 6 { // time enough to find nothing twice, and send
			w.pass(30 * time.Minute)
			w.other()
		}
		return works
	case overtaken:
		w.other()
		return works
	case restarts:
		w.book = ledger.NewMemory()
		w.book.SinceWhen = w.now.Add(time.Second)
		w.pass(time.Minute)
		w.fetch()
		w.die()
	}
	return f
}

func (w *world) die() {
	w.died++
	runtime.Goexit()
}

// after is what is left of a fate when the thing is done.
func (w *world) after(f fate) {
	if f == dieAfter {
		w.die()
	}
}

// other has another process do a pass, which ends before this one goes on.
func (w *world) other() {
	if w.deep < 3 {
		w.run(w.driver())
	}
}

// run has a process do a pass.
func (w *world) run(d *Driver) (steps int) {
	ended := make(chan struct{})
	w.deep++
	go func() {
		defer close(ended)
		var err error
		if steps, err = d.Pass(context.Background()); err != nil {
			w.t.Errorf("%v", err)
		}
	}()
	<-ended
	w.deep--
	return steps
}

// pass lets time go by, and what the PSA still had in hand take effect.
func (w *world) pass(by time.Duration) {
	end := w.now.Add(by)
	for {
		slices.SortStableFunc(w.late, func(a, b effect) int { return a.at.Compare(b.at) })
		if len(w.late) == 0 || w.late[0].at.After(end) {
			break
		}
		next := w.late[0]
		w.late = w.late[1:]
		if next.at.After(w.now) {
			w.now = next.at // what it brings about later counts from then
		}
		next.apply()
	}
	w.now = end
}

// mails are the rows.
func (w *world) mails() (all []ledger.Mail) {
	for id := int64(1); ; id++ {
		m, err := w.book.Get(context.Background(), id)
		if err != nil {
			return all
		}
		all = append(all, m)
	}
}

// settle runs processes, which begin anew when they die, until nothing is left to be done.
func (w *world) settle() {
	w.t.Helper()
	for range 500 {
		died := w.died
		if w.run(w.driver()) > 0 || w.died > died {
			continue
		}
		next := w.now.Add(24 * time.Hour)
		open := false
		for _, m := range w.mails() {
			if !m.State.Ended() || !m.Acknowledged {
				open = true
				if m.Due.After(w.now) && m.Due.Before(next) {
					next = m.Due
				}
			}
		}
		if !open && len(w.late) == 0 {
			return
		}
		w.pass(min(next.Sub(w.now), 30*time.Minute))
	}
	w.t.Fatalf("it does not come to an end:\n%s\n%+v", strings.Join(w.log, "\n"), w.mails())
}

// check holds the PSA and the inbox against one another, and the books against both.
func (w *world) check() {
	w.t.Helper()
	fail := func(format string, args ...any) {
		w.t.Helper()
		w.t.Fatalf("%s\n%s\n%+v", fmt.Sprintf(format, args...), strings.Join(w.log, "\n"), w.mails())
	}
	made, notes, references := 0, 0, map[string]int{}
	for _, t := range w.tickets {
		for _, of := range append(slices.Clone(t.merged), t.Ticket) {
			if strings.HasPrefix(of.Reference, "mb1") {
				made++
				references[of.Reference]++
			}
		}
		titles := map[string]int{}
		for _, n := range t.notes {
			if !strings.HasSuffix(n.Mark, "-files") {
				notes++
			}
			references[n.Mark]++
			if !strings.HasSuffix(n.Text, "\n"+n.Mark) {
				fail("a note does not end with its mark: %q", n.Text)
			}
		}
		for _, f := range t.files {
			if titles[f.Title]++; titles[f.Title] > 1 && !w.excused {
				fail("I2: the file %q is there twice", f.Title)
			}
		}
	}
	repeated := 0
	for _, m := range w.mails() {
		if raw, err := w.book.Raw(context.Background(), m.ID); err != nil || len(raw) == 0 {
			fail("I1: the bytes of mail %d: %v", m.ID, err)
		}
		if m.Repeated {
			repeated++
		}
		if w.inbox[m.Object] != "" {
			fail("mail %s is in the inbox still", m.Object)
		}
	}
	for reference, n := range references {
		if n > 1 && !(w.excused && repeated > 0) {
			fail("I2: %s is there %d times, and %d mails are flagged", reference, n, repeated)
		}
	}
	b, err := w.book.Balance(context.Background(), "support")
	apart := w.handed == 0 && b.Tickets != made // the mail service makes tickets of notes
	if err != nil || b.Gap() != 0 || b.Pending != 0 || !w.excused && (b.Tickets+b.Notes != made+notes || apart) {
		fail("the books say %+v, %v; the PSA has %d tickets and %d notes", b, err, made, notes)
	}
}

// books is the ledger of one process.
type books struct {
	*ledger.Memory
	w *world
}

func (b books) Update(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	f := b.w.at(fmt.Sprintf("write %s %d", m.State, m.Item))
	if f == notNow || f == cut {
		return ledger.Mail{}, ledger.ErrStale // as good as any
	}
	m, err := b.Memory.Update(ctx, m)
	b.w.after(f)
	return m, err
}

func (b books) Raw(ctx context.Context, id int64) ([]byte, error) {
	if f := b.w.at(fmt.Sprint("raw ", id)); f != works && f != dieAfter {
		return nil, errors.New("the store is busy")
	}
	return b.Memory.Raw(ctx, id)
}

// source is the inbox: what is moved leaves nothing.
type source struct{ w *world }

func (s source) Acknowledge(ctx context.Context, object string, end ledger.State) (there bool, err error) {
	f := s.w.at("acknowledge")
	if f != works && f != lost && f != dieAfter {
		return false, errors.New("the server does not answer")
	}
	if !slices.ContainsFunc(s.w.mails(), func(m ledger.Mail) bool { return m.Object == object && m.State.Ended() && m.State == end }) {
		s.w.t.Errorf("I3: %s is acknowledged, and the books know no end of it", object)
	}
	there = s.w.inbox[object] != ""
	s.w.inbox[object] = ""
	s.w.after(f)
	if f == lost {
		return false, errors.New("the connection broke")
	}
	return there, nil
}
