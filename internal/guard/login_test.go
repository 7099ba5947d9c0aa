package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// desk is a PSA for a Login: it knows which credential is good and counts what it is asked.
type desk struct {
	mu      sync.Mutex
	valid   Fingerprint
	down    error // what the free call answers
	takes   time.Duration
	free    int
	checks  int
	at      int // checks under way
	most    int // the most at once
	refused int // own ones and callers'
}

func (d *desk) Free(context.Context, Fingerprint) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free++
	return d.down
}

func (d *desk) Check(_ context.Context, a Attempt) Outcome {
	d.mu.Lock()
	d.checks++
	d.at++
	d.most = max(d.most, d.at)
	d.mu.Unlock()
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at--
	return Outcome{Verdict: d.judge(a)}
}

func (d *desk) judge(a Attempt) Verdict {
	if a.Credential == d.valid {
		return Accepted
	}
	d.refused++
	return Refused
}

// call is one caller's whole way: a unit, the PSA, the verdict.
func (d *desk) call(l *Login, ask Ask) error {
	a, err := l.Acquire(context.Background(), ask)
	if err != nil {
		return err
	}
	time.Sleep(d.takes)
	d.mu.Lock()
	v := d.judge(a)
	d.mu.Unlock()
	l.Settle(a, Outcome{Verdict: v})
	if v != Accepted {
		ask.Refused = a.Credential
		return d.call(l, ask)
	}
	return nil
}

func newLogin(t *testing.T, d *desk, s Settings) *Login {
	t.Helper()
	l := New(new(Memory), slog.New(slog.DiscardHandler)).Login("autotask|autotask|api@example.com")
	l.Attach(Use{Settings: s.WithDefaults(), Upstream: d, Integrations: 1})
	if err := l.Newest(fp("a"), "1"); err != nil {
		t.Fatal(err)
	}
	return l
}

func reason(t *testing.T, err error) Reason {
	t.Helper()
	var d *Denied
	if !errors.As(err, &d) {
		t.Fatalf("error %v, want a reason", err)
	}
	return d.Reason
}

func TestAColdLoginIsCheckedOnceHoweverManyCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: time.Second}
		l := newLogin(t, d, Settings{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := d.call(l, Ask{Source: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d.checks != 1 || d.free != 1 {
			t.Fatalf("%d own sign-ins after %d free calls", d.checks, d.free)
		}
	})
}

func TestNothingIsSentBeforeSomebodyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		newLogin(t, d, Settings{})
		time.Sleep(time.Hour)
		if d.free+d.checks > 0 {
			t.Fatal("called the PSA at start")
		}
	})
}

func TestADeadCredentialCostsOneSignInHoweverManyCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("b"), takes: time.Second}
		l := newLogin(t, d, Settings{})
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if got := reason(t, d.call(l, Ask{Source: "x"})); got != CredentialRefused {
					t.Errorf("reason %s", got)
				}
			})
		}
		wg.Wait()
		if d.refused != 1 {
			t.Fatalf("%d refused sign-ins", d.refused)
		}
	})
}

func TestCallsThatWaitAreServedByTheNextVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: time.Millisecond}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		d.valid = fp("b")
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if err := d.call(l, Ask{Source: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if err := l.Newest(fp("b"), "2"); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if d.refused > 3 {
			t.Fatalf("%d refused sign-ins, more than were in flight", d.refused)
		}
	})
}

func TestARotationInTheStoreIsTriedWithoutACaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		d.valid = fp("b")
		if err := l.Newest(fp("b"), "2"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s, _ := l.Status(); s.Serving != fp("b") {
			t.Fatalf("%+v serves", s)
		}
	})
}

func TestTheStoreHoursBeforeThePSACostsOneSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		for minute := range 8 * 60 {
			if minute == 60 {
				l.Newest(fp("b"), "2")
			}
			if minute == 5*60 {
				d.valid = fp("b")
			}
			if err := d.call(l, Ask{Source: "x"}); err != nil {
				t.Fatalf("minute %d: %v", minute, err)
			}
			time.Sleep(time.Minute)
		}
		if d.refused != 2 {
			t.Fatalf("%d refused sign-ins, want one for each side's change", d.refused)
		}
	})
}

func TestAnIntegrationWithManyCallersDoesNotShutOutOneWithTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: 100 * time.Millisecond}
		l := newLogin(t, d, Settings{QueueLength: 150})
		l.shared = true
		var wg, few sync.WaitGroup
		var many atomic.Int32
		for range 200 {
			wg.Go(func() {
				for range 10 {
					if d.call(l, Ask{Source: "many"}) == nil {
						many.Add(1)
					}
				}
			})
		}
		time.Sleep(time.Second)
		start, before := time.Now(), many.Load()
		for range 2 {
			few.Go(func() {
				for range 10 {
					if err := d.call(l, Ask{Source: "few"}); err != nil {
						t.Errorf("the small integration was turned away: %v", err)
					}
				}
			})
		}
		few.Wait()
		took, beside := time.Since(start), many.Load()-before
		t.Logf("20 calls of the small integration took %v, %d of the large one were served beside them", took, beside)
		if took > 3*time.Second || beside < 20 {
			t.Error("one of the two was starved")
		}
		wg.Wait()
	})
}

