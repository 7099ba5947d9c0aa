package call

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// kill ends the process while calls of an integration are at the PSA, and begins another one on what it had in its tables
// then: all that a process leaves that is killed.
func (w *world) kill(tables guard.Tables, integration string, calls int) {
	w.Helper()
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true})
	for range calls {
		go func() { _, _ = w.try(context.Background(), integration, "GET", "/Companies/1", "") }()
	}
	if err := held.WaitHeld(context.Background(), calls); err != nil {
		w.Fatal(err)
	}
	left, key := new(guard.Rows), w.g.lanes[0].sitting().guard.Key()
	inRows(w, tables, key, func(r *guard.Rows) { left.CopyFrom(r) })
	held.Release()
	synctest.Wait()
	after := new(kept)
	left.Adopt(func(string) bool { return true }, after.Holder())
	inRows(w, after, key, func(r *guard.Rows) { r.CopyFrom(left) })
	w.restart(after, false)
}

func inRows(w *world, tables guard.Tables, key guard.Key, f func(*guard.Rows)) {
	w.Helper()
	tx, err := tables.Table(key).Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	f(tx.Rows())
	if err := tx.Commit(); err != nil {
		w.Fatal(err)
	}
}

func TestCallsThatAKilledProcessHadUnderWayAreToldOf(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		w.kill(tables, "a", 2)
		told := func(want report.UnitsBy, next string) {
			t.Helper()
			f := w.allFailures("main")
			if l := f.Logins[0]; !f.Any() || !slices.Equal(l.UnitsBy, []report.UnitsBy{want}) || !strings.Contains(l.Next, next) {
				t.Errorf("any %v, units by %+v, next %q", f.Any(), l.UnitsBy, l.Next)
			}
		}
		told(report.UnitsBy{Integration: "a", Lost: 2}, "no answer is known to 2 calls of a, as where psagate was killed")
		time.Sleep(2 * time.Minute)
		told(report.UnitsBy{Integration: "a", Unknown: 2}, "no answer is known to 2 calls of a, as where psagate was killed")
		w.served("b")
		if f := w.allFailures("main"); f.Any() || len(f.Logins[0].UnitsBy) != 0 {
			t.Errorf("%+v", f.Logins[0])
		}
	})
}
