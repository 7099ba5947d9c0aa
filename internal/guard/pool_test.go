package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crewOf returns logins of one guard whose credentials were accepted, each with one call at once.
func crewOf(t *testing.T, n int, s Settings) []*Login {
	t.Helper()
	g := New(new(Memory), slog.New(slog.DiscardHandler))
	var all []*Login
	for i := range n {
		name := fmt.Sprintf("user%d", i)
		l := g.Login(Key(name))
		t.Cleanup(l.Attach(Use{Name: name, Settings: s.WithDefaults(), Upstream: &script{verdict: always(Accepted)}, Integrations: 1}))
		if err := l.Newest(fp(name), "1"); err != nil {
			t.Fatal(err)
		}
		if res := l.Check(t.Context()); res.Verdict != Accepted {
			t.Fatalf("%+v", res)
		}
		all = append(all, l)
	}
	synctest.Wait()                               // the checks are written
	t.Cleanup(func() { time.Sleep(time.Minute) }) // own attempts that were begun come to their end
	return all
}

// holding is a unit of one of several logins.
type holding struct {
	place int
	a     Attempt
	err   error
}

// anyOf takes a unit of one of them at once.
func anyOf(t *testing.T, logins []*Login, ask Ask) holding {
	t.Helper()
	place, a, err := AcquireAny(t.Context(), logins, ask)
	if err != nil {
		t.Fatal(err)
	}
	return holding{place, a, nil}
}

// waitsForAny makes a caller wait, and returns what tells what became of him.
func waitsForAny(ctx context.Context, logins []*Login, ask Ask) (heard func() holding) {
	ended := make(chan holding, 1)
	go func() {
		place, a, err := AcquireAny(ctx, logins, ask)
		ended <- holding{place, a, err}
	}()
	synctest.Wait()
	return func() holding { return <-ended }
}

// idle demands that nobody waits for the logins, and that none of their units is in use.
func idle(t *testing.T, logins []*Login) {
	t.Helper()
	for _, l := range logins {
		if s, err := l.Status(); err != nil || s.Waiting+s.Held > 0 || l.queue.n > 0 || len(l.queue.lanes) > 0 {
			t.Errorf("%s: %d wait, %d units held, lanes %v, %v", l.Key(), s.Waiting, s.Held, l.queue.lanes, err)
		}
	}
}

func TestAPoolTakesTheLoginWithTheFewestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 3, Settings{})
		first, second := acquire(t, logins[0], "p"), acquire(t, logins[0], "p")
		third := acquire(t, logins[1], "p")
		if got := anyOf(t, logins, Ask{Source: "y"}).place; got != 2 {
			t.Errorf("login %d serves, which has calls already", got)
		}
		if got := anyOf(t, logins, Ask{Source: "y"}).place; got != 1 {
			t.Errorf("login %d serves: of two with one call each the first is to", got)
		}
		logins[0].Settle(first, Outcome{Verdict: Accepted})
		logins[0].Settle(second, Outcome{Verdict: Accepted})
		logins[1].Settle(third, Outcome{Verdict: Accepted})
		if got := anyOf(t, logins, Ask{Source: "y"}).place; got != 0 {
			t.Errorf("login %d serves, and the first one is idle", got)
		}
	})
}

