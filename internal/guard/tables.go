package guard

import (
	"context"
	"sync"
)

// Tables keeps the rows of logins. Memory is the one of a single process.
type Tables interface {
	// Table returns the rows of one login, for as long as the process runs. It does no I/O.
	Table(key Key) Table
	// Holder names this process in the units that it takes. It is another name once the process was given up for dead.
	Holder() string
	// Lease is this process's permission to send.
	Lease() *Lease
	// Watch has a function called with the logins whose rows have to be looked at: a process with units of theirs has died,
	// or, with nil for all of them, the store can be used again. It must not wait for a transaction.
	Watch(look func(keys []Key))
}

// Table keeps the rows of one login.
type Table interface {
	// Begin opens a transaction that keeps those of all other processes from the rows until it is ended. A login that was
	// never seen has empty rows. A guard ends one transaction of a login before it begins the next. The error says that the
	// store cannot be used now; then nothing may be sent.
	Begin(ctx context.Context) (Tx, error)
	// Shared reports whether other processes may change the rows now.
	Shared() bool
}

// Tx is a transaction on the rows of one login.
type Tx interface {
	// Rows may be changed in place until the transaction is ended.
	Rows() *Rows
	// Commit keeps what was changed and ends the transaction. It must be called once, also where nothing was changed. After
	// an error the rows are as they were before.
	Commit() error
}

// Memory keeps the rows of one guard in the memory of its process, and so forgets them with it. The zero value is ready.
type Memory struct {
	mu    sync.Mutex
	rows  map[Key]*memoryRows
	lease *Lease
}

// Holder returns a name for the only process.
func (*Memory) Holder() string { return "this process" }

// Lease returns one that ends when it is closed.
func (m *Memory) Lease() *Lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lease == nil {
		m.lease = endlessLease()
	}
	return m.lease
}

// Watch never calls.
func (*Memory) Watch(func([]Key)) {}

// memoryRows needs no lock: nobody but its guard uses it, and that one transaction at a time.
type memoryRows struct{ rows Rows }

// Table returns the rows of one login.
func (m *Memory) Table(key Key) Table {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rows[key]
	if r == nil {
		if m.rows == nil {
			m.rows = make(map[Key]*memoryRows)
		}
		r = new(memoryRows)
		m.rows[key] = r
	}
	return r
}

// Shared returns false: nobody else has them.
func (*memoryRows) Shared() bool { return false }

// Begin never fails.
func (r *memoryRows) Begin(context.Context) (Tx, error) { return r, nil }

// Rows returns the rows themselves.
func (r *memoryRows) Rows() *Rows { return &r.rows }

// Commit never fails.
func (r *memoryRows) Commit() error { return nil }
