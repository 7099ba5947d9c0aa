package guard_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/worstpsa"
)

// world is several processes with guards over one store, one user of the PSA, and whatever may go wrong between them.
//
// The test's own goroutine makes the moves, one at a time, and lets everything that follows from one come to rest before the
// next. Time is the bubble's.
type world struct {
	t         *rapid.T
	began     time.Time
	settings  guard.Settings
	psa       *worstpsa.PSA
	tables    *tables
	witnesses []witness  // of the hosts
	processes []*process // by host; those that were killed are replaced
	flights   flights
	versions  []content // of the secret store
	history   bool      // it shows earlier versions
	contents  []content // that it may have
	outage    bool      // the PSA answers nothing
	free      atomic.Bool
	copies    []contents
	forgot    bool   // the store forgot something, and the PSA may count for that until it takes its count back
	shown     uint64 // the seq that an operator saw before he unlocked the user
	seen      bool
	served    int // calls that the PSA accepted
}

const user = "robot@example.com"

func label(version int) string { return "v" + strconv.Itoa(version) }

func newWorld(t *rapid.T) *world {
	threshold := rapid.IntRange(5, 8).Draw(t, "threshold")
	s := guard.Settings{Threshold: threshold, QueueDeadline: 5 * time.Second}
	s.NeverReset = rapid.IntRange(0, 4).Draw(t, "never reset") == 4
	s.Linger = rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Second, 5*time.Minute + 30*time.Second}).Draw(t, "linger")
	s = s.WithDefaults()
	w := &world{t: t, began: time.Now(), settings: s}
	w.psa = &worstpsa.PSA{Threshold: threshold, NeverResets: s.NeverReset, Linger: s.Linger}
	w.tables = newTables(w.committed)
	for _, password := range []string{"a", "b", "c"} {
		w.contents = append(w.contents, content{user, password})
	}
	w.contents = append(w.contents, content{" Robot@Example.COM ", "a"}, content{"ROBOT@example.com", "b"})
	w.versions = []content{w.contents[0]}
	w.user().Password = "a"
	hosts := rapid.IntRange(1, 3).Draw(t, "hosts")
	// Of several processes each takes it that another may have a secret that it has not itself. Where none has it, because all
	// were started again and their secret store shows no earlier versions, that is never found out.
	w.history = hosts > 1 || rapid.IntRange(0, 3).Draw(t, "history") < 3
	w.witnesses = make([]witness, hosts)
	for host := range hosts {
		w.witnesses[host].spent = make(map[guard.Key]bool)
		w.processes = append(w.processes, w.start(host))
		time.Sleep(time.Second) // so that they do not beat at the same moment
	}
	synctest.Wait()
	return w
}

func (w *world) user() *worstpsa.User { return w.psa.User(user) }

// committed sees rows as they are committed: what has become lost is judged by the PSA no later than linger after that.
func (w *world) committed(r *guard.Rows) {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	for _, u := range r.Units {
		if u.State != guard.Lost {
			continue
		}
		for _, f := range w.flights.all {
			if f.a.Token == u.Token && f.sent != nil {
				w.psa.GiveUp(f.sent, time.Now())
			}
		}
	}
}

func (w *world) freeFails() bool { return w.free.Load() }

// bubble runs f in a bubble of its own, from which rapid's panics come out.
func bubble(t *testing.T, f func()) {
	var failed any
	synctest.Test(t, func(*testing.T) {
		defer func() { failed = recover() }()
		f()
	})
	if failed != nil {
		panic(failed)
	}
}

// close ends whatever still runs.
func (w *world) close() {
	for _, p := range w.processes {
		w.kill(p, false)
	}
	synctest.Wait()
}

// safe is the promise, checked on the PSA's side.
func (w *world) safe(*rapid.T) {
	synctest.Wait()
	most := w.settings.Budget
	if w.forgot && len(w.witnesses) > 1 {
		most++
	}
	u := w.user()
	if u.Most > most || u.WasEver {
		w.t.Fatalf("the PSA counted %d failed sign-ins, %d are allowed; locked %v\n%s", u.Most, most, u.WasEver, w)
	}
	u.Most = 0
	w.forgot = w.forgot && (u.Failed > 0 || len(w.orphans()) > 0)
	if n := w.alone(); n > 1 {
		w.t.Fatalf("%d own attempts at once\n%s", n, w)
	}
}

