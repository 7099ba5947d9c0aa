package guard

import (
	"slices"
	"time"
)

// queue holds the callers that wait for one login. Integrations take turns; within one, first come is first served.
type queue struct {
	lanes []lane // those with waiters, the next turn first
	n     int
	// leaving are those who were taken out and are to be answered once the transaction that decided it is committed.
	leaving []*waiter
}

// lane is the waiters of one integration, in a list.
type lane struct {
	source      string
	first, last *waiter
	n           int
	load        int // of its waiters
}

// wholeLoad is the load of a caller who waits for this login alone.
const wholeLoad = 1000

// waiter is one caller that waits. Its fields are guarded by the login's mutex, but for its answer once it is answered.
type waiter struct {
	ask        Ask
	queued     bool
	prev, next *waiter // in its lane
	load       int     // what this login will have of the caller, as far as can be told: 1000, or a part of it
	answer     answer
	answered   chan struct{} // closed when the answer is there; nil for a caller of a pool, whom his party answers
	late       *time.Timer   // at its deadline; nil where it was answered before it had to wait
	party      *party        // of a caller who waits for other logins too; nil for this one alone
	of         *Login        // whose queue it is, for his party
}

type answer struct {
	attempt Attempt
	denied  *Denied
}

// leave answers a waiter that is in the queue no more.
func (w *waiter) leave() {
	if w.party != nil {
		w.party.hears(w)
		return
	}
	close(w.answered)
}

// claim reports whether the waiter is this login's to take: no other one has taken him, and he has not left.
func (w *waiter) claim() bool { return w.party == nil || w.party.claim(w) }

// push adds a waiter. In a full queue the place is taken from the integration with the most waiters, its last one first,
// unless that is the newcomer's own: then the newcomer is the one who is returned.
func (q *queue) push(w *waiter, limit int) (evicted *waiter) {
	if q.n >= limit {
		longest := slices.MaxFunc(q.lanes, func(a, b lane) int { return a.n - b.n })
		if own := q.lane(w.ask.Source); own != nil && own.n >= longest.n-1 || longest.n == 1 {
			return w
		}
		evicted = longest.last
		q.remove(evicted)
	}
	own := q.lane(w.ask.Source)
	if own == nil {
		q.lanes = append(q.lanes, lane{source: w.ask.Source})
		own = &q.lanes[len(q.lanes)-1]
	}
	own.add(w)
	w.queued = true
	q.n++
	return evicted
}

// lane returns the lane of an integration until the next waiter is added or taken out, or nil.
func (q *queue) lane(source string) *lane {
	if i := q.index(source); i >= 0 {
		return &q.lanes[i]
	}
	return nil
}

func (q *queue) index(source string) int {
	for i := range q.lanes {
		if q.lanes[i].source == source {
			return i
		}
	}
	return -1
}

// pop takes out the first waiter, in turn by integration, that may go.
func (q *queue) pop(may func(*waiter) bool) *waiter {
	for i := range q.lanes {
		w := q.lanes[i].first
		for w != nil && !may(w) {
			w = w.next
		}
		if w == nil {
			continue
		}
		turn := q.lanes[i]
		copy(q.lanes[i:], q.lanes[i+1:])
		q.lanes[len(q.lanes)-1] = turn
		q.remove(w)
		return w
	}
	return nil
}

func (q *queue) remove(w *waiter) {
	i := q.index(w.ask.Source)
	q.lanes[i].cut(w)
	if q.lanes[i].n == 0 {
		q.lanes = slices.Delete(q.lanes, i, i+1)
	}
	w.queued = false
	q.n--
}

func (l *lane) add(w *waiter) {
	w.prev = l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	l.n++
	l.load += w.load
}

func (l *lane) addFirst(w *waiter) {
	w.next = l.first
	if l.first == nil {
		l.last = w
	} else {
		l.first.prev = w
	}
	l.first = w
	l.n++
	l.load += w.load
}

func (l *lane) cut(w *waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	l.n--
	l.load -= w.load
}

// deny takes out every waiter for whom why returns a reason.
func (q *queue) deny(why func(*waiter) *Denied) {
	for i := len(q.lanes) - 1; i >= 0; i-- { // from the end, for a lane goes with its last waiter
		var next *waiter
		for w := q.lanes[i].first; w != nil; w = next {
			next = w.next
			if d := why(w); d != nil {
				q.remove(w)
				q.depart(w, answer{denied: d})
			}
		}
	}
}

// depart notes what a waiter who was taken out is to be answered.
func (q *queue) depart(w *waiter, a answer) {
	w.answer = a
	q.leaving = append(q.leaving, w)
}

// putBack takes back that anybody leaves: what was decided could not be written. They are the first of their lanes again.
func (q *queue) putBack() {
	for _, w := range slices.Backward(q.leaving) {
		if w.party != nil {
			w.party.unclaim(w)
		}
		w.answer, w.queued = answer{}, true
		own := q.lane(w.ask.Source)
		if own == nil {
			q.lanes = append(q.lanes, lane{source: w.ask.Source})
			own = &q.lanes[len(q.lanes)-1]
		}
		own.addFirst(w)
		q.n++
	}
	clear(q.leaving)
	q.leaving = q.leaving[:0]
}

// answerLeaving answers those who leave; where the transaction failed that decided it, all of them by that.
func (q *queue) answerLeaving(failed *Denied) {
	for _, w := range q.leaving {
		if failed != nil {
			w.answer = answer{denied: failed}
		}
		w.leave()
	}
	clear(q.leaving)
	q.leaving = q.leaving[:0]
}

// each visits those who wait, by integration, until visit returns false.
func (q *queue) each(visit func(*waiter) bool) { q.eachAfter("", visit) }

// eachAfter is each, from the integration on that comes after another.
func (q *queue) eachAfter(source string, visit func(*waiter) bool) {
	first := q.index(source) + 1
	for i := range q.lanes {
		for w := q.lanes[(first+i)%len(q.lanes)].first; w != nil; w = w.next {
			if !visit(w) {
				return
			}
		}
	}
}