func TestAFullQueueTakesThePlaceFromTheLongestIntegration(t *testing.T) {
	var q queue
	push := func(source string) *waiter {
		return q.push(&waiter{ask: Ask{Source: source}}, 4)
	}
	for range 4 {
		if out := push("many"); out != nil {
			t.Fatalf("evicted %v", out.ask)
		}
	}
	w := &waiter{ask: Ask{Source: "many"}}
	if out := q.push(w, 4); out != w {
		t.Fatal("the newcomer of the longest integration got a place")
	}
	for range 2 {
		if out := push("few"); out == nil || out.ask.Source != "many" {
			t.Fatalf("evicted %v", out)
		}
	}
	if out := push("few"); out.ask.Source != "few" {
		t.Fatalf("evicted %v", out.ask)
	}
	var order string
	for q.n > 0 {
		order += q.pop(func(*waiter) bool { return true }).ask.Source[:1]
	}
	if order != "mfmf" {
		t.Fatalf("served in the order %s", order)
	}
}

func TestACallerWhoLeavesTheQueueLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("b")}
		l := newLogin(t, d, Settings{})
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		if _, err := l.Acquire(ctx, Ask{Source: "x"}); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		if s, _ := l.Status(); s.Waiting != 0 || s.Held != 0 {
			t.Fatalf("status %+v", s)
		}
	})
}

func TestAnOutageIsProbedWithFreeCallsAndEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		var flight []Attempt
		for range 3 {
			a, err := l.Acquire(t.Context(), Ask{Source: "x"})
			if err != nil {
				t.Fatal(err)
			}
			flight = append(flight, a)
		}
		d.down = errors.New("connection refused")
		for _, a := range flight {
			l.Settle(a, Outcome{Verdict: NoAnswer})
		}
		checks := d.checks
		for range 60 {
			if got := reason(t, d.call(l, Ask{Source: "x"})); got != GateShut {
				t.Fatalf("reason %s", got)
			}
			time.Sleep(30 * time.Second)
		}
		if d.checks != checks || d.free > 80 {
			t.Fatalf("%d sign-ins and %d free calls in an hour's outage", d.checks-checks, d.free)
		}
		d.down = nil
		time.Sleep(time.Minute)
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatalf("after the outage: %v", err)
		}
		if d.checks != checks+1 {
			t.Fatalf("%d probes", d.checks-checks)
		}
	})
}

func TestAnUnknownZoneIsSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{down: &Denied{Reason: ZoneUnknown, Text: "no zone"}}
		l := newLogin(t, d, Settings{})
		start := time.Now()
		for range 3 {
			if got := reason(t, d.call(l, Ask{Source: "x"})); got != ZoneUnknown {
				t.Fatalf("reason %s", got)
			}
		}
		if time.Since(start) > 0 || d.free != 1 {
			t.Fatalf("took %v and %d lookups", time.Since(start), d.free)
		}
	})
}

func TestACallThatThePSARefusesAloneIsBlockedWhileOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x", Path: "query Companies"}); err != nil {
			t.Fatal(err)
		}
		bad := Ask{Source: "x", Path: "create Tickets"}
		a, err := l.Acquire(t.Context(), bad)
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(a, Outcome{Verdict: Refused})
		for range 2 {
			bad.Refused = a.Credential
			if got := reason(t, d.call(l, bad)); got != CredentialRefused {
				t.Fatalf("reason %s", got)
			}
			a.Credential = Fingerprint{}
		}
		if err := d.call(l, Ask{Source: "x", Path: "query Companies"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(blockFor)
		if err := d.call(l, Ask{Source: "x", Path: "create Tickets"}); err != nil {
			t.Fatalf("still blocked: %v", err)
		}
	})
}

// A call that went to a zone that the login had left says nothing about what its caller may do.
func TestABlockedCallIsAbsolvedWhenItsZoneWasTheWrongOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		bad := Ask{Source: "x", Path: "create Tickets"}
		if err := d.call(l, bad); err != nil {
			t.Fatal(err)
		}
		a, err := l.Acquire(t.Context(), bad)
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(a, Outcome{Verdict: Refused})
		if got := reason(t, d.call(l, Ask{Source: "x", Path: "create Tickets", Refused: a.Credential})); got != CredentialRefused {
			t.Fatalf("reason %s", got)
		}
		l.Absolve()
		if err := d.call(l, bad); err != nil {
			t.Fatalf("still blocked: %v", err)
		}
	})
}

func TestThreeRefusalsAtOnceBlameTheCredentialAndNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		ask := Ask{Source: "x", Path: "create Tickets"}
		if err := d.call(l, ask); err != nil {
			t.Fatal(err)
		}
		var flight []Attempt
		for range 3 {
			a, err := l.Acquire(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			flight = append(flight, a)
		}
		for _, a := range flight {
			l.Settle(a, Outcome{Verdict: Refused})
		}
		time.Sleep(5 * time.Hour) // its recheck is due
		if err := d.call(l, ask); err != nil {
			t.Fatalf("the call is blocked: %v", err)
		}
	})
}

func TestColdLoginsAreCheckedAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: time.Second}
		g := New(new(Memory), slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		for i := range 100 {
			l := g.Login(Key(fmt.Sprint(i)))
			l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: d, Integrations: 1})
			l.Newest(fp("a"), "1")
			wg.Go(func() {
				if err := d.call(l, Ask{Source: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d.most != coldChecks {
			t.Fatalf("%d checks at once", d.most)
		}
	})
}

func TestDrainAnswersThoseWhoWaitAndThoseWhoCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("b")}
		l := newLogin(t, d, Settings{})
		time.AfterFunc(time.Second, l.guard.Drain)
		for range 2 {
			if got := reason(t, d.call(l, Ask{Source: "x"})); got != Draining {
				t.Fatalf("reason %s", got)
			}
		}
	})
}

func TestCheckCostsAtMostOneSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		for i := range 2 { // the first by the prober, the second beside callers
			if res := l.Check(t.Context()); res.Err != nil || res.Verdict != Accepted {
				t.Fatalf("check %d: %+v", i, res)
			}
		}
		d.valid = fp("b")
		for i := range 5 {
			res := l.Check(t.Context())
			if i < 4 && (res.Err != nil || res.Verdict != Refused) || i == 4 && reason(t, res.Err) != BudgetSpent {
				t.Fatalf("check %d: %+v", i, res)
			}
		}
		if d.checks != 2+4 {
			t.Fatalf("%d sign-ins", d.checks)
		}
	})
}

func TestSeveralEntriesOfOneLoginHaveTheStrictestSettings(t *testing.T) {
	d := &desk{}
	l := newLogin(t, d, Settings{})
	detach := l.Attach(Use{Settings: Settings{Budget: 3, Linger: 5 * time.Minute, Observe: true}.WithDefaults(), Upstream: d, Integrations: 1})
	s, _ := l.Status()
	if s.Settings.Budget != 3 || s.Settings.InFlight != 1 || s.Settings.Linger != 5*time.Minute || s.Settings.Observe || !l.shared {
		t.Fatalf("settings %+v shared %v", s.Settings, l.shared)
	}
	detach()
	if s, _ = l.Status(); s.Settings.Budget != 5 || l.shared {
		t.Fatalf("settings %+v shared %v", s.Settings, l.shared)
	}
}

func TestLostUnitsComeBackAfterLingerAndASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a")}
		l := newLogin(t, d, Settings{})
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		a, err := l.Acquire(t.Context(), Ask{Source: "x"})
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(a, Outcome{Verdict: NoAnswer})
		for _, want := range [][2]int{{1, 0}, {0, 1}, {0, 0}} { // lost, then unknown, then forgiven
			if err := d.call(l, Ask{Source: "x"}); err != nil {
				t.Fatal(err)
			}
			if want[0] == 0 {
				synctest.Wait()
			}
			s, _ := l.Status()
			if s.Lost != want[0] && s.Unknown != 0 {
				t.Fatalf("status %+v, want %v", s, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

type brokenTables struct{}

func (brokenTables) Shared() bool { return false }

func (brokenTables) Holder() string { return "p1" }

func (brokenTables) Lease() *Lease { return NewLease(time.Hour) }

func (brokenTables) Watch(func([]Key)) {}

func (b brokenTables) Table(Key) Table                 { return b }
func (brokenTables) Begin(context.Context) (Tx, error) { return nil, errors.New("disk full") }

func TestWithoutItsStoreNothingIsSent(t *testing.T) {
	l := New(brokenTables{}, slog.New(slog.DiscardHandler)).Login("k")
	if _, err := l.Acquire(t.Context(), Ask{}); reason(t, err) != StoreUnavailable {
		t.Fatal(err)
	}
	if err := l.Newest(fp("a"), "1"); err == nil {
		t.Fatal("no error")
	}
}

// A caller is refused at entry only for those who go before him in turn, and not for another's flood or slowness.
func TestOneIntegrationsFloodOfSlowCallsIsNotHeldAgainstAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: 7 * time.Second}
		l := newLogin(t, d, Settings{QueueDeadline: 30 * time.Second})
		l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: d, Integrations: 1}) // so that two share it
		if err := d.call(l, Ask{Source: "slow"}); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			took(l, "slow", 7*time.Second)
		}
		var refused int
		var slow sync.WaitGroup
		var mu sync.Mutex
		for range 60 {
			slow.Go(func() {
				if err := d.call(l, Ask{Source: "slow"}); err != nil {
					mu.Lock()
					defer mu.Unlock()
					refused++
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if err := d.call(l, Ask{Source: "quick"}); err != nil || time.Since(start) > 21*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		slow.Wait()
		if refused == 0 {
			t.Error("nobody was refused of those who wait in vain")
		}
	})
}
