package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

type postgres struct{}

// maxConnections is how many connections a process has to PostgreSQL: one for each login that is in a transaction.
const maxConnections = 16

// open: a commit is on the disk when it returns. The server ends the transaction of a process that fell silent in it, which
// would keep others from its rows.
func (postgres) open(place string) (*sql.DB, error) {
	cfg, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, fmt.Errorf("the connection string of store postgres cannot be read: write it as postgres://user@host:5432/database?sslmode=verify-full, or as host=… user=… dbname=…") // the error of the library repeats it
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 3 * time.Second
	}
	cfg.RuntimeParams["synchronous_commit"] = "on"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "3s"
	cfg.RuntimeParams["application_name"] = "psagate"
	dialer := net.Dialer{Timeout: cfg.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 2}}
	cfg.DialFunc = dialer.DialContext
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}

func (postgres) renew(context.Context, *sql.DB, string) error { return nil }

func (postgres) whole(context.Context, *sql.DB, string) error { return nil }

func (postgres) advised(err error) error { return err }

func (postgres) stat(string) (os.FileInfo, error) { return nil, nil }

func (postgres) name(place string) string {
	cfg, err := pgx.ParseConfig(place)
	if err != nil {
		return "postgres"
	}
	return fmt.Sprintf("postgres %s:%d/%s", cfg.Host, cfg.Port, cfg.Database)
}

// passing: everything but what the server says of the user, the database, or its own words.
func (postgres) passing(err error) bool {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return !errors.Is(err, errNewer)
	}
	switch said.Code[:2] {
	case "28", "3D", "42": // authorization, no such database, no right to or no such thing (PostgreSQL, appendix A)
		return false
	}
	return true
}

// full: disk_full (PostgreSQL, appendix A).
func (postgres) full(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "53100"
}

func (postgres) bind(query string) string {
	return numbered(strings.ReplaceAll(query, "{lock}", "FOR UPDATE"))
}

func (postgres) schema(text string) string { return strings.ReplaceAll(text, "{blob}", "BYTEA") }

func (postgres) there() string { return `SELECT to_regclass('store') IS NOT NULL` }

// timeline: any role may ask, but what only speaks like PostgreSQL may not know the functions. The first 8 digits of a name of
// its log are the timeline (PostgreSQL, "Write Ahead Log").
func (postgres) timeline(ctx context.Context, x *tx) (line string, err error) {
	if _, err = x.exec(ctx, `SAVEPOINT timeline`); err != nil {
		return "", err
	}
	if x.row(ctx, `SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`, nil, &line) != nil {
		_, err = x.exec(ctx, `ROLLBACK TO SAVEPOINT timeline`)
	}
	return line, err
}

// turn: CREATE TABLE IF NOT EXISTS of two at once fails for one of them. The number is this package's own.
func (postgres) turn() string { return "SELECT pg_advisory_xact_lock(7347283)" }
