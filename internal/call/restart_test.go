package call

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// kept are tables that outlive a process in a test. A timer of an ended process may still come to them beside the next one,
// so each login's transactions go one by one.
type kept struct {
	guard.Memory
	locks  sync.Map // of guard.Key, the *sync.Mutex of that login's rows
	shared bool     // several processes live
}

func (k *kept) Table(key guard.Key) guard.Table {
	mu, _ := k.locks.LoadOrStore(key, new(sync.Mutex))
	return keptTable{k.Memory.Table(key), mu.(*sync.Mutex), k.shared}
}

type keptTable struct {
	guard.Table
	mu     *sync.Mutex
	shared bool
}

func (t keptTable) Shared() bool { return t.shared }

func (t keptTable) Begin(ctx context.Context) (guard.Tx, error) {
	t.mu.Lock()
	tx, err := t.Table.Begin(ctx)
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	return keptTx{tx, t.mu}, nil
}

type keptTx struct {
	guard.Tx
	mu *sync.Mutex
}

func (t keptTx) Commit() error {
	defer t.mu.Unlock()
	return t.Tx.Commit()
}

// restart ends the process, and begins another one on the same tables. The file has the newest version alone, as a file
// store does, where that is said.
func (w *world) restart(tables guard.Tables, file bool) {
	w.Helper()
	w.end()
	if file {
		w.safe.mu.Lock()
		clear(w.safe.past)
		w.safe.mu.Unlock()
	}
	w.shared = NewShared(tables, w.cfg.Log)
	w.shared.Hold()([]byte("the same key over restarts"), nil)
	w.load()
	time.Sleep(time.Second)
	synctest.Wait()
}

// end ends the process: nothing of it goes on with the tables.
func (w *world) end() {
	w.g.Close()
	w.g = nil
	w.shared.guard.Drain()
	synctest.Wait()
}

// begin is a first process on tables that outlive it.
func (w *world) begin() guard.Tables {
	tables := new(kept)
	w.restart(tables, false)
	return tables
}

func TestAnOrdinaryRestartCostsNoSignIn(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		before := len(w.sim.Ledger().Of(user))
		w.restart(tables, false)
		w.served("a")
		if n := len(w.sim.Ledger().Of(user)) - before; n != 1 {
			t.Errorf("%d sign-ins for one call", n)
		}
	})
}

func TestAfterARestartTheOlderVersionServesUntilThePSAChanges(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		w.safe.put("main", user, "new-password")
		w.store.Refresh("main")
		time.Sleep(5 * time.Second)
		w.served("a") // the newest was refused by now
		failed := w.failed()
		w.restart(tables, false)
		for range 5 {
			w.served("a")
		}
		if n := w.failed(); n != failed {
			t.Errorf("%d failed sign-ins, %d before the restart", n, failed)
		}
		if r := w.g.Status().Logins[0].LastRefusal; r == nil || r.At.IsZero() || r.Reason != "" {
			t.Errorf("of the refusal before the restart it says %+v", r)
		}
		w.user.SetSecret("new-password")
		w.served("a")
	})
}

func TestAfterARestartANewestThatIsAloneServesOnceThePSATakesIt(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		w.safe.put("main", user, "new-password")
		w.store.Refresh("main")
		time.Sleep(5 * time.Second)
		w.served("a")
		w.restart(tables, true)
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != http.StatusServiceUnavailable {
			t.Errorf("status %d while nothing that is known is good", a.status)
		}
		w.user.SetSecret("new-password")
		time.Sleep(5 * time.Hour)
		w.served("a")
		w.safeNow()
	})
}

func TestWithAnotherInstallationKeyTheFormerOneStillTells(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		before := len(w.sim.Ledger().Of(user))
		w.end()
		w.shared = NewShared(tables, w.cfg.Log)
		w.shared.Hold()([]byte("a key that was made since"), []byte("the same key over restarts"))
		w.load()
		synctest.Wait()
		w.served("a")
		if n := len(w.sim.Ledger().Of(user)) - before; n != 1 {
			t.Errorf("%d sign-ins for one call", n)
		}
	})
}

// failing are tables that cannot be used for a while.
type failing struct {
	guard.Tables
	fails atomic.Bool
}

func (f *failing) Table(key guard.Key) guard.Table { return failingTable{f.Tables.Table(key), f} }

type failingTable struct {
	guard.Table
	of *failing
}

func (t failingTable) Begin(ctx context.Context) (guard.Tx, error) {
	if t.of.fails.Load() {
		return nil, errors.New("it cannot be used")
	}
	return t.Table.Begin(ctx)
}

func TestUntilTheTablesCanBeUsedCallsWait(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end()
		w.shared = NewShared(new(guard.Memory), w.cfg.Log)
		begin := w.shared.Hold()
		w.load()
		go func() {
			time.Sleep(10 * time.Second)
			begin([]byte("a key"), nil)
		}()
		start := time.Now()
		w.served("a")
		if waited := time.Since(start); waited < 10*time.Second {
			t.Errorf("it was served after %s", waited)
		}
	})
}

func TestThatTheGuardsStoreCannotBeUsedIsSeenAndToldOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end()
		tables := &failing{Tables: new(guard.Memory)}
		w.shared = NewShared(tables, w.cfg.Log)
		heard := &notes{attempts: map[string]int{}}
		w.shared.Observe(heard)
		w.shared.Hold()([]byte("a key"), nil)
		w.load()
		w.served("a")
		tables.fails.Store(true)
		for range 3 {
			if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != string(guard.StoreUnavailable) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		l := w.g.Status().Logins[0]
		if l.State != report.LoginNoStore || l.Units.Free != 0 || l.Lockout.Distance != l.Lockout.Threshold-l.Units.Budget {
			t.Errorf("status: %+v", l)
		}
		if f := w.allFailures("main"); !f.Any() || !f.Unread {
			t.Errorf("what failed while the store cannot be read: %+v", f)
		}
		tables.fails.Store(false)
		w.served("a")
		w.served("a")
		heard.events(t,
			Happening{Event: CredentialAccepted, Login: "main", Version: "1", Zone: zoneFive},
			Happening{Event: StoreUnavailable, Login: "main"},
			Happening{Event: LoginRecovered, Login: "main", Version: "1", Zone: zoneFive})
		if l := w.g.Status().Logins[0]; l.State != report.LoginServing {
			t.Errorf("afterwards it is %s", l.State)
		}
	})
}

func TestARecordThatCouldNotBeTakenOverIsTakenOverLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end()
		tables := &failing{Tables: new(guard.Memory)}
		tables.fails.Store(true)
		w.shared = NewShared(tables, w.cfg.Log)
		w.load()
		synctest.Wait()
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != string(guard.StoreUnavailable) {
			t.Errorf("%d %s", a.status, a.body)
		}
		// The guard's store says nothing of the record.
		if l := w.g.Status().Logins[0]; l.State != report.LoginNoStore || slices.ContainsFunc(l.Problems, func(p string) bool { return strings.Contains(p, "cannot be used") }) {
			t.Errorf("%s: %q", l.State, l.Problems)
		}
		if strings.Contains(w.log.String(), "record cannot be used") {
			t.Errorf("the record is blamed: %s", w.log)
		}
		tables.fails.Store(false)
		time.Sleep(againAfter + time.Second)
		w.served("a")
		if l := w.g.Status().Logins[0]; len(l.Problems) > 0 {
			t.Errorf("afterwards: %q", l.Problems)
		}
	})
}
