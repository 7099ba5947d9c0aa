package call

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// gone are tables that cannot be used for a while.
type gone struct {
	kept
	now atomic.Bool
}

func (g *gone) Table(key guard.Key) guard.Table { return goneTable{g.kept.Table(key), &g.now} }

type goneTable struct {
	guard.Table
	now *atomic.Bool
}

func (t goneTable) Begin(ctx context.Context) (guard.Tx, error) {
	if t.now.Load() {
		return nil, errors.New("the store is gone")
	}
	return t.Table.Begin(ctx)
}

// Failures of people that cannot be recorded now are recorded as soon as they can be, and however many come, they pile up nothing.
func TestPeoplesFailuresWaitForTheStoreInOnePlace(t *testing.T) {
	for name, locked := range map[string]bool{"refused": false, "locked": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				tables := new(gone)
				w.restart(tables, false)
				w.served("a")
				tables.now.Store(true)
				before := runtime.NumGoroutine()
				for i := range 2000 {
					w.g.WebFailed(WebFailure{Login: "main", User: user, Locked: locked && i == 1500, Sign: "the sign"})
				}
				if n := runtime.NumGoroutine() - before; n > 20 {
					t.Errorf("%d goroutines wait", n)
				}
				tables.now.Store(false)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				st := w.g.Status().Logins[0]
				if st.Units.Failed != 7 || (st.State == report.LoginLocked) != locked {
					t.Errorf("%+v, %s", st.Units, st.State)
				}
			})
		})
	}
}
