package call

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// has reports whether it was told of an event.
func (n *notes) has(e Event) bool {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.happened, func(h Happening) bool { return h.Event == e })
}

// What a put does to the login, and what happens to it meanwhile, is told as at any other time; that the PSA refused what was put is
// heard by who put it.
func TestAlertsComeWhileAPutIsUnderWay(t *testing.T) {
	t.Run("it spends the budget", func(t *testing.T) {
		inNotedWorld(t, func(w *world, n *notes) {
			w.served("a")
			w.user.SetSecret("what nobody knows")
			_ = w.call("a", "GET", "/Tickets/1", "")
			synctest.Wait()
			n.mu.Lock()
			n.happened = nil
			n.mu.Unlock()
			for i := 0; w.g.Status().Logins[0].Units.Free > 0; i++ {
				if r, err := w.put(fmt.Sprint("wrong-", i)); err != nil || r.Verdict != "refused" {
					t.Fatalf("%+v %v", r, err)
				}
			}
			n.events(t, Happening{Event: BudgetSpent, Login: "main", Version: "candidate", Zone: zoneFive})
		})
	})
	t.Run("the PSA says locked", func(t *testing.T) {
		inNotedWorld(t, func(w *world, n *notes) {
			w.served("a")
			w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Then: psatest.Answer, Status: 403, Body: errorsJSON("The user account has been locked, please see the administrator")})
			r, err := w.put("wrong")
			if err != nil || !n.has(LoginLocked) || strings.Contains(r.Detail, "serves on") {
				t.Errorf("%+v %v, told %+v", r, err, n.happened)
			}
		})
	})
	t.Run("what serves is refused", func(t *testing.T) {
		inNotedWorld(t, func(w *world, n *notes) {
			w.served("a")
			w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: 10 * time.Second, Only: psatest.SignInCall, Times: 1})
			ended := w.putting("new-password")
			time.Sleep(3 * time.Second)
			w.user.SetSecret("what nobody knows")
			w.call("a", "GET", "/Tickets/1", "")
			if !n.has(CredentialRefused) {
				t.Errorf("told %+v", n.happened)
			}
			ended()
		})
	})
}

// The process is killed between the PSA's yes and the store's writing. Long afterwards that yes counts for nothing.
func TestAnAcceptedCandidateThatNobodyWroteDoesNotServeUnseenLongAfter(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.served("a")
		w.user.SetSecret("new-password")
		n := w.g.byName["main"]
		over, err := n.present(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := n.draft(context.Background(), over, Put{Over: 1, Secret: secret.NewValue("new-password")})
		if err != nil {
			t.Fatal(err)
		}
		if res, _ := n.try(context.Background(), c); res.Verdict != guard.Accepted {
			t.Fatal(res.Verdict)
		}
		w.restart(tables, false)
		w.user.SetSecret("old-password")
		w.served("a")
		time.Sleep(48 * time.Hour)
		mark := w.sim.Mark()
		w.safe.put("main", user, "new-password")
		w.store.Refresh("main")
		time.Sleep(5 * time.Second)
		for range 6 {
			w.served("a")
		}
		if failed := w.sim.Ledger().Since(mark).Failed(); len(failed) != 1 {
			t.Errorf("%d failed sign-ins", len(failed))
		}
	})
}

// Another replica reads a version that this one never sees, and dies; the next is what this one has.
func TestAVersionThatAnotherReplicaAloneReadIsNotTheNewestForEver(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := new(kept)
		tables.shared = true
		w.restart(tables, false)
		w.served("a")
		other := NewShared(tables, w.cfg.Log)
		other.Hold()([]byte("the same key over restarts"), nil)
		theirs := &safe{records: map[string]secret.Record{}, past: map[string][]secret.Record{}}
		theirs.put("main", user, "old-password")
		theirs.put("main", user, "wrong-2")
		store := secret.NewStore("file", theirs, secret.Options{})
		store.Start(context.Background())
		cfg := w.cfg
		cfg.Stores = map[string]Store{"file": {store, "file"}}
		g, err := New(cfg, other)
		if err != nil {
			t.Fatal(err)
		}
		g.Commit()
		time.Sleep(5 * time.Second)
		g.Close()
		other.guard.Drain()
		store.Stop()
		w.safe.mu.Lock()
		rec := w.safe.records["main"]
		rec.Version = 3
		w.safe.records["main"] = rec
		w.safe.mu.Unlock()
		w.store.Refresh("main")
		time.Sleep(time.Minute)
		w.user.SetSecret("temporarily")
		for range 4 {
			w.call("a", "GET", "/Tickets/1", "")
		}
		w.user.SetSecret("old-password")
		time.Sleep(6 * time.Hour)
		w.served("a")
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 3 {
			t.Errorf("%+v serves", s)
		}
	})
}

// slowLog takes its time to say that a secret was written, so that a reading comes before the put goes on.
type slowLog struct{ slog.Handler }

func (s slowLog) WithAttrs(a []slog.Attr) slog.Handler { return slowLog{s.Handler.WithAttrs(a)} }

func (s slowLog) Handle(ctx context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "secret record written") {
		time.Sleep(10 * time.Millisecond)
	}
	return s.Handler.Handle(ctx, r)
}

// watchedTables are failing ones that know whom to tell that they can be used again.
type watchedTables struct {
	*failing
	look func([]guard.Key)
}

func (f *watchedTables) Watch(look func([]guard.Key)) { f.look = look }

func TestAPutDuringAnOutageOfTheGuardsStoreServesAfterIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end()
		tables := &watchedTables{failing: &failing{Tables: new(guard.Memory)}}
		w.shared = NewShared(tables, w.cfg.Log)
		w.shared.Hold()([]byte("a key"), nil)
		w.load()
		w.served("a")
		w.store.Configure(secret.Options{Logger: slog.New(slowLog{w.cfg.Log.Handler()})})
		w.user.SetSecret("new-password")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: 10 * time.Second, Only: psatest.SignInCall, Times: 1})
		ended := w.putting("new-password")
		time.Sleep(3 * time.Second)
		tables.fails.Store(true)
		if r := ended(); !r.Written {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Minute)
		tables.fails.Store(false)
		tables.look([]guard.Key{w.g.lanes[0].seat.guard.Key()})
		time.Sleep(time.Minute)
		w.served("a")
		w.safeNow()
	})
}

// A store that was restored counts on from a lower number.
func TestTheSameContentUnderALowerVersionThatWasMadeLaterIsItsLabel(t *testing.T) {
	inWorld(t, func(w *world) {
		begin := time.Now()
		w.restore(7, begin, "old-password")
		w.served("a")
		w.restore(1, begin.Add(time.Minute), "old-password")
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 1 {
			t.Errorf("%+v serves", s)
		}
	})
}

func TestALookAtAnotherUserCountsByTheLoginsSettings(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Logins[0].Settings = guard.Settings{Budget: 3, Threshold: 5}.WithDefaults()
		w.load()
		w.served("a")
		got, err := w.g.Writing(context.Background(), "main", "second@example.com")
		if err != nil || got.UserUnits == nil || *got.UserUnits != (report.UserUnits{Budget: 3, Free: 3}) {
			t.Errorf("%+v %v", got.UserUnits, err)
		}
	})
}
