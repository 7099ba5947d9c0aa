package guard

import (
	"context"
	"fmt"
	"sync"
)

// party is one caller who waits in the queues of several logins: the waiters are his places in them. The login that may serve
// first claims him before it takes a unit, so that no two can take one for him; his places in the other queues are passed over
// from then on, until he takes them back.
//
// Its mutex may be taken with a login's held, never the other way round.
type party struct {
	logins []*Login
	load   int // of each place

	mu       sync.Mutex
	places   []*waiter // by login; nil where he was refused at entry
	open     int       // logins that have not denied him
	claimed  *waiter   // the place of the login that is taking him
	left     bool      // he waits no more
	over     bool      // he is answered
	answer   answer
	of       int           // the login whose answer it is
	answered chan struct{} // closed when it is over
}

func newParty(logins []*Login) *party {
	p := &party{logins: logins, places: make([]*waiter, len(logins)), open: len(logins), of: Nobody, answered: make(chan struct{})}
	serve := 0
	for _, l := range logins {
		if l.glance.serves.Load() {
			serve++
		}
	}
	p.load = wholeLoad / max(1, serve) // those that do not serve now are of no help to those that do
	return p
}

// enter queues the caller at one of the logins, unless another one has taken him already.
func (p *party) enter(i int, ask *Ask) {
	p.mu.Lock()
	over := p.over
	p.mu.Unlock()
	if over {
		return
	}
	var a Attempt
	w, denied := p.logins[i].enter(ask, &a, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if denied != nil {
		p.deny(i, denied)
		return
	}
	p.places[i] = w
}

// claim takes the caller for one of his places, where nobody else has.
func (p *party) claim(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.left || p.claimed != nil {
		return false
	}
	p.claimed = w
	return true
}

// unclaim takes back a claim: what was decided could not be written.
func (p *party) unclaim(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claimed != w {
		return
	}
	p.claimed = nil
	if p.left && !p.over {
		p.end(Nobody, answer{})
	}
}

// hears is told the answer of a place, which is in its queue no more.
func (p *party) hears(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.placeOf(w)
	mine := p.claimed == w
	switch {
	case mine && w.answer.denied == nil:
		p.end(i, w.answer)
	case mine: // what was decided could not be written: he is the others' again
		p.claimed = nil
		p.deny(i, w.answer.denied)
	default:
		p.deny(i, w.answer.denied)
	}
}

// placeOf returns whose place it is. Called with the mutex held.
func (p *party) placeOf(w *waiter) int {
	for i, l := range p.logins {
		if l == w.of {
			return i
		}
	}
	return Nobody
}

// deny keeps the mildest answer, and gives it once every login has denied him, or when one of them has moved. Called with the
// mutex held.
func (p *party) deny(i int, d *Denied) {
	if p.over { // another one has taken him meanwhile
		return
	}
	p.open--
	if d.Milder(p.answer.denied) {
		p.answer.denied, p.of = d, i
	}
	if p.claimed == nil && (p.open == 0 || p.left || p.answer.denied.Reason == Moved) {
		p.end(p.of, p.answer)
	}
}

// end answers the caller. Called with the mutex held.
func (p *party) end(of int, a answer) {
	p.over, p.of, p.answer = true, of, a
	close(p.answered)
}

// leave ends the caller's waiting. A login that is taking him just now has the last word.
func (p *party) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = true
	if p.claimed == nil && !p.over {
		p.end(Nobody, answer{})
	}
}

// wait ends with a unit, a reason, or the caller's leaving.
func (p *party) wait(ctx context.Context) (int, Attempt, error) {
	defer p.takeBack()
	select {
	case <-p.answered:
		a, err := p.answer.result()
		return p.of, a, err
	case <-ctx.Done():
	}
	p.leave()
	<-p.answered
	if p.answer.denied == nil && p.of != Nobody {
		p.logins[p.of].Settle(p.answer.attempt, Outcome{Verdict: NotSent})
	}
	return Nobody, Attempt{}, fmt.Errorf("the caller left: %w", ctx.Err())
}

// takeBack takes the caller out of the queues that he is still in.
func (p *party) takeBack() {
	for i, w := range p.places {
		if w != nil {
			p.logins[i].giveUp(w)
		}
	}
}

// giveUp takes a waiter out of the queue, wherever he is.
func (l *Login) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.late != nil {
		w.late.Stop()
	}
	if w.queued {
		l.queue.remove(w)
	}
}
