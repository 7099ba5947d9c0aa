package guard

import (
	"context"
	"sync"
)

// Tables keeps the rows of logins. Memory is the one of a single process.
type Tables interface {
	// Table returns the rows of one login, for as long as the process runs. It does no I/O.
	Table(key Key) Table
}

// Table keeps the rows of one login.
type Table interface {
	// Begin opens a transaction that keeps those of all other processes from the rows until it is ended. A login that was
	// never seen has empty rows. A guard ends one transaction of a login before it begins the next. The error says that the
	// store cannot be used now; then nothing may be sent.
	Begin(ctx context.Context) (Tx, error)
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
	mu   sync.Mutex
	rows map[Key]*memoryRows
}

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

// Begin never fails.
func (r *memoryRows) Begin(context.Context) (Tx, error) { return r, nil }

// Rows returns the rows themselves.
func (r *memoryRows) Rows() *Rows { return &r.rows }

// Commit never fails.
func (r *memoryRows) Commit() error { return nil }
