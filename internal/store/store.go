package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// DefaultTTL is after what silence a process is taken for dead. A third of it is the time between two beats, and two thirds of
// it are the lease.
const DefaultTTL = 15 * time.Second

// flushEvery is how often a process that is alone writes what it need not write at once.
const flushEvery = 2 * time.Second

// Config says where the store is.
type Config struct {
	// Kind is SQLite or PostgreSQL.
	Kind Kind
	// Place is the file, or the connection string or URL as libpq knows it. The latter may hold a password.
	Place string
	// Dir is a folder of this host's that is not the store's own: lock files, and what is known of the store without it.
	Dir string
	// TTL: see DefaultTTL.
	TTL time.Duration
}

// Store is a store, once it is started. It implements guard.Tables.
type Store struct {
	log   *slog.Logger
	lease *guard.Lease

	cfg     Config
	dialect dialect
	db      *sql.DB
	witness *witness
	spent   spent
	alive   *lockFile

	started atomic.Bool
	stop    context.CancelFunc
	ended   chan struct{}
	joined  chan struct{} // closed once the tables can be used for the first time
	once    sync.Once
	made    atomic.Bool // the store was made by this process

	me      atomic.Pointer[string]
	mode    atomic.Int32
	down    atomic.Bool
	forgot  atomic.Bool   // a table found that others have written it
	older   atomic.Bool   // a table found less than there was
	wake    chan struct{} // the living goroutine is to look at once
	images  images
	journal *Journal
	writes  atomic.Uint64
	problem atomic.Pointer[error]   // why the store could not be used the last time
	trouble atomic.Pointer[trouble] // of tables, since one was last written
	ticked  atomic.Int64            // how far the store had come when this process last beat, or joined

	mu     sync.Mutex
	tables map[guard.Key]*table
	look   func([]guard.Key)

	// What follows is the living goroutine's.
	seen    map[string]sighting // of other processes
	former  string              // the name that this process had before it began anew
	file    os.FileInfo         // that is open; nil where the store is none
	stepped time.Time           // when it last beat, or tried to
	blind   bool                // the witness cannot be written
}

// The modes that a process is in.
const (
	away    int32 = iota // it has no row in the store, or another one has not yet made room
	alone                // it is the only one
	several              // others live
)

// New returns a store that is not started: until then its tables cannot be used. It does no I/O.
func New(log *slog.Logger) *Store {
	s := &Store{
		log: log, lease: guard.NewLease(DefaultTTL), tables: make(map[guard.Key]*table), look: func([]guard.Key) {},
		joined: make(chan struct{}), seen: make(map[string]sighting), wake: make(chan struct{}, 1),
	}
	s.me.Store(new(string))
	s.journal = newJournal(s)
	return s
}

// Start opens the store and goes on living in it until Close. Where the store cannot be reached now, but may be later, it
// returns at once without an error, and goes on trying. It waits for a while for another process to make room. After an error
// it may be called again; after none it must not.
func (s *Store) Start(ctx context.Context, cfg Config) error {
	if cfg.TTL == 0 {
		cfg.TTL = DefaultTTL
	}
	d, err := dialectOf(cfg.Kind)
	if err != nil {
		return err
	}
	s.cfg, s.dialect = cfg, d
	if s.db, err = d.open(cfg.Place); err != nil {
		return err
	}
	living, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := s.begin(living); err != nil {
		stop()
		return errors.Join(fmt.Errorf("the store %s cannot be used: %w", s.Name(), s.dialect.advised(err)), s.db.Close())
	}
	s.stop, s.ended = stop, make(chan struct{})
	s.started.Store(true)
	go s.live(living)
	if s.down.Load() {
		return nil
	}
	select {
	case <-s.joined:
	case <-time.After(s.cfg.TTL + s.beatEvery()):
	case <-ctx.Done():
	}
	return nil
}