func TestALoginThatCannotServeDoesNotStopItsPool(t *testing.T) {
	for name, break_ := range map[string]func(l *Login, a Attempt){
		"its credential is refused": func(l *Login, a Attempt) {
			l.upstream = &script{verdict: always(Refused)}
			l.uses[0].Upstream = l.upstream
			l.Settle(a, Outcome{Verdict: Refused})
		},
		"the PSA says that it is locked": func(l *Login, a Attempt) { l.Settle(a, Outcome{Verdict: Locked}) },
		"its gate is shut": func(l *Login, a Attempt) {
			l.upstream = &script{verdict: always(NoAnswer)}
			l.uses[0].Upstream = l.upstream
			l.Settle(a, Outcome{})
		},
		"the call is blocked on it": func(l *Login, a Attempt) {
			l.Settle(a, Outcome{Verdict: Accepted})
			l.findings.blocked = map[pathOf]time.Time{{"x", "q"}: time.Now().Add(time.Hour)}
		},
		"the call was refused with its credential": func(l *Login, a Attempt) { l.Settle(a, Outcome{Verdict: Accepted}) },
		"it is busy":               func(*Login, Attempt) {},
		"its store cannot be used": func(l *Login, _ Attempt) { l.table = brokenTables{} },
		"its budget is spent": func(l *Login, a Attempt) {
			l.Settle(a, Outcome{Verdict: Accepted})
			_ = l.change(func(r *Rows, _ time.Time) {
				for i := range 5 {
					r.Seq++
					r.Units = append(r.Units, Unit{State: Failed, Token: Token(i), Seq: r.Seq})
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logins := crewOf(t, 2, Settings{InFlight: 1})
				break_(logins[0], acquire(t, logins[0], "p"))
				for range 2 {
					start := time.Now()
					got := anyOf(t, logins, Ask{Source: "x", Path: "q", Refused: fp("user0")})
					if got.place != 1 || time.Since(start) > 0 {
						t.Errorf("login %d after %v", got.place, time.Since(start))
					}
					heard := waitsForAny(t.Context(), logins, Ask{Source: "x", Path: "q", Refused: fp("user0")})
					logins[1].Settle(got.a, Outcome{Verdict: Accepted})
					if got = heard(); got.err != nil || got.place != 1 {
						t.Errorf("one who waited: %+v", got)
					}
					logins[1].Settle(got.a, Outcome{Verdict: Accepted})
				}
			})
		})
	}
}

func TestCallersOfAPoolAreServedInTheOrderInWhichTheyCameByWhicheverLoginIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 3, Settings{InFlight: 1})
		var busy [3]holding
		for range 3 {
			h := anyOf(t, logins, Ask{Source: "x"})
			busy[h.place] = h
		}
		one, two := waitsForAny(t.Context(), logins, Ask{Source: "x"}), waitsForAny(t.Context(), logins, Ask{Source: "x"})
		logins[2].Settle(busy[2].a, Outcome{Verdict: Accepted})
		if got := one(); got.err != nil || got.place != 2 {
			t.Fatalf("%+v", got)
		}
		logins[0].Settle(busy[0].a, Outcome{Verdict: Accepted})
		got := two()
		if got.err != nil || got.place != 0 {
			t.Fatalf("%+v", got)
		}
		logins[0].Settle(got.a, Outcome{Verdict: Accepted})
		logins[1].Settle(busy[1].a, Outcome{Verdict: Accepted})
		for _, l := range logins[:2] {
			if s, _ := l.Status(); s.Waiting+s.Held > 0 {
				t.Errorf("%s: %+v", l.Key(), s)
			}
		}
	})
}

// Two logins become free before the caller has come to take back his other places.
func TestTwoLoginsThatAreFreeAtOnceTakeOneUnitForOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		a, b := acquire(t, logins[0], "p"), acquire(t, logins[1], "p")
		p := newParty(logins)
		ask := Ask{Source: "x"}
		p.enter(0, &ask)
		p.enter(1, &ask)
		other := waits(logins[1], Ask{Source: "x"}) // behind him
		logins[0].Settle(a, Outcome{Verdict: Accepted})
		logins[1].Settle(b, Outcome{Verdict: Accepted})
		if _, err := other(); err != nil {
			t.Error("one who stood behind a caller whom another login had taken was passed over with him")
		}
		place, got, err := p.wait(t.Context())
		if err != nil || place != 0 {
			t.Fatalf("login %d, %v", place, err)
		}
		if s, _ := logins[1].Status(); s.Held != 1 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		logins[0].Settle(got, Outcome{Verdict: Accepted})
	})
}

