package call

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// onePoll is the longest time between two readings of a record: 15 s and 20 % of jitter.
const onePoll = 18 * time.Second

// madeCall is one call, from when it came to when it was answered.
type madeCall struct {
	came, answered time.Time
	status         int
	reason         string
}

func (h madeCall) took() time.Duration { return h.answered.Sub(h.came) }

// diary has every call of a test.
type diary struct {
	mu    sync.Mutex
	calls []madeCall
}

// call makes a call and writes it down. Whoever is to come again later has to be told when.
func (d *diary) call(w *world, integration string, i int) {
	h := madeCall{came: time.Now()}
	method, path, body := "GET", "/Tickets/1", ""
	if i%3 == 0 {
		method, path, body = "POST", "/Companies/query", `{"MaxRecords":1,"filter":[{"op":"gt","field":"id","value":0}]}`
	}
	a, err := w.try(context.Background(), integration, method, path, body)
	h.answered, h.status, h.reason = time.Now(), a.status, a.reason()
	if seconds, bad := strconv.Atoi(a.header.Get("Retry-After")); err != nil || a.reason() == "credential-refused" && (bad != nil || seconds < 1) {
		w.Errorf("%d %s, Retry-After %q: %v", a.status, a.reason(), a.header.Get("Retry-After"), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, h)
}

// of returns the calls that a test asks for.
func (d *diary) of(want func(madeCall) bool) (some []madeCall) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.calls {
		if want(h) {
			some = append(some, h)
		}
	}
	return some
}

func (d *diary) served() []madeCall { return d.of(func(h madeCall) bool { return h.status == 200 }) }

// longest is how long the slowest call took that came in a stretch of time.
func (d *diary) longest(from, to time.Time) (most time.Duration) {
	for _, h := range d.of(func(h madeCall) bool { return !h.came.Before(from) && h.came.Before(to) }) {
		most = max(most, h.took())
	}
	return most
}

// firstServed is how long after a moment the first call was answered with 200.
func (d *diary) firstServed(after time.Time) time.Duration {
	first := time.Duration(-1)
	for _, h := range d.served() {
		if since := h.answered.Sub(after); since >= 0 && (first < 0 || since < first) {
			first = since
		}
	}
	return first
}

// allServed demands that no call failed.
func (d *diary) allServed(w *world) {
	w.Helper()
	failed := d.of(func(h madeCall) bool { return h.status != 200 })
	for i, h := range failed {
		w.Errorf("%d of %d calls failed: %d %s, came %s, after %s", len(failed), len(d.calls), h.status, h.reason, h.came.Format(time.TimeOnly), h.took())
		if i == 4 {
			break
		}
	}
}

// traffic is a and b who call in turn, each call in a goroutine of its own.
type traffic struct {
	pause atomic.Int64 // between two calls
	over  chan struct{}
	calls sync.WaitGroup
}

// keepCalling makes one call every pause, until stop.
func (w *world) keepCalling(pause time.Duration, d *diary) *traffic {
	t := &traffic{over: make(chan struct{})}
	t.pause.Store(int64(pause))
	t.calls.Go(func() {
		for i := 0; ; i++ {
			t.calls.Go(func() { d.call(w, []string{"a", "b"}[i%2], i) })
			select {
			case <-t.over:
				return
			case <-time.After(time.Duration(t.pause.Load())):
			}
		}
	})
	return t
}

// stop ends the traffic and waits for the last answer.
func (t *traffic) stop() {
	close(t.over)
	t.calls.Wait()
}

// settling is for how long an event keeps the traffic dense: a store is read twenty times meanwhile.
const settling = 5 * time.Minute

// goesOn sleeps for so long, in which nothing happens but calls: as many as before for a while at both ends, where something
// has happened or will, and one a minute between. What hours must show is that nothing comes of their clocks.
func (t *traffic) goesOn(length time.Duration) {
	if length > 2*settling {
		dense := t.pause.Load()
		time.Sleep(settling)
		t.pause.Store(max(dense, int64(time.Minute)))
		time.Sleep(length - 2*settling)
		t.pause.Store(dense)
		length = settling
	}
	time.Sleep(length)
}

// inLongWorld is inWorld for hours of calls: https://go.dev/issue/78156 makes bubbles with thousands of timers fail under
// the race detector on more than one processor.
func inLongWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	inWorld(t, f)
}

