package main

import (
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

type settings struct {
	address, method, path string
	callers, body         string
	operation             string
	rate                  float64
	warm, counted         time.Duration
	most                  int
}

// result is what is printed. Times are in milliseconds.
type result struct {
	Calls      int     `json:"calls"`  // that were counted
	Failed     int     `json:"failed"` // of all, those before it counted too
	Error      string  `json:"error,omitempty"`
	P50        float64 `json:"p50"`
	P99        float64 `json:"p99"`
	Max        float64 `json:"max"`
	Late99     float64 `json:"late99"` // how late calls left
	Connection int     `json:"connections"`
}

// due is a call that is to be made now.
type due struct {
	request net.Buffers
	at      time.Time // from here on its latency is counted
	counts  bool
}

// pacer makes the calls of one run.
type pacer struct {
	settings
	waiting chan due // room for all calls of the run: whoever hands one over never waits
	all     sync.WaitGroup

	mu      sync.Mutex
	idle    int
	dialled int
	took    []time.Duration
	failed  int
	first   error
}

func (s settings) run() (result, error) {
	requests, err := s.requests()
	if err != nil {
		return result{}, err
	}
	calls := int(s.rate * (s.warm + s.counted).Seconds())
	p := &pacer{settings: s, waiting: make(chan due, calls), took: make([]time.Duration, 0, calls)}
	late := make([]time.Duration, 0, calls)
	start := time.Now()
	for i := range calls {
		after := time.Duration(float64(i) / s.rate * float64(time.Second))
		sleepUntil(start.Add(after))
		now := time.Now()
		late = append(late, now.Sub(start.Add(after)))
		p.make(due{requests[i%len(requests)], now, after >= s.warm})
	}
	close(p.waiting)
	p.all.Wait()
	return p.result(late), nil
}

// sleepUntil sleeps by itself: the runtime's own timers are up to a millisecond late where nothing else is to do.
func sleepUntil(t time.Time) {
	for left := time.Until(t); left > 0; left = time.Until(t) {
		rest := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&rest, nil) // interrupted: the rest is slept
	}
}

// make has a call made by a connection that is idle, or by a new one.
func (p *pacer) make(d due) {
	p.waiting <- d
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle < len(p.waiting) && p.dialled < p.most {
		p.dialled++
		p.all.Go(p.work)
	}
}

// work makes calls over one connection until there are no more. A connection on which a call failed is not used again.
func (p *pacer) work() {
	var conn *connection
	for {
		p.rest(1)
		d, more := <-p.waiting
		p.rest(-1)
		if !more {
			break
		}
		var err error
		if conn == nil {
			conn, err = p.dial()
		}
		if err == nil {
			err = conn.call(d.request)
		}
		p.made(d, time.Since(d.at), err)
		if err != nil && conn != nil {
			_ = conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
}

func (p *pacer) rest(n int) {
	p.mu.Lock()
	p.idle += n
	p.mu.Unlock()
}

func (p *pacer) made(d due, took time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.failed++
		if p.first == nil {
			p.first = err
		}
	case d.counts:
		p.took = append(p.took, took)
	}
}

func (p *pacer) result(late []time.Duration) result {
	slices.Sort(p.took)
	slices.Sort(late)
	r := result{Calls: len(p.took), Failed: p.failed, P50: percentile(p.took, 50), P99: percentile(p.took, 99), Max: percentile(p.took, 100), Late99: percentile(late, 99), Connection: p.dialled}
	if p.first != nil {
		r.Error = p.first.Error()
	}
	return r
}

// percentile of sorted times is the smallest that n of a hundred are not above (nearest rank), in milliseconds; 0 of none.
func percentile(sorted []time.Duration, n int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*n + 99) / 100
	return float64(sorted[max(rank, 1)-1]) / float64(time.Millisecond)
}
