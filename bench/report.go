package main

import (
	"fmt"
	"io"
	"slices"
)

// report is everything, as -json writes it.
type report struct {
	Machine machine     `json:"machine"`
	Rows    []figures   `json:"rows"`
	Go      []benchmark `json:"go,omitempty"`
	Seconds float64     `json:"seconds"`
}

// aim is what a row is held against.
type aim struct {
	row, says string
	figure    column
	least     bool // the ratio is to be at least this, else at most
	ratio     float64
}

var aims = []aim{
	{"get", "throughput", throughput, true, 0.97},
	{"get", "p99", p99, false, 1.1},
	{"get", "memory", memory, false, 1.2},
	{"get-20ms", "throughput", throughput, true, 0.97},
	{"get-20ms", "p99", p99, false, 1.1},
	{"page", "throughput", throughput, true, 0.90},
	{"page", "memory", memory, false, 1.2},
	{"page-20ms", "throughput", throughput, true, 0.90},
	{"post", "memory", memory, false, 1.2},
}

func (a aim) met(ratio float64) bool {
	if a.least {
		return ratio >= a.ratio
	}
	return ratio <= a.ratio
}

// maxReserve is the most nanoseconds that reserving a unit and settling it may take.
const maxReserve = 300

// printEnd prints how the aims stand and how noisy the machine was.
func (r report) printEnd(out io.Writer) {
	fmt.Fprintln(out, "\naims (ratio to stock)")
	for _, a := range aims {
		if f, found := r.row(a.row); found {
			s, _ := f.subject(gateway)
			ratio := f.ratio(s, a.figure)
			limit := "at most"
			if a.least {
				limit = "at least"
			}
			fmt.Fprintf(out, "  %-7s %s %s %.2f, %s %.2f\n", word(a.met(ratio)), a.row, a.says, ratio, limit, a.ratio)
		}
	}
	r.printFlat(out)
	for _, b := range r.Go {
		if b.Aim {
			fmt.Fprintf(out, "  %-7s %s %.0f ns and %d allocations, at most %d and none\n", word(b.Nanoseconds <= maxReserve && b.Allocations == 0), b.Name, b.Nanoseconds, b.Allocations, maxReserve)
		}
	}
	r.printNoise(out)
	fmt.Fprintf(out, "took %.0f s\n", r.Seconds)
}

// printFlat says what 10,000 integrations change, as ratios to stock's in the same row.
func (r report) printFlat(out io.Writer) {
	few, found1 := r.row("get")
	many, found2 := r.row("many")
	if found1 && found2 {
		a, _ := few.subject(gateway)
		b, _ := many.subject(gateway)
		fmt.Fprintf(out, "  %d integrations instead of %d: throughput %.2f (was %.2f), allocations %.2f (was %.2f), memory %.2f (was %.2f)\n", many.Row.Integrations, few.Row.Integrations,
			many.ratio(b, throughput), few.ratio(a, throughput), many.ratio(b, allocations), few.ratio(a, allocations), many.ratio(b, memory), few.ratio(a, memory))
	}
}

func word(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// tooBusy is how much of a core, in percent, other programs may take.
const tooBusy = 20

// printNoise says how much the figures of subjects that did not change differ.
func (r report) printNoise(out io.Writer) {
	var spreads, elsewhere, lateness []float64
	for _, f := range r.Rows {
		if s, found := f.subject(stock); found && len(s.Turns) > 1 {
			spreads = append(spreads, 100*spread(s.each(throughput)))
		}
		for _, s := range f.Subjects {
			elsewhere = append(elsewhere, 100*median(s.each(others)))
			lateness = append(lateness, median(s.each(late)))
		}
	}
	if len(spreads) > 0 {
		fmt.Fprintf(out, "noise: stock's throughput differs by %.0f%% from turn to turn (worst row %.0f%%)\n", median(spreads), slices.Max(spreads))
	}
	if len(elsewhere) > 0 {
		fmt.Fprintf(out, "noise: other programs took %.0f%% of a core (worst %.0f%%); open-loop calls left %.1f ms late at the 99th percentile (worst %.1f)\n",
			median(elsewhere), slices.Max(elsewhere), median(lateness), slices.Max(lateness))
		if median(elsewhere) > tooBusy {
			fmt.Fprintln(out, "noise: with so much else going on the figures mean nothing; measure again on a quiet machine")
		}
	}
	if f, found := r.row("get"); found {
		whole, _ := f.subject(gateway)
		if s, found := f.subject(parts); found {
			fmt.Fprintf(out, "policy: psa_gateway is psa_identify + psa_proxy with psa_policy between them, and got %.2f of its throughput\n", median(whole.each(throughput))/median(s.each(throughput)))
		}
		if s, found := f.subject(written); found {
			fmt.Fprintf(out, "audit: with each call written down psa_gateway got %.2f of its throughput\n", median(s.each(throughput))/median(whole.each(throughput)))
		}
	}
}

func (r report) row(name string) (figures, bool) {
	i := slices.IndexFunc(r.Rows, func(f figures) bool { return f.Row.Name == name })
	if i < 0 {
		return figures{}, false
	}
	return r.Rows[i], true
}
