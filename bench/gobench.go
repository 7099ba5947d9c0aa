package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"text/tabwriter"
)

// benchmark is what one of the Go benchmarks came to.
type benchmark struct {
	Name        string  `json:"name"`
	Nanoseconds float64 `json:"nanoseconds"`
	Bytes       int     `json:"bytes"`
	Allocations int     `json:"allocations"`
	// MBs is MB/s, where it is about a stream.
	MBs float64 `json:"mbs,omitempty"`
	// Aim: it is the one that the aims speak of.
	Aim bool `json:"aim,omitempty"`
}

// aimed is the benchmark that the aims speak of.
const aimed = "ReserveAndSettle"

// goBenchmarks runs those of the parts that each call goes through.
func goBenchmarks(ctx context.Context, repository string, short bool) ([]benchmark, error) {
	length := "1s"
	if short {
		length = "100ms"
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "ReserveAndSettle|Identify|Rewriter", "-benchmem", "-benchtime", length,
		"./internal/guard", "./internal/identity", "./internal/autotask")
	cmd.Dir = repository
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench: %w: %s", err, out)
	}
	return parseBenchmarks(string(out))
}

// parseBenchmarks reads the lines of go test: a name, a count, and then figures with their units.
func parseBenchmarks(out string) ([]benchmark, error) {
	var all []benchmark
	for line := range strings.Lines(out) {
		name, found := strings.CutPrefix(line, "Benchmark")
		fields := strings.Fields(name)
		if !found || len(fields) < 4 {
			continue
		}
		b := benchmark{Name: withoutCores(fields[0])}
		b.Aim = b.Name == aimed
		for i := 2; i+1 < len(fields); i += 2 {
			figure, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("go test -bench: %w: %s", err, line)
			}
			b.set(fields[i+1], figure)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("go test -bench printed no benchmark: %s", out)
	}
	return all, nil
}

func (b *benchmark) set(unit string, figure float64) {
	switch unit {
	case "ns/op":
		b.Nanoseconds = figure
	case "B/op":
		b.Bytes = int(figure)
	case "allocs/op":
		b.Allocations = int(figure)
	case "MB/s":
		b.MBs = figure
	}
}

// withoutCores takes off the -N that go test appends where there are several cores.
func withoutCores(name string) string {
	at := strings.LastIndexByte(name, '-')
	if at < 0 || strings.Trim(name[at+1:], "0123456789") != "" {
		return name
	}
	return name[:at]
}

func printGo(out io.Writer, all []benchmark) {
	fmt.Fprintln(out, "\nGo benchmarks of the parts that each call goes through")
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "benchmark\tns/op\tB/op\tallocs/op\tMB/s\t")
	for _, b := range all {
		fmt.Fprintf(t, "%s\t%.0f\t%d\t%d\t%s\t\n", b.Name, b.Nanoseconds, b.Bytes, b.Allocations, orNone("%.0f", b.MBs))
	}
	_ = t.Flush()
}