func TestADenialThatComesAfterACallerWasTakenTakesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		busy := acquire(t, logins[0], "p")
		p, ask := newParty(logins), Ask{Source: "x"}
		p.enter(0, &ask)
		logins[0].Settle(busy, Outcome{Verdict: Accepted})
		p.deny(1, draining())
		place, a, err := p.wait(t.Context())
		if err != nil || place != 0 {
			t.Fatalf("login %d, %v", place, err)
		}
		logins[0].Settle(a, Outcome{Verdict: Accepted})
		idle(t, logins)
	})
}

func TestACallerWhomALoginCannotWriteDownIsTakenByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		other, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		logins := []*Login{l, other}
		a, b := acquire(t, l, "p"), acquire(t, other, "p")
		heard := waitsForAny(t.Context(), logins, Ask{Source: "x"})
		d.full = true // what it decides for him when its unit comes back is lost
		l.Settle(a, Outcome{Verdict: Accepted})
		synctest.Wait()
		other.Settle(b, Outcome{Verdict: Accepted})
		if got := heard(); got.err != nil || got.place != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestThoseWhoWaitForAPoolHearTheMildestAnswerWhenTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 3, Settings{InFlight: 1})
		logins[0].Settle(acquire(t, logins[0], "p"), Outcome{Verdict: Locked})
		logins[1].upstream = &script{verdict: always(Refused)}
		logins[1].uses[0].Upstream = logins[1].upstream
		logins[1].Settle(acquire(t, logins[1], "p"), Outcome{Verdict: Refused})
		busy := acquire(t, logins[2], "p")
		start := time.Now()
		place, _, err := AcquireAny(t.Context(), logins, Ask{Source: "x"})
		if reason(t, err) != QueueDeadline || place != 2 || time.Since(start) != 30*time.Second {
			t.Errorf("login %d: %v after %v", place, err, time.Since(start))
		}
		logins[2].Settle(busy, Outcome{Verdict: Locked})
		if place, _, err = AcquireAny(t.Context(), logins, Ask{Source: "x"}); reason(t, err) != CredentialRefused || place != 1 {
			t.Errorf("login %d: %v", place, err)
		}
		logins[1].Settle(Attempt{Credential: fp("user1")}, Outcome{Verdict: Locked})
		if err := logins[1].change(func(r *Rows, _ time.Time) { r.Locked = true }); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		if _, _, err = AcquireAny(t.Context(), logins, Ask{Source: "x"}); reason(t, err) != LoginLocked || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		idle(t, logins)
	})
}

func TestOfTwoAnswersTheMilderIsHeard(t *testing.T) {
	of := func(r Reason, wait time.Duration) *Denied { return &Denied{Reason: r, RetryAfter: wait} }
	fromTheMildest := []*Denied{
		of(Moved, 0), of(Draining, 1), of(QueueDeadline, 5), of(QueueDeadline, 9), of(QueueFull, 1), of(GateShut, 9), of(UpstreamUnreachable, 1),
		of(ZoneUnknown, 1), of(CredentialRefused, 1), of(CredentialRefused, 0), of(secretUnavailable, 1), of(StoreUnavailable, 1), of(BudgetSpent, 60),
		of(BudgetSpent, 0), of(LoginLocked, 0), of("a new word", 1),
	}
	for i, a := range fromTheMildest {
		if !a.Milder(nil) || (*Denied)(nil).Milder(a) || a.Milder(a) {
			t.Errorf("%v against none, or itself", a.Reason)
		}
		for _, b := range fromTheMildest[i+1:] {
			if !a.Milder(b) || b.Milder(a) {
				t.Errorf("%s %d is to be milder than %s %d", a.Reason, a.RetryAfter, b.Reason, b.RetryAfter)
			}
		}
	}
}

func TestACallerOfAPoolIsSentOnAsSoonAsOneOfItsLoginsHasMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		busy := []Attempt{acquire(t, logins[0], "p"), acquire(t, logins[1], "p")}
		heard := waitsForAny(t.Context(), logins, Ask{Source: "x"})
		start := time.Now()
		logins[1].Dismiss()
		if got := heard(); reason(t, got.err) != Moved || got.place != 1 || time.Since(start) > 0 {
			t.Errorf("%+v after %v", got, time.Since(start))
		}
		for i, a := range busy {
			logins[i].Settle(a, Outcome{Verdict: Accepted})
		}
		idle(t, logins)
	})
}

func TestACallerWhoLeavesAPoolLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		busy := []Attempt{acquire(t, logins[0], "p"), acquire(t, logins[1], "p")}
		ctx, leave := context.WithCancel(t.Context())
		heard := waitsForAny(ctx, logins, Ask{Source: "x"})
		leave()
		if got := heard(); !errors.Is(got.err, context.Canceled) || got.place != Nobody {
			t.Errorf("%+v", got)
		}
		if _, _, err := AcquireAny(ctx, logins, Ask{Source: "x"}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for i, a := range busy {
			logins[i].Settle(a, Outcome{Verdict: Accepted})
		}
		idle(t, logins)
	})
}

// He is taken at the moment at which he leaves: the unit goes back, and nobody else loses by it.
func TestACallerWhoLeavesWhileALoginTakesHimGivesTheUnitBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		busy := acquire(t, logins[0], "p")
		other := acquire(t, logins[1], "p")
		p, ask := newParty(logins), Ask{Source: "x"}
		p.enter(0, &ask)
		p.enter(1, &ask)
		w := p.places[0]
		if !p.claim(w) {
			t.Fatal("not his to claim")
		}
		ctx, leave := context.WithCancel(t.Context())
		leave()
		ended := make(chan error, 1)
		go func() { _, _, err := p.wait(ctx); ended <- err }()
		synctest.Wait()
		if p.claim(p.places[1]) {
			t.Error("two logins have claimed him")
		}
		logins[0].mu.Lock()
		logins[0].queue.remove(w)
		w.answer = answer{attempt: busy}
		w.leave()
		logins[0].mu.Unlock()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		logins[1].Settle(other, Outcome{Verdict: Accepted})
		idle(t, logins)
	})
}

func TestAPoolThatDrainsSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 2, Settings{InFlight: 1})
		_, _ = acquire(t, logins[0], "p"), acquire(t, logins[1], "p")
		heard := waitsForAny(t.Context(), logins, Ask{Source: "x"})
		logins[0].guard.Drain()
		if got := heard(); reason(t, got.err) != Draining {
			t.Error(got.err)
		}
		if _, _, err := AcquireAny(t.Context(), logins, Ask{Source: "x"}); reason(t, err) != Draining {
			t.Error(err)
		}
	})
}

// Nothing is known of the second login's credential. A call that the first one serves makes it ready.
func TestAPoolThatIsInUseMakesItsLoginsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 1, Settings{InFlight: 1})
		cold := logins[0].guard.Login("cold")
		psa := &script{verdict: always(Accepted)}
		defer cold.Attach(Use{Settings: Settings{InFlight: 1}.WithDefaults(), Upstream: psa, Integrations: 1})()
		if err := cold.Newest(fp("cold"), "1"); err != nil {
			t.Fatal(err)
		}
		logins = []*Login{cold, logins[0]}
		busy := anyOf(t, logins, Ask{Source: "x"})
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if !cold.Serves() {
			t.Error("the call that went another way did not make it ready")
		}
		if got := anyOf(t, logins, Ask{Source: "x"}); busy.place != 1 || got.place != 0 || len(psa.kinds) != 1 {
			t.Errorf("login %d served first, then %d after %d own attempts", busy.place, got.place, len(psa.kinds))
		}
	})
}

