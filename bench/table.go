package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// columns of the table, with how a figure is written.
var columns = []struct {
	head   string
	form   string
	figure column
	spread bool
}{
	{"calls/s", "%.0f", throughput, true},
	{"p50 ms", "%.2f", p50, false},
	{"p99 ms", "%.2f", p99, true},
	{"CPU s/1000", "%.3f", cpu, false},
	{"peak MiB", "%.0f", memory, false},
	{"allocs/call", "%.0f", allocations, false},
}

// print prints the row's table: medians over the turns, ±: from the smallest to the largest, and the ratio to stock.
func (f figures) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %s\n%s\n", f.Row.Name, f.Row.Asks, f.describe())
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "subject\t")
	for _, c := range columns {
		fmt.Fprintf(t, "%s\t", c.head)
		if c.spread {
			fmt.Fprint(t, "±\t")
		}
		fmt.Fprint(t, "ratio\t")
	}
	fmt.Fprintln(t)
	for _, s := range f.Subjects {
		fmt.Fprintf(t, "%s\t", s.Name)
		for _, c := range columns {
			all := s.each(c.figure)
			fmt.Fprintf(t, "%s\t", orNone(c.form, median(all)))
			if c.spread {
				fmt.Fprintf(t, "%s\t", orNone("%.0f%%", 100*spread(all)))
			}
			fmt.Fprintf(t, "%s\t", orNone("%.2f", f.ratio(s, c.figure)))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
	if bound := f.Row.bound(); bound > 0 {
		fmt.Fprintf(out, "psagate's logins carry %d calls at once each: at %v at most %.0f calls/s, whatever it costs.\n", inFlight, slow, bound)
	}
	if n := f.Row; n.Call == post || n.Call == soapFile {
		fmt.Fprintf(out, "p99 of so few calls (%.0f a second) is about their slowest.\n", f.Rate)
	}
}

func orNone(form string, figure float64) string {
	if figure == 0 {
		return "-"
	}
	return fmt.Sprintf(form, figure)
}

func (f figures) describe() string {
	r := f.Row
	delay, log := "at once", "off"
	if r.Slow {
		delay = "after " + slow.String()
	}
	if r.AccessLog {
		log = "on"
	}
	return strings.Join([]string{
		r.Call.Name, plural(r.Logins, "login"), plural(r.Integrations, "integration"), "upstream answers " + delay, "access log " + log,
		fmt.Sprintf("closed loop of %d, open loop at %.0f/s", r.Callers, f.Rate),
	}, " · ")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