// orphans are the flights that the PSA may yet judge and whose units the store has forgotten.
func (w *world) orphans() []*flight {
	return w.inAir(func(f *flight) bool {
		if f.sent == nil {
			return f.orphan && !f.ended
		}
		return f.orphan && !f.sent.Judged && (!f.sent.GivenUp || time.Now().Before(f.sent.Until))
	})
}

// alone is how many own attempts are under way, of which nobody has given up one.
func (w *world) alone() (n int) {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	for _, f := range w.flights.all {
		if f.a.Kind.Alone() && f.sent != nil && !f.ended && !f.sent.GivenUp && !f.orphan {
			n++
		}
	}
	return n
}

func (w *world) String() string {
	w.tables.mu.Lock()
	defer w.tables.mu.Unlock()
	text := fmt.Sprintf("PSA %+v\n", *w.user())
	for key, r := range w.tables.now.rows {
		text += fmt.Sprintf("%s: rev %d %+v\n", key, r.rev, r.rows)
	}
	for _, p := range w.processes {
		text += fmt.Sprintf("host %d: %q cut %v paused %v down %v lease %v reads %d\n", p.host, p.Holder(), p.cut, p.paused, p.down, p.lease.May(), p.read)
	}
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	for _, f := range w.flights.all {
		text += fmt.Sprintf("flight of host %d: %v %v term %d token %d sent %+v ended %v due %v orphan %v late %v, its process over %v still %v\n",
			f.p.host, f.a.Kind, f.a.Credential, f.a.Term, f.a.Token, f.sent, f.ended, f.due, f.orphan, f.late, f.p.over, f.p.still)
	}
	return text
}

// pass lets time pass. Whatever can be judged until a moment is judged right before it, or never.
func (w *world) pass(d time.Duration) {
	end := time.Now().Add(d)
	for {
		next := w.lastMoment(end)
		time.Sleep(time.Until(next))
		synctest.Wait()
		for _, r := range w.open() {
			if w.isLast(r) && rapid.Bool().Draw(w.t, "judged at last") {
				w.judge(r)
			}
		}
		w.safe(w.t)
		if next.Equal(end) {
			return
		}
	}
}

// lastMoment returns when the next request can be judged for the last time, at most end.
func (w *world) lastMoment(end time.Time) time.Time {
	open := w.open()
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	for _, r := range open {
		if at := r.Until.Add(-time.Millisecond); r.GivenUp && at.Before(end) && at.After(time.Now()) {
			end = at
		}
	}
	return end
}

func (w *world) isLast(r *worstpsa.Request) bool {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	return r.GivenUp && !r.Until.Add(-time.Millisecond).After(time.Now())
}

func (w *world) open() []*worstpsa.Request {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	return w.psa.Open(time.Now())
}

func (w *world) judge(r *worstpsa.Request) {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	w.psa.Judge(r, time.Now())
}

// inAir returns the flights of which something holds. What has come to its end is forgotten.
func (w *world) inAir(is func(*flight) bool) (all []*flight) {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	w.flights.all = slices.DeleteFunc(w.flights.all, func(f *flight) bool {
		return f.ended && !f.late && (f.sent == nil || f.sent.Judged || f.sent.GivenUp && !time.Now().Before(f.sent.Until))
	})
	for _, f := range w.flights.all {
		if is(f) {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b *flight) int { return a.p.host - b.p.host })
	return all
}

// steps is how many moves were made.
var steps atomic.Int64

func TestWorldThePSANeverCountsMoreThanTheBudget(t *testing.T) {
	search(t, func(w *world) map[string]step { return w.moves(w.faults(), w.people()) })
}

// A store that forgets breaks an assumption of the guard's rules. One failed sign-in more is what it may cost, and no lock.
func TestWorldAStoreThatForgetsCostsOneFailedSignIn(t *testing.T) {
	search(t, func(w *world) map[string]step { return w.moves(w.faults(), w.people(), w.forgetting()) })
}

func search(t *testing.T, moves func(*world) map[string]step) {
	before := steps.Load()
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func() {
			w := newWorld(rt)
			defer w.close()
			if w.draw(4, "serves first") > 0 {
				w.processes[0].call("x", "GET Tickets")
				w.settle()
			}
			w.repeat(moves(w))
			w.heal()
		})
	})
	t.Logf("%d steps", steps.Load()-before)
}
