package call

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// board is guard's tables in memory with switches that processes share.
type board struct {
	on atomic.Int32 // how often it was told that somebody is on again
	guard.Memory
	mu   sync.Mutex
	off  []store.Switched
	down error
	hang chan struct{} // a SwitchOff waits for it; nil: none does
}

func (b *board) SwitchOff(_ context.Context, w store.Switched) error {
	if b.hang != nil {
		<-b.hang
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down == nil {
		b.off = append(slices.DeleteFunc(b.off, func(o store.Switched) bool { return o.Name == w.Name }), w)
	}
	return b.down
}

func (b *board) SwitchOn(_ context.Context, name string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.off)
	b.off = slices.DeleteFunc(b.off, func(o store.Switched) bool { return o.Name == name })
	return len(b.off) < n, b.down
}

func (b *board) SwitchedOff(context.Context) ([]store.Switched, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.off), b.down
}

func (b *board) breaks(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// inSharedWorld runs a test in a world whose switches are a board's; watched: it looks at that by itself.
func inSharedWorld(t *testing.T, watched bool, f func(w *world, b *board)) {
	t.Helper()
	inWorld(t, func(w *world) {
		b := new(board)
		w.g.Close()
		w.g, w.shared = nil, NewShared(b, w.cfg.Log)
		if watched {
			ctx, cancel := context.WithCancel(context.Background())
			w.after = append(w.after, cancel)
			go w.shared.WatchSwitches(ctx, func() { b.on.Add(1) })
		}
		w.load()
		f(w, b)
	})
}

// isOff demands that an integration is told that it is disabled, and the PSA hears nothing.
func (w *world) isOff(integration, reason string) {
	w.Helper()
	before := w.arrived()
	a := w.call(integration, "GET", "/Tickets/1", "")
	w.refusedFor(a, 403, "disabled", "")
	if !strings.Contains(a.body, reason) || w.arrived() != before {
		w.Errorf("%s, and %d calls at the PSA", a.body, w.arrived()-before)
	}
}

func TestWhoIsSwitchedOffHearsItAtOnceAndOverReloads(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		if done, err := w.g.Disable(t.Context(), "a", "it loops"); err != nil || done != (report.Switch{Integration: "a", Disabled: true, Changed: true}) {
			t.Fatal(done, err)
		}
		w.isOff("a", "disabled: it loops")
		w.served("b")
		w.load()
		w.isOff("a", "disabled: it loops")
		if off := w.g.Status().Disabled; len(off) != 1 || off[0].Integration != "a" || off[0].Reason != "it loops" {
			t.Errorf("the status has %+v", off)
		}
		for _, was := range []bool{true, false} {
			if done, err := w.g.Enable(t.Context(), "a"); err != nil || done != (report.Switch{Integration: "a", Changed: was}) {
				t.Error(done, err)
			}
		}
		w.served("a")
		w.safeNow()
	})
}

// Mails wait for who is switched off: that he is on again is told, whichever process did it, and nothing else is.
func TestThatSomebodyIsOnAgainIsTold(t *testing.T) {
	inSharedWorld(t, true, func(w *world, b *board) {
		told := func(want int32) {
			w.Helper()
			time.Sleep(2 * lookEvery)
			if got := b.on.Swap(0); got != want {
				w.Errorf("told %d times, want %d", got, want)
			}
		}
		if _, err := w.g.Disable(w.Context(), "a", ""); err != nil {
			w.Fatal(err)
		}
		told(0)
		if _, err := w.g.Enable(w.Context(), "a"); err != nil {
			w.Fatal(err)
		}
		told(1)
		if err := b.SwitchOff(w.Context(), store.Switched{Name: "a"}); err != nil { // as another process does
			w.Fatal(err)
		}
		told(0)
		if _, err := b.SwitchOn(w.Context(), "a"); err != nil {
			w.Fatal(err)
		}
		told(1)
		b.breaks(errors.New("the store is away"))
		told(0)
		b.breaks(nil)
		told(0)
	})
}

func TestWhatCannotBeSwitched(t *testing.T) {
	inWorld(t, func(w *world) {
		if _, err := w.g.Disable(t.Context(), "stranger", ""); !errors.Is(err, report.ErrUnknownIntegration) {
			t.Errorf("a stranger: %v", err)
		}
		if _, err := w.g.Enable(t.Context(), "stranger"); !errors.Is(err, report.ErrUnknownIntegration) {
			t.Errorf("a stranger: %v", err)
		}
		for _, reason := range []string{strings.Repeat("x", 201), "two\nlines", "of\u2028two", "no text: \xff", "turned \u202eround", "\u009b2J"} {
			var unfit report.Unfit
			if _, err := w.g.Disable(t.Context(), "a", reason); !errors.As(err, &unfit) {
				t.Errorf("the reason %.10q…: %v", reason, err)
			}
		}
		w.change("a", func(i *Integration) { i.Disabled = true })
		if done, err := w.g.Enable(t.Context(), "a"); err != nil || !done.Disabled {
			t.Errorf("disabled by the config: %+v, error %v", done, err)
		}
	})
}

