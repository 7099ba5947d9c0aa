package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// tally is what the demo's own clients saw in one chapter.
type tally struct {
	chapter int

	mu      sync.Mutex
	waiting int
	calls   []made
}

// made is one call that was made.
type made struct {
	client string
	title  string // of the ticket that it was to create; "" for other calls
	reason string // why it was not served; "" if it was
	took   time.Duration
}

// call makes a call and counts it.
func (t *tally) call(ctx context.Context, c client, j job) { t.finish(ctx, c, j, t.enter()) }

// enter counts a call that is about to be made, and numbers it.
func (t *tally) enter() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting++
	return len(t.calls) + t.waiting
}

// finish makes a call that was counted as waiting.
func (t *tally) finish(ctx context.Context, c client, j job, n int) {
	m := made{client: c.name}
	if j.creates {
		m.title = fmt.Sprintf("%s, chapter %d, call %d", c.name, t.chapter, n)
	}
	began := time.Now()
	m.reason = c.call(ctx, j, m.title)
	m.took = time.Since(began)

	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	t.calls = append(t.calls, m)
}

// counts are the numbers of a line of the story.
type counts struct {
	served, waiting, failed int
}

func (t *tally) now() (c counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.waiting = t.waiting
	for _, m := range t.calls {
		if m.reason == "" {
			c.served++
		}
	}
	return c
}
