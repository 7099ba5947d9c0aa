package refused

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Books keep the Records, for all processes that share them.
type Books interface {
	// Change has f change the Record of a place, which begins as the zero Record, in one step: nobody else changes it meanwhile. What f
	// leaves of it is durable when Change returns nil; after an error it is not known whether it was kept.
	Change(ctx context.Context, place string, f func(*Record)) error
	// Prints stand for a secret at a place: nobody can find the secret by one without a key that is kept elsewhere. The first is kept;
	// by the others it was in times of another key.
	Prints(place, secret string) ([]string, error)
}

// Memory remembers what was refused. The zero Memory does so as long as the process lives. It may be used by many at once.
type Memory struct {
	// Books keep it; nil for nowhere but in memory. They must not be changed once the Memory is used.
	Books Books
	// Wait is how long is waited for what another is told who sends the same secret just now; 10 seconds where it is 0.
	Wait time.Duration

	own    InMemory
	mu     sync.Mutex
	places map[string]*place
}

// place is what this process knows of one.
type place struct {
	mu sync.Mutex
	// owed are changes that could not be kept yet. They come before any other.
	owed []func(*Record)
}

func (m *Memory) books() Books {
	if m.Books == nil {
		return &m.own
	}
	return m.Books
}

func (m *Memory) place(key string) *place {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.places == nil {
		m.places = map[string]*place{}
	}
	if m.places[key] == nil {
		m.places[key] = new(place)
	}
	return m.places[key]
}

// change changes a Record, after what is owed.
func (m *Memory) change(ctx context.Context, key string, f func(*Record)) error {
	at := m.place(key)
	at.mu.Lock()
	defer at.mu.Unlock()
	err := m.books().Change(ctx, key, func(r *Record) {
		for _, owed := range at.owed {
			owed(r)
		}
		f(r)
	})
	if err == nil {
		at.owed = nil
	}
	return err
}

// owe has a change made as soon as that can be done.
func (m *Memory) owe(key string, f func(*Record)) {
	at := m.place(key)
	at.mu.Lock()
	defer at.mu.Unlock()
	at.owed = append(at.owed, f)
}

const (
	// lookEvery is how often is looked what another was told, and usualWait for how long.
	lookEvery = 250 * time.Millisecond
	usualWait = 10 * time.Second
)

// May says why the secret may not be sent now: a *Held, or the context's error. It is for those who would otherwise connect in vain;
// Begin asks again.
func (m *Memory) May(ctx context.Context, p Place, secret string) error {
	_, err := m.look(ctx, p, secret, func(r *Record, a *Attempt) error { return heldOr(r.held(p, a.prints, time.Now())) })
	return err
}

// Begin notes that the secret is about to be sent, and is to be ended with what came of it. The error is a *Held, or the context's:
// then it must not be sent. again has it sent though it was refused: people say so.
func (m *Memory) Begin(ctx context.Context, p Place, secret string, again bool) (*Attempt, error) {
	return m.look(ctx, p, secret, func(r *Record, a *Attempt) error {
		now := time.Now().UTC()
		if h := r.held(p, a.prints, now); h != nil && !again {
			return h
		}
		a.begun, a.before = true, r.Sent
		r.begin(p, a.id, a.prints, now)
		return nil
	})
}

// heldOr is an error that is nil where there is none.
func heldOr(h *Held) error {
	if h == nil {
		return nil
	}
	return h
}

// look does what is to be done with a Record. While another sends the secret it waits, for a while.
func (m *Memory) look(ctx context.Context, p Place, secret string, do func(*Record, *Attempt) error) (*Attempt, error) {
	a := &Attempt{memory: m, key: p.key(), id: rand.Text(), shared: p.Shared}
	var err error
	if a.prints, err = m.books().Prints(a.key, secret); err != nil {
		return nil, p.unknown(err)
	}
	for end := time.Now().Add(cmp.Or(m.Wait, usualWait)); ; {
		var why error
		if err := m.change(ctx, a.key, func(r *Record) { why = do(r, a) }); err != nil {
			if a.begun { // it may be in the books
				m.owe(a.key, func(r *Record) { r.end(a, Unsent, "", time.Time{}) })
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, p.unknown(err)
		}
		if h := new(Held); why == nil || !errors.As(why, &h) || !h.open || !time.Now().Before(end) {
			return a, why
		}
		if err := pause(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
