// Package policyfiles keeps policies that are in files up to date: it reads them again when they change, and goes on with those that
// it has where what it finds is wrong.
package policyfiles

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/policy"
)

// Every is how long it takes at most until a change of a file is seen.
const Every = 2 * time.Second

// Settings say which policies there are.
type Settings struct {
	// Paths are files, and folders of which all files with policy.Extension count. None: policy.Default.
	Paths []string
	// Observe: what is denied passes all the same.
	Observe bool
	// Options say what the names in policies mean.
	Options policy.Options
	// Told is told when files that were changed are in force, or why they are not. It must be quick. nil: nobody is.
	Told func(error)
}

// Desk decides by the policies that were read last without an error. Any number of callers may use it at once.
type Desk struct {
	settings Settings
	log      *slog.Logger
	now      atomic.Pointer[policy.Policies]
	stop     context.CancelFunc
	over     chan struct{}

	mu      sync.Mutex
	read    []policy.Source // what was loaded last, right or wrong
	seen    []policy.Source // what the files have now, if that is another; it counts once they have it twice
	state   State
	started bool
}

// State is how a desk stands.
type State struct {
	// Policies is how many policies are in force.
	Policies int
	// Since is when they were read; zero for the built-in ones.
	Since time.Time
	// Problem is why what the files have now is not in force; empty where it is.
	Problem string
}

// Open reads the policies. Its error says what is wrong, with file and line. Nothing is read again before Start.
func Open(s Settings, log *slog.Logger) (*Desk, error) {
	d := &Desk{settings: s, log: log}
	if err := d.load(); err != nil {
		return nil, err
	}
	return d, nil
}

// load reads the files, and puts them into force where they are right.
func (d *Desk) load() error {
	if len(d.settings.Paths) == 0 {
		return d.use(nil, time.Time{})
	}
	sources, err := policy.ReadFiles(d.settings.Paths...)
	if err != nil {
		return err
	}
	return d.use(sources, time.Now())
}

// use puts what was read into force where it is right.
func (d *Desk) use(sources []policy.Source, since time.Time) error {
	d.read = sources
	policies, err := policy.Load(sources, d.settings.Options)
	if err != nil {
		return err
	}
	for _, w := range policies.Warnings() {
		d.log.Warn("a policy may not mean what it says", "at", w.Error())
	}
	d.now.Store(policies)
	d.state = State{Policies: policies.Len(), Since: since}
	return nil
}

// Start reads the files again from now on when they change, until Stop.
func (d *Desk) Start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.started || len(d.settings.Paths) == 0 {
		return
	}
	d.started = true
	var ctx context.Context
	ctx, d.stop = context.WithCancel(context.Background())
	d.over = make(chan struct{})
	go d.watch(ctx)
}

// Stop ends what Start began. The policies stay in force.
func (d *Desk) Stop() {
	d.mu.Lock()
	stop, over := d.stop, d.over
	d.stop = nil
	d.mu.Unlock()
	if stop != nil {
		stop()
		<-over
	}
}

func (d *Desk) watch(ctx context.Context) {
	defer close(d.over)
	tick := time.NewTicker(Every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.look()
		}
	}
}

// look reads the files again, whatever their times say: they are small, and a file may change twice within a tick of its file
// system's clock. What changed has to be the same at two looks: at one, a file may have but half of what is being written to it, and
// that half may be policies too.
func (d *Desk) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, err := policy.ReadFiles(d.settings.Paths...)
	before := d.seen
	d.seen = nil
	switch {
	case err != nil:
	case slices.EqualFunc(now, d.read, sameSource):
		if d.state.Problem != "" { // of reading them, or still of what they say
			err = d.recheck()
		}
	case !slices.EqualFunc(now, before, sameSource):
		d.seen = now
		return
	default:
		err = d.reload(now)
	}
	d.note(err)
}

func sameSource(a, b policy.Source) bool { return a.Name == b.Name && bytes.Equal(a.Text, b.Text) }

// recheck says what is wrong with the files that were read last.
func (d *Desk) recheck() error {
	_, err := policy.Load(d.read, d.settings.Options)
	return err
}

func (d *Desk) reload(sources []policy.Source) error {
	err := d.use(sources, time.Now())
	if err == nil {
		d.log.Info("policies were read anew", "policies", d.state.Policies)
		d.tell(nil)
	}
	return err
}

// note remembers what is wrong with the files, and logs it where it was not before.
func (d *Desk) note(err error) {
	before := d.state.Problem
	if err == nil {
		d.state.Problem = ""
		return
	}
	if d.state.Problem = err.Error(); d.state.Problem != before {
		d.log.Error("the policies cannot be read anew, so those from before hold on", "error", err)
		d.tell(err)
	}
}

func (d *Desk) tell(err error) {
	if d.settings.Told != nil {
		d.settings.Told(err)
	}
}

// Decide returns what the policies say to a request.
func (d *Desk) Decide(r policy.Request) policy.Decision { return d.now.Load().Decide(r) }

// Explain says of every policy what it says to a request.
func (d *Desk) Explain(r policy.Request) policy.Explanation { return d.now.Load().Explain(r) }

// Observes reports whether what is denied passes all the same.
func (d *Desk) Observes() bool { return d.settings.Observe }

// Paths are the files and folders that the policies come from; none for the built-in ones.
func (d *Desk) Paths() []string { return d.settings.Paths }

// State returns how the desk stands.
func (d *Desk) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}
