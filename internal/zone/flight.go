package zone

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errClosed: the cache is closed.
var errClosed = errors.New("zone cache is closed")

// flight is a lookup that is under way; its results are there once done is closed.
type flight struct {
	done   chan struct{}
	zone   Zone
	asked  bool // the PSA was asked: the zone is not one from the storage
	failed error
}

// fly returns the flight of an entry, a new one if there is none. The caller holds the mutex.
func (c *Cache) fly(e *entry, storageWillDo bool) (*flight, error) {
	switch {
	case e.flight != nil:
		return e.flight, nil
	case c.ctx.Err() != nil:
		return nil, errClosed
	case e.failure != nil && time.Now().Before(e.failure.RetryAt):
		return nil, e.failure
	}
	f := &flight{done: make(chan struct{})}
	e.flight = f
	c.work.Go(func() { c.find(e, f, storageWillDo) })
	return f, nil
}

func (c *Cache) find(e *entry, f *flight, storageWillDo bool) {
	if storageWillDo {
		if z, ok := c.load(c.ctx, e.key); ok {
			e.saving.Lock()
			e.saved = z
			e.saving.Unlock()
			f.zone = z
			c.land(e, f)
			return
		}
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, lookupTimeout, fmt.Errorf("no answer within %s", lookupTimeout))
	defer cancel()
	f.asked = true
	found, err := c.lookup(ctx, e.key.Discover, e.key.User)
	switch {
	case err != nil && ctx.Err() != nil:
		f.failed = context.Cause(ctx)
	case err != nil:
		f.failed = err
	case found.Base == "":
		f.failed = errors.New("the answer names no zone")
	default:
		found.FoundAt, found.Verified = time.Now(), true
		f.zone = found
	}
	if c.land(e, f); f.failed == nil {
		c.save(c.ctx, e)
	}
}

// land makes the flight's result known, and wakes those who wait for it.
func (c *Cache) land(e *entry, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	before := e.zone
	e.flight = nil
	if f.failed != nil {
		e.failures++
		e.failure = &LookupError{Discover: e.key.Discover, User: e.key.User, RetryAt: time.Now().Add(pause(e.failures)), Err: f.failed}
		f.failed = e.failure
		return
	}
	e.zone, e.failure, e.failures = f.zone, nil, 0
	if before.Base != "" && before.Base != f.zone.Base {
		c.logger.Warn("tenant moved to another zone", "user", e.key.User, "from", before.Base, "to", f.zone.Base)
	}
}

func (f *flight) wait(ctx context.Context) (Zone, error) {
	select {
	case <-f.done:
		return f.zone, f.failed
	case <-ctx.Done():
		return Zone{}, fmt.Errorf("waiting for a zone lookup: %w", context.Cause(ctx))
	}
}
