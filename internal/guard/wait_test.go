package guard

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnIntegrationThatDoesNotReadItsAnswersKeepsToItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{}) // in_flight 3
		answered := func(source string) {
			a, err := l.Acquire(t.Context(), Ask{Source: source})
			if err != nil {
				t.Fatal(err)
			}
			l.Settle(a, Outcome{Verdict: Accepted, Reading: true})
		}
		for range 4 { // nobody else calls: it may have more than in_flight
			answered("x")
		}
		for range 4 {
			l.Read("x")
		}
		l.Attach(Use{Settings: l.settings, Upstream: l.upstream, Integrations: 1})
		answered("x")
		answered("x")
		heard := waits(l, Ask{Source: "x"})
		answered("y")
		if s, _ := l.Status(); s.Waiting != 1 {
			t.Fatalf("%d callers wait", s.Waiting)
		}
		l.Read("x")
		a, err := heard()
		if err != nil {
			t.Fatal(err)
		}
		if heard = waits(l, Ask{Source: "x"}); l.queue.n != 1 {
			t.Fatal("an answer that was read counts as two")
		}
		l.Settle(a, Outcome{Verdict: Accepted})
		if _, err := heard(); err != nil {
			t.Error(err)
		}
	})
}

// A caller may be on its way to a login when the last config leaves it: nobody would ever answer him there.
func TestACallerOfALoginWithoutAUseIsSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(new(Memory), slog.New(slog.DiscardHandler)).Login("k")
		detach := l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: &desk{valid: fp("a")}})
		if err := l.Newest(fp("a"), "1"); err != nil {
			t.Fatal(err)
		}
		detach()
		l.Dismiss()
		start := time.Now()
		if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); reason(t, err) != Moved || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// took tells a login how long an attempt of an integration took.
func took(l *Login, source string, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(source, Outcome{Took: d})
}

func TestACallIsNotSentAgainWithTheCredentialThatItWasRefusedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		start := time.Now()
		_, err := l.Acquire(t.Context(), Ask{Source: "x", Refused: fp("a")})
		if reason(t, err) != CredentialRefused || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if s, _ := l.Status(); s.Waiting+s.Held > 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestACallerForWhomTheQueueIsTooLongIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		a := acquire(t, l, "p")
		took(l, a.Source(), 20*time.Second)
		first, second := waits(l, Ask{Source: "x"}), waits(l, Ask{Source: "x"})
		start := time.Now()
		if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); reason(t, err) != QueueFull || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		l.guard.Drain()
		_, _ = first()
		_, _ = second()
	})
}

func TestACallerWhosePlaceIsTakenHearsItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1, QueueLength: 3})
		a := acquire(t, l, "p")
		start := time.Now()
		one, two, last := waits(l, Ask{Source: "many"}), waits(l, Ask{Source: "many"}), waits(l, Ask{Source: "many"})
		few := waits(l, Ask{Source: "few"})
		if _, err := last(); reason(t, err) != QueueFull || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for _, heard := range []func() (Attempt, error){one, few, two} {
			l.Settle(a, Outcome{Verdict: Accepted})
			var err error
			if a, err = heard(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestADeadlineCountsFromWhenTheCallCameIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		a := acquire(t, l, "p")
		for _, before := range []time.Duration{0, 10 * time.Second, time.Minute} {
			start := time.Now()
			_, err := l.Acquire(t.Context(), Ask{Source: "x", Since: start.Add(-before)})
			if want := max(0, 30*time.Second-before); reason(t, err) != QueueDeadline || time.Since(start) != want {
				t.Errorf("came %v ago: %v after %v, want %v", before, err, time.Since(start), want)
			}
		}
		l.Settle(a, Outcome{Verdict: Accepted})
	})
}

// The prober's pauses end by themselves, with nobody coming or going.
func TestACallerWhoWaitsIsServedAfterTheProbersPause(t *testing.T) {
	for name, prepare := range map[string]func(d *desk, s *script) Upstream{
		"the free call failed": func(d *desk, _ *script) Upstream { d.down = errors.New("no route"); return d },
		"its own call told nothing": func(_ *desk, s *script) Upstream {
			s.verdict = func(Attempt) Verdict {
				if len(s.kinds) == 1 {
					return NotSent
				}
				return Accepted
			}
			return s
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &desk{valid: fp("a")}
			l := newLogin(t, new(desk), Settings{})
			l.Attach(Use{Settings: l.settings, Upstream: prepare(d, new(script)), Integrations: 1})
			start := time.Now()
			heard := waits(l, Ask{Source: "x"})
			d.mu.Lock()
			d.down = nil
			d.mu.Unlock()
			if _, err := heard(); err != nil || time.Since(start).Truncate(time.Second) != 5*time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		})
	}
}

func TestWhoeverWaitsElsewhereIsProbedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{verdict: always(Refused)}
		l, detach := scripted(t, s, Settings{})
		defer detach()
		l.Check(t.Context())
		time.Sleep(time.Hour) // its recheck is due, and nobody asks
		synctest.Wait()
		if len(s.kinds) != 1 {
			t.Fatalf("own attempts: %v", s.kinds)
		}
		l.Need(time.Now().Add(-time.Second))
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.kinds) != 1 {
			t.Fatalf("own attempts for one who waits no more: %v", s.kinds)
		}
		l.Need(time.Now().Add(time.Second))
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.kinds) != 2 {
			t.Errorf("own attempts: %v", s.kinds)
		}
	})
}
