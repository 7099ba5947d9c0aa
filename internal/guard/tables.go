package guard

import (
	"context"
	"sync"
)

// Tables keeps the rows of logins. Memory is the one of a single process.
type Tables interface {
	// Begin opens a transaction that locks the rows of one login until it is ended. A login that was never seen has
	// empty rows. The error says that the store cannot be used now; then nothing may be sent.
	Begin(ctx context.Context, key Key) (Tx, error)
}

// Tx is a transaction on the rows of one login.
type Tx interface {
	// Rows may be changed in place until the transaction is ended.
	Rows() *Rows
	// Commit keeps what was changed and ends the transaction. It must be called once, also where nothing was changed.
	Commit() error
}

// Memory keeps rows in the memory of this process, and so forgets them with it. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	rows map[Key]*memoryRows
}

type memoryRows struct {
	mu   sync.Mutex
	rows Rows
}

// Begin locks the rows of one login; it never fails.
func (m *Memory) Begin(_ context.Context, key Key) (Tx, error) {
	m.mu.Lock()
	r := m.rows[key]
	if r == nil {
		if m.rows == nil {
			m.rows = make(map[Key]*memoryRows)
		}
		r = new(memoryRows)
		m.rows[key] = r
	}
	m.mu.Unlock()
	r.mu.Lock()
	return r, nil
}

func (r *memoryRows) Rows() *Rows { return &r.rows }

func (r *memoryRows) Commit() error {
	r.mu.Unlock()
	return nil
}