// Each login by itself would take ten minutes for those who wait; the three do it in less than their patience.
func TestAPoolsQueueIsAsShortAsItsLoginsTogetherMakeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 3, Settings{InFlight: 1})
		var busy []holding
		for range 3 {
			busy = append(busy, anyOf(t, logins, Ask{Source: "x"}))
		}
		for _, l := range logins {
			took(l, "x", 8*time.Second)
		}
		var all []func() holding
		for range 9 { // 9 × 8 s / 3 = 24 s
			all = append(all, waitsForAny(t.Context(), logins, Ask{Source: "x"}))
		}
		for _, l := range logins {
			if s, _ := l.Status(); s.Waiting != 9 {
				t.Fatalf("%d wait", s.Waiting)
			}
		}
		ctx, leave := context.WithCancel(t.Context())
		all = append(all, waitsForAny(ctx, logins, Ask{Source: "x"}), waitsForAny(ctx, logins, Ask{Source: "x"}), waitsForAny(ctx, logins, Ask{Source: "x"}))
		start := time.Now()
		if _, _, err := AcquireAny(ctx, logins, Ask{Source: "x"}); reason(t, err) != QueueFull || time.Since(start) > 0 {
			t.Errorf("%v after %v: twelve before him take 32 s", err, time.Since(start))
		}
		leave()
		for _, h := range busy {
			logins[h.place].Settle(h.a, Outcome{Verdict: Accepted})
		}
		for len(all) > 0 {
			h := all[0]()
			all = all[1:]
			if h.err == nil {
				logins[h.place].Settle(h.a, Outcome{Verdict: Accepted})
			}
		}
		idle(t, logins)
	})
}

// flood has callers ask for units until the context ends, and counts what they got.
func flood(ctx context.Context, wg *sync.WaitGroup, callers int, acquire func() (*Login, Attempt, error)) (served *atomic.Int32) {
	served = new(atomic.Int32)
	for range callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				l, a, err := acquire()
				if err != nil {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				time.Sleep(100 * time.Millisecond)
				l.Settle(a, Outcome{Verdict: Accepted, Took: 100 * time.Millisecond})
				served.Add(1)
			}
		})
	}
	return served
}

func TestNeitherAPoolsCallersNorALoginsOwnStarveTheOthers(t *testing.T) {
	for name, callers := range map[string]struct{ pool, alone int }{
		"the pool is flooded":      {200, 2},
		"one login is flooded":     {2, 200},
		"both are flooded":         {200, 200},
		"there are a few for each": {4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logins := crewOf(t, 3, Settings{InFlight: 2, Budget: 5})
				for _, l := range logins {
					l.shared = true
				}
				ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
				defer end()
				var wg sync.WaitGroup
				pool := flood(ctx, &wg, callers.pool, func() (*Login, Attempt, error) {
					i, a, err := AcquireAny(ctx, logins, Ask{Source: "pool"})
					return logins[max(i, 0)], a, err
				})
				alone := flood(ctx, &wg, callers.alone, func() (*Login, Attempt, error) {
					a, err := logins[0].Acquire(ctx, Ask{Source: "alone"})
					return logins[0], a, err
				})
				wg.Wait()
				t.Logf("%d calls of the pool, %d of one of its logins, in 20 s", pool.Load(), alone.Load())
				// An integration has one unit of a login of two: the two logins of the pool's own serve 20 a second.
				if pool.Load() < 380 || alone.Load() < 180 {
					t.Error("somebody was starved")
				}
				idle(t, logins)
			})
		})
	}
}

