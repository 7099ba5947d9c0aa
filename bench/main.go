// Command bench measures what psagate costs beside a stock Caddy of the same version that sets three headers: same machine,
// same upstream, same load, turn by turn. scripts/bench builds what it needs and runs it.
//
// Throughput comes from a closed loop, which asks for as much as there is: wrk, because it takes the least of the processor
// that all share. Latency comes from an open loop at one rate for all subjects of a row: pace, beside this program, which
// says why it is not k6. CPU, memory and allocations are those of the closed loop.
//
// A call that is answered with anything but a 2xx, or not at all, fails the run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	short, keep  bool
	rows         *regexp.Regexp
	profile      string
	json         string
	turns        int
	closed, open time.Duration
	bin          string // the folder of this program and its helpers
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := readFlags(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err == nil:
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func readFlags(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&s.short, "short", false, "one short turn of few rows, for trying; the figures mean nothing")
	f.BoolVar(&s.keep, "keep", false, "keep the folder with configs and logs, and say where it is")
	rows := f.String("rows", "", "only rows whose name fits this regular expression; \"go\" stands for the Go benchmarks")
	f.StringVar(&s.profile, "profile", "", "folder for CPU and allocation profiles of stock and psagate under the rows get, page, post and log")
	f.StringVar(&s.json, "json", "", "file for the figures as JSON")
	f.IntVar(&s.turns, "turns", 3, "turns of each row")
	f.DurationVar(&s.closed, "closed", 3*time.Second, "length of the closed loop of a turn, in whole seconds")
	f.DurationVar(&s.open, "open", 3500*time.Millisecond, "length of the open loop of a turn")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.short {
		s.turns, s.closed, s.open = 1, 2*time.Second, 2*time.Second
	}
	var err error
	if s.rows, err = regexp.Compile(*rows); err != nil {
		return s, fmt.Errorf("-rows: %w", err)
	}
	if f.NArg() > 0 || s.turns < 1 || s.closed < time.Second || s.open < time.Second {
		return s, errors.New("no arguments, at least one turn, and loops of at least a second: see -help")
	}
	me, err := os.Executable()
	s.bin = filepath.Dir(me)
	return s, err
}

// run measures everything and prints it.
func run(ctx context.Context, s settings) error {
	began := time.Now()
	m, err := thisMachine(s)
	if err != nil {
		return err
	}
	m.print(os.Stdout)
	w, err := newWorld(ctx, s)
	if err != nil {
		return err
	}
	defer w.end()
	report := report{Machine: m}
	for _, r := range rows {
		if !s.wants(r) {
			continue
		}
		figures, err := w.measure(r)
		if err != nil {
			return fmt.Errorf("row %s: %w", r.Name, err)
		}
		figures.print(os.Stdout)
		report.Rows = append(report.Rows, figures)
	}
	if s.rows.MatchString("go") {
		if report.Go, err = goBenchmarks(ctx, filepath.Join(s.bin, "..", ".."), s.short); err != nil {
			return err
		}
		printGo(os.Stdout, report.Go)
	}
	report.Seconds = time.Since(began).Seconds()
	report.printEnd(os.Stdout)
	return s.write(report)
}

func (s settings) wants(r row) bool {
	return s.rows.MatchString(r.Name) && (r.short || !s.short || s.rows.String() != "")
}

func (s settings) write(r report) error {
	if s.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(s.json, append(text, '\n'), 0o644)
}