// burst makes calls at once and waits for them.
func (w *world) burst(n int, d *diary) {
	parallel(n, func(i int) { d.call(w, []string{"a", "b"}[i%2], i) })
}

// signIns are sign-ins as the PSA's ledger has them: the guard's own, and those of calls.
type signIns struct{ own, ownFailed, calls, callsFailed int }

func countOf(l psatest.Ledger) (n signIns) {
	for _, e := range l {
		switch own := isOwn(e); {
		case own && e.OK():
			n.own++
		case own:
			n.ownFailed++
		case e.OK():
			n.calls++
		default:
			n.callsFailed++
		}
	}
	return n
}

// isOwn tells whether a sign-in was the guard's own: callers here ask for nothing of that kind.
func isOwn(e psatest.SignIn) bool { return strings.Contains(e.Path, "ThresholdInformation") }

// steady sets how long the PSA takes and when records are read: polls are as late as they may be.
func (w *world) steady(latency time.Duration) {
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = latency })
	w.store.Configure(secret.Options{Logger: w.cfg.Log, Rand: func() float64 { return 1 }})
}

// inFlight makes n calls, at most three, that the PSA has received and not judged, and returns what lets it go on and
// waits for their answers.
func (w *world) inFlight(n int, d *diary) (release func()) {
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets/1", Times: n})
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() { d.call(w, []string{"a", "b"}[i%2], 1) })
	}
	if err := held.WaitHeld(context.Background(), n); err != nil {
		w.Fatal(err)
	}
	return func() {
		held.Release()
		calls.Wait()
	}
}

// allFree demands that nothing is left of the login's troubles.
func (w *world) allFree() {
	w.Helper()
	if u := w.g.Status().Logins[0].Units; u.Free != u.Budget {
		w.Errorf("units %+v", u)
	}
}

// The store first, the PSA so much later, with 23 calls at the moment of its change: three are in flight, the others wait.
func TestTheStoreIsChangedLongBeforeThePSAAndNobodyNotices(t *testing.T) {
	const latency = 200 * time.Millisecond
	// A refused sign-in, the zone's lookup, the free call and the first try: four times the latency, and then twenty
	// calls three at a time. A store that was not read yet is read within a second.
	const bound = (4+8)*latency + time.Second
	for _, gap := range []time.Duration{time.Second, time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour, 30 * time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(latency)
				w.served("a")
				mark, d := w.sim.Mark(), new(diary)
				calls := w.keepCalling(5*time.Second, d)
				time.Sleep(settling + time.Second)
				w.safe.put("main", user, "new-password")
				changed := time.Now().Add(gap)
				later(gap, func() { w.user.SetSecret("new-password") })
				calls.goesOn(gap - latency/2)
				w.burst(23, d)
				time.Sleep(settling)
				calls.stop()

				d.allServed(w)
				n := countOf(w.sim.Ledger().Since(mark))
				slowest, ordinary := d.longest(changed.Add(-time.Second), changed.Add(time.Minute)), d.longest(time.Time{}, changed.Add(-time.Second))
				t.Logf("%d calls, %d sign-ins; failed: %d first try, %d in flight; slowest call at the change %s, before %s", len(d.calls), n.own+n.ownFailed+n.calls+n.callsFailed, n.ownFailed, n.callsFailed, slowest, ordinary)
				if n.calls != len(d.calls) || n.own != 1 || n.ownFailed != 1 && gap > onePoll || n.ownFailed > 1 || n.callsFailed != 3 {
					t.Errorf("%+v for %d calls: want one first try refused, one refusal for each of 3 in flight, and one accepted", n, len(d.calls))
				}
				if slowest > bound || ordinary != latency {
					t.Errorf("a call took %s at the PSA's change, want at most %s; and %s before", slowest, bound, ordinary)
				}
				w.allFree()
				w.safeNow()
			})
		})
	}
}

