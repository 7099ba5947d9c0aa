//go:build unix

package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/pgtest"
)

// place is an empty store of a kind, and the folder of one host.
type place struct {
	Config
	pg *pgtest.Server
}

// everywhere runs a test against each kind of store.
func everywhere(t *testing.T, f func(t *testing.T, p place)) {
	for _, kind := range []Kind{SQLite, PostgreSQL} {
		t.Run(string(kind), func(t *testing.T) { f(t, placeOf(t, kind)) })
	}
}

func placeOf(t testing.TB, kind Kind) place {
	if kind == PostgreSQL {
		return inPostgres(t, pgtest.Start(t))
	}
	return inSQLite(t)
}

// ttl is short, so that a test need not wait for long until a process is taken for dead.
const ttl = 900 * time.Millisecond

func inSQLite(t testing.TB) place { return placeIn(t.TempDir()) }

func placeIn(dir string) place {
	return place{Config: Config{Kind: SQLite, Place: filepath.Join(dir, "store", "psagate.db"), Dir: filepath.Join(dir, "host"), TTL: ttl}}
}

func inPostgres(t testing.TB, pg *pgtest.Server) place {
	return place{Config{Kind: PostgreSQL, Place: pg.Database(), Dir: t.TempDir(), TTL: ttl}, pg}
}

// running is a store that runs in a test.
type running struct {
	*Store
	t    testing.TB
	over bool
}

// run starts a process on the place.
func (p place) run(t testing.TB) *running {
	t.Helper()
	r := p.prepare(t)
	if err := r.Start(context.Background(), p.Config); err != nil {
		t.Fatal(err)
	}
	until(t, "the process is one of the store's", func() bool { return r.mode.Load() != away })
	return r
}

// under returns a context that ends with the process's lease.
func (r *running) under() context.Context {
	ctx, _ := r.Lease().During(r.Lease().Term())
	return ctx
}

func (r *running) problem() error {
	_, problem := r.State()
	return problem
}

// elsewhere is the same place for a process on another host.
func (p place) elsewhere(t testing.TB) place {
	p.Dir = t.TempDir()
	return p
}

func (p place) prepare(t testing.TB) *running {
	t.Helper()
	s := New(slog.New(slog.NewTextHandler(testWriter{t}, nil)))
	r := &running{Store: s, t: t}
	t.Cleanup(func() {
		if !r.over {
			_ = s.Close()
		}
	})
	return r
}

// testWriter writes a log to a test's, which ends with it.
type testWriter struct{ t testing.TB }

var writing sync.Mutex

func (w testWriter) Write(p []byte) (int, error) {
	writing.Lock()
	defer writing.Unlock()
	if w.t.Context().Err() == nil {
		w.t.Log(string(p))
	}
	return len(p), nil
}

// close ends the process in order.
func (r *running) close() {
	r.t.Helper()
	r.over = true
	if err := r.Store.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// die ends the process as kill -9 does: the kernel gives its lock back, and nothing is written.
func (r *running) die() {
	r.freeze()
	if r.alive != nil {
		_ = r.alive.file.Close()
	}
	_ = r.db.Close()
	r.over = true
}

// freeze stops the process's beats.
func (r *running) freeze() {
	r.stop()
	<-r.ended
}

// thaw lets a process beat again that was frozen.
func (r *running) thaw() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.ended = stop, make(chan struct{})
	go r.live(ctx)
}

// change runs a transaction on a login's rows.
func (r *running) change(key guard.Key, f func(*guard.Rows)) {
	r.t.Helper()
	if err := r.try(key, f); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) try(key guard.Key, f func(*guard.Rows)) error {
	x, err := r.Table(key).Begin(context.Background())
	if err != nil {
		return err
	}
	f(x.Rows())
	return x.Commit()
}

// rows returns a copy of a login's rows.
func (r *running) rows(key guard.Key) (rows guard.Rows) {
	r.t.Helper()
	r.change(key, func(now *guard.Rows) { rows.CopyFrom(now) })
	return rows
}

// generous bounds what a test waits for; on an idle machine all of it takes a moment.
const generous = 60 * time.Second

// until waits for something to be so.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick, end := time.NewTicker(10*time.Millisecond), time.After(generous)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("it is not so after %s: %s", generous, what)
		}
	}
}

// held is a unit for a caller's call of a process.
func (r *running) held(token guard.Token) guard.Unit {
	return guard.Unit{State: guard.Held, Token: token, Holder: r.Holder(), Source: "x", Credential: guard.Fingerprint{1}, WasProven: true}
}

func itoa(n int) string { return strconv.Itoa(n) }
