package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// listening returns a login with a proven credential whose listener writes down what it is told.
func listening(t *testing.T, settings Settings) (l *Login, told func() []string) {
	t.Helper()
	l, detach := scripted(t, &script{verdict: always(Accepted)}, settings)
	detach()
	var heard []string
	detach = l.Attach(Use{Settings: settings.WithDefaults(), Upstream: &script{verdict: always(Accepted)}, Integrations: 1, Changed: func(a Attempt, e Effect, _ bool) {
		l.mu.Lock() // no lock is held, or this hangs
		defer l.mu.Unlock()
		heard = append(heard, fmt.Sprintf("%s %q %s", a.Version, a.Source(), words(e)))
	}})
	t.Cleanup(detach)
	return l, func() []string {
		time.Sleep(100 * time.Millisecond) // of the bubble: the time for an own attempt
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		was := heard
		heard = nil
		return was
	}
}

func words(e Effect) (s string) {
	for _, w := range []struct {
		is   bool
		word string
	}{{e.Proven, "proven"}, {e.Refused, "refused"}, {e.Fell, "fell"}, {e.Shut, "shut"}, {e.Opened, "opened"}, {e.Locked, "locked"}, {e.Spent, "spent"}, {e.Freed, "freed"}} {
		if w.is {
			s += w.word + " "
		}
	}
	return s
}

func wantTold(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestListenersAreToldWhatAnOperatorMayHaveToActOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := listening(t, Settings{})
		a, b, c := acquire(t, l, "p"), acquire(t, l, "p"), acquire(t, l, "p")
		wantTold(t, told(), `1 "" proven `)
		l.Settle(a, Outcome{Verdict: Neutral})
		l.Settle(b, Outcome{Verdict: NoAnswer})
		wantTold(t, told(), `1 "x" shut `)
		l.Settle(c, Outcome{Verdict: Accepted})
		wantTold(t, told(), `1 "x" opened `)
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Locked})
		wantTold(t, told(), `1 "x" refused fell locked `)
	})
}

func TestTheRefusalThatRecordsTheLastUnitSpendsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := listening(t, Settings{Threshold: 5, Recheck: 24 * time.Hour}) // budget 3
		a := acquire(t, l, "p")
		refuse := &script{verdict: always(Refused)}
		defer l.Attach(Use{Settings: l.settings, Upstream: refuse, Integrations: 1})()
		told()
		l.Settle(a, Outcome{Verdict: Refused})
		wantTold(t, told(), `1 "x" refused fell `)
		_ = l.Newest(fp("b"), "2")
		wantTold(t, told(), `2 "" refused `)
		_ = l.Newest(fp("c"), "3")
		wantTold(t, told(), `3 "" refused spent `)
		time.Sleep(time.Hour)
		wantTold(t, told())
	})
}

func TestALostCallThatIsRecordedLaterMaySpendTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := listening(t, Settings{Threshold: 5, Recheck: time.Hour}) // budget 3
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: NoAnswer})
		a := alone(t, l, fp("b"), "2")
		l.Settle(a, Outcome{Verdict: NoAnswer})
		told()
		l.Settle(alone(t, l, fp("c"), "3"), Outcome{Verdict: Refused})
		told()
		time.Sleep(time.Minute + time.Second)
		got := told()
		if len(got) != 1 || !strings.HasSuffix(got[0], " spent ") {
			t.Errorf("told %q, want that the budget is spent, once", got)
		}
	})
}

// alone takes a unit for a credential as the prober does, without one.
func alone(t *testing.T, l *Login, fp Fingerprint, version string) (a Attempt) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.tx(func(r *Rows, now time.Time) {
		r.newest(fp, version)
		a = r.take(FirstTry, r.find(fp), l.guard.token(), l.guard.tables.Holder(), pathOf{}, now)
	}); d != nil {
		t.Fatal(d)
	}
	return a
}

func TestASuccessThatForgivesASpentBudgetIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := listening(t, Settings{Threshold: 5, Observe: true}) // budget 3
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		told()
		for range 3 {
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Refused, WrongZone: true})
		}
		wantTold(t, told(), `1 "x" spent `)
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		wantTold(t, told(), `1 "x" freed `)
		l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
		wantTold(t, told())
	})
}

func TestTheBudgetIsSpentOnceThoughAnObservedLoginGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := listening(t, Settings{Threshold: 5, Recheck: 24 * time.Hour, Observe: true}) // budget 3
		for range 6 {
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Refused})
		}
		spent := 0
		for _, what := range told() {
			if strings.Contains(what, "spent") {
				spent++
			}
		}
		if spent != 1 {
			t.Errorf("told %d times that the budget is spent", spent)
		}
	})
}

// A reload's old config and its new one have a name each in common: one of them passes on what happens, and that is settled
// at the moment when it happens.
func TestOfTheUsesOfANameTheLastOneTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		var told []string
		attach := func(use, name string) (detach func()) {
			return l.Attach(Use{Name: name, Settings: l.settings, Upstream: l.upstream, Changed: func(_ Attempt, _ Effect, last bool) {
				told = append(told, fmt.Sprint(use, " ", last))
			}})
		}
		defer attach("old", "main")()
		defer attach("other", "second")()
		detach := attach("new", "main")
		l.Settle(acquire(t, l, "x"), Outcome{Verdict: NoAnswer})
		d.rows.Gate.Shut = false
		detach()
		l.Settle(acquire(t, l, "x"), Outcome{Verdict: NoAnswer})
		wantTold(t, told, "old false", "other true", "new true", "old true", "other true")
		l.guard.Drain()
	})
}
