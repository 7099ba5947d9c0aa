package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// reader is a target that remembers what it was sent, and when.
type reader struct {
	mu     sync.Mutex
	got    []report.Alert
	at     []time.Time
	fails  func(n int) error // of the n-th try
	hold   chan struct{}     // what a try waits for
	tries  []time.Time
	closed int
}

func (r *reader) Send(ctx context.Context, a report.Alert) error {
	r.mu.Lock()
	r.tries = append(r.tries, time.Now())
	n, fails, hold := len(r.tries), r.fails, r.hold
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var err error
	if fails != nil {
		err = fails(n)
	}
	if partial := new(Partial); err == nil || errors.As(err, partial) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.at = append(r.got, a), append(r.at, time.Now())
	}
	return err
}

func (r *reader) target(key string, on ...report.AlertState) Target {
	return Target{Kind: "webhook", Name: key + ".example.com", Key: key, On: on, Sender: r, Close: func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.closed++
	}}
}

// told returns what it was sent since the last time, an alert a line.
func (r *reader) told() (lines []string) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.got {
		lines = append(lines, inShort(a))
	}
	r.got, r.at = nil, nil
	return lines
}

func inShort(a report.Alert) string {
	var words []string
	for _, c := range a.Changes {
		word := c.Login + " " + string(c.State)
		if len(c.After) > 0 {
			word += fmt.Sprintf(" after %v", c.After)
		}
		if c.HeldBack > 0 {
			word += fmt.Sprintf(" +%d", c.HeldBack)
		}
		words = append(words, word)
	}
	if a.More > 0 {
		words = append(words, fmt.Sprintf("and %d more", a.More))
	}
	return strings.Join(words, ", ")
}

// desk is a dispatcher with one reader, in a bubble.
type desk struct {
	*testing.T
	*Dispatcher
	*reader
	logged strings.Builder
	counts map[string]int
	mu     sync.Mutex
}

func (d *desk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logged.Write(p)
}

func (d *desk) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logged.String()
}

func atDesk(t *testing.T, f func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, reader: new(reader), counts: map[string]int{}}
		d.Dispatcher = New(slog.New(slog.NewTextHandler(d, nil)), "gate", func(kind string, o Outcome) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.counts[kind+" "+string(o)]++
		})
		d.Configure(Config{Targets: []Target{d.target("first")}})
		f(d)
		d.Drain(0)
	})
}

// happens makes something happen to the login main.
func (d *desk) happens(states ...report.AlertState) {
	for _, state := range states {
		d.Happened(Change{State: state, Login: "main"})
	}
}

// hears demands what the reader has been told since the last time.
func (d *desk) hears(when string, want ...string) {
	d.Helper()
	if got := d.told(); !slices.Equal(got, want) {
		d.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// counted demands what came of the alerts.
func (d *desk) countedAs(want string) {
	d.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if got := fmt.Sprint(d.counts); got != want {
		d.Errorf("counted %s, want %s", got, want)
	}
}

// soon is when what happened has been told.
const soon = gather + time.Second

const (
	refused   = report.AlertRefused
	locked    = report.AlertLocked
	gateShut  = report.AlertGateShut
	recovered = report.AlertRecovered
	released  = report.AlertReleased
)