// begin makes the first step. Its error is one that does not go away by itself.
func (s *Store) begin(ctx context.Context) (err error) {
	if s.witness, err = openWitness(s.cfg.Dir, s.Name()); err != nil {
		return err
	}
	if s.spent, err = openSpent(s.cfg.Dir); err != nil {
		return err
	}
	if err = s.dialect.whole(ctx, s.db, s.cfg.Place); err != nil && !s.dialect.passing(err) {
		return err
	}
	for range beginTries {
		if err = s.try(ctx); err == nil || !s.dialect.passing(err) {
			break
		}
		time.Sleep(beginPause)
	}
	if err == nil || errors.Is(err, errForgot) || s.dialect.passing(err) {
		s.came(ctx, err)
		return nil
	}
	return err
}

// Processes that start at once meet at a store that is being made: SQLite does not have all of them wait. It is tried a few times
// before that is said to be trouble.
const (
	beginTries = 5
	beginPause = 50 * time.Millisecond
)

// Name says where the store is, without a password.
func (s *Store) Name() string { return s.dialect.name(s.cfg.Place) }

// State says what kind of store it is, and why it cannot be used now, or nil.
func (s *Store) State() (kind string, problem error) {
	if !s.started.Load() {
		return "", errNotOpen
	}
	if problem = s.unusable(); problem == nil {
		if t := s.trouble.Load(); t != nil && time.Since(t.at) < s.cfg.TTL {
			problem = fmt.Errorf("it is reached, but the last use of it failed: %w", t.err)
		}
	}
	return string(s.cfg.Kind), problem
}

// unusable says why the store cannot be used by anybody now, or nil.
func (s *Store) unusable() error {
	switch {
	case !s.started.Load():
		return errNotOpen
	case s.down.Load():
		return fmt.Errorf("%w: %w", errDown, *s.problem.Load())
	case s.mode.Load() == away:
		return errAway
	}
	return nil
}

// Made reports whether the store was made by this process: it was not there before.
func (s *Store) Made() bool { return s.made.Load() }

// Close writes what is to be written, gives back what this process does not use, and closes the store. Units of calls under
// way are lost.
func (s *Store) Close() error {
	if !s.started.Swap(false) {
		return nil
	}
	s.stop()
	<-s.ended
	s.lease.End()
	err := s.leave()
	s.alive.release()
	return errors.Join(err, s.db.Close())
}

// Holder implements guard.Tables.
func (s *Store) Holder() string { return *s.me.Load() }

// Lease implements guard.Tables.
func (s *Store) Lease() *guard.Lease { return s.lease }

// Watch implements guard.Tables.
func (s *Store) Watch(look func(keys []guard.Key)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = look
}

func (s *Store) tell(keys []guard.Key) {
	s.mu.Lock()
	look := s.look
	s.mu.Unlock()
	look(keys)
}

// Table implements guard.Tables.
func (s *Store) Table(key guard.Key) guard.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table(key)
}

// table returns the table of a login. Called with the mutex held.
func (s *Store) table(key guard.Key) *table {
	t := s.tables[key]
	if t == nil {
		t = &table{store: s, key: key}
		s.tables[key] = t
	}
	return t
}

// all returns the tables that were ever asked for.
func (s *Store) all() []*table {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables := make([]*table, 0, len(s.tables))
	for _, t := range s.tables {
		tables = append(tables, t)
	}
	return tables
}

var (
	errDown    = errors.New("it could not be used the last time")
	errAway    = errors.New("another process is in it, or was when it was copied: this one waits until that has made room or been silent for its ttl, 15s by default")
	errNotOpen = errors.New("it is not open yet")
)

// trouble is that a table could not use the store.
type trouble struct {
	err error
	at  time.Time
}

// fails notes that the store failed: nothing more is tried before the next beat.
func (s *Store) fails(err error) {
	was := s.problem.Swap(&err)
	if !s.down.Swap(true) || was != nil && (*was).Error() != err.Error() {
		s.log.Error("the store cannot be used: calls go on with what this process holds until its lease ends", "store", s.Name(), "error", err)
	}
}

// failed notes that a table could not use the store, or found less in it than there was.
func (s *Store) failed(t *table, err error) {
	switch {
	case errors.Is(err, errOlder):
		s.older.Store(true)
	case errors.Is(err, errForgot):
		s.forgot.Store(true)
	case !s.ails(t, err):
		return
	default:
		s.fails(err)
	}
	s.hurry()
}

