package guard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// script is an Upstream whose checks end as it is told.
type script struct {
	verdict   func(a Attempt) Verdict
	freeTakes time.Duration
	free      int
	kinds     []Kind // of the checks
}

func (s *script) Free(context.Context, Fingerprint) error {
	s.free++
	time.Sleep(max(s.freeTakes, time.Millisecond))
	return nil
}

func (s *script) Check(_ context.Context, a Attempt) Outcome {
	s.kinds = append(s.kinds, a.Kind)
	time.Sleep(10 * time.Millisecond)
	return Outcome{Verdict: s.verdict(a)}
}

func always(v Verdict) func(Attempt) Verdict { return func(Attempt) Verdict { return v } }

// scripted returns a login whose own attempts end as the script says, and what takes it out of the config.
func scripted(t *testing.T, s *script, settings Settings) (*Login, func()) {
	t.Helper()
	l := newLogin(t, new(desk), settings)
	l.uses = nil
	return l, l.Attach(Use{Settings: settings.WithDefaults(), Upstream: s, Integrations: 1})
}

func acquire(t *testing.T, l *Login, path string) Attempt {
	t.Helper()
	a, err := l.Acquire(context.Background(), Ask{Source: "x", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOneCheckIsOneSignInThoughTwoRechecksAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted)}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		first := acquire(t, l, "p")
		s.verdict = always(Refused)
		l.Newest(fp("b"), "2")
		time.Sleep(time.Second)
		l.Settle(first, Outcome{Verdict: Refused})
		time.Sleep(time.Second)
		st, _ := l.Status()
		l.Release(st.Seq) // both are refused, both rechecks are due
		time.Sleep(time.Second)
		before := len(s.kinds)
		l.Check(context.Background())
		time.Sleep(time.Second)
		if got := s.kinds[before:]; len(got) != 1 {
			t.Errorf("one check made %v", got)
		}
	})
}

func TestACheckEndsWhenTheLoginRecoversMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted), freeTakes: 3 * time.Second}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		x, y := acquire(t, l, "p"), acquire(t, l, "p")
		l.Settle(x, Outcome{Verdict: NoAnswer})
		time.Sleep(2100 * time.Millisecond)
		time.AfterFunc(time.Second, func() { l.Settle(y, Outcome{Verdict: Accepted}) })
		start := time.Now()
		if res := l.Check(context.Background()); res.Err != nil || res.Verdict != Accepted || time.Since(start) > 10*time.Second {
			t.Errorf("%+v after %v", res, time.Since(start))
		}
	})
}

func TestACheckThatIsGivenUpIsNotMadeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted), freeTakes: time.Minute}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if res := l.Check(ctx); res.Err == nil {
			t.Fatalf("%+v", res)
		}
		l.mu.Lock()
		n := len(l.prober.checks)
		l.mu.Unlock()
		if n != 0 {
			t.Errorf("%d operators are still waited for", n)
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestOwnAttemptsThatTellNothingAreNotRepeatedAtOnce(t *testing.T) {
	for _, verdict := range []Verdict{NotSent, Neutral} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{verdict: always(Accepted)}
			l, detach := scripted(t, s, Settings{})
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
			for range 4 { // only the last unit is left
				l.Settle(acquire(t, l, "p"), Outcome{Verdict: Refused, WrongZone: true})
			}
			s.verdict = always(verdict)
			before := len(s.kinds)
			if _, err := l.Acquire(context.Background(), Ask{Source: "x"}); reason(t, err) != BudgetSpent {
				t.Fatal(err)
			}
			if n := len(s.kinds) - before; n > 4 {
				t.Errorf("%d own attempts (%v) while a caller waited 30 s", n, verdict)
			}
			detach()
		})
	}
}

// Where a success does not reset the PSA's count it frees no unit either, so that the last unit is due again at once.
func TestTheLastUnitIsNotAskedForEverWhereASuccessResetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted)}
		l, detach := scripted(t, s, Settings{NeverReset: true})
		defer detach()
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		for range 4 {
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Refused, WrongZone: true})
		}
		before := len(s.kinds)
		if _, err := l.Acquire(context.Background(), Ask{Source: "x"}); reason(t, err) != BudgetSpent {
			t.Fatal(err)
		}
		if n := len(s.kinds) - before; n > 4 {
			t.Errorf("%d sign-ins while a caller waited 30 s", n)
		}
	})
}

