//go:build unix

package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/guard"
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
	if err := Restore(t.Context(), file, p.Place, p.Dir); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Fatalf("while a process lives: %v", err)
	}
	a.close()
	if err := Restore(t.Context(), file, p.Place, p.Dir); err != nil {
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
		if err := Restore(t.Context(), file, p.Place, p.Dir); err == nil {
			t.Errorf("%s was restored", what)
		}
	}
	if err := Restore(t.Context(), "/nowhere", p.Place, p.Dir); err == nil {
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
