package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrNoBackup: the store is not a file, so its own tools make backups of it.
var ErrNoBackup = errors.New("the store is in PostgreSQL: make backups of the database with pg_dump")

// Backup writes a copy of the store to w as it is at one moment. A copy of the file itself would be torn: part of what was
// committed is in the file beside it.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if !s.started.Load() {
		return errNotOpen
	}
	if s.cfg.Kind != SQLite {
		return ErrNoBackup
	}
	dir, err := os.MkdirTemp(filepath.Dir(s.cfg.Place), ".backup-") // 0700
	if err != nil {
		return fmt.Errorf("making a place for the copy: %w", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy.db")
	if err := vacuumInto(ctx, s.cfg.Place, copied); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("sending the copy: %w", err)
	}
	return nil
}

// vacuumInto copies the store on a connection of its own, beside which others go on.
func vacuumInto(ctx context.Context, from, to string) error {
	db, err := sqlite{}.open(from)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return fmt.Errorf("copying the store: %w", err)
	}
	return nil
}

// Restore puts a backup in the place of a store of SQLite, which no process may use. dir is this host's: see Config. The store
// that was there is kept beside it, with .before at the end of its name, or .before.2 and so on where there is one from an earlier
// time; kept is its name, empty where no store was there. A process that starts with the backup finds that it has forgotten
// something.
func Restore(ctx context.Context, from, place, dir string) (kept string, err error) {
	if err := check(ctx, from); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	if err := mayRestore(place, dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return "", fmt.Errorf("the folder of the store: %w", err)
	}
	next := place + ".new"
	if err := prepare(ctx, from, next); err != nil {
		return "", err
	}
	if err := giveTo(next, place); err != nil {
		return "", err
	}
	if kept, err = putAside(place); err != nil {
		return "", err
	}
	if err = os.Rename(next, place); err != nil && kept != "" {
		err = fmt.Errorf("the store that was there is %s now: %w", kept, err)
	}
	if err != nil {
		return kept, fmt.Errorf("putting the backup in its place: %w", err)
	}
	return kept, nil
}

// mayRestore says why a store must not be replaced now, as far as this host's folder tells, or nil.
func mayRestore(place, dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("whether psagate runs with the store %s is noted in %s, which cannot be read: run this as psagate does, with the same HOME or XDG_DATA_HOME; where psagate never ran, make that folder, its user's own, first: %w", place, dir, err)
	}
	if inUse(filepath.Join(dir, "alive-"+placeName(sqlite{}.name(place)))) {
		return fmt.Errorf("psagate runs with the store %s: stop it first", place)
	}
	return nil
}

// ends are what SQLite puts at the end of a store's name to name its files. What is committed is in all of them.
var ends = [...]string{"-wal", "-shm", ""}

// clearAway takes a store's files away, whatever is left of them.
func clearAway(path string) error {
	for _, end := range ends {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// prepare makes the store that comes from a backup, beside its place. What is left of one that broke off would be taken for
// part of it.
func prepare(ctx context.Context, from, next string) error {
	if err := clearAway(next); err != nil {
		return fmt.Errorf("writing the store: %w", err)
	}
	if err := copyFile(from, next); err != nil {
		return err
	}
	return distrust(ctx, next)
}

// giveTo makes a file that of whoever has the store in a place, or its folder where there is none: root restores for another.
func giveTo(file, place string) error {
	like, err := os.Stat(place)
	if errors.Is(err, fs.ErrNotExist) {
		like, err = os.Stat(filepath.Dir(place))
	}
	if err == nil {
		err = chown(file, like)
	}
	if err != nil {
		return fmt.Errorf("giving the store to its owner: %w", err)
	}
	return nil
}

// putAside keeps the store that is in a place beside it, and returns its name there. Where there is none, what an earlier restore
// that broke off has put aside is all there is, and stays.
func putAside(place string) (kept string, err error) {
	if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
		return "", clearAway(place) // a log without its store would be taken for the backup's
	}
	kept = unusedName(place + ".before")
	for _, end := range ends {
		if err == nil {
			err = os.Rename(place+end, kept+end)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("putting the store aside: %w", err)
	}
	return kept, nil
}

// unusedName returns a name, with a number where a store, or a part of one, has it.
func unusedName(name string) string {
	unused := name
	for n := 2; slices.ContainsFunc(ends[:], func(end string) bool {
		_, err := os.Lstat(unused + end)
		return err == nil
	}); n++ {
		unused = fmt.Sprintf("%s.%d", name, n)
	}
	return unused
}

// distrust notes in a store that it has forgotten something.
func distrust(ctx context.Context, path string) error {
	db, err := sqlite{}.open(path)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `UPDATE store SET epoch = epoch + 1, epoch_at = ?`, time.Now().UnixMicro())
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("writing the store: %w", err)
	}
	return nil
}

// check says whether a file is a store that this psagate knows, whole.
func check(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sqliteURL(path)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	var version int
	var state string
	if err := db.QueryRowContext(ctx, `SELECT version FROM store WHERE one = 1`).Scan(&version); err != nil {
		return errors.New("it is no store of psagate's: `psagate store backup` makes one")
	}
	if version > len(migrations) {
		return errNewer
	}
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&state); err != nil || state != "ok" {
		return errors.Join(fmt.Errorf("it is damaged: %s", state), err)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the store: %w", err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("writing the store: %w", err)
	}
	return nil
}
