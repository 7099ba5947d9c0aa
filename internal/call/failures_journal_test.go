package call

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// journalOf returns the journal of a process on a store's file.
func journalOf(t *testing.T, file, dir string) *accounts {
	t.Helper()
	s := store.New(slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context(), store.Config{Kind: store.SQLite, Place: file, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	a := newAccounts()
	a.journal = s.Journal()
	t.Cleanup(func() { _ = s.Close() })
	return a
}

// told waits until accounts tell of so many failures of a user, and returns what they tell.
func told(t *testing.T, a *accounts, key guard.Key, failures int) extract {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		all, _, _ := a.extracts(t.Context())
		for _, x := range all {
			if x.key == key && len(x.failures) == failures {
				return x
			}
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%+v", all)
		}
	}
}

func TestEachProcessTellsOfTheFailuresOfAll(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "store", "psagate.db")
	a, b := journalOf(t, file, filepath.Join(dir, "a")), journalOf(t, file, filepath.Join(dir, "b"))
	a.served("one", "itglue", "4", true)
	a.fail("one", report.FailedAttempt{Login: "main", Integration: "itglue", Version: 4, Verdict: "refused"})
	x := told(t, b, "one", 1)
	if f := x.failures[0]; f.Integration != "itglue" || f.Login != "main" || f.Version != 4 || x.failed != 1 || x.success.IsZero() {
		t.Errorf("%+v", x)
	}
	if len(x.uses) != 1 || x.uses[0].By[0].Integration != "itglue" {
		t.Errorf("uses %+v", x.uses)
	}
	b.fail("one", report.FailedAttempt{Login: "main", Integration: "backup", Verdict: "refused"})
	if x := told(t, a, "one", 2); x.failed != 2 || x.failures[1].Integration != "backup" {
		t.Errorf("%+v", x)
	}
	b.released("one")
	b.fail("one", report.FailedAttempt{Login: "main", Integration: "backup", Verdict: "refused"})
	if x := told(t, a, "one", 3); x.failed != 1 {
		t.Errorf("%d failed since the release", x.failed)
	}
	if x := told(t, b, "one", 3); x.failed != 1 {
		t.Errorf("%d failed since its own release", x.failed)
	}
}
