package psatest

import (
	"context"
	"sync"
)

// pulse wakes those who wait for a condition under a lock, and lets them give up with a context. Its methods
// are called with that lock held.
type pulse struct{ ch chan struct{} }

// beat tells that something changed.
func (p *pulse) beat() {
	if p.ch != nil {
		close(p.ch)
		p.ch = nil
	}
}

// next is closed by the next beat.
func (p *pulse) next() <-chan struct{} {
	if p.ch == nil {
		p.ch = make(chan struct{})
	}
	return p.ch
}

// until returns when met, which is asked under mu, holds; else the context's error.
func (p *pulse) until(ctx context.Context, mu *sync.Mutex, met func() bool) error {
	mu.Lock()
	defer mu.Unlock()
	for !met() {
		ch := p.next()
		mu.Unlock()
		select {
		case <-ch:
		case <-ctx.Done():
		}
		mu.Lock()
		if !met() && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