// Nobody calls while the store is changed, nor while the PSA is: the first calls of the morning find out.
func TestBothChangeInAQuietNight(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(200 * time.Millisecond)
		w.served("a")
		mark, d := w.sim.Mark(), new(diary)
		w.safe.put("main", user, "new-password")
		time.Sleep(4 * time.Hour)
		w.user.SetSecret("new-password")
		time.Sleep(4 * time.Hour)
		if n := countOf(w.sim.Ledger().Since(mark)); n != (signIns{ownFailed: 1}) {
			t.Errorf("%+v in the night, want the first try alone", n)
		}
		w.burst(20, d)
		d.allServed(w)
		n := countOf(w.sim.Ledger().Since(mark))
		t.Logf("%+v, slowest call %s", n, d.longest(time.Time{}, time.Now()))
		if n.callsFailed > 3 || n.ownFailed != 1 || n.own != 1 {
			t.Errorf("%+v", n)
		}
		w.allFree()
		w.safeNow()
	})
}

// rechecks returns when guard.md §4 lets something be sent again, counted from the refusal of n calls, where the store has
// nothing newer: at once while at most B-3 units are recorded, then recheck × 4^(units recorded - 1) after the last
// refusal, and never with the last unit.
func rechecks(n int) (at []time.Duration) {
	const budget, recheck = 5, 15 * time.Minute
	since := time.Duration(0)
	if n <= budget-3 {
		at = append(at, 0)
		n++
	}
	for ; n < budget-1; n++ {
		since += recheck << (2 * (n - 1))
		at = append(at, since)
	}
	return at
}

// pace is the pause between two calls that wait for so long. Somebody always waits: a deadline is 30 s.
func pace(length time.Duration) time.Duration {
	if length > time.Hour {
		return 20 * time.Second
	}
	return 5 * time.Second
}

// The PSA first, the store later: callers wait for as long as their deadline lets them, and the PSA hears of rechecks alone.
func TestThePSAIsChangedLongBeforeTheStore(t *testing.T) {
	for _, c := range []struct {
		gap   time.Duration
		calls int // in flight at the PSA's change
	}{
		{time.Second, 1},
		{10 * time.Second, 1},
		{10 * time.Second, 3},
		{time.Minute, 1},
		{time.Minute, 2},
		{time.Minute, 3},
		{59 * time.Minute, 1},
		{61 * time.Minute, 1},
		{time.Hour, 2},
		{time.Hour, 3},
		{8 * time.Hour, 1},
		{8 * time.Hour, 2},
		{8 * time.Hour, 3},
		{30 * time.Hour, 1},
		{30 * time.Hour, 3},
	} {
		t.Run(fmt.Sprintf("%s, %d in flight", c.gap, c.calls), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				d := new(diary)
				release := w.inFlight(c.calls, d)
				w.user.SetSecret("new-password")
				mark, before, changed := w.sim.Mark(), w.sim.Requests(), time.Now()
				go release()
				synctest.Wait()
				calls := w.keepCalling(pace(c.gap), d)
				time.Sleep(c.gap)
				w.meanwhile(mark, before, changed, c.calls)
				w.safe.put("main", user, "new-password")
				put := time.Now()
				mark = w.sim.Mark()
				time.Sleep(settling)
				calls.stop()
				w.afterTheStore(d, put, mark)
			})
		})
	}
}

