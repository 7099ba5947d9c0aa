package main

import (
	"math"
	"strings"
	"testing"
)

func TestMediansAndSpreads(t *testing.T) {
	for _, c := range []struct {
		all            []float64
		median, spread float64
	}{
		{nil, 0, 0}, {[]float64{4}, 4, 0}, {[]float64{9, 1, 5}, 5, 1.6}, {[]float64{4, 1, 3, 2}, 2.5, 1.2}, {[]float64{0, 0, 0}, 0, 0},
	} {
		if m, s := median(c.all), spread(c.all); m != c.median || math.Abs(s-c.spread) > 1e-9 {
			t.Errorf("%v: median %v, spread %v", c.all, m, s)
		}
	}
}

// measured is a row with two subjects, three turns each.
func measured(stockCalls, gatewayCalls [3]float64) figures {
	f := figures{Row: rows[0], Rate: 50, Subjects: []subjectFigures{{Name: stock, Turns: make([]turn, 3)}, {Name: gateway, Turns: make([]turn, 3)}}}
	for i := range 3 {
		f.Subjects[0].Turns[i] = turn{Throughput: stockCalls[i], P50: 1, P99: 2, CPU: 0.1, Memory: 50, Allocations: 200}
		f.Subjects[1].Turns[i] = turn{Throughput: gatewayCalls[i], P50: 1.5, P99: 2, CPU: 0.2, Memory: 55, Allocations: 0}
	}
	return f
}

func TestARatioIsHeldTurnAgainstTurn(t *testing.T) {
	f := measured([3]float64{100, 200, 400}, [3]float64{90, 180, 40}) // the machine was slow in the first, the last is an outlier
	whole, _ := f.subject(gateway)
	if r := f.ratio(whole, throughput); math.Abs(r-0.9) > 1e-9 {
		t.Errorf("throughput %v", r)
	}
	if r := f.ratio(whole, allocations); r != 0 {
		t.Errorf("a ratio of a figure that there is not: %v", r)
	}
	f.Subjects = f.Subjects[1:]
	if r := f.ratio(whole, throughput); r != 0 {
		t.Errorf("a ratio to a stock that was not measured: %v", r)
	}
}

func TestTheTableShowsMediansSpreadsAndRatios(t *testing.T) {
	f := measured([3]float64{100, 110, 120}, [3]float64{100, 110, 120})
	var out strings.Builder
	f.print(&out)
	for _, want := range []string{
		"1 KiB GET · 16 logins · 16 integrations · upstream answers at once · access log off · closed loop of 32, open loop at 50/s\n",
		"stock reverse_proxy     110 18%  1.00   1.00  1.00   2.00 -  1.00      0.100  1.00       50  1.00         200  1.00\n",
		"psa_gateway     110 18%  1.00   1.50  1.50   2.00 -  1.00      0.200  2.00       55  1.10           -     -\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	f.Row.Slow, f.Row.Logins = true, 1
	f.print(&out)
	if !strings.Contains(out.String(), "at 20ms at most 150 calls/s") {
		t.Error(out.String())
	}
}

func TestTheEndSaysWhichAimsAreMet(t *testing.T) {
	f := measured([3]float64{100, 100, 100}, [3]float64{96, 96, 96})
	r := report{Rows: []figures{f}, Go: []benchmark{{Name: "ReserveAndSettle", Nanoseconds: 300, Aim: true}}}
	var out strings.Builder
	r.printEnd(&out)
	for _, want := range []string{"missed  get throughput 0.96, at least 0.97", "met     get p99 1.00, at most 1.10", "met     get memory 1.10, at most 1.20", "met     ReserveAndSettle 300 ns and 0 allocations"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "page") {
		t.Errorf("an aim of a row that was not measured:\n%s", out.String())
	}
	r.Go[0].Allocations = 1
	out.Reset()
	if r.printEnd(&out); !strings.Contains(out.String(), "missed  ReserveAndSettle") {
		t.Error(out.String())
	}
}

func TestTheEndSaysHowNoisyTheMachineWas(t *testing.T) {
	f := measured([3]float64{100, 110, 120}, [3]float64{1, 1, 1})
	const warning = "measure again on a quiet machine"
	var out strings.Builder
	if (report{Rows: []figures{f}}).printEnd(&out); !strings.Contains(out.String(), "differs by 18% from turn to turn (worst row 18%)") || strings.Contains(out.String(), warning) {
		t.Error(out.String())
	}
	for _, s := range f.Subjects {
		for i := range s.Turns {
			s.Turns[i].Others, s.Turns[i].Late = 0.5, 7
		}
	}
	out.Reset()
	if (report{Rows: []figures{f}}).printEnd(&out); !strings.Contains(out.String(), "took 50% of a core (worst 50%); open-loop calls left 7.0 ms late") || !strings.Contains(out.String(), warning) {
		t.Error(out.String())
	}
}

func TestAimsSpeakOfRowsThatThereAre(t *testing.T) {
	for _, a := range aims {
		found := false
		for _, r := range rows {
			found = found || r.Name == a.row
		}
		if !found {
			t.Errorf("no row %s", a.row)
		}
	}
}
