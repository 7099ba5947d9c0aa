package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// turn is one measurement of one subject. A figure that a subject does not have is 0.
type turn struct {
	// Throughput is calls a second, of the closed loop.
	Throughput float64 `json:"throughput"`
	// CPU is seconds per 1,000 calls.
	CPU float64 `json:"cpu"`
	// Memory is the peak in MiB.
	Memory float64 `json:"memory"`
	// Allocations are per call.
	Allocations float64 `json:"allocations"`
	// P50 and P99 are milliseconds, of the open loop.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// Late is how late the open loop's calls left at the 99th percentile, in milliseconds; Others is how much processor other
	// programs took meanwhile, as a share of one core. Both are the machine's noise.
	Late   float64 `json:"late"`
	Others float64 `json:"others"`
}

// settle is a pause before each loop, so that what the last one left under way is over.
const settle = 200 * time.Millisecond

// gauge is what the machine and a subject have used so far.
type gauge struct {
	busy, subject, upstream time.Duration
	mallocs, scrape         float64 // scrape: what asking for them takes
}

// gauge reads the gauges; calibrate asks for the allocations twice.
func (w *world) gauge(st *stage, calibrate bool) (g gauge, err error) {
	if g.mallocs, err = st.mallocs(w.ctx); err == nil && calibrate {
		first := g.mallocs
		g.mallocs, err = st.mallocs(w.ctx)
		g.scrape = g.mallocs - first
	}
	if err == nil && st.server != nil {
		g.subject, err = st.server.cpu()
	}
	var err2, err3 error
	g.upstream, err2 = w.server.cpu()
	text, err4 := os.ReadFile("/proc/stat")
	if err4 == nil {
		g.busy, err3 = parseBusy(text)
	}
	return g, errors.Join(err, err2, err3, err4)
}

// closedTurn measures a subject under the closed loop.
func (w *world) closedTurn(st *stage, t *turn) error {
	time.Sleep(settle)
	if st.server != nil {
		if err := st.server.resetPeak(); err != nil {
			return err
		}
	}
	before, err := w.gauge(st, true)
	if err != nil {
		return err
	}
	start := time.Now()
	loop, err := w.closedLoop(st, w.closed)
	if err != nil {
		return st.failed(err)
	}
	after, err := w.gauge(st, false)
	if err != nil {
		return err
	}
	t.Throughput = loop.rate()
	t.Others = max(0, (after.busy-before.busy-(after.subject-before.subject)-(after.upstream-before.upstream)-loop.cpu).Seconds()/time.Since(start).Seconds())
	if st.server == nil {
		return nil
	}
	t.CPU = (after.subject - before.subject).Seconds() / float64(loop.calls) * 1000
	if st.admin != "" {
		t.Allocations = max(0, after.mallocs-before.mallocs-before.scrape) / float64(loop.calls)
	}
	peak, err := st.server.peak()
	t.Memory = float64(peak) / (1 << 20)
	return err
}

// openTurn measures a subject's latency at a rate.
func (w *world) openTurn(st *stage, rate float64, t *turn) error {
	time.Sleep(settle)
	r, err := w.openLoop(st, rate, w.open)
	if err != nil {
		return st.failed(err)
	}
	t.P50, t.P99, t.Late = r.P50, r.P99, r.Late99
	return nil
}

// failed adds to an error what the subject has to say.
func (st *stage) failed(err error) error {
	if st.server == nil {
		return fmt.Errorf("%s: %w", st.subject, err)
	}
	return fmt.Errorf("%s: %w\nIt said: %s", st.subject, err, st.server.said())
}
