package call

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// replica is another process on the same tables, with a secret store of its own whose record has the same version and another
// password.
func (w *world) replica(tables *kept, password string) *Gateway {
	w.Helper()
	own := &safe{records: map[string]secret.Record{}, past: map[string][]secret.Record{}}
	own.put("main", user, password)
	store := secret.NewStore("file", own, secret.Options{Logger: w.cfg.Log})
	store.Start(context.Background())
	shared := NewShared(tables, w.cfg.Log)
	shared.Hold()([]byte("the same key over restarts"), nil)
	cfg := w.cfg
	cfg.Stores = map[string]Store{"file": {store, "file"}}
	g, err := New(cfg, shared)
	if err != nil {
		w.Fatal(err)
	}
	g.Commit()
	w.after = append(w.after, func() { g.Close(); shared.guard.Drain(); store.Stop() })
	synctest.Wait()
	return g
}

// Two replicas whose stores differ are told apart, by each of them, and nothing is said of a restart that was none.
func TestReplicasWhoseSecretsDifferAreToldApart(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin().(*kept)
		w.served("a")
		tables.shared = true
		other := w.replica(tables, "new-password")
		for range 3 {
			_, _ = other.Check(context.Background(), "main")
			time.Sleep(time.Second)
		}
		first := w.g.Status().Logins[0]
		if n := first.Newest; n == nil || !n.Elsewhere || !n.Since.IsZero() || n.State != "refused" {
			t.Errorf("the first one's newest: %+v", n)
		}
		if l := w.failures(); !strings.HasPrefix(l.Next, "Give all replicas the ") {
			t.Errorf("state %s, next %q", l.State, l.Next)
		}
		f, err := other.Failures("main", time.Now().Add(-time.Hour))
		if err != nil || f.Logins[0].Newest == nil || f.Logins[0].Newest.Elsewhere {
			t.Errorf("the other's: %+v, %v", f, err)
		}
		var text strings.Builder
		report.Printer{Out: &text, Location: time.UTC}.Status(w.g.Status())
		report.Printer{Out: &text, Location: time.UTC}.Status(other.Status())
		if strings.Contains(text.String(), "106751d") {
			t.Errorf("an age of nothing:\n%s", text.String())
		}
		if log := w.log.String(); strings.Contains(log, "before the restart") || !strings.Contains(log, "by another replica, or before a restart") || !strings.Contains(log, "go on with it") {
			t.Errorf("the log:\n%s", log)
		}
	})
}
