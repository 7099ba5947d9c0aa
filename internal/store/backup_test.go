//go:build unix

package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/realparts"
)

func TestABackupHasWhatWasCommittedAndComesBackDistrusted(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	var backup bytes.Buffer
	if err := a.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	a.change("k", func(r *guard.Rows) { r.Seq = 2 })
	file := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(file, backup.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), file, p.Place, p.Dir); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Fatalf("while a process lives: %v", err)
	}
	a.close()
	if _, err := Restore(t.Context(), file, p.Place, p.Dir); err != nil {
		t.Fatal(err)
	}
	b := p.run(t)
	if got := b.rows("k"); got.Seq != 1 || !got.Distrusted {
		t.Errorf("there is %+v", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(p.Place), ".backup-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if info, err := os.Stat(p.Place); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(p.Place + ".before"); err != nil {
		t.Errorf("the store that was there is gone: %v", err)
	}
}

func TestWhatIsNoBackupIsNotRestored(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	var backup bytes.Buffer
	if err := a.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	a.close()
	for what, content := range map[string][]byte{
		"a text":     []byte("hello"),
		"nothing":    {},
		"half of it": backup.Bytes()[:backup.Len()/2],
	} {
		file := filepath.Join(t.TempDir(), "backup.db")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), file, p.Place, p.Dir); err == nil {
			t.Errorf("%s was restored", what)
		}
	}
	if _, err := Restore(t.Context(), "/nowhere", p.Place, p.Dir); err == nil {
		t.Error("what is not there was restored")
	}
	if got := p.run(t).rows("k"); got.Seq != 1 || got.Distrusted {
		t.Errorf("there is %+v", got)
	}
}

func TestPostgreSQLHasItsOwnBackups(t *testing.T) {
	a := placeOf(t, PostgreSQL).run(t)
	if err := a.Backup(t.Context(), new(bytes.Buffer)); !errors.Is(err, ErrNoBackup) {
		t.Error(err)
	}
}

// A restoration that was killed leaves files that SQLite would take for the next one's.
func TestARestorationThatBrokeOffIsNotMixedWithTheNext(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 77 })
	var backup bytes.Buffer
	if err := a.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	a.close()
	file, next := filepath.Join(t.TempDir(), "backup.db"), p.Place+".new"
	put := func(path string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(file, backup.Bytes())
	put(next, backup.Bytes())
	db, err := sqlite{}.open(next)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE guard_login SET seq = 1`); err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(next + "-wal")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	put(next+"-wal", wal)
	put(p.Place+".before-wal", wal)
	kept, err := Restore(t.Context(), file, p.Place, p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept + "-wal"); err == nil || kept == "" {
		t.Error("what was there before the last time is taken for part of what was there this time")
	}
	if got := p.run(t).rows("k"); got.Seq != 77 {
		t.Errorf("seq %d, the backup has 77", got.Seq)
	}
}

// Each page but the first, which is none without it, is damaged in turn.
func TestADamagedStoreIsRefusedAtTheStartWhicheverPageItIs(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { *r = full(a.Holder()) })
	a.close()
	whole, err := os.ReadFile(p.Place)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	refused := 0
	for at := page; at < len(whole); at += page {
		damaged := slices.Clone(whole)
		copy(damaged[at:], bytes.Repeat([]byte{0xff}, page))
		if err := os.WriteFile(p.Place, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		r := p.prepare(t)
		switch err := r.Start(t.Context(), p.Config); {
		case err == nil:
			t.Errorf("page %d is damaged, and it is used", at/page+1)
		case !errors.Is(err, errBroken):
			t.Errorf("page %d: %v", at/page+1, err)
		default:
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("%d pages", refused)
	}
}

func TestARestorationThatBrokeOffLeavesWhatItPutAside(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	var backup bytes.Buffer
	if err := a.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	a.close()
	aside, file := p.Place+".before", filepath.Join(t.TempDir(), "backup.db")
	err := errors.Join(os.Rename(p.Place, aside), os.WriteFile(file, backup.Bytes(), 0o600))
	was, _ := os.ReadFile(aside)
	kept, failed := Restore(t.Context(), file, p.Place, p.Dir)
	if err = errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	if kept != "" {
		t.Errorf("it says that it kept %s, and no store was there", kept)
	}
	if is, err := os.ReadFile(aside); err != nil || !bytes.Equal(is, was) {
		t.Errorf("the store that the first try put aside is gone: %v", err)
	}
}

func TestEachStoreThatARestorationTookThePlaceOfIsKept(t *testing.T) {
	p := inSQLite(t)
	file := filepath.Join(t.TempDir(), "backup.db")
	for n, end := range []string{".before", ".before.2", ".before.3"} {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Seq = uint64(100 * (n + 1)) })
		var backup bytes.Buffer
		err := errors.Join(a.Backup(t.Context(), &backup), os.WriteFile(file, backup.Bytes(), 0o600))
		a.close()
		kept, failed := Restore(t.Context(), file, p.Place, p.Dir)
		if err = errors.Join(err, failed); err != nil || kept != p.Place+end {
			t.Fatalf("restored for the %d. time: %v, kept as %q", n+1, err, kept)
		}
	}
	for n, end := range []string{".before", ".before.2", ".before.3"} {
		old := p
		old.Place += end
		if got := old.run(t).rows("k"); got.Seq < uint64(100*(n+1)) || got.Seq >= uint64(100*(n+2)) {
			t.Errorf("%s has seq %d", end, got.Seq)
		}
	}
}

func TestWhatIsRestoredBelongsToWhoHadTheStore(t *testing.T) {
	if os.Geteuid() != 0 {
		realparts.LeftOut(t, "only root can give a file away")
	}
	for what, left := range map[string]bool{"the store's owner": true, "its folder's, where it is gone": false} {
		t.Run(what, func(t *testing.T) {
			p := inSQLite(t)
			a := p.run(t)
			var backup bytes.Buffer
			if err := a.Backup(t.Context(), &backup); err != nil {
				t.Fatal(err)
			}
			a.close()
			file := filepath.Join(t.TempDir(), "backup.db")
			err := os.WriteFile(file, backup.Bytes(), 0o600)
			if left {
				err = errors.Join(err, os.Chown(p.Place, 4242, 4343))
			} else {
				err = errors.Join(err, os.Remove(p.Place), os.Chown(filepath.Dir(p.Place), 4242, 4343))
			}
			_, failed := Restore(t.Context(), file, p.Place, p.Dir)
			if err = errors.Join(err, failed); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(p.Place)
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 4242 || owner.Gid != 4343 || info.Mode().Perm() != 0o600 {
				t.Errorf("it is %d:%d's, %s", owner.Uid, owner.Gid, info.Mode())
			}
		})
	}
}

func TestNothingIsRestoredWhereItIsNotKnownWhetherPsagateRuns(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	a.change("k", func(r *guard.Rows) { r.Seq = 1 })
	file := filepath.Join(t.TempDir(), "backup.db")
	var backup bytes.Buffer
	err := errors.Join(a.Backup(t.Context(), &backup), os.WriteFile(file, backup.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), file, p.Place, filepath.Join(t.TempDir(), "of another user")); err == nil || !strings.Contains(err.Error(), "run this as psagate does") {
		t.Errorf("under a process that lives: %v", err)
	}
}
