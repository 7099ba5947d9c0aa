package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// window is a time in which something was wrong.
type window struct {
	what     string
	from, to time.Time
}

// diary knows what happened when.
type diary struct {
	begin time.Time

	mu      sync.Mutex
	windows []window
	n       map[string]int
	deck    []func(*chaos, *rand.Rand)
}

// note notes what was wrong.
func (d *diary) note(what string, from, to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.windows = append(d.windows, window{what, from, to})
}

// changed counts what happened that is no trouble by itself.
func (d *diary) changed(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n == nil {
		d.n = map[string]int{}
	}
	d.n[what]++
}

// trouble notes what was wrong from some time until now.
func (d *diary) trouble(what string, from time.Time) {
	d.changed(what)
	d.note(what, from, time.Now())
}

// wrong tells what was wrong in a time, its aftermath included.
func (d *diary) wrong(from, to time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.windows, func(w window) bool { return w.from.Before(to) && w.to.Add(aftermath).After(from) })
}

// next draws a trouble, none twice before each has come.
func (d *diary) next(r *rand.Rand) func(*chaos, *rand.Rand) {
	if len(d.deck) == 0 {
		d.deck = slices.Clone(troubles)
		r.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
	}
	next := d.deck[0]
	d.deck = d.deck[1:]
	return next
}

// troubles are all that may be wrong.
var troubles = []func(c *chaos, r *rand.Rand){
	(*chaos).killed,
	(*chaos).killed,
	func(c *chaos, r *rand.Rand) {
		c.stopped(r, "for less than its lease", 300*time.Millisecond, 1500*time.Millisecond)
	},
	func(c *chaos, r *rand.Rand) {
		c.stopped(r, "until it is taken for dead", fleetTTL+time.Second, fleetTTL+3*time.Second)
	},
	func(c *chaos, r *rand.Rand) { c.noStore(r, cut, "cut off from PostgreSQL", 4*time.Second) },
	func(c *chaos, r *rand.Rand) { c.noStore(r, hangs, "heard no more by PostgreSQL", 6*time.Second) },
	func(c *chaos, r *rand.Rand) { c.noStore(r, trickles, "slowed down to PostgreSQL", 4*time.Second) },
	func(c *chaos, r *rand.Rand) { c.noPSA(r, cut, "cut off from the PSA") },
	func(c *chaos, r *rand.Rand) { c.noPSA(r, hangs, "heard no more by the PSA") },
	(*chaos).judgedLate,
	(*chaos).refusedLate,
	(*chaos).refusedLate,
	(*chaos).noAnswers,
	(*chaos).postgresStops,
	(*chaos).postgresCrashes,
}

func (c *chaos) one(r *rand.Rand) *replica { return c.replicas[r.IntN(len(c.replicas))] }

// killed: a process dies at once, and is started again.
func (c *chaos) killed(r *rand.Rand) {
	p := c.one(r)
	p.busy.Lock()
	defer p.busy.Unlock()
	begin := time.Now()
	p.dies()
	time.Sleep(some(r, 2*time.Second))
	if err := p.launch(); err != nil {
		c.Error(err)
	}
	c.diary.trouble("a process is killed", begin)
}

// stopped: a process does nothing for a while, and does not know.
func (c *chaos) stopped(r *rand.Rand, what string, least, most time.Duration) {
	p := c.one(r)
	p.busy.Lock()
	defer p.busy.Unlock()
	begin := time.Now()
	_ = p.server.Process.Signal(syscall.SIGSTOP)
	time.Sleep(least + some(r, most-least))
	_ = p.server.Process.Signal(syscall.SIGCONT)
	c.diary.trouble("a process is stopped "+what, begin)
}

// noStore: a process is partitioned from PostgreSQL. What hung may arrive afterwards, or not.
func (c *chaos) noStore(r *rand.Rand, f flow, what string, most time.Duration) {
	p := c.one(r)
	begin := time.Now()
	p.pg.set(f)
	time.Sleep(some(r, most))
	if r.IntN(2) == 0 {
		p.pg.reset()
	}
	p.pg.set(flows)
	c.diary.trouble("a process is "+what, begin)
}