// meanwhile demands that from the PSA's change until now nothing reached it but what was in flight and guard.md's rechecks.
func (w *world) meanwhile(mark int, before psatest.Requests, changed time.Time, inFlight int) {
	w.Helper()
	l := w.sim.Ledger().Since(mark)
	n := countOf(l)
	if n.callsFailed != inFlight || n.calls != 0 || n.own != 0 {
		w.Errorf("%+v, want %d refused in flight", n, inFlight)
	}
	var want, got []time.Duration
	for _, at := range rechecks(inFlight) {
		if changed.Add(at).Before(time.Now()) {
			want = append(want, at)
		}
	}
	for _, e := range l {
		if isOwn(e) {
			got = append(got, e.At.Sub(changed))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("rechecks at %s after the refusals, want %s", got, want)
	}
	after := w.sim.Requests()
	open := after.Open - before.Open
	// The zone is looked up after each refusal, and once a day; a free call comes before each recheck.
	if most := inFlight + 2*len(got) + int(time.Since(changed)/(24*time.Hour)); open > most || after.Total-before.Total != open+len(got) {
		w.Errorf("%d calls without sign-in, want at most %d; %d requests in all", open, most, after.Total-before.Total)
	}
	w.Logf("until the store's change: %d refused in flight, rechecks at %s, %d lookups", n.callsFailed, got, open)
}

// afterTheStore demands that whoever could wait was served at the next reading of the store, and whoever could not heard
// so at his deadline.
func (w *world) afterTheStore(d *diary, put time.Time, mark int) {
	w.Helper()
	deadline := w.cfg.Logins[0].Settings.QueueDeadline
	first := d.firstServed(put)
	if first < 0 || first > onePoll {
		w.Errorf("the first call was served %s after the store's change", first)
	}
	gaveUp := d.of(func(h madeCall) bool { return h.status != 200 })
	for _, h := range gaveUp {
		switch {
		case h.status != 503 || h.reason != "credential-refused" || h.took() != deadline:
			w.Errorf("%d %s after %s", h.status, h.reason, h.took())
		case h.answered.After(put.Add(first)):
			w.Errorf("a call that could wait until %s after the store's change was not served", h.answered.Sub(put))
		}
	}
	n := countOf(w.sim.Ledger().Since(mark))
	if n.ownFailed+n.callsFailed != 0 || n.own != 1 {
		w.Errorf("%+v after the store's change, want one first try, accepted", n)
	}
	w.Logf("%d calls got 503 at their deadline, the first was served %s after the store's change", len(gaveUp), first)
	w.allFree()
	w.safeNow()
}

// beforeACall is how long after the begin of a traffic of one call a minute something is saved every minute: each is read,
// and tried, before the next call.
const beforeACall = time.Minute - 2*onePoll

// A job that saves the same wrong password every minute, or two of them in turn: each is one credential, and is sent once.
func TestTheSameWrongPasswordsSavedEveryMinuteForADayAreSentOnce(t *testing.T) {
	for _, wrong := range [][]string{{"typo"}, {"typo-1", "typo-2"}, {"typo", "old-password"}} {
		t.Run(strings.Join(wrong, " and "), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				mark, d := w.sim.Mark(), new(diary)
				calls := w.keepCalling(time.Minute, d)
				time.Sleep(beforeACall)
				for i := range 24 * 60 {
					w.safe.put("main", user, wrong[i%len(wrong)])
					time.Sleep(time.Minute)
				}
				calls.stop()
				d.allServed(w)
				n := countOf(w.sim.Ledger().Since(mark))
				want := len(slices.DeleteFunc(slices.Clone(wrong), func(s string) bool { return s == "old-password" }))
				t.Logf("1440 versions: %+v", n)
				if n != (signIns{ownFailed: want, calls: len(d.calls)}) {
					t.Errorf("%+v, want %d first tries, refused, and %d calls", n, want, len(d.calls))
				}
				w.allFree()
				w.safeNow()
			})
		})
	}
}

// What was saved a thousand times and refused once is served once the PSA has it.
func TestAPasswordThatWasSavedAgainAndAgainIsServedWhenThePSAHasIt(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		mark, d := w.sim.Mark(), new(diary)
		calls := w.keepCalling(time.Minute, d)
		time.Sleep(beforeACall)
		for i := range 24 * 60 {
			if i == 12*60 {
				w.user.SetSecret("new-password")
			}
			w.safe.put("main", user, "new-password")
			time.Sleep(time.Minute)
		}
		calls.stop()
		d.allServed(w)
		if n := countOf(w.sim.Ledger().Since(mark)); n != (signIns{ownFailed: 1, own: 1, calls: len(d.calls), callsFailed: 1}) {
			t.Errorf("%+v for %d calls", n, len(d.calls))
		}
		w.allFree()
		w.safeNow()
	})
}

// Each other password is another credential, so that guard.md allows each its first try: a day of them is 1440 failed
// sign-ins. Each is forgiven by the next call of the one that serves on; so there is never more than one of them at once,
// and the day's last one is served when the PSA has it.
func TestAnotherWrongPasswordEveryMinuteForADay(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		mark, d := w.sim.Mark(), new(diary)
		calls := w.keepCalling(time.Minute, d)
		time.Sleep(beforeACall)
		for i := range 24 * 60 {
			w.safe.put("main", user, fmt.Sprint("typo-", i))
			time.Sleep(time.Minute)
		}
		n := countOf(w.sim.Ledger().Since(mark))
		t.Logf("1440 wrong passwords: %+v, at most %d failed without a success between", n, w.user.MaxFailedSinceSuccess())
		if n.ownFailed != 1440 || n.callsFailed+n.own != 0 || w.user.MaxFailedSinceSuccess() != 1 {
			t.Errorf("%+v", n)
		}
		w.user.SetSecret("typo-1439")
		time.Sleep(time.Minute)
		calls.stop()
		d.allServed(w)
		w.allFree()
		w.safeNow()
	})
}

