package guard

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// lose makes units lost, as if their calls had got no answer while others were answered.
func lose(l *Login, holder string, tokens ...Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tx(func(r *Rows, _ time.Time) {
		for _, t := range tokens {
			r.Units = append(r.Units, Unit{State: Lost, Token: t, Holder: holder})
		}
	})
}

// A caller whom no unit is free for hears what the units were taken for, and when those of calls without an answer may be had
// again.
func TestWhoFindsNoRoomHearsWhatTakesIt(t *testing.T) {
	const before = "no more may be sent before the PSA could lock this login: "
	for name, c := range map[string]struct {
		others string
		text   string
		retry  time.Duration
	}{
		"all are this process's": {"", "1 sign-in was refused, 3 sign-ins have had no answer: each is kept until 00:05:00 UTC at most, as the PSA may still judge it", 4*time.Minute + 30*time.Second},
		"some are another's":     {"another process", "1 sign-in was refused, 3 sign-ins have had no answer, which the PSA may still judge", 5 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, detach := scripted(t, &script{verdict: always(Accepted)}, Settings{Linger: 5 * time.Minute})
			defer detach()
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Accepted})
			l.Settle(acquire(t, l, "p"), Outcome{Verdict: Refused, WrongZone: true})
			lose(l, l.guard.tables.Holder(), 91, 92)
			lose(l, cmp.Or(c.others, l.guard.tables.Holder()), 93)
			_, err := l.Acquire(context.Background(), Ask{Source: "y", Path: "q"})
			var d *Denied
			if !errors.As(err, &d) || d.Reason != BudgetSpent || d.Text != before+c.text || d.RetryAfter != c.retry {
				t.Errorf("%s: %v, %+v", name, err, d)
			}
		})
	}
}

func TestCallsUnderWayAreSaidToTakeRoomToo(t *testing.T) {
	r := Rows{Units: []Unit{{State: Held}, {State: Held}, {State: Unknown}, {State: Failed}, {State: Failed}}}
	want := "2 sign-ins are under way, 2 sign-ins were refused, 1 sign-in may have failed, as its answer did not tell or never came"
	if got := r.takers(time.Time{}); got != want {
		t.Error(got)
	}
}

func TestAStatusTellsUntilWhenLostUnitsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, detach := scripted(t, &script{verdict: always(Accepted)}, Settings{Linger: time.Minute})
		defer detach()
		a := acquire(t, l, "p")
		if st, _ := l.Status(); !st.LostUntil.IsZero() {
			t.Errorf("nothing is lost, and kept until %v", st.LostUntil)
		}
		l.Settle(a, Outcome{Verdict: NoAnswer})
		until := time.Now().Add(time.Minute)
		if st, _ := l.Status(); st.Lost != 1 || !st.LostUntil.Equal(until) {
			t.Errorf("%d lost until %v, not %v", st.Lost, st.LostUntil, until)
		}
		lose(l, "another process", 99)
		if st, _ := l.Status(); !st.LostUntil.IsZero() {
			t.Errorf("another process counts for one, and this one says %v", st.LostUntil)
		}
	})
}
