package store

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// How long the journal keeps what it has, and how much of it.
const (
	// journalKeeps is how long failures and uses are kept.
	journalKeeps = 30 * 24 * time.Hour
	// journalFailures is how many failures are kept, the youngest ones.
	journalFailures = 4096
	// notedEvery is how often it is written again that something goes on.
	notedEvery = time.Minute
	// unwritten is how many failures wait for a store that cannot be used.
	unwritten = 1024
)

// Journal is what operators are told of all processes, and over restarts: what failed, who was served with what. It is written
// after the beats, so that no call waits for it; what a crash takes is what came since the last one. When somebody was last
// served, and when the PSA last accepted a sign-in while nothing failed, is written once in notedEvery.
//
// A nil Journal notes nothing and has nothing.
type Journal struct {
	store   *Store
	process string

	mu       sync.Mutex
	no       int64
	failures []Failure
	uses     map[Use]time.Time
	marks    map[Mark]time.Time
	noted    map[any]time.Time // when a use or a mark was last noted to be written
	pruned   time.Time
}

// Failure is an attempt that failed. Data is the journal's user's own.
type Failure struct {
	Key  guard.Key
	At   time.Time
	Data []byte
	no   int64
}

// Use is an integration's of a version.
type Use struct {
	Key                  guard.Key
	Integration, Version string
}

// Mark is something of which only the last time counts.
type Mark struct {
	Key  guard.Key
	What string
}

// Page is what the journal has: the failures of other processes and earlier ones, oldest first, and all uses and marks.
type Page struct {
	Failures []Failure
	Uses     map[Use]time.Time
	Marks    map[Mark]time.Time
	// Since is from when on failures are kept.
	Since time.Time
}

func newJournal(s *Store) *Journal {
	return &Journal{store: s, process: rand.Text(), uses: make(map[Use]time.Time), marks: make(map[Mark]time.Time), noted: make(map[any]time.Time)}
}

// Journal returns the store's journal.
func (s *Store) Journal() *Journal { return s.journal }

// Fail notes a failure.
func (j *Journal) Fail(key guard.Key, at time.Time, data []byte) {
	if j == nil {
		return
	}
	j.mu.Lock()
	j.no++
	j.failures = append(j.failures, Failure{key, at, append([]byte{}, data...), j.no})
	maps.DeleteFunc(j.noted, func(of any, _ time.Time) bool { m, is := of.(Mark); return is && m.Key == key })
	if len(j.failures) > unwritten {
		j.failures = j.failures[1:]
	}
	j.mu.Unlock()
	j.store.hurry()
}

// Served notes that an integration was served with a version.
func (j *Journal) Served(u Use, at time.Time) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.note(u, at) {
		j.uses[u] = at
	}
}

// Mark notes the last time of something.
func (j *Journal) Mark(m Mark, at time.Time) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.note(m, at) {
		j.marks[m] = at
	}
}

// note reports whether something that goes on is to be written now.
func (j *Journal) note(of any, at time.Time) bool {
	if last, known := j.noted[of]; known && at.Sub(last) < notedEvery && at.After(last) {
		return false
	}
	j.noted[of] = at
	return true
}

// pending is what has to be written.
type pending struct {
	failures []Failure
	uses     map[Use]time.Time
	marks    map[Mark]time.Time
	prune    bool
}

func (j *Journal) pending(now time.Time) pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	return pending{append([]Failure(nil), j.failures...), maps.Clone(j.uses), maps.Clone(j.marks), now.Sub(j.pruned) > time.Hour}
}

// wrote forgets what was written, unless it was noted again since.
func (j *Journal) wrote(p pending, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(p.failures); n > 0 {
		last := p.failures[n-1].no
		for len(j.failures) > 0 && j.failures[0].no <= last {
			j.failures = j.failures[1:]
		}
	}
	maps.DeleteFunc(j.uses, func(u Use, at time.Time) bool { return p.uses[u].Equal(at) })
	maps.DeleteFunc(j.marks, func(m Mark, at time.Time) bool { return p.marks[m].Equal(at) })
	if p.prune {
		j.pruned = now
		maps.DeleteFunc(j.noted, func(_ any, at time.Time) bool { return now.Sub(at) > time.Hour })
	}
}