// The same at night, when nobody calls and nothing forgives: the budget holds, and the password that is still good serves
// the first caller of the morning.
func TestWrongPasswordsOfAQuietNight(t *testing.T) {
	for _, wrong := range []int{1, 3, 4, 5, 12} {
		t.Run(fmt.Sprint(wrong), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				d := new(diary)
				for i := range wrong {
					w.safe.put("main", user, fmt.Sprint("typo-", i))
					time.Sleep(time.Minute)
				}
				time.Sleep(8 * time.Hour)
				t.Logf("%d wrong passwords in the night: %d sign-ins failed, at most %d without a success between", wrong, w.failed(), w.user.MaxFailedSinceSuccess())
				w.burst(20, d)
				d.allServed(w)
				w.allFree()
				w.safeNow()
			})
		})
	}
}

// v2, v3 and v4 are in the store before the PSA takes v4, and so it goes on.
func TestTheStoreIsThreeVersionsAheadOfThePSA(t *testing.T) {
	for _, gap := range []time.Duration{5 * time.Second, time.Minute, 40 * time.Minute} {
		t.Run(gap.String(), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				mark, d := w.sim.Mark(), new(diary)
				calls := w.keepCalling(10*time.Second, d)
				version := 0
				for range 4 {
					for range 3 {
						version++
						w.safe.put("main", user, fmt.Sprint("new-password-", version))
						calls.goesOn(gap)
					}
					calls.goesOn(time.Hour)
					w.user.SetSecret(fmt.Sprint("new-password-", version))
					calls.goesOn(time.Hour)
				}
				calls.stop()
				d.allServed(w)
				n := countOf(w.sim.Ledger().Since(mark))
				t.Logf("4 rotations, 12 versions %s apart: %+v, at most %d failed without a success between", gap, n, w.user.MaxFailedSinceSuccess())
				if n.ownFailed > 12 || gap > onePoll && n.ownFailed != 12 || n.own != 4 || n.callsFailed != 4 || n.calls != len(d.calls) {
					t.Errorf("%+v for %d calls: want a first try for each version that was read, and for each rotation one refusal in flight", n, len(d.calls))
				}
				w.allFree()
				w.safeNow()
			})
		})
	}
}

// The operator takes the new password back before the PSA has it, and puts it in again later.
func TestARotationThatIsTakenBackAndMadeAfterAll(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		mark, d := w.sim.Mark(), new(diary)
		calls := w.keepCalling(10*time.Second, d)
		for _, password := range []string{"new-password", "old-password", "new-password"} {
			w.safe.put("main", user, password)
			calls.goesOn(2 * time.Hour)
		}
		w.user.SetSecret("new-password")
		calls.goesOn(2 * time.Hour)
		// And back for good, the PSA last: the old one was refused when the PSA changed, so that it is not sent until the new one is.
		w.safe.put("main", user, "old-password")
		calls.goesOn(2 * time.Hour)
		w.user.SetSecret("old-password")
		calls.goesOn(2 * time.Hour)
		calls.stop()
		d.allServed(w)
		if n := countOf(w.sim.Ledger().Since(mark)); n != (signIns{own: 2, ownFailed: 1, calls: len(d.calls), callsFailed: 2}) {
			t.Errorf("%+v for %d calls", n, len(d.calls))
		}
		w.allFree()
		w.safeNow()
	})
}

