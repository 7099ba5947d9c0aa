package call

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// putting begins a put, and returns what came of it once it has ended.
func (w *world) putting(password string) (ended func() report.PutResult) {
	var r report.PutResult
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err = w.g.Put(context.Background(), "main", Put{Over: 1, Secret: secret.NewValue(password)})
	}()
	return func() report.PutResult {
		<-done
		if err != nil {
			w.Error(err)
		}
		return r
	}
}

func TestAPutThatIsShownToThePSAComesIntoTheStoreBeforeTheProcessEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: 10 * time.Second, Only: psatest.SignInCall})
		ended := w.putting("new-password")
		time.Sleep(3 * time.Second) // the store is read, no sooner than a second after it was read before
		w.g.Drain()
		start := time.Now()
		w.g.Finish()
		if text, version := w.inStore(); text != "new-password" || version != 2 || time.Since(start) < 5*time.Second {
			t.Errorf("version %d after %s", version, time.Since(start))
		}
		if r := ended(); !r.Written {
			t.Errorf("%+v", r)
		}
	})
}

func TestAPutThatIsUnansweredWhenTheProcessEndsSaysThatThePSAMayHaveIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Gone: true, Only: psatest.SignInCall})
		ended := w.putting("new-password")
		time.Sleep(3 * time.Second) // the store is read, no sooner than a second after it was read before
		w.g.Drain()
		start := time.Now()
		w.g.Finish()
		if r, took := ended(), time.Since(start); r.Written || took > Grace+lastWords || !strings.Contains(r.Detail, "psagate was stopped") || !strings.Contains(r.Detail, "may have taken it") || !strings.Contains(r.Detail, "version 1 serves on") {
			t.Errorf("after %s: %+v", took, r)
		}
	})
}

func TestAPutThatComesToItsAttemptWhileTheProcessEndsSendsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.g.Drain()
		w.g.Finish() // nothing is under way
		mark := w.sim.Mark()
		n := w.g.byName["main"]
		over, err := n.present(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, ahead := range []bool{false, true} {
			p := Put{Over: 1, Secret: secret.NewValue("new-password"), Ahead: ahead}
			if _, err := w.g.Put(context.Background(), "main", p); !errors.Is(err, report.ErrStopping) {
				t.Errorf("ahead %t: %v", ahead, err)
			}
			c, _, err := n.draft(context.Background(), over, p)
			if err != nil {
				t.Fatal(err)
			}
			var r report.PutResult
			n.write(context.Background(), c, ahead, &r)
			if r.Written || !strings.Contains(r.Detail, "psagate is stopping, and nothing was sent") {
				t.Errorf("ahead %t: %+v", ahead, r)
			}
		}
		if text, version := w.inStore(); text != "old-password" || version != 1 || len(w.sim.Ledger().Since(mark)) != 0 {
			t.Errorf("version %d", version)
		}
	})
}

func TestNothingIsWaitedForBeforeTheProcessIsToStop(t *testing.T) {
	inWorld(t, func(w *world) {
		end, err := w.shared.puts.begin(w.g.byName["main"].record())
		if err != nil {
			t.Fatal(err)
		}
		w.g.Finish() // returns at once
		w.g.Drain()
		start := time.Now()
		w.g.Finish()
		if took := time.Since(start); took != Grace+lastWords {
			t.Errorf("a put that does not end was waited for %s", took)
		}
		end()
	})
}

func TestAPutDuringAReloadSaysWhatItsLoginReadsNow(t *testing.T) {
	for path, want := range map[string]string{"main": "version 2 is written, and serves", "other": "this record is not login main's there"} {
		inWorld(t, func(w *world) {
			w.safe.put("other", user, "old-password")
			w.served("a")
			w.user.SetSecret("new-password")
			order := w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: 10 * time.Second, Only: psatest.SignInCall})
			old := w.g
			ended := w.putting("new-password")
			time.Sleep(3 * time.Second)
			w.cfg.Logins[0].Path = path
			w.load()
			r := ended()
			order.Release()
			if !r.Written || !strings.Contains(r.Detail, want) {
				t.Errorf("%s: %+v", path, r)
			}
			if text, version := w.inStore(); text != "new-password" || version != 2 {
				t.Errorf("version %d", version)
			}
			if path == "main" {
				w.served("a")
			}
			if r, err := old.Put(context.Background(), "main", Put{Over: 2, Secret: secret.NewValue("x")}); !errors.Is(err, report.ErrChangedSince) {
				t.Errorf("by a config that is not in force: %+v %v", r, err)
			}
		})
	}
}
