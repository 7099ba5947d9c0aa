package guard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A pool is several logins with the same data, one as good for a call as the other. It has no units and no queue of its own: a
// caller waits in the queue of each of its logins at once, in turn with those who wait there alone, and the first login that
// may serve takes him. So a pool is as quick as all its logins together, and starves nobody who calls through one of them.

// Nobody is the place of an answer that is no login's.
const Nobody = -1

// AcquireAny is Acquire for a caller who may be sent through any of several logins, each of them there once. It returns the
// place of the login whose unit it is, or whose answer the error is: the mildest of all. That is Moved as soon as one of them
// says so: then the caller is to ask again, with the login that took its place.
func AcquireAny(ctx context.Context, logins []*Login, ask Ask) (place int, a Attempt, err error) {
	if err := ctx.Err(); err != nil {
		return Nobody, Attempt{}, fmt.Errorf("the caller left: %w", err)
	}
	order := fewestHeldFirst(logins)
	for _, i := range order {
		if a, ok := logins[i].takeAtOnce(&ask); ok {
			return i, a, nil
		}
	}
	p := newParty(logins)
	for _, i := range order {
		p.enter(i, &ask)
	}
	return p.wait(ctx)
}

// fewestHeldFirst returns the places of logins, those with the fewest units in use first; of two that have as many, the one
// that was named first.
func fewestHeldFirst(logins []*Login) []int {
	held, order := make([]int32, len(logins)), make([]int, len(logins))
	for i, l := range logins {
		held[i], order[i] = l.glance.held.Load(), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(held[a], held[b]) })
	return order
}

// takeAtOnce takes a unit for a newcomer where one is free and nobody waits. A login that was not used yet and serves nobody is
// asked about its credential: so the logins of a pool are ready by the time that they are needed.
func (l *Login) takeAtOnce(ask *Ask) (a Attempt, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.used && len(l.uses) > 0
	l.used = l.used || first
	failed := l.untimed(func(r *Rows) {
		if l.refuseEntry(r, ask) != nil {
			return
		}
		if k, c := l.servesAtOnce(r, ask); c != nil {
			a, ok = l.take(r, k, c, ask.of(), noClock), true
		}
	})
	if failed != nil {
		return Attempt{}, false
	}
	if first && !ok {
		l.pump()
	}
	return a, ok
}

// mildness has the reasons from the mildest on: first what ends by itself, the sooner the milder; then what an operator of the
// gateway has to mend; last what somebody has to mend in the PSA. Moved and Draining are in front, as they are of all logins.
var mildness = [...]Reason{
	Moved, Draining,
	QueueDeadline, QueueFull, GateShut, UpstreamUnreachable, ZoneUnknown,
	CredentialRefused, secretUnavailable, StoreUnavailable, BudgetSpent,
	LoginLocked,
}

// secretUnavailable is a reason of those who ask the guard, never the guard's own.
const secretUnavailable Reason = "secret-unavailable"

// Milder reports whether a caller who is denied by several logins is to hear d rather than other: the reason is a milder one, or
// the same and worth another try sooner.
func (d *Denied) Milder(other *Denied) bool {
	if other == nil || d == nil {
		return d != nil
	}
	if a, b := d.hardness(), other.hardness(); a != b {
		return a < b
	}
	if d.RetryAfter == 0 || other.RetryAfter == 0 { // waiting does not help
		return d.RetryAfter > other.RetryAfter
	}
	return d.RetryAfter < other.RetryAfter
}

// hardness is the reason's place in mildness. One that has none is hard: nobody has said that it ends.
func (d *Denied) hardness() int {
	if i := slices.Index(mildness[:], d.Reason); i >= 0 {
		return i
	}
	return len(mildness)
}