// Callers of two pools and of their logins come, are taken, are refused, leave and fail, all at once, with a store that fails
// now and then. No unit is taken twice for one caller, none is left behind, and nobody stays in a queue.
func TestUnderAStressOfPoolsNoUnitIsLostAndNoneTakenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := crewOf(t, 4, Settings{InFlight: 2, QueueLength: 40, QueueDeadline: 2 * time.Second, Linger: time.Second})
		tables := make([]*flaky, len(logins))
		for i, l := range logins {
			tables[i] = &flaky{Table: l.table}
			l.table = tables[i]
		}
		pools := [][]*Login{logins[:3], logins[1:], {logins[3], logins[0]}}
		var wg sync.WaitGroup
		var got, denied, left atomic.Int32
		var underWay [4]atomic.Int32
		for i := range 60 {
			wg.Go(func() {
				for round := range 60 {
					n := i*60 + round
					ctx, leave := context.WithTimeout(context.Background(), time.Duration(n%7+1)*60*time.Millisecond)
					pool, ask := pools[n%3], Ask{Source: fmt.Sprint("i", i%5)}
					place, a, err := AcquireAny(ctx, pool, ask)
					leave()
					switch {
					case errors.Is(err, context.DeadlineExceeded):
						left.Add(1)
						continue
					case err != nil:
						denied.Add(1)
						time.Sleep(time.Millisecond)
						continue
					}
					got.Add(1)
					which := slices.Index(logins, pool[place])
					if now := underWay[which].Add(1); now > 2 {
						t.Errorf("%d calls at once", now)
					}
					time.Sleep(time.Duration(n%11) * 5 * time.Millisecond)
					underWay[which].Add(-1)
					v := Accepted
					if n%97 == 0 {
						v = NotSent
					}
					pool[place].Settle(a, Outcome{Verdict: v})
				}
			})
		}
		wg.Wait()
		for _, table := range tables {
			table.well.Store(true)
		}
		t.Logf("%d got a unit, %d were denied, %d left", got.Load(), denied.Load(), left.Load())
		if got.Load() < 500 || denied.Load() == 0 || left.Load() == 0 {
			t.Error("too little of something happened for the test to tell anything")
		}
		for _, l := range logins {
			// What could not be written back is held on; everything else is free, and nobody waits.
			if s, err := l.Status(); err != nil || s.Waiting > 0 || l.queue.n > 0 || s.Held != int(tables[slices.Index(logins, l)].stuck.Load()) {
				t.Errorf("%s: %d wait, %d units held, %v", l.Key(), s.Waiting, s.Held, err)
			}
		}
	})
}

// flaky is a table whose transactions fail now and then, those that queue and take alone: what is settled is written.
type flaky struct {
	Table
	n     atomic.Int32
	well  atomic.Bool
	stuck atomic.Int32
}

func (f *flaky) Begin(ctx context.Context) (Tx, error) {
	tx, err := f.Table.Begin(ctx)
	if err != nil || f.well.Load() || f.n.Add(1)%101 != 0 {
		return tx, err
	}
	return &failing{tx, f, copied(tx.Rows())}, nil
}

// failing is a transaction that cannot be committed, unless it gives a unit back.
type failing struct {
	Tx
	of     *flaky
	before Rows
}

func (f *failing) Commit() error {
	held := func(r *Rows) int { return r.count(Held) }
	if held(f.Rows()) < held(&f.before) || givesBack(f.Rows(), &f.before) {
		return f.Tx.Commit()
	}
	*f.Rows() = f.before
	_ = f.Tx.Commit()
	return errors.New("disk full")
}

// givesBack reports whether a unit that was there is not any more.
func givesBack(now, before *Rows) bool {
	return slices.ContainsFunc(before.Units, func(u Unit) bool { return now.unit(u.Token) < 0 })
}

func TestVerifyAsksOnceWhatIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		verdict Verdict
		known   func(l *Login) // before
		want    string
		sent    int
	}{
		"the newest is taken":                  {verdict: Accepted, want: "accepted", sent: 1},
		"the newest is refused":                {verdict: Refused, want: "refused", sent: 1},
		"the PSA gives no answer":              {verdict: NoAnswer, want: "no-answer", sent: 1},
		"the answer does not tell":             {verdict: Neutral, want: "neutral", sent: 1},
		"the newest serves already":            {verdict: Accepted, known: func(l *Login) { l.Want(); time.Sleep(time.Minute) }, want: "accepted"},
		"the newest was refused already":       {verdict: Refused, known: func(l *Login) { l.Want(); time.Sleep(time.Minute) }, want: "refused"},
		"the store has given another since":    {verdict: Accepted, known: func(l *Login) { _ = l.Newest(fp("c"), "3") }, want: ErrNotNewest.Error()},
		"the login is locked":                  {verdict: Accepted, known: func(l *Login) { _ = l.change(func(r *Rows, _ time.Time) { r.Locked = true }) }, want: "login-locked"},
		"the gate is shut, and its pause runs": {verdict: Accepted, known: shut, want: "gate-shut"},
		"it got no answer a moment ago":        {verdict: Accepted, known: func(l *Login) { shut(l); _ = l.change(unanswered) }, want: "no-answer"},
		"the budget would not stand it":        {verdict: Accepted, known: spent, want: "budget-spent"},
		"its pause after no verdict runs":      {verdict: Accepted, known: func(l *Login) { _ = l.change(unanswered) }, want: "accepted", sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{verdict: always(Accepted)}
				l, _ := onDisk(t, s, Settings{})
				l.used = false // nobody calls: the guard does not ask by itself
				if err := l.Newest(fp("b"), "2"); err != nil {
					t.Fatal(err)
				}
				s.verdict = always(c.verdict)
				if c.known != nil {
					c.known(l)
				}
				synctest.Wait()
				before := len(s.kinds)
				res := l.Verify(t.Context(), fp("b"))
				got := res.Verdict.String()
				if res.Err != nil {
					got = res.Err.Error()
				}
				if !strings.HasPrefix(got, c.want) || len(s.kinds)-before != c.sent {
					t.Errorf("%s after %d sign-ins, want %s after %d", got, len(s.kinds)-before, c.want, c.sent)
				}
				synctest.Wait()
				if l.prober.checks != nil {
					t.Error("somebody still waits for the prober")
				}
			})
		})
	}
}