func TestAnotherReplicasSwitchIsSeenWithinASecond(t *testing.T) {
	inSharedWorld(t, true, func(w *world, b *board) {
		w.served("a")
		if err := b.SwitchOff(t.Context(), store.Switched{Name: "a", Reason: "there"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.isOff("a", "there")
		b.breaks(errors.New("the disk is gone")) // what is known holds on
		time.Sleep(time.Minute)
		w.isOff("a", "there")
		w.served("b")
		b.breaks(nil)
		if _, err := b.SwitchOn(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.served("a")
	})
}

func TestBeforeItIsKnownWhoIsOffNobodyComesThrough(t *testing.T) {
	inSharedWorld(t, false, func(w *world, b *board) {
		_ = b.SwitchOff(t.Context(), store.Switched{Name: "a"})
		b.breaks(errors.New("the disk is gone"))
		if a := w.call("b", "GET", "/Tickets/1", ""); a.reason() != "store-unavailable" {
			t.Errorf("while the store cannot be read: %d %s", a.status, a.reason())
		}
		b.breaks(nil)
		w.isOffLate("a")
		w.served("b")
		w.safeNow()
	})
}

// isOffLate is isOff for a call that finds out when it has its unit, which another sign-in may have been for.
func (w *world) isOffLate(integration string) {
	w.Helper()
	if a := w.call(integration, "GET", "/Tickets/1", ""); a.status != 403 || a.reason() != "disabled" {
		w.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
}

func TestWhoWaitsIsSwitchedOffToo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		inFlight := w.cfg.Logins[0].Settings.InFlight
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: inFlight, Delay: 5 * time.Second})
		later(time.Second, func() {
			if _, err := w.g.Disable(t.Context(), "a", ""); err != nil {
				t.Error(err)
			}
		})
		var served, off int
		var mu sync.Mutex
		parallel(inFlight+4, func(int) {
			a := w.call("a", "GET", "/Tickets/1", "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.status == 200:
				served++
			case a.reason() == "disabled":
				off++
			}
		})
		synctest.Wait()
		if served == 0 || served > inFlight || served+off != inFlight+4 { // those that were at the PSA then, and nobody else
			t.Errorf("%d served, %d switched off", served, off)
		}
		if st := w.g.Status().Logins[0].Units; st.Free != st.Budget {
			t.Errorf("units are not given back: %+v", st)
		}
		w.served("b")
		w.safeNow()
	})
}

func TestASwitchHoldsHereAtOnceWhileTheStoreIsAway(t *testing.T) {
	inSharedWorld(t, true, func(w *world, b *board) {
		w.served("a")
		b.breaks(errors.New("the disk is gone"))
		done, err := w.g.Disable(t.Context(), "a", "it loops")
		if want := (report.Switch{Integration: "a", Disabled: true, Changed: true, HereAlone: true}); err != nil || done != want {
			t.Fatalf("%+v, error %v", done, err)
		}
		w.isOff("a", "it loops")
		w.load()
		w.isOff("a", "it loops")
		if off := w.g.Status().Disabled; len(off) != 1 || !off[0].HereAlone || off[0].Reason != "it loops" {
			t.Errorf("the status has %+v", off)
		}
		if _, err := w.g.Enable(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "the store cannot be used") || !strings.Contains(err.Error(), "say it again") {
			t.Errorf("while the store is away: %v", err)
		}
		w.isOff("a", "it loops")
		b.breaks(nil)
		time.Sleep(time.Second)
		if list, _ := b.SwitchedOff(t.Context()); len(list) != 1 || list[0].Reason != "it loops" {
			t.Errorf("the others hear %+v", list)
		}
		if off := w.g.Status().Disabled; len(off) != 1 || off[0].HereAlone {
			t.Errorf("the status has %+v", off)
		}
		w.isOff("a", "it loops")
		if done, err := w.g.Enable(t.Context(), "a"); err != nil || !done.Changed {
			t.Errorf("%+v, error %v", done, err)
		}
		w.served("a")
		w.safeNow()
	})
}

func TestASwitchHoldsHereWhileTheStoreHangs(t *testing.T) {
	inSharedWorld(t, false, func(w *world, b *board) {
		w.served("a")
		b.hang = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { _, _ = w.g.Disable(t.Context(), "a", "it loops") })
		time.Sleep(time.Second)
		if i, off := w.shared.switches.disabled(&w.cfg.Integrations[0].Integration); !off || i.DisabledReason != "it loops" {
			t.Error("it is on while the store hangs")
		}
		close(b.hang)
		all.Wait()
		w.isOff("a", "it loops")
	})
}

func TestASwitchThatTheStoreNeverHeardOfIsEndedAllTheSame(t *testing.T) {
	inSharedWorld(t, false, func(w *world, b *board) {
		w.served("a")
		b.breaks(errors.New("the disk is gone"))
		if _, err := w.g.Disable(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		b.breaks(nil)
		if done, err := w.g.Enable(t.Context(), "a"); err != nil || done != (report.Switch{Integration: "a", Changed: true}) {
			t.Errorf("%+v, error %v", done, err)
		}
		w.served("a")
		if list, _ := b.SwitchedOff(t.Context()); len(list) != 0 {
			t.Errorf("the others hear %+v", list)
		}
	})
}
