//go:build unix

package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// busy keeps the file from the process until the function that it returns is called, as a disk that hangs does for a while.
func (r *running) busy() (end func()) {
	r.t.Helper()
	other, err := sqlite{}.open(r.cfg.Place)
	if err != nil {
		r.t.Fatal(err)
	}
	x, err := other.Begin()
	if err != nil {
		r.t.Fatal(err)
	}
	return func() { _ = x.Rollback(); _ = other.Close() }
}

// givesBack flushes a process that does not use the second of its two units any more, while something happens.
func givesBack(t *testing.T, meanwhile func(a *running, of *table)) *running {
	p := inSQLite(t).patient()
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1), a.held(2)) })
	a.change("k", func(r *guard.Rows) { r.Units = r.Units[:1] })
	a.freeze()
	a.flush(t.Context()) // the second unit may be used again
	of, end, ended := a.Table("k").(*table), a.busy(), make(chan struct{})
	go func() {
		defer close(ended)
		a.flush(context.Background())
	}()
	until(t, "the flush is under way", func() bool {
		of.mu.Lock()
		defer of.mu.Unlock()
		return of.flush != nil
	})
	meanwhile(a, of)
	end()
	<-ended
	return a
}

// inStore are the units that the database has, as who starts after a kill -9 finds them.
func (r *running) inStore() int { return r.number(`SELECT COUNT(*) FROM guard_unit`) }

func TestACallThatNeedsNoIOWaitsForNoFlush(t *testing.T) {
	a := givesBack(t, func(a *running, of *table) {
		a.change("k", func(r *guard.Rows) { r.Units = r.Units[:0] })
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(3)) })
		if !of.mu.TryLock() {
			t.Error("somebody keeps the rows")
			return
		}
		defer of.mu.Unlock()
		if of.flush == nil {
			t.Error("the flush was waited for")
		}
	})
	if got := a.rows("k"); len(got.Units) != 1 || got.Units[0].Token != 3 || a.inStore() != 1 {
		t.Errorf("there is %+v, and %d units in the store", got.Units, a.inStore())
	}
}

// The unit is in the database still, and about to be taken away.
func TestAUnitThatIsBeingGivenBackIsNotTakenWithoutIO(t *testing.T) {
	took := make(chan error, 1)
	a := givesBack(t, func(a *running, _ *table) {
		go func() {
			took <- a.try("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(3)) })
		}()
		until(t, "it waits, or has ended", func() bool { return len(took) > 0 || !a.Table("k").(*table).mu.TryLock() || a.unlock("k") })
	})
	if err := <-took; err != nil {
		t.Fatal(err)
	}
	if n := a.inStore(); n != 2 {
		t.Errorf("two units are in use, and %d in the store", n)
	}
}

// unlock gives back what TryLock took, so that until asks again.
func (r *running) unlock(key guard.Key) bool {
	r.Table(key).(*table).mu.Unlock()
	return false
}

// commitUnsure commits, and is told that it failed.
func (r *running) commitUnsure(key guard.Key, f func(*guard.Rows)) {
	r.t.Helper()
	x, err := r.Table(key).Begin(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	f(x.Rows())
	of := x.(*table)
	if err := r.transact(r.t.Context(), func(ctx context.Context, x *tx) error { return x.write(ctx, of) }); err != nil {
		r.t.Fatal(err)
	}
	of.newFlush().end(errUnsure)
	of.rows.CopyFrom(&of.before)
	of.mu.Unlock()
}

func TestAUnitIsNotTakenWithoutIOWhileItIsNotKnownWhetherItIsStored(t *testing.T) {
	a := inSQLite(t).patient().run(t)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
	a.change("k", func(r *guard.Rows) { r.Units = nil })
	a.commitUnsure("k", func(r *guard.Rows) { r.Seq++ }) // with which the kept unit went
	first := a.Holder()
	if err := a.try("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(2)) }); !errors.Is(err, errForgot) || errors.Is(err, errOlder) {
		t.Errorf("it is used, or taken for set back: %v", err)
	}
	until(t, "it has begun anew", func() bool { return a.Holder() != first && a.mode.Load() == alone })
	if got := a.rows("k"); got.Seq != 1 || got.Distrusted {
		t.Errorf("it has %+v", got)
	}
}

// refuses has the database take no unit of a login.
const refuses = `CREATE TRIGGER refuses BEFORE INSERT ON guard_unit WHEN NEW.key = 'sick' BEGIN SELECT RAISE(ABORT, 'no room'); END`

func TestALoginThatCannotBeWrittenKeepsNoOtherFromTheStore(t *testing.T) {
	p := inSQLite(t)
	p.TTL = 3 * time.Second
	a := p.run(t)
	a.change("sick", func(r *guard.Rows) { r.Seq = 1 })
	a.change("well", func(r *guard.Rows) { r.Seq = 1 })
	a.sets(refuses)
	var looks, all atomic.Int64
	look := func(keys []guard.Key) {
		looks.Add(1)
		if keys == nil {
			all.Add(1)
		}
		go func() { _ = a.try("sick", func(r *guard.Rows) { r.Units = []guard.Unit{failed(1, 1)} }) }()
	}
	a.Watch(look)
	look([]guard.Key{"sick"})
	until(t, "a beat has worked since", func() bool { return all.Load() == 1 })
	until(t, "it was tried at the beats after that", func() bool { return looks.Load() >= 4 })
	if n := all.Load(); n != 1 {
		t.Errorf("the store was said to work again %d times", n)
	}
	for range 100 {
		a.change("well", func(r *guard.Rows) { r.Seq++ })
	}
	a.sets(`DROP TRIGGER refuses`)
	until(t, "it is written", func() bool { return a.inStore() == 1 })
	a.Watch(func([]guard.Key) {})
}

func TestAStepThatIsHurriedIsMadeNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inSQLite(t).patient().run(t)
		a.beats()
		began := time.Now()
		for range 4 {
			a.beats()
		}
		if d := time.Since(began); d < 3*hurriedEvery {
			t.Errorf("four steps in %s", d)
		}
		a.freeze()
		began = time.Now()
		a.forgot.Store(true)
		a.hurry()
		a.stepHurried(t.Context())
		if d := time.Since(began); d > 0 {
			t.Errorf("a process that is to begin anew waits for %s", d)
		}
	})
}

func TestTheStateSaysWhyTheStoreCannotBeUsed(t *testing.T) {
	a := inSQLite(t).run(t)
	a.change("sick", func(r *guard.Rows) { r.Seq = 1 })
	a.freeze()
	a.sets(refuses)
	if err := a.try("sick", func(r *guard.Rows) { r.Units = []guard.Unit{failed(1, 1)} }); err == nil {
		t.Fatal("it was written")
	}
	if problem := a.problem(); !errors.Is(problem, errDown) || !strings.Contains(problem.Error(), "no room") {
		t.Errorf("problem %v", problem)
	}
	_ = a.step(t.Context())
	if problem := a.problem(); problem == nil || errors.Is(problem, errDown) || !strings.Contains(problem.Error(), "no room") {
		t.Errorf("once a beat worked: %v", problem)
	}
	a.change("well", func(r *guard.Rows) { r.Seq = 1 })
	if problem := a.problem(); problem != nil {
		t.Errorf("once another login was written: %v", problem)
	}
}
