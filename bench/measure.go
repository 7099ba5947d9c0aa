package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// figures are what a row came to.
type figures struct {
	Row row `json:"row"`
	// Rate is that of the open loop, in calls a second.
	Rate float64 `json:"rate"`
	// Subjects are in the order of the table.
	Subjects []subjectFigures `json:"subjects"`
}

type subjectFigures struct {
	Name  string `json:"name"`
	Turns []turn `json:"turns"`
}

// openShare is the open loop's rate as a share of the throughput of the slowest subject, so that none is overrun: the open
// loop's calls take more of the shared cores than the closed loop's do.
const openShare = 0.3

// measure raises the subjects of a row and measures them, turn by turn, each turn beginning with another.
func (w *world) measure(r row) (figures, error) {
	f := figures{Row: r}
	integrations := newIntegrations(r.Integrations)
	turns := w.turns + r.more
	if w.short {
		turns = w.turns
	}
	var stages []*stage
	for _, name := range r.subjects {
		if w.short && name != stock && name != gateway && name != direct {
			continue
		}
		st, err := w.raise(name, r, integrations)
		if err != nil {
			return f, err
		}
		defer st.end()
		stages = append(stages, st)
		f.Subjects = append(f.Subjects, subjectFigures{name, make([]turn, turns)})
		if _, err := w.closedLoop(st, time.Second); err != nil { // what is slow once is not measured
			return f, st.failed(err)
		}
	}
	err := w.turnByTurn(turns, stages, func(i, n int) error { return w.closedTurn(stages[i], &f.Subjects[i].Turns[n]) })
	if err != nil {
		return f, err
	}
	f.Rate = openShare * slices.Min(f.throughputs())
	err = w.turnByTurn(turns, stages, func(i, n int) error { return w.openTurn(stages[i], f.Rate, &f.Subjects[i].Turns[n]) })
	if err == nil && r.profiled && w.profile != "" {
		err = w.profileAll(stages)
	}
	return f, err
}

// throughputs are the medians of the subjects.
func (f figures) throughputs() (all []float64) {
	for _, s := range f.Subjects {
		all = append(all, median(s.each(throughput)))
	}
	return all
}

// turnByTurn does something with each subject in each turn.
func (w *world) turnByTurn(turns int, stages []*stage, do func(i, turn int) error) error {
	for n := range turns {
		for k := range stages {
			i := (k + n) % len(stages)
			progress(fmt.Sprintf("%s, turn %d: %s", stages[i].row.Name, n+1, stages[i].subject))
			if err := do(i, n); err != nil {
				return err
			}
		}
	}
	progress("")
	return nil
}

// progress shows a line in place of the last, on a terminal.
func progress(line string) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\r\x1b[K"+line)
	}
}
