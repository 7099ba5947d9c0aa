package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// anchorer anchors a chain's heads. Nobody waits for it but Close.
type anchorer struct {
	config Config
	poke   chan struct{} // there is another head; holds one
	stop   context.CancelFunc
	ctx    context.Context
	ended  chan struct{}

	mu     sync.Mutex
	latest Head
	put    Head
	putAt  time.Time
	err    error
}

func newAnchorer(c Config) *anchorer {
	a := &anchorer{config: c, poke: make(chan struct{}, 1), ended: make(chan struct{})}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// offer takes a head, which must be of lines that are on disk: else a crash would look as if somebody had cut them off.
func (a *anchorer) offer(h Head) {
	a.mu.Lock()
	a.latest = h
	a.mu.Unlock()
	select {
	case a.poke <- struct{}{}:
	default:
	}
}

func (a *anchorer) run() {
	defer close(a.ended)
	if a.config.Anchors == nil {
		return
	}
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-a.poke:
		}
		for !a.upToDate() {
			if !a.rest() {
				return
			}
			_ = a.anchor(a.ctx)
		}
	}
}

func (a *anchorer) upToDate() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.put.Seq >= a.latest.Seq
}

// rest waits until the next head is due. It returns false where the Writer ends.
func (a *anchorer) rest() bool {
	for {
		a.mu.Lock()
		left := a.config.AnchorEvery - time.Since(a.putAt)
		many := a.latest.Seq-a.put.Seq >= uint64(a.config.AnchorLines) && a.err == nil
		a.mu.Unlock()
		if left <= 0 || many {
			return a.ctx.Err() == nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-a.poke:
		case <-a.ctx.Done():
		}
		timer.Stop()
		if a.ctx.Err() != nil {
			return false
		}
	}
}

// anchor puts the latest head.
func (a *anchorer) anchor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	a.mu.Lock()
	head := a.latest
	a.mu.Unlock()
	err := a.config.Anchors.Put(ctx, head)
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled): // close anchors it once more
		return err
	default:
		err = fmt.Errorf("the head of the audit chain is not anchored: %w", err)
	}
	a.mu.Lock()
	changed := (err == nil) != (a.err == nil)
	a.putAt, a.err = time.Now(), err
	if err == nil {
		a.put = head
	}
	a.mu.Unlock()
	if changed {
		a.tell(err)
	}
	return err
}

func (a *anchorer) tell(err error) {
	if err == nil {
		a.config.Told(Trouble{What: Anchored})
		return
	}
	a.config.Told(Trouble{What: AnchorFailed, Err: err})
}

// close anchors the last head.
func (a *anchorer) close(ctx context.Context) error {
	a.stop()
	select {
	case <-a.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if a.config.Anchors == nil || a.upToDate() {
		return nil
	}
	return a.anchor(ctx)
}

func (a *anchorer) status() (put Head, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.put, a.err
}
