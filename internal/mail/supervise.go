package mail

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Waits before what broke down is begun anew.
const (
	anewFirst = time.Second
	anewMost  = 5 * time.Minute
)

// running is something that runs until it is stopped.
type running struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// run runs something in a goroutine of its own, after what ran before it, if anything did. Where it panics it is run again, later
// each time unless it went well for long.
func run(before *running, log *slog.Logger, what string, do func(context.Context)) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{ctx: ctx, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if before != nil {
			<-before.done
		}
		for wait := anewFirst; ctx.Err() == nil; wait = min(2*wait, anewMost) {
			began := time.Now()
			if !panics(ctx, log, what, do) {
				return
			}
			if time.Since(began) > anewMost {
				wait = anewFirst
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
	}()
	return r
}

// panics tells whether it did. Its value may quote a mail: only what kind it is of is told.
func panics(ctx context.Context, log *slog.Logger, what string, do func(context.Context)) (did bool) {
	defer func() {
		if value := recover(); value != nil {
			did = true
			log.Error(what+" broke down, and is begun anew", "panic", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
		}
	}()
	do(ctx)
	return false
}

// stop begins to end it; wait waits for that.
func (r *running) stop() {
	if r != nil {
		r.cancel()
	}
}

func (r *running) wait(ctx context.Context) error {
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
