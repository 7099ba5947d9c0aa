package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/secret"
)

// quest is one call's way to a unit of a pool's.
type quest struct {
	lanes  []*lane       // whose unit it may still be
	denied *guard.Denied // the mildest answer of the others
	by     *lane         // whose that is
}

// Reserve implements inject.Entrance. A login that has no credential, or whose zone is not known, does not stop the others.
func (p *pool) Reserve(ctx context.Context, ask guard.Ask) (inject.Ticket, error) {
	start := time.Now()
	q := &quest{lanes: p.inTurn()}
	waited := q.lanes[0]
	defer func() { p.shared.observer.Waited(waited.Name, time.Since(start)) }()
	for len(q.lanes) > 0 {
		s, a, err := q.acquire(ctx, ask)
		if err != nil {
			if q.by != nil {
				waited = q.by
			}
			return inject.Ticket{}, err
		}
		waited = s.lane
		t, err := s.lane.ticket(ctx, s, a)
		if err == nil {
			return t, nil
		}
		s.lane.settle(s.guard, a, guard.Outcome{Verdict: guard.NotSent})
		if !q.without(s.lane, err) {
			return inject.Ticket{}, err
		}
	}
	return inject.Ticket{}, q.answer()
}

// answer is what a caller hears whom no login takes.
func (q *quest) answer() error {
	if q.denied == nil {
		return fmt.Errorf("no login of the pool has answered")
	}
	return q.denied
}

// without goes on without a lane, for an answer that it gave. One that is no answer but the caller's leaving is reported.
func (q *quest) without(n *lane, err error) bool {
	var d *guard.Denied
	if !errors.As(err, &d) {
		return false
	}
	q.lanes = slices.DeleteFunc(q.lanes, func(of *lane) bool { return of == n })
	q.hears(n, d)
	return true
}

// hears keeps the mildest answer.
func (q *quest) hears(n *lane, d *guard.Denied) {
	if d.Milder(q.denied) {
		q.denied, q.by = d, n
	}
}

// acquire waits for a unit of the PSA users that calls go through.
func (q *quest) acquire(ctx context.Context, ask guard.Ask) (*seat, guard.Attempt, error) {
	for {
		seats, pending, err := q.seats(ctx, ask.Since)
		switch {
		case err != nil:
			return nil, guard.Attempt{}, err
		case len(seats)+len(pending) == 0:
			return nil, guard.Attempt{}, q.answer()
		}
		if s, a, again, err := q.wait(ctx, seats, pending, ask); !again {
			return s, a, err
		}
	}
}

// seats returns the PSA users of those lanes whose records have been read, each once, and the lanes whose have not.
func (q *quest) seats(ctx context.Context, since time.Time) (seats []*seat, pending []*lane, err error) {
	for _, n := range slices.Clone(q.lanes) {
		if n.pending() {
			pending = append(pending, n)
			continue
		}
		s, err := n.sit(ctx, since)
		switch {
		case err != nil && !q.without(n, err):
			return nil, nil, err
		case err != nil || slices.ContainsFunc(seats, func(o *seat) bool { return o.guard == s.guard }):
			continue
		}
		n.needNext(s)
		seats = append(seats, s)
	}
	return seats, pending, nil
}

// pending reports whether the lane's record has not been read once.
func (n *lane) pending() bool {
	select {
	case <-n.committed:
	default:
		return true
	}
	_, err := n.store.Get(n.Path)
	return errors.Is(err, secret.ErrPending)
}

// wait waits for a unit of the seats. It begins again where a lane has got its first reading meanwhile, or another seat.
func (q *quest) wait(ctx context.Context, seats []*seat, pending []*lane, ask guard.Ask) (s *seat, a guard.Attempt, again bool, err error) {
	within, end := context.WithCancel(ctx)
	defer end()
	w := expect(within, end, pending, ask.Since)
	place := guard.Nobody
	if len(seats) > 0 {
		logins := make([]*guard.Login, len(seats))
		for i, s := range seats {
			logins[i] = s.guard
		}
		place, a, err = guard.AcquireAny(within, logins, ask)
		end()
	}
	w.all.Wait()
	if err == nil && place != guard.Nobody {
		return seats[place], a, false, nil
	}
	for n, why := range w.failed {
		q.without(n, why)
	}
	var d *guard.Denied
	switch {
	case ctx.Err() != nil:
		return nil, a, false, fmt.Errorf("the caller left: %w", ctx.Err())
	case w.seated || errors.As(err, &d) && d.Reason == guard.Moved:
		return nil, a, true, nil
	case d != nil:
		q.hears(seats[place].lane, d)
	}
	return nil, a, false, q.answer()
}

// expected are the first readings that are waited for.
type expected struct {
	all    sync.WaitGroup
	mu     sync.Mutex
	seated bool // one has come
	failed map[*lane]error
}

// expect waits for the first readings of lanes' records. The first one that comes ends the wait.
func expect(ctx context.Context, end func(), lanes []*lane, since time.Time) *expected {
	w := &expected{failed: make(map[*lane]error)}
	for _, n := range lanes {
		w.all.Go(func() {
			_, err := n.sit(ctx, since)
			w.mu.Lock()
			defer w.mu.Unlock()
			switch {
			case err == nil:
				w.seated = true
				end()
			case ctx.Err() == nil:
				w.failed[n] = err
			}
		})
	}
	return w
}
