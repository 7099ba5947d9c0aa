package guard_test

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/worstpsa"
)

// content is what a secret store may have: a user name as somebody spelled it, and a password.
type content struct{ user, password string }

func keyOf(c content) guard.Key { return guard.Key("autotask|" + autotask.CanonicalUser(c.user)) }

// process is one process with a guard. One that was killed is a ghost: nothing of it is ever heard of again.
type process struct {
	*membership
	w      *world
	host   int
	guard  *guard.Guard
	ctx    context.Context
	end    context.CancelFunc
	detach map[guard.Key]func()
	read   int // how many of the store's versions it knows
	has    map[guard.Fingerprint]content
	serves content // whose login its callers call
	over   bool    // killed: for its flights
	still  bool    // paused: for its flights
}

// flight is one presentation of a credential: a unit that was taken for it, and what has become of it.
type flight struct {
	p      *process
	login  *guard.Login
	a      guard.Attempt
	alone  chan guard.Outcome // where it is the guard's own
	sent   *worstpsa.Request  // nil before
	ended  bool               // settled, or its process is gone
	due    bool               // it is to be given up once its process goes on
	orphan bool               // the store has forgotten its unit
	late   bool               // an answer may still settle it
}

func (w *world) start(host int) *process {
	p := &process{w: w, host: host, detach: make(map[guard.Key]func()), has: make(map[guard.Fingerprint]content)}
	p.membership = &membership{tables: w.tables, host: &w.witnesses[host], lease: guard.NewLease(time.Second), known: make(map[guard.Key]int), mine: make(map[guard.Key][]guard.Token)}
	p.setHolder("")
	p.ctx, p.end = context.WithCancel(context.Background())
	p.guard = guard.New(p, slog.New(slog.DiscardHandler))
	p.guard.UseKeys([]byte("the key of the fingerprints"), nil)
	var beat func()
	beat = func() {
		if !p.gone() {
			time.AfterFunc(p.step(), beat)
		}
	}
	beat()
	p.readTo(len(w.versions))
	return p
}

func (p *process) gone() bool {
	p.tables.mu.Lock()
	defer p.tables.mu.Unlock()
	return p.ghost
}

// login returns the login of a content, which the process uses from now on.
func (p *process) login(c content) *guard.Login {
	key := keyOf(c)
	l := p.guard.Login(key)
	if p.detach[key] == nil {
		p.detach[key] = l.Attach(p.use(p.w.settings))
	}
	return l
}

func (p *process) use(s guard.Settings) guard.Use {
	return guard.Use{Name: "psa", Settings: s, Upstream: p, Integrations: 3}
}

// reload puts a config in the place of another, by whose settings the login goes from now on.
func (p *process) reload(s guard.Settings) {
	key := keyOf(p.serves)
	detach := p.guard.Login(key).Attach(p.use(s))
	p.detach[key]()
	p.detach[key] = detach
}

// readTo reads the secret store's versions up to one of them.
func (p *process) readTo(version int) {
	c := p.w.versions[version-1]
	fp := p.fingerprint(c)
	p.has[fp] = c
	if p.login(c).NewestMade(fp, label(version), time.Unix(int64(version), 0)) == nil {
		p.read, p.serves = version, c
	}
}

func (p *process) fingerprint(c content) guard.Fingerprint {
	return p.guard.Fingerprint(c.user, c.password, "")
}

// call is a caller's call.
func (p *process) call(source, path string) {
	l := p.login(p.serves)
	go func() {
		a, err := l.Acquire(p.ctx, guard.Ask{Source: source, Path: path})
		if err == nil {
			p.w.takeOff(&flight{p: p, login: l, a: a})
		}
	}()
}

// Free is a call without sign-in.
func (p *process) Free(context.Context, guard.Fingerprint) error {
	if p.w.freeFails() {
		return errCut
	}
	return nil
}

// Check is an own attempt.
func (p *process) Check(_ context.Context, a guard.Attempt) guard.Outcome {
	f := &flight{p: p, a: a, alone: make(chan guard.Outcome, 1)}
	p.w.takeOff(f)
	return <-f.alone
}

// flights are all that may still be heard of.
type flights struct {
	mu  sync.Mutex
	all []*flight
}

func (w *world) takeOff(f *flight) {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	if f.p.over {
		f.lost()
		return
	}
	w.flights.all = append(w.flights.all, f)
}

// lost ends what nobody hears of any more.
func (f *flight) lost() {
	f.ended = true
	if f.alone != nil {
		f.alone <- guard.Outcome{}
	}
}

// settle tells the guard what came of it.
func (f *flight) settle(o guard.Outcome) {
	if f.alone != nil {
		f.alone <- o
		return
	}
	f.login.Settle(f.a, o)
}

// send sends it, as internal/inject does: under the lease, or not at all.
func (f *flight) send() {
	lease, may := f.p.lease.During(f.a.Term)
	c, has := f.p.secret(f.a.Credential)
	if !may || !has {
		f.w().land(f)
		f.settle(guard.Outcome{Verdict: guard.NotSent})
		if !has {
			_, _ = f.p.login(f.p.serves).Lose(f.a.Credential)
		}
		return
	}
	f.w().flights.mu.Lock()
	f.sent = f.w().psa.Receive(c.user, c.password)
	f.w().flights.mu.Unlock()
	context.AfterFunc(lease, f.giveUp)
	time.AfterFunc(timeout, f.giveUp)
}

// secret finds a credential's secret: in the secret store's history where the process has not read it itself, if there is one.
func (p *process) secret(fp guard.Fingerprint) (content, bool) {
	if c, has := p.has[fp]; has || !p.w.history {
		return c, has
	}
	for _, c := range p.w.versions {
		p.has[p.fingerprint(c)] = c
	}
	c, has := p.has[fp]
	return c, has
}

// timeout is for how long an answer is waited for.
const timeout = 5 * time.Minute

func (f *flight) w() *world { return f.p.w }

// land takes a flight that was settled out of the air; false where it was before.
func (w *world) land(f *flight) bool {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	was := f.ended
	f.ended = true
	return !was
}

// giveUp ends the wait for an answer: its process may still judge it for a while.
func (f *flight) giveUp() {
	if !f.abandon() {
		return
	}
	f.settle(guard.Outcome{Verdict: guard.NoAnswer})
}

func (f *flight) abandon() bool {
	f.w().flights.mu.Lock()
	defer f.w().flights.mu.Unlock()
	if f.ended || f.p.still {
		f.due = f.p.still
		return false
	}
	f.ended, f.late = true, f.alone == nil
	f.w().psa.GiveUp(f.sent, time.Now())
	return true
}
