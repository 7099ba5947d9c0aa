package guard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// under returns a context that ends with the lease.
func under(l *Lease) context.Context {
	ctx, _ := l.During(l.Term())
	return ctx
}

func TestALeaseEndsWhenItWasNotExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(15 * time.Second)
		if l.May() || under(l).Err() == nil {
			t.Fatal("a new lease is not over")
		}
		l.Extend(time.Now(), 10*time.Second)
		ctx := under(l)
		time.Sleep(8 * time.Second)
		if !l.May() || ctx.Err() != nil {
			t.Fatal("it is over too early")
		}
		l.Extend(time.Now(), 10*time.Second)
		time.Sleep(9 * time.Second)
		if !l.May() || ctx.Err() != nil || under(l) != ctx {
			t.Fatal("it was extended, and is over")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if l.May() || !errors.Is(context.Cause(ctx), ErrLease) {
			t.Fatal("it is not over at its end")
		}
		l.Extend(time.Now(), 10*time.Second)
		if !l.May() || under(l).Err() != nil || ctx.Err() == nil {
			t.Fatal("what was begun in the lease before goes on in the next")
		}
		l.End()
		if l.May() || under(l).Err() == nil {
			t.Fatal("it was ended, and is not over")
		}
	})
}

func TestALeaseIsCountedFromWhenItsRenewalBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(15 * time.Second)
		l.Extend(time.Now().Add(-11*time.Second), 10*time.Second) // the store took so long
		if l.May() || under(l).Err() == nil {
			t.Fatal("a renewal that came too late extends the lease")
		}
		l.Extend(time.Now().Add(-4*time.Second), 10*time.Second)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if l.May() || under(l).Err() == nil {
			t.Fatal("it lasts longer than from its beginning")
		}
	})
}

func TestALeaseEndsByEitherClock(t *testing.T) {
	l := NewLease(15 * time.Second)
	l.lasts = 10 * time.Second
	for _, c := range []struct {
		what            string
		monotonic, wall time.Duration
		goes            bool
	}{
		{"both ahead", 9 * time.Second, 9 * time.Second, true},
		{"over", 10 * time.Second, 10 * time.Second, false},
		{"the machine slept, and the monotonic clock with it", time.Second, 11 * time.Second, false},
		{"the wall clock was set back a little", 5 * time.Second, -5 * time.Second, true},
		{"the wall clock was set back a day", time.Second, -24 * time.Hour, false},
	} {
		if l.lets(c.monotonic, c.wall) != c.goes {
			t.Errorf("%s: goes on %v", c.what, !c.goes)
		}
	}
}

func TestALeaseThatBeginsAgainIsInAnotherTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(time.Second)
		l.Extend(time.Now(), time.Minute)
		first := l.Term()
		if l.Extend(time.Now(), time.Hour) {
			t.Error("it is said to have been over")
		}
		ctx, may := l.During(first)
		l.Extend(time.Now(), time.Hour)
		if again, still := l.During(first); !may || !still || again != ctx {
			t.Error("a lease that was extended in time is in another term")
		}
		l.End()
		if _, may := l.During(first); may || ctx.Err() == nil {
			t.Error("the term goes on")
		}
		if l.Extend(time.Now().Add(-2*time.Hour), time.Hour) {
			t.Error("it is said to go on, and came too late")
		}
		if !l.Extend(time.Now(), time.Hour) {
			t.Error("it is not said to have been over")
		}
		if _, may := l.During(first); may {
			t.Error("the first term is back")
		}
		if now, may := l.During(l.Term()); !may || now.Err() != nil {
			t.Error("there is no other term")
		}
	})
}

func TestAnAttemptIsOfTheTermInWhichItsUnitWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		lease := NewLease(time.Second)
		l.guard.lease = lease
		for range 3 {
			lease.End()
			lease.Extend(time.Now(), time.Hour)
			a := acquire(t, l, "p")
			if _, may := lease.During(a.Term); !may {
				t.Error("it may not be sent")
			}
			l.Settle(a, Outcome{Verdict: Accepted})
		}
	})
}
