package guard

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Lease is a process's permission to send. Whoever watches the process gives its units up for lost later than the lease
// ends, so that a process that was stopped, or cut off from the store, sends nothing with units that are not its own any more.
//
// It ends by the monotonic clock, and where the wall clock shows that the monotonic one stood still: a machine that slept.
type Lease struct {
	endless bool
	closed  bool
	ended   atomic.Bool
	terms   atomic.Uint64 // how often it began again after it was over

	mu      sync.Mutex
	begun   time.Time
	lasts   time.Duration
	jump    time.Duration // how far the wall clock may have moved against the monotonic one
	timer   *time.Timer
	ctx     context.Context
	endNow  context.CancelCauseFunc
	renewed int
}

// ErrLease is why calls under way end, and no others begin: the store was not reached for too long.
var ErrLease = errors.New("the lease is over: the store of the guard was not reached in time")

// NewLease returns one that is over. jump is how far the wall clock may have moved against the monotonic one.
func NewLease(jump time.Duration) *Lease {
	l := &Lease{jump: jump}
	l.ctx, l.endNow = context.WithCancelCause(context.Background())
	l.endNow(ErrLease)
	l.ended.Store(true)
	return l
}

// endlessLease is that of tables that nobody else uses and that are lost with the process. It ends when it is closed.
func endlessLease() *Lease {
	l := &Lease{endless: true}
	l.ctx, l.endNow = context.WithCancelCause(context.Background())
	return l
}

// Extend makes the lease last for a while, counted from begun: when the process began to tell the store that it lives. It
// reports whether the lease was over, and goes on now.
func (l *Lease) Extend(begun time.Time, lasts time.Duration) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun, l.lasts = begun, lasts; l.closed || !l.ahead() {
		return false
	}
	if again = l.ctx.Err() != nil; again {
		l.ctx, l.endNow = context.WithCancelCause(context.Background())
		l.terms.Add(1)
	}
	l.ended.Store(false)
	l.renewed++
	renewed := l.renewed
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(time.Until(begun.Add(lasts)), func() { l.expire(renewed) })
	return again
}

// expire ends the lease unless it was extended since.
func (l *Lease) expire(renewed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if renewed == l.renewed {
		l.over(ErrLease)
	}
}

// End ends the lease now. It may be extended later.
func (l *Lease) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over(ErrLease)
}

// Close ends the lease for good.
func (l *Lease) Close(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.over(cause)
}

func (l *Lease) over(cause error) {
	l.lasts = 0
	l.ended.Store(true)
	l.endNow(cause)
	if l.timer != nil {
		l.timer.Stop()
	}
}

// Ended reports whether the lease has ended, without a look at the clocks: before anything is sent, ask May.
func (l *Lease) Ended() bool { return l.ended.Load() }

// May reports whether something may be sent now.
func (l *Lease) May() bool {
	if l.endless || l.ended.Load() {
		return !l.ended.Load()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ahead()
}

// Term names the time from when the lease began, or began again, until it is over. A unit that was taken in one term is not
// the process's own in another: it may have been given up for lost meanwhile.
func (l *Lease) Term() uint64 { return l.terms.Load() }

// During returns a context that ends with a term of the lease, and whether something may be sent in it now.
func (l *Lease) During(term uint64) (ctx context.Context, may bool) {
	may = l.May()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx, may && term == l.terms.Load()
}

// ahead reports whether the end is ahead by both clocks.
func (l *Lease) ahead() bool {
	now := time.Now()
	return l.lets(now.Sub(l.begun), now.Round(0).Sub(l.begun.Round(0)))
}

// lets reports whether the lease goes on so long after it was begun, by the monotonic clock and by the wall clock.
func (l *Lease) lets(monotonic, wall time.Duration) bool {
	return monotonic < l.lasts && wall < l.lasts && monotonic-wall <= l.jump
}