// The PSA takes v2 when the store has v3 already: neither v1 nor v3 is good, and guard.md sends no other. Calls wait for
// what an operator does about it, or for the recheck, as long as the budget bears one. The more calls were in flight, the
// less of that helps; a password that is new is tried whatever was in flight.
func TestThePSAIsAVersionBehindTheStore(t *testing.T) {
	const never = -1
	catchesUp := func(w *world) { w.user.SetSecret("new-password-3") }
	for _, c := range []struct {
		name   string
		calls  int // in flight at the PSA's change
		does   func(w *world)
		served time.Duration // at most so long after that
	}{
		{"the PSA catches up, 1 in flight", 1, catchesUp, 4*time.Hour - behind + time.Minute},
		{"the PSA catches up, 2 in flight", 2, catchesUp, never}, // v1 is what is rechecked: it was refused longest ago
		{"the PSA catches up, 3 in flight", 3, catchesUp, never},
		{"the PSA catches up and a check, 1 in flight", 1, func(w *world) { catchesUp(w); w.checked(true) }, time.Second},
		{"the PSA catches up and a check, 2 in flight", 2, func(w *world) { catchesUp(w); w.checked(false) }, never},
		{"the PSA catches up and a check, 3 in flight", 3, func(w *world) { catchesUp(w); w.checked(false) }, never},
		{"the store goes back, 2 in flight", 2, (*world).goesBack, onePoll + 2*time.Second},
		{"the store goes back, 3 in flight", 3, (*world).goesBack, never},
		{"a password is put that is new, 3 in flight", 3, (*world).putsNew, 2 * time.Second},
		{"the PSA catches up and a release, 3 in flight", 3, func(w *world) { catchesUp(w); w.releases() }, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				d := new(diary)
				calls := w.fallsBehind(c.calls, d)
				acted := time.Now()
				c.does(w)
				calls.goesOn(5 * time.Hour)
				calls.stop()
				first := d.firstServed(acted)
				t.Logf("served again %s after it, at most %d failed", first, w.user.MaxFailedSinceSuccess())
				if (first < 0) != (c.served == never) || first > c.served {
					t.Errorf("served again %s after it, want %s", first, c.served)
				}
				w.safeNow()
			})
		})
	}
}

// behind is how long the PSA is a version behind before anybody does anything about it.
const behind = 20 * time.Minute

// fallsBehind has the PSA take v2 while the store has v3 and so many calls are in flight. Then v3 is tried once more, and one
// recheck of v1 is due at once where no more than B-3 units are recorded; all others wait.
func (w *world) fallsBehind(inFlight int, d *diary) *traffic {
	w.Helper()
	w.served("a")
	for _, password := range []string{"new-password-2", "new-password-3"} {
		w.safe.put("main", user, password)
		time.Sleep(10 * time.Minute)
		w.served("b")
	}
	mark := w.sim.Mark()
	release := w.inFlight(inFlight, d)
	w.user.SetSecret("new-password-2")
	go release()
	synctest.Wait()
	calls := w.keepCalling(10*time.Second, d)
	time.Sleep(behind)
	want := signIns{ownFailed: 1, callsFailed: inFlight}
	if inFlight == 1 {
		want.ownFailed = 2
	}
	if n := countOf(w.sim.Ledger().Since(mark)); n != want || len(d.served()) != 0 {
		w.Errorf("%+v while the PSA is behind, want %+v; %d calls were served", n, want, len(d.served()))
	}
	return calls
}

// checked has an operator check the login, and demands what comes of it.
func (w *world) checked(ok bool) {
	w.Helper()
	if res, err := w.g.Check(context.Background(), "main"); err != nil || res.OK != ok {
		w.Errorf("a check: %+v %v, want %v", res, err, ok)
	}
}

// goesBack has the store have v2 again. `secret put` would not: the PSA has had it.
func (w *world) goesBack() {
	w.Helper()
	var unfit report.Unfit
	if r, err := w.put("new-password-2"); !errors.As(err, &unfit) {
		w.Errorf("%+v %v", r, err)
	}
	w.safe.put("main", user, "new-password-2")
}

// putsNew changes the password to one that is new, in the PSA, and puts it.
func (w *world) putsNew() {
	w.Helper()
	w.user.SetSecret("new-password-4")
	if r, err := w.put("new-password-4"); err != nil || !r.Written {
		w.Errorf("%+v %v", r, err)
	}
}

// releases has an operator unlock the user and say so.
func (w *world) releases() {
	w.Helper()
	w.user.Unlock()
	if err := w.g.Release("main", w.g.Status().Logins[0].Seq, nil); err != nil {
		w.Error(err)
	}
}