func TestAReleaseOfWhatNobodyWasShownChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Refused)}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		l.Check(context.Background())
		if _, err := l.Release(99); err != ErrNotShown {
			t.Errorf("error %v", err)
		}
		if st, _ := l.Status(); st.Failed != 1 {
			t.Errorf("%d failed units", st.Failed)
		}
	})
}

func TestNothingIsTriedForALoginThatNoConfigHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(NoAnswer)}
		l, detach := scripted(t, s, Settings{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = l.Acquire(ctx, Ask{Source: "x"})
		detach()
		before := len(s.kinds)
		time.Sleep(3 * time.Hour)
		if n := len(s.kinds) - before; n > 0 {
			t.Errorf("%d own attempts", n)
		}
	})
}

func TestAProbeThatBeginsAsItsLoginGoesEndsQuietly(t *testing.T) {
	s := &script{verdict: always(Accepted)}
	l, detach := scripted(t, s, Settings{})
	l.prober.running = true
	detach()
	l.probe(fp("a"))
	if l.prober.running || s.free > 0 {
		t.Errorf("running %v, %d free calls", l.prober.running, s.free)
	}
}

func TestAReloadThatAllowsMoreWakesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted)}
		l, detach := scripted(t, s, Settings{InFlight: 1})
		held := acquire(t, l, "p")
		time.AfterFunc(time.Second, func() {
			l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: s, Integrations: 1})
			detach()
		})
		start := time.Now()
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		if time.Since(start) != time.Second {
			t.Errorf("woken after %v", time.Since(start))
		}
		l.Settle(held, Outcome{Verdict: Accepted})
	})
}

func TestCallersOfABlockedPathWhoWaitAlreadyAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Accepted), freeTakes: time.Second}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		l.Settle(acquire(t, l, "good"), Outcome{Verdict: Accepted})
		l.Settle(acquire(t, l, "bad"), Outcome{Verdict: Refused}) // its recheck begins with a free call of a second
		if _, err := l.Acquire(context.Background(), Ask{Source: "x", Path: "bad"}); reason(t, err) != CredentialRefused {
			t.Errorf("a caller of the path: %v", err)
		}
		l.Settle(acquire(t, l, "good"), Outcome{Verdict: Accepted})
	})
}

func TestWhileARefusalIsLookedIntoCallersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Refused)}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		s.verdict = always(Accepted)
		a := acquire(t, l, "p")
		release := l.Hold()
		time.AfterFunc(8*time.Second, func() {
			l.Settle(a, Outcome{Verdict: Refused, WrongZone: true})
			release()
		})
		start := time.Now()
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		if time.Since(start) != 8*time.Second {
			t.Errorf("a caller went after %v", time.Since(start))
		}
	})
}

func TestATimeOutDoesNotCloseTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: 100 * time.Millisecond}
		l := newLogin(t, d, Settings{})
		took(l, "x", 5*time.Minute)
		for i := range 20 {
			go func() {
				if err := d.call(l, Ask{Source: "x"}); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			}()
		}
		time.Sleep(time.Minute)
	})
}

func TestTheFirstRecheckIsAtOnceOnlyOnce(t0 *testing.T) {
	t := newTable(t0)
	t.proven("a")
	t.end(t.serve("x"), Refused)
	t.end(t.own(Recheck), Neutral)
	t.no(Recheck)
}

func TestARecheckThatWasNotSentIsStillDue(t0 *testing.T) {
	t := newTable(t0)
	t.newest("a")
	t.end(t.own(FirstTry), Refused)
	t.r.check(t.now)
	t.end(t.own(Recheck), NotSent)
	t.own(Recheck)
}

func TestACheckSaysThatAnotherProcessMakesAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, detach := scripted(t, &script{verdict: always(Accepted)}, Settings{})
		defer detach()
		if err := l.change(func(r *Rows, _ time.Time) {
			for i := range r.Credentials {
				r.Credentials[i].State = StateNoVerdict
			}
			r.Units = append(r.Units, Unit{State: Held, Alone: true, Holder: "another", Token: 99, Credential: fp("a")})
		}); err != nil {
			t.Fatal(err)
		}
		var denied *Denied
		if res := l.Check(t.Context()); !errors.As(res.Err, &denied) || denied.Reason != QueueDeadline || denied.RetryAfter != time.Second {
			t.Errorf("%+v", res)
		}
	})
}
