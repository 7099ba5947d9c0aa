package caddymodule

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/store"
)

// backedUp puts Caddy's data in a directory of the test, runs a store there, and returns the store's place and a backup of it.
func backedUp(t *testing.T) (place, file string) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	place, file = new(Store).path(), filepath.Join(t.TempDir(), "backup.db")
	s := store.New(slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context(), store.Config{Kind: store.SQLite, Place: place, Dir: dataPath("state")}); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := s.Backup(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return place, file
}

func TestARestoreSaysWhatItKeptAndNothingOfAnOlderOne(t *testing.T) {
	place, file := backedUp(t)
	for _, kept := range []string{place + ".before.\n", place + ".before.2.\n"} {
		got := run(t, "store", "restore", file)
		if !strings.HasPrefix(got.out, place+": restored; the store that was there is kept as "+kept) || got.status != exitYes {
			t.Errorf("%+v", got)
		}
	}
	if err := os.Remove(place); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "store", "restore", file); !strings.HasPrefix(got.out, place+": restored.\n") || !strings.Contains(got.out, "for up to its ttl, 15s by default") {
		t.Errorf("%+v", got)
	}
}
