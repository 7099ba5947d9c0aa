package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Memory is a table of one process, which ends with it.
type Memory struct {
	mu   sync.Mutex
	rows map[Hash]Row
	once map[string]time.Time
}

// NewMemory returns an empty table.
func NewMemory() *Memory { return &Memory{rows: map[Hash]Row{}, once: map[string]time.Time{}} }

// Add implements Table.
func (m *Memory) Add(_ context.Context, r Row, replaces *Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.rows[r.Hash]; there {
		return errors.New("there is a session of this token")
	}
	r.Person.Groups = slices.Clone(r.Person.Groups)
	m.rows[r.Hash] = r
	if replaces != nil {
		delete(m.rows, *replaces)
	}
	return nil
}

// Find implements Table.
func (m *Memory) Find(_ context.Context, h Hash) (Row, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, there := m.rows[h]
	r.Person.Groups = slices.Clone(r.Person.Groups)
	return r, there, nil
}

// Saw implements Table.
func (m *Memory) Saw(_ context.Context, h Hash, at time.Time, address string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, there := m.rows[h]; there && r.Seen.Before(at) {
		r.Seen, r.Address = at, address
		m.rows[h] = r
	}
	return nil
}

// StepUp implements Table.
func (m *Memory) StepUp(_ context.Context, id string, at time.Time) (there bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, r := range m.rows {
		if r.ID != id {
			continue
		}
		if r.SteppedUp.Before(at) {
			r.SteppedUp = at
			m.rows[h] = r
		}
		return true, nil
	}
	return false, nil
}

// Remove implements Table.
func (m *Memory) Remove(_ context.Context, w Which) (gone []Row, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, r := range m.rows {
		if w.Matches(r) {
			gone = append(gone, r)
			delete(m.rows, h)
		}
	}
	newestFirst(gone)
	return gone, nil
}

// Rows implements Table.
func (m *Memory) Rows(context.Context) ([]Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]Row, 0, len(m.rows))
	for _, r := range m.rows {
		r.Person.Groups = slices.Clone(r.Person.Groups)
		rows = append(rows, r)
	}
	newestFirst(rows)
	return rows, nil
}

func newestFirst(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
}

// Once implements Table.
func (m *Memory) Once(_ context.Context, what string, until time.Time) (first bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, before := m.once[what]; before {
		return false, nil
	}
	m.once[what] = until
	return true, nil
}

// Sweep implements Table.
func (m *Memory) Sweep(_ context.Context, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, r := range m.rows {
		if r.over(now) {
			delete(m.rows, h)
		}
	}
	for what, until := range m.once {
		if !now.Before(until) {
			delete(m.once, what)
		}
	}
	return nil
}