// shut shuts the gate, with a pause that runs.
func shut(l *Login) {
	_ = l.change(func(r *Rows, now time.Time) {
		r.Gate = Gate{Shut: true, Since: now, Until: now.Add(time.Minute), Tries: 1, Epoch: r.Gate.Epoch + 1}
	})
}

// spent records so many lost units that no own attempt may go.
func spent(l *Login) {
	_ = l.change(func(r *Rows, _ time.Time) {
		for i := range 5 {
			r.Units = append(r.Units, Unit{State: Lost, Token: Token(i)})
		}
	})
}

// unanswered has the newest been sent, without a verdict.
func unanswered(r *Rows, now time.Time) {
	c := r.find(r.Newest)
	c.State, c.AgainAt, c.Tries = StateNoVerdict, now.Add(time.Hour), 1
}

// What serves is asked first where failures are recorded; that is not taken for the newest one's verdict.
func TestVerifyWaitsForTheNewestOnesOwnVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted)}
		l, _ := onDisk(t, s, Settings{})
		l.used = false
		if err := l.change(func(r *Rows, _ time.Time) {
			for i := range 2 {
				r.Seq++
				r.Units = append(r.Units, Unit{State: Failed, Token: Token(i + 1), Seq: r.Seq})
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := l.Newest(fp("b"), "2"); err != nil {
			t.Fatal(err)
		}
		s.verdict = func(a Attempt) Verdict {
			if a.Credential == fp("a") {
				return Accepted
			}
			return Refused
		}
		if res := l.Verify(t.Context(), fp("b")); res.Err != nil || res.Verdict != Refused || res.Attempt.Credential != fp("b") {
			t.Errorf("%+v after %v", res, s.kinds)
		}
		if st, _ := l.Status(); st.Serving != fp("a") || st.Failed != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAnOperatorWhoLeavesAVerificationIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted)}
		l, _ := onDisk(t, s, Settings{})
		l.used = false
		if err := l.Newest(fp("b"), "2"); err != nil {
			t.Fatal(err)
		}
		s.freeTakes = time.Minute
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if res := l.Verify(ctx, fp("b")); !errors.Is(res.Err, context.DeadlineExceeded) {
			t.Errorf("%+v", res)
		}
		l.mu.Lock()
		n := len(l.prober.checks)
		l.mu.Unlock()
		if n > 0 {
			t.Errorf("%d still wait", n)
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestUnderWayCountsWhatIsSentWithAnotherCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		first, second := acquire(t, l, "p"), acquire(t, l, "p")
		count := func(but Fingerprint) int {
			n, err := l.UnderWay(but)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if a, b := count(fp("a")), count(fp("b")); a != 0 || b != 2 {
			t.Errorf("%d and %d", a, b)
		}
		l.Settle(first, Outcome{Verdict: Accepted})
		l.Settle(second, Outcome{}) // lost: not under way
		if n := count(fp("b")); n != 0 {
			t.Errorf("%d", n)
		}
	})
}
