//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

// A login that has no unit left has none after any loss of the store: each would be one more failed sign-in.
func TestThatNoUnitIsLeftIsKnownWhateverTheStoreForgets(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("spent", func(r *guard.Rows) { r.Seq, r.Spent = 1, true })
		a.change("good", func(r *guard.Rows) { r.Seq = 1 })
		a.change("released", func(r *guard.Rows) { r.Seq, r.Spent = 1, true })
		a.change("released", func(r *guard.Rows) { r.Seq, r.Spent = 2, false })
		a.close()
		for range 2 {
			if p.pg != nil {
				p.Place = p.pg.Database()
			} else if err := os.Remove(p.Place); err != nil {
				t.Fatal(err)
			}
			a = p.run(t)
			for key, want := range map[guard.Key]bool{"spent": true, "good": false, "released": false, "never seen": false} {
				if got := a.rows(key); got.Spent != want || !got.Distrusted {
					t.Errorf("%s: spent %v, distrusted %v", key, got.Spent, got.Distrusted)
				}
			}
			a.close()
		}
	})
}

// Both processes of a host know it, whichever of them noted it, and where one of them takes it back it is so for both.
func TestThatNoUnitIsLeftIsKnownToAllProcessesOfAHost(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	b := p.prepare(t)
	begun := make(chan error, 1)
	go func() { begun <- b.Start(t.Context(), p.Config) }()
	until(t, "there is room", func() bool { a.hurry(); return a.mode.Load() == several })
	until(t, "it is taken", func() bool { b.hurry(); return b.mode.Load() == several })
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	a.change("k", func(r *guard.Rows) { r.Seq, r.Spent = 1, true })
	if !b.rows("k").Spent {
		t.Error("the other process does not know it")
	}
	b.change("k", func(r *guard.Rows) { r.Seq, r.Spent = 2, false })
	if a.rows("k").Spent {
		t.Error("the other process does not know that it is over")
	}
}

// What is to be remembered must be on the disk before the unit is the caller's.
func TestWhereItCannotBeNotedThatNoUnitIsLeftTheLastOneIsNotGiven(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	dir := filepath.Join(p.Dir, "spent")
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := a.try("k", func(r *guard.Rows) { r.Seq, r.Spent = 2, true }); err == nil {
		t.Error("it was committed")
	}
	if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if got := a.rows("k"); got.Seq != 1 || got.Spent {
		t.Errorf("seq %d, spent %v", got.Seq, got.Spent)
	}
	a.change("k", func(r *guard.Rows) { r.Seq, r.Spent = 2, true })
}