// noPSA: a process is partitioned from the PSA.
func (c *chaos) noPSA(r *rand.Rand, f flow, what string) {
	p := c.one(r)
	begin := time.Now()
	p.psa.set(f)
	time.Sleep(some(r, 1500*time.Millisecond))
	if r.IntN(2) == 0 {
		p.psa.reset()
	}
	p.psa.set(flows)
	c.diary.trouble("a process is "+what, begin)
}

// judgedLate: the PSA judges calls only after their process has given them up, up to linger later.
func (c *chaos) judgedLate(r *rand.Rand) {
	l, begin := c.logins[r.IntN(len(c.logins))], time.Now()
	c.judgesLate(l, r, 1+r.IntN(2), func() {})
	c.diary.trouble("calls are judged after they were given up", begin)
}

// refusedLate: the password changes at the PSA while calls are under way, which are refused only after they were given up.
func (c *chaos) refusedLate(r *rand.Rand) {
	l := c.logins[r.IntN(len(c.logins))]
	l.changing.Lock()
	defer l.changing.Unlock()
	password, begin := l.next(c.fleet), time.Now()
	c.judgesLate(l, r, fleetBudget-2, func() { l.user.SetSecret(password) })
	c.save(l.name, password)
	c.diary.trouble("calls are refused after they were given up", begin)
}

// judgesLate has some calls judged late, after something that happens while they are under way.
func (c *chaos) judgesLate(l *fleetLogin, r *rand.Rand, times int, then func()) {
	late := some(r, fleetLinger-300*time.Millisecond)
	order := c.sim.Fault(psatest.Fault{User: l.user.Name(), Path: "/Tickets", At: psatest.Received, Gone: true, Delay: late, Times: times})
	time.Sleep(100*time.Millisecond + some(r, 500*time.Millisecond))
	order.Release() // those that it has met go on with it
	then()
	c.resetPSA() // so that they are given up
	time.Sleep(time.Duration(r.Int64N(int64(late) + 1)))
}

// noAnswers: calls are judged, and their answers lost.
func (c *chaos) noAnswers(r *rand.Rand) {
	l, begin := c.logins[r.IntN(len(c.logins))], time.Now()
	order := c.sim.Fault(psatest.Fault{User: l.user.Name(), Path: "/Tickets", At: psatest.Judged, Then: psatest.Reset, Times: 1 + r.IntN(3)})
	time.Sleep(some(r, time.Second))
	order.Release()
	c.diary.trouble("answers are lost", begin)
}

// postgresStops: PostgreSQL does nothing for a while.
func (c *chaos) postgresStops(r *rand.Rand) {
	c.pgBusy.Lock()
	defer c.pgBusy.Unlock()
	begin := time.Now()
	c.pg.Signal(syscall.SIGSTOP)
	time.Sleep(some(r, 4*time.Second))
	c.pg.Signal(syscall.SIGCONT)
	c.diary.trouble("PostgreSQL is stopped", begin)
}

// postgresCrashes: PostgreSQL dies at once, and is run again.
func (c *chaos) postgresCrashes(r *rand.Rand) {
	c.pgBusy.Lock()
	defer c.pgBusy.Unlock()
	begin := time.Now()
	c.pg.Kill()
	time.Sleep(some(r, time.Second))
	c.pg.Run()
	c.diary.trouble("PostgreSQL is killed", begin)
}

// String lists what happened, and how often.
func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return soakTable(d.n, nil)
}

// troublesSoFar is how many troubles there were, changes of passwords aside.
func (d *diary) troublesSoFar() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for what, times := range d.n {
		if !strings.HasPrefix(what, "a password") && !strings.HasPrefix(what, "an operator") {
			n += times
		}
	}
	return n
}

func (w window) String() string { return fmt.Sprintf("%s for %v", w.what, w.to.Sub(w.from)) }
