package guard

import "slices"

// queue holds the callers that wait for one login. Integrations take turns; within one, first come is first served.
type queue struct {
	lanes []*lane // those with waiters, the next turn first
	n     int
}

type lane struct {
	source  string
	waiters []*waiter
}

// waiter is one caller that waits. Its fields are guarded by the login's mutex.
type waiter struct {
	ask    Ask
	answer chan answer // one, sent when the waiter leaves the queue
	queued bool
}

type answer struct {
	attempt Attempt
	denied  *Denied
}

func (w *waiter) leave(a answer) {
	w.queued = false
	w.answer <- a
}

// push adds a waiter. In a full queue the place is taken from the integration with the most waiters, its last one first,
// unless that is the newcomer's own: then the newcomer is the one who is returned.
func (q *queue) push(w *waiter, limit int) (evicted *waiter) {
	own := q.lane(w.ask.Source)
	if q.n >= limit {
		longest := slices.MaxFunc(q.lanes, func(a, b *lane) int { return len(a.waiters) - len(b.waiters) })
		if own != nil && len(own.waiters) >= len(longest.waiters)-1 || len(longest.waiters) == 1 {
			return w
		}
		evicted = longest.waiters[len(longest.waiters)-1]
		q.remove(evicted)
	}
	if own == nil {
		own = &lane{source: w.ask.Source}
		q.lanes = append(q.lanes, own)
	}
	own.waiters = append(own.waiters, w)
	w.queued = true
	q.n++
	return evicted
}

func (q *queue) lane(source string) *lane {
	for _, l := range q.lanes {
		if l.source == source {
			return l
		}
	}
	return nil
}

// pop takes out the first waiter, in turn by integration, that may go.
func (q *queue) pop(may func(*waiter) bool) *waiter {
	for i, l := range q.lanes {
		j := slices.IndexFunc(l.waiters, may)
		if j < 0 {
			continue
		}
		w := l.waiters[j]
		q.lanes = append(slices.Delete(q.lanes, i, i+1), l)
		q.remove(w)
		return w
	}
	return nil
}

func (q *queue) remove(w *waiter) {
	i := slices.IndexFunc(q.lanes, func(l *lane) bool { return l.source == w.ask.Source })
	l := q.lanes[i]
	l.waiters = slices.DeleteFunc(l.waiters, func(o *waiter) bool { return o == w })
	if len(l.waiters) == 0 {
		q.lanes = slices.Delete(q.lanes, i, i+1)
	}
	w.queued = false
	q.n--
}

// deny answers every waiter for whom why returns a reason.
func (q *queue) deny(why func(*waiter) *Denied) {
	for _, l := range slices.Clone(q.lanes) {
		for _, w := range slices.Clone(l.waiters) {
			if d := why(w); d != nil {
				q.remove(w)
				w.leave(answer{denied: d})
			}
		}
	}
}
