package guard

import (
	"context"
	"log/slog"
	"testing"
)

func TestACallThatNeedNotWaitAllocatesNothing(t *testing.T) {
	l := servingLogin(t, New(new(Memory), slog.New(slog.DiscardHandler)), "k", Settings{})
	for _, v := range []Verdict{Accepted, Neutral, NotSent} {
		if n := testing.AllocsPerRun(100, func() {
			a, err := l.Acquire(context.Background(), Ask{Source: "x", Path: "query Tickets"})
			if err != nil {
				t.Fatal(err)
			}
			l.Settle(a, Outcome{Verdict: v})
		}); n > 0 {
			t.Errorf("%v: %v allocations", v, n)
		}
	}
}

// The waiter, what he is told through, and his deadline with what it does.
func TestACallThatWaitsAllocatesFourTimes(t *testing.T) {
	l := servingLogin(t, New(new(Memory), slog.New(slog.DiscardHandler)), "k", Settings{})
	take := func(source string) Attempt {
		a, err := l.Acquire(context.Background(), Ask{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	_, _ = take("x"), take("y")
	held := take("z")
	if n := testing.AllocsPerRun(100, func() {
		w, denied := l.enter(&Ask{Source: "z"}, new(Attempt), nil)
		if denied != nil {
			t.Fatal(denied)
		}
		l.Settle(held, Outcome{Verdict: Accepted})
		var err error
		if held, err = l.wait(context.Background(), w); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations", n)
	}
}
