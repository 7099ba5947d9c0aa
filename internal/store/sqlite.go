package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

type sqlite struct{}

// busyTimeout is how long another process's transaction is waited for.
const busyTimeout = 3 * time.Second

// open: each commit is on the disk when it returns (synchronous=FULL), and a transaction has the file to itself from its
// beginning. There is one connection, for the file lets one write at a time. What is deleted is overwritten: mails among it.
func (sqlite) open(path string) (*sql.DB, error) {
	q := url.Values{
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", sqliteURL(path)+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// renew sees to it that the next connection opens the file anew, whose folder it makes.
func (sqlite) renew(ctx context.Context, db *sql.DB, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the folder of the store: %w", err)
	}
	if err := secure(path); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn }) // so that the pool throws it away
	return nil
}

// secure keeps the file from others: it holds no secret, but mails, and says who failed. Where there is none it is made.
func secure(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the store's file: %w", err)
	}
	return f.Close()
}

func (sqlite) stat(path string) (os.FileInfo, error) { return os.Stat(path) }

// sqliteURL names a file as SQLite's URIs do.
func sqliteURL(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

func (sqlite) name(path string) string { return path }

// passing: the file is there, and was busy, or the disk is full or does not answer.
func (sqlite) passing(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return slices.ContainsFunc(passingErrors, func(p error) bool { return errors.Is(err, p) })
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_NOMEM:
		return true
	}
	return false
}

// full: SQLite does not say it itself where it is the file beside the store, or its lock file, that has no room.
func (sqlite) full(err error) bool {
	var e *driver.Error
	if errors.As(err, &e) && e.Code()&0xff == codes.SQLITE_FULL {
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// whole reads every page: one that is damaged would come up when a call needs it, and be an outage of one login that nobody can explain.
func (sqlite) whole(ctx context.Context, db *sql.DB, path string) error {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // what is wrong with the place is found out when it is used
	}
	if err := secure(path); err != nil { // which says why it cannot be written
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wholePatience)
	defer cancel()
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%s: %w", found, errBroken)
	}
	return nil
}

// wholePatience is how long reading it all may take.
const wholePatience = 30 * time.Second

// errBroken is what to do about a file that SQLite cannot read.
var errBroken = errors.New("the file is damaged, or is no store. With psagate stopped, put a backup in its place: psagate store restore <file>. Without one move the file away: psagate begins with an empty store then, and each login with one sign-in of psagate's own")

// advised adds to an error what to do about it, where that is known.
func (sqlite) advised(err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", err, errBroken)
	}
	return err
}

// passingErrors are what the lock file, and the file beside the store, meet where the store itself would say the same.
var passingErrors = []error{context.DeadlineExceeded, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO}

func (sqlite) there() string {
	return `SELECT COUNT(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'store'`
}

func (sqlite) timeline(context.Context, *tx) (string, error) { return "", nil }

func (sqlite) turn() string { return "" }

func (sqlite) bind(query string) string { return strings.ReplaceAll(query, "{lock}", "") }

func (sqlite) schema(text string) string { return strings.ReplaceAll(text, "{blob}", "BLOB") }
