package call

import (
	"sync"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// puts are the writings of operators that are under way, over all configs: one at a time of each record. Who comes second is told
// so and does not wait: an operator who has given up waiting would not know that the put is carried out later.
type puts struct {
	mu      sync.Mutex
	of      map[record]struct{}
	stopped bool
	idle    chan struct{} // closed once it is stopped and none is under way
}

func newPuts() *puts { return &puts{of: make(map[record]struct{}), idle: make(chan struct{})} }

// begin lets one begin, unless another of the record is under way or the process is about to stop.
func (p *puts) begin(r record) (end func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, report.ErrStopping
	}
	if _, busy := p.of[r]; busy {
		return nil, report.ErrPutting
	}
	p.of[r] = struct{}{}
	return func() { p.end(r) }, nil
}

func (p *puts) end(r record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, r)
	p.settle()
}

// stop lets none begin any more.
func (p *puts) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.settle()
}

// settle says that nothing is under way any more, once. Called with the mutex held.
func (p *puts) settle() {
	if !p.stopped || len(p.of) > 0 {
		return
	}
	select {
	case <-p.idle:
	default:
		close(p.idle)
	}
}

// lastWords is how long a put may take, once its attempt was ended with all calls in flight, to say what came of it.
const lastWords = 2 * time.Second

// Finish waits, once the process is about to stop, until no put is under way: one that is cut in two leaves the PSA with a
// password that the store does not have. It waits no longer than calls in flight have.
func (g *Gateway) Finish() {
	s := g.shared
	if s.draining.Err() == nil {
		return
	}
	select {
	case <-s.puts.idle:
	case <-s.cut.Done():
	}
}
