package main

import "slices"

// A column gets one figure of a turn.
type column func(turn) float64

func throughput(t turn) float64  { return t.Throughput }
func p50(t turn) float64         { return t.P50 }
func p99(t turn) float64         { return t.P99 }
func cpu(t turn) float64         { return t.CPU }
func memory(t turn) float64      { return t.Memory }
func allocations(t turn) float64 { return t.Allocations }
func late(t turn) float64        { return t.Late }
func others(t turn) float64      { return t.Others }

func (s subjectFigures) each(c column) []float64 {
	all := make([]float64, len(s.Turns))
	for i, t := range s.Turns {
		all[i] = c(t)
	}
	return all
}

// median of figures, 0 of none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// spread is how far the figures lie apart, from the smallest to the largest, as a share of their median; 0 of none.
func spread(all []float64) float64 {
	m := median(all)
	if m == 0 {
		return 0
	}
	return (slices.Max(all) - slices.Min(all)) / m
}

// ratio is a subject's figure as a share of stock's: the median over the turns, each held against stock's of the same turn,
// so that what slows the whole machine for a while does not count. 0 where one of them has no such figure.
func (f figures) ratio(s subjectFigures, c column) float64 {
	against, found := f.subject(stock)
	if !found {
		return 0
	}
	var all []float64
	for i, t := range s.Turns {
		if i < len(against.Turns) && c(against.Turns[i]) > 0 && c(t) > 0 {
			all = append(all, c(t)/c(against.Turns[i]))
		}
	}
	return median(all)
}

func (f figures) subject(name string) (subjectFigures, bool) {
	i := slices.IndexFunc(f.Subjects, func(s subjectFigures) bool { return s.Name == name })
	if i < 0 {
		return subjectFigures{}, false
	}
	return f.Subjects[i], true
}
