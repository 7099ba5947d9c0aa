//go:build unix

package pgtest

import (
	"database/sql"
	"syscall"
	"testing"
)

func TestAServerComesBackWithWhatItHad(t *testing.T) {
	s := Start(t)
	url := s.Database()
	do := func(query string) (n int) {
		t.Helper()
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	do(`WITH made AS (SELECT 1) SELECT 1 FROM made`)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE t (n INT); INSERT INTO t VALUES (7)`); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if db.Ping() == nil {
		t.Error("it answers though it was killed")
	}
	s.Run()
	if n := do(`SELECT n FROM t`); n != 7 {
		t.Errorf("it has %d", n)
	}
	s.Signal(syscall.SIGSTOP)
	s.Signal(syscall.SIGCONT)
	if n := do(`SELECT n FROM t`); n != 7 {
		t.Errorf("it has %d after it was stopped for a while", n)
	}
}
