package alert

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/report"
)

const (
	// DefaultEvery is how often the same of the same login is told at most.
	DefaultEvery = 15 * time.Minute
	// gather is how long what happens is gathered into one alert. A gate that shuts and opens within it is not told of: it is
	// one call without an answer, and the first pause of the gate is shorter.
	gather = 5 * time.Second
	// DrainTime is how long a process that is to stop waits for alerts to arrive.
	DrainTime = 5 * time.Second
)

// Change is what happened to a login. What it has not is empty.
type Change struct {
	// State is what happened.
	State report.AlertState
	// Login is the login's name in the config.
	Login string
	// Version is the store's label of the credential; 0 for none.
	Version uint64
	// Integration is whose call it was; empty for an own attempt.
	Integration string
	// Zone is the base URL of the login's zone.
	Zone string
	// Store is the name of the secret store.
	Store string
	// Problem is why there is no credential, in a word.
	Problem string
}

// Config is whom a config tells what.
type Config struct {
	// Every is how often the same of the same login is told at most. Default: DefaultEvery.
	Every time.Duration
	// Targets are who is told. No two have the same Key.
	Targets []Target
	// Failures returns what is known of the failures of all logins; nil: nothing is.
	Failures func() []report.LoginFailures
}

// Dispatcher decides what is told to whom. It lives as long as the process: what waits and what was told outlive a config.
// Its methods may be called at any time by any number of callers, and only Test and Drain wait.
type Dispatcher struct {
	log *slog.Logger
	// counted is told of each alert that was delivered, failed or was dropped.
	counted func(kind string, o Outcome)
	host    string

	mu      sync.Mutex
	config  Config
	logins  map[string]*memory
	pending []*report.AlertChange // to be told when the gathering ends
	boxes   map[string]*outbox    // by the target's key
	leaving map[*outbox]struct{}  // of targets that no config has any more, and with alerts for them
	// stopped ends the sending when the process can wait no longer.
	stopped context.Context
	stop    context.CancelFunc
}

// Outcome is what came of an alert for one target.
type Outcome string

// The outcomes.
const (
	// Delivered: the target took it.
	Delivered Outcome = "delivered"
	// Failed: the target refused it, or did not take it however often it was tried.
	Failed Outcome = "failed"
	// Dropped: too many waited, or the process ended.
	Dropped Outcome = "dropped"
)

// Outcomes are all of them.
var Outcomes = []Outcome{Delivered, Failed, Dropped}

// New returns a dispatcher that tells nobody yet. host names this machine in alerts.
func New(log *slog.Logger, host string, counted func(kind string, o Outcome)) *Dispatcher {
	d := &Dispatcher{log: log, counted: counted, host: host, logins: map[string]*memory{}, boxes: map[string]*outbox{}, leaving: map[*outbox]struct{}{}}
	d.stopped, d.stop = context.WithCancel(context.Background())
	return d
}

// Configure says who is told what from now on. Alerts for targets that the config has not are still delivered, as the
// config said that had them. The dispatcher closes each target when it needs it no more.
func (d *Dispatcher) Configure(c Config) {
	if c.Every <= 0 {
		c.Every = DefaultEvery
	}
	if d.loses(c.Targets) {
		d.flush() // while they can be told
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.config = c
	wanted := map[string]bool{}
	for _, t := range c.Targets {
		wanted[t.Key] = true
		if box := d.boxes[t.Key]; box != nil {
			box.replace(t)
		} else {
			d.boxes[t.Key] = newOutbox(d, t)
		}
	}
	for key, box := range d.boxes {
		if !wanted[key] {
			delete(d.boxes, key)
			if !box.leave() {
				d.leaving[box] = struct{}{}
			}
		}
	}
}

// loses reports whether one of those who are told is not among the targets.
func (d *Dispatcher) loses(targets []Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.boxes {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.Key == key }) {
			return true
		}
	}
	return false
}

// Test sends an alert that is marked as a test to each target of the config, once, and says what came of it.
func (d *Dispatcher) Test(ctx context.Context) report.AlertsTest {
	d.mu.Lock()
	targets := slices.Clone(d.config.Targets)
	var boxes []*outbox
	for _, t := range targets {
		boxes = append(boxes, d.boxes[t.Key])
	}
	d.mu.Unlock()
	out := report.AlertsTest{OK: len(targets) > 0, Targets: make([]report.AlertTarget, len(targets))}
	var sending sync.WaitGroup
	for i, t := range targets {
		sending.Go(func() { out.Targets[i] = d.test(ctx, t, boxes[i]) })
	}
	sending.Wait()
	for _, t := range out.Targets {
		out.OK = out.OK && t.OK
	}
	return out
}

func (d *Dispatcher) test(ctx context.Context, t Target, box *outbox) report.AlertTarget {
	a := d.blank()
	a.Test = true
	a.Compose(nil)
	err := box.send(ctx, *a)
	out := report.AlertTarget{Kind: t.Kind, To: t.Name, OK: err == nil, Detail: "it was taken"}
	if err != nil {
		out.Detail = err.Error()
	}
	return out
}

// Drain ends the gathering at once and waits until all alerts have arrived, or the time is over: the process is about to end.
func (d *Dispatcher) Drain(within time.Duration) {
	d.flush()
	d.mu.Lock()
	var boxes []*outbox
	for _, box := range d.boxes {
		boxes = append(boxes, box)
	}
	for box := range d.leaving {
		boxes = append(boxes, box)
	}
	d.mu.Unlock()
	over := time.NewTimer(within)
	defer over.Stop()
	for _, box := range boxes {
		select {
		case <-box.empty():
		case <-over.C:
			over.Reset(0) // for the others
		}
	}
	d.stop()
	for _, box := range boxes {
		<-box.empty() // it gives up
	}
}

// gone takes a target that was left, and has nothing to do any more, out of what Drain waits for.
func (d *Dispatcher) gone(box *outbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.leaving, box)
}