// ails notes that a table failed, and reports whether that tells of the store as a whole. It does not where beats have worked
// since the last time, and no table has: then the others are not kept from it, and it is tried again at each beat.
func (s *Store) ails(t *table, err error) (whole bool) {
	text := err.Error()
	before, others := t.sick.Swap(&text), s.trouble.Swap(&trouble{err, time.Now()})
	switch {
	case s.down.Load():
		return false
	case before == nil && others == nil:
		return true
	case before == nil || *before != text:
		s.log.Error("a login cannot use the store, which is reached", "store", s.Name(), "login", t.key, "error", err)
	}
	return false
}

// wrote notes that a table was written.
func (s *Store) wrote(t *table) {
	if t.sick.Load() != nil {
		t.sick.Store(nil)
	}
	if s.trouble.Load() != nil && s.trouble.Swap(nil) != nil && !s.down.Load() {
		s.log.Info("the store can be used again", "store", s.Name())
	}
}

// sick returns the logins that could not use the store the last time.
func (s *Store) sick() (keys []guard.Key) {
	for _, t := range s.all() {
		if t.sick.Load() != nil {
			keys = append(keys, t.key)
		}
	}
	return keys
}

// hurry has the living goroutine look at once.
func (s *Store) hurry() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// works notes that a beat worked. Where it was a table that did not, the store is said to work when one does.
func (s *Store) works() {
	if s.down.Swap(false) {
		if s.trouble.Load() == nil {
			s.log.Info("the store can be used again", "store", s.Name())
		}
		s.tell(nil)
	} else if keys := s.sick(); len(keys) > 0 {
		s.tell(keys)
	}
}

func (s *Store) beatEvery() time.Duration  { return s.cfg.TTL / 3 }
func (s *Store) leaseLasts() time.Duration { return s.cfg.TTL * 2 / 3 }

// patience is how long a transaction may take.
const patience = 5 * time.Second

// transact runs f in one transaction.
func (s *Store) transact(ctx context.Context, f func(ctx context.Context, tx *tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := f(ctx, x); err != nil {
		return errors.Join(err, x.rollback())
	}
	if err := s.committed(x); err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	return nil
}

// peek runs a transaction that only reads, and locks no row: it keeps nobody from writing, and waits for nobody who writes.
func (s *Store) peek(ctx context.Context, f func(ctx context.Context, x *tx) error) error {
	if problem := s.unusable(); problem != nil {
		return problem
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x, err := s.begun(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = x.rollback() }()
	return f(ctx, x)
}

// errUnsure: a commit failed, which may have been one all the same. What fails before it is no part of the database.
var errUnsure = errors.New("it is not known whether this was committed")

// committed commits a transaction that may have written.
func (s *Store) committed(x *tx) error {
	s.writes.Add(1)
	return x.commit()
}

// Writes returns how many transactions this process has committed, or tried to: beats, and looks at the journal, too. One of a
// login that changed nothing is not among them.
func (s *Store) Writes() uint64 { return s.writes.Load() }

// tx is a transaction of the database's.
type tx struct {
	*sql.Tx
	dialect dialect
}

func (s *Store) open(ctx context.Context) (*tx, error) { return s.begun(ctx, nil) }

func (s *Store) begun(ctx context.Context, o *sql.TxOptions) (*tx, error) {
	x, err := s.db.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &tx{x, s.dialect}, nil
}

func (x *tx) commit() error { return x.Commit() }

func (x *tx) rollback() error {
	if err := x.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (x *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := x.ExecContext(ctx, x.dialect.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row reads one row; sql.ErrNoRows where there is none.
func (x *tx) row(ctx context.Context, query string, args []any, into ...any) error {
	return x.QueryRowContext(ctx, x.dialect.bind(query), args...).Scan(into...)
}

// each reads rows and calls f for each of them with a function that reads its columns.
func (x *tx) each(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) error {
	rows, err := x.QueryContext(ctx, x.dialect.bind(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