// flush writes what is pending, if anything is. What cannot be written now is written later.
func (j *Journal) flush(ctx context.Context) error {
	now := time.Now()
	p := j.pending(now)
	if len(p.failures)+len(p.uses)+len(p.marks) == 0 && !p.prune {
		return nil
	}
	err := j.store.transact(ctx, func(ctx context.Context, x *tx) error { return x.writeJournal(ctx, j.process, p, now) })
	if err == nil {
		j.wrote(p, now)
	}
	return err
}

// writeJournal writes what is pending.
func (x *tx) writeJournal(ctx context.Context, process string, p pending, now time.Time) error {
	for _, f := range p.failures {
		if _, err := x.exec(ctx, `INSERT INTO journal_failure (process, no, key, at, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			process, f.no, string(f.Key), f.At.UnixMicro(), f.Data); err != nil {
			return err
		}
	}
	for u, at := range p.uses {
		if _, err := x.exec(ctx, `INSERT INTO journal_use (key, integration, version, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (key, integration, version) DO UPDATE SET at = excluded.at WHERE journal_use.at < excluded.at`,
			string(u.Key), u.Integration, u.Version, at.UnixMicro()); err != nil {
			return err
		}
	}
	for m, at := range p.marks {
		if _, err := x.exec(ctx, `INSERT INTO journal_mark (key, what, at) VALUES (?, ?, ?)
			ON CONFLICT (key, what) DO UPDATE SET at = excluded.at WHERE journal_mark.at < excluded.at`,
			string(m.Key), m.What, at.UnixMicro()); err != nil {
			return err
		}
	}
	if p.prune {
		return x.prune(ctx, now)
	}
	return nil
}

// prune forgets what is old, and the oldest of what is too much.
func (x *tx) prune(ctx context.Context, now time.Time) error {
	before := now.Add(-journalKeeps).UnixMicro()
	for _, query := range []string{
		`DELETE FROM journal_failure WHERE at < ?`,
		`DELETE FROM journal_use WHERE at < ?`,
	} {
		if _, err := x.exec(ctx, query, before); err != nil {
			return err
		}
	}
	_, err := x.exec(ctx, `DELETE FROM journal_failure WHERE at < (SELECT at FROM journal_failure ORDER BY at DESC LIMIT 1 OFFSET ?)`, journalFailures-1)
	return err
}

// Read reads the journal. The error says that the store cannot be used.
func (j *Journal) Read(ctx context.Context) (p Page, err error) {
	if j == nil {
		return p, nil
	}
	if problem := j.store.unusable(); problem != nil {
		return p, problem
	}
	p.Uses, p.Marks = make(map[Use]time.Time), make(map[Mark]time.Time)
	err = j.store.transact(ctx, func(ctx context.Context, x *tx) error { return x.readJournal(ctx, j.process, &p) })
	return p, err
}

func (x *tx) readJournal(ctx context.Context, process string, p *Page) error {
	var made micros
	if err := x.row(ctx, `SELECT made FROM store WHERE one = 1`, nil, &made); err != nil {
		return err
	}
	if p.Since = made.time(); time.Since(p.Since) > journalKeeps {
		p.Since = time.Now().Add(-journalKeeps)
	}
	var key string
	var at micros
	err := x.each(ctx, `SELECT key, at, data FROM journal_failure WHERE process <> ? ORDER BY at`, []any{process}, func(scan func(...any) error) error {
		var data []byte
		err := scan(&key, &at, &data)
		p.Failures = append(p.Failures, Failure{Key: guard.Key(key), At: at.time(), Data: data})
		return err
	})
	if err == nil {
		err = x.each(ctx, `SELECT key, integration, version, at FROM journal_use`, nil, func(scan func(...any) error) error {
			var u Use
			err := scan(&key, &u.Integration, &u.Version, &at)
			u.Key = guard.Key(key)
			p.Uses[u] = at.time()
			return err
		})
	}
	if err == nil {
		err = x.each(ctx, `SELECT key, what, at FROM journal_mark`, nil, func(scan func(...any) error) error {
			var m Mark
			err := scan(&key, &m.What, &at)
			m.Key = guard.Key(key)
			p.Marks[m] = at.time()
			return err
		})
	}
	return err
}
