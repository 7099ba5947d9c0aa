package guard_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// tables are a store that several processes share, as internal/store works while several live: each transaction is exclusive,
// who is not among the processes is dead, and each process remembers beside the store how far the store had come.
type tables struct {
	mu       sync.Mutex // held for the length of a transaction
	now      contents
	made     int             // stores
	named    int             // holders
	lockFile map[string]bool // holders whose death is seen at once
	// committed is told of each login's rows once they are committed.
	committed func(*guard.Rows)
}

// contents are what can be copied and brought back.
type contents struct {
	store int
	tick  int
	epoch int
	rows  map[guard.Key]row
	beats map[string]int // of the processes
}

type row struct {
	rows  guard.Rows
	rev   int
	epoch int
}

func newTables(committed func(*guard.Rows)) *tables {
	t := &tables{lockFile: make(map[string]bool), committed: committed}
	t.empty()
	return t
}

// empty makes it a new store with nothing in it.
func (t *tables) empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made++
	t.now = contents{store: t.made, rows: make(map[guard.Key]row), beats: make(map[string]int)}
}

func (t *tables) copy() contents {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now.copied()
}

func (t *tables) restore(c contents) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = c.copied()
}

func (c contents) copied() contents {
	c.rows, c.beats = maps.Clone(c.rows), maps.Clone(c.beats)
	return c // rows are replaced as a whole, never changed
}

// witness is what a host remembers of the store.
type witness struct {
	store, tick int
	spent       map[guard.Key]bool
}

func (w *witness) doubts(c *contents) bool {
	return w.store != 0 && (w.store != c.store || c.tick <= w.tick)
}

// membership is one process's part in the tables. It is guarded by the tables' mutex, but for what only the test's own
// goroutine changes.
type membership struct {
	tables *tables
	host   *witness
	lease  *guard.Lease
	look   func([]guard.Key)

	me       atomic.Pointer[string] // empty while it is not one of the store's
	former   string
	several  atomic.Bool                 // others lived at the last beat
	known    map[guard.Key]int           // revisions
	mine     map[guard.Key][]guard.Token // units that it holds; nil where it is not known what was committed
	seen     map[string]sighting
	down     bool // until the next beat
	missed   bool // a transaction failed since the last beat
	forgot   bool
	older    bool
	distrust bool

	cut    bool // it cannot reach the store
	paused bool // it does nothing
	ghost  bool // it was killed, and what still runs of it changes nothing
	next   fate // of its next commit that changes something
	skew   time.Duration
}

type sighting struct {
	beat int
	at   time.Time
}

// fate is what becomes of a commit.
type fate int

const (
	succeeds fate = iota
	fails
	unsure // it is done, and an error comes back
)

var (
	errCut   = errors.New("the store cannot be reached")
	errFate  = errors.New("the connection broke at the commit")
	errOlder = errors.New("the store has less than it had")
)

// Holder is asked within transactions too.
func (m *membership) Holder() string { return *m.me.Load() }

func (m *membership) setHolder(id string) { m.me.Store(&id) }

func (m *membership) Lease() *guard.Lease             { return m.lease }
func (m *membership) Watch(look func([]guard.Key))    { m.look = look }
func (m *membership) Table(key guard.Key) guard.Table { return &table{m, key} }

// dead reports whether a holder is none of the processes.
func (m *membership) dead(holder string) bool {
	_, is := m.tables.now.beats[holder]
	return !is
}

// table is one login's rows as one process sees them.
type table struct {
	*membership
	key guard.Key
}

// Shared is asked within transactions too.
func (t *table) Shared() bool { return t.several.Load() }

// transaction is one on a table. That of a ghost is on scratch rows.
type transaction struct {
	*table
	was     row
	rows    guard.Rows
	scratch bool
}

func (x *transaction) Rows() *guard.Rows { return &x.rows }

func (t *table) Begin(context.Context) (guard.Tx, error) {
	t.tables.mu.Lock()
	if t.ghost {
		t.tables.mu.Unlock()
		return &transaction{table: t, scratch: true}, nil
	}
	x, err := t.begin()
	if err != nil {
		t.tables.mu.Unlock()
		return nil, err
	}
	return x, nil
}

func (t *table) begin() (*transaction, error) {
	if t.cut || t.paused {
		t.down, t.missed = true, true
		return nil, errCut
	}
	if t.down || t.Holder() == "" || t.forgot || t.older {
		t.missed = true
		return nil, errCut
	}
	x := &transaction{table: t, was: t.tables.now.rows[t.key]}
	mine, sure := t.mine[t.key]
	changed := sure && !slices.Equal(mine, t.holds(&x.was.rows))
	if changed && t.dead(t.Holder()) { // others have given them up
		t.forgot, t.missed = true, true
		return nil, errCut
	}
	if changed || x.was.rev < t.known[t.key] || t.tables.now.tick < t.host.tick {
		t.older, t.missed = true, true
		return nil, errOlder
	}
	t.known[t.key], t.mine[t.key] = x.was.rev, t.holds(&x.was.rows)
	x.rows.CopyFrom(&x.was.rows)
	x.rows.Distrusted = x.was.epoch < t.tables.now.epoch
	x.rows.Spent = t.host.spent[t.key]
	skew(&x.rows, t.skew)
	x.rows.Adopt(t.dead, t.Holder())
	return x, nil
}

// holds returns the units that the process holds, in order.
func (m *membership) holds(r *guard.Rows) (all []guard.Token) {
	for _, u := range r.Units {
		if u.State == guard.Held && u.Holder == m.Holder() {
			all = append(all, u.Token)
		}
	}
	slices.Sort(all)
	return all
}

func (x *transaction) Commit() error {
	if x.scratch {
		return nil
	}
	defer x.tables.mu.Unlock()
	skew(&x.rows, -x.skew)
	x.host.spent[x.key] = x.host.spent[x.key] || x.rows.Spent // before it is committed
	if x.rows.Equal(&x.was.rows) {
		x.host.spent[x.key] = x.rows.Spent
		return nil
	}
	end := x.next
	x.next = succeeds
	if end != succeeds {
		delete(x.mine, x.key)
	}
	if end == fails {
		x.down, x.missed = true, true
		return errFate
	}
	now := row{rev: x.was.rev + 1, epoch: x.was.epoch}
	if !x.rows.Distrusted {
		now.epoch = x.tables.now.epoch
	}
	now.rows.CopyFrom(&x.rows)
	x.tables.now.rows[x.key] = now
	x.tables.committed(&now.rows)
	if end == unsure {
		x.unsure()
		return errFate
	}
	x.known[x.key], x.mine[x.key] = now.rev, x.holds(&now.rows)
	x.host.spent[x.key] = x.rows.Spent
	return nil
}

// unsure: the process does not know what it has in the store.
func (m *membership) unsure() { m.down, m.missed = true, true }

// skew shows rows to a process whose clock is ahead by as much.
func skew(r *guard.Rows, by time.Duration) {
	if by == 0 {
		return
	}
	add := func(at *time.Time) {
		if !at.IsZero() {
			*at = at.Add(-by)
		}
	}
	add(&r.Gate.Since)
	add(&r.Gate.Until)
	add(&r.LastRefusal)
	for i := range r.Credentials {
		add(&r.Credentials[i].AgainAt)
		add(&r.Credentials[i].ProvenAt)
	}
}
