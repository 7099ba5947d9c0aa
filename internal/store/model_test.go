//go:build unix

package store

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/guard"
)

// The guard and its store in several processes, against the PSA at its worst, in virtual time. What dies, dies as kill -9 lets
// it die; what is stopped beats no more. The invariant is the PSA's own count.

// worst is the PSA at its worst: it knows nothing of the guard.
type worst struct {
	mu        sync.Mutex
	valid     string
	failed    int
	most      int
	threshold int
	locked    bool
	signIns   int
}

func (p *worst) judge(secret string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signIns++
	if secret == p.valid && !p.locked {
		p.failed = 0
		return true
	}
	p.failed++
	p.most = max(p.most, p.failed)
	p.locked = p.locked || p.failed >= p.threshold
	return false
}

// node is one process.
type node struct {
	*running
	guard  *guard.Guard
	login  *guard.Login
	detach func()
	frozen bool
	dead   bool
	owes   []guard.Attempt // that ended while it was stopped
}

// call is one that is on the wire. The PSA may judge it until linger after it was given up.
type call struct {
	of     *node
	a      guard.Attempt
	secret string
	judged bool
	good   bool
	gaveUp bool
	until  time.Time
}

type crew struct {
	*rapid.T
	tb       *testing.T
	place    place
	psa      *worst
	settings guard.Settings
	secrets  map[guard.Fingerprint]string
	newest   string
	nodes    []*node
	wire     []*call
	mu       sync.Mutex // of hang and what own attempts put on the wire
	hang     bool       // the next own attempt gets no answer
	shown    uint64
	seen     bool
	steps    int
	copied   bytes.Buffer // of the store
	forgot   int          // 1 since the store was set back, until the PSA accepts a sign-in
}

const modelKey = guard.Key("autotask|worst|api@example.com")

func printOf(secret string) (fp guard.Fingerprint) {
	copy(fp[:], secret)
	return fp
}

// Free implements guard.Upstream.
func (*crew) Free(context.Context, guard.Fingerprint) error { return nil }

// Check implements guard.Upstream: the PSA judges an own attempt at once, or later and unheard.
func (c *crew) Check(_ context.Context, a guard.Attempt) guard.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	secret := c.secrets[a.Credential]
	if c.hang {
		c.hang = false
		c.wire = append(c.wire, &call{a: a, secret: secret, gaveUp: true, until: time.Now().Add(c.settings.Linger)})
		return guard.Outcome{Verdict: guard.NoAnswer}
	}
	if c.psa.judge(secret) {
		return guard.Outcome{Verdict: guard.Accepted}
	}
	return guard.Outcome{Verdict: guard.Refused}
}

func (c *crew) start() *node {
	n := &node{running: c.place.run(quiet{c.tb})}
	n.guard = guard.New(n.Store, slog.New(slog.DiscardHandler))
	n.login = n.guard.Login(modelKey)
	n.detach = n.login.Attach(guard.Use{Name: "main", Settings: c.settings, Upstream: c, Integrations: 1})
	c.tell(n)
	n.login.Want()
	return n
}

// quiet is a test whose log nobody reads.
type quiet struct{ testing.TB }

func (quiet) Log(...any) {}

func (c *crew) tell(n *node) { _ = n.login.Newest(printOf(c.newest), c.newest) }

func (c *crew) end(n *node) {
	if n.dead {
		return
	}
	n.guard.Drain()
	n.detach()
	n.dead = true
	n.close()
}

func (c *crew) live() []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return n.dead })
}

// running ones beat, and make calls.
func (c *crew) awake() []*node {
	return slices.DeleteFunc(c.live(), func(n *node) bool { return n.frozen })
}

func (c *crew) pick(what string, from []*node) *node { return rapid.SampledFrom(from).Draw(c.T, what) }

// send has a process make a call, where it gets a unit at once.
func (c *crew) send(n *node) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	a, err := n.login.Acquire(ctx, guard.Ask{Source: "x"})
	if err != nil {
		return
	}
	if !n.Lease().May() {
		n.login.Settle(a, guard.Outcome{Verdict: guard.NotSent})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wire = append(c.wire, &call{of: n, a: a, secret: c.secrets[a.Credential]})
}

// giveUp ends what a process waits for, as the end of its lease does, or its own.
func (c *crew) giveUp(n *node, heard bool) {
	for _, m := range c.calls(func(m *call) bool { return m.of == n && !m.gaveUp }) {
		m.gaveUp, m.until = true, time.Now().Add(c.settings.Linger)
		if heard {
			n.login.Settle(m.a, guard.Outcome{Verdict: guard.NoAnswer})
		} else {
			n.owes = append(n.owes, m.a)
		}
	}
}

func (c *crew) calls(ok func(*call) bool) []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.wire), func(m *call) bool { return !ok(m) })
}

func (c *crew) drop(m *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wire = slices.DeleteFunc(c.wire, func(o *call) bool { return o == m })
}

// sleep lets time pass. Calls of a process whose lease ends meanwhile are given up, and what was given up is judged no later
// than linger after that.
func (c *crew) sleep(d time.Duration) {
	for step := time.Second; d > 0; d -= step {
		time.Sleep(min(step, d))
		synctest.Wait()
		for _, n := range c.live() {
			if n.Lease().Ended() {
				c.giveUp(n, !n.frozen)
			}
		}
		if d > 2*time.Minute { // nothing is on the wire for so long
			step = 30 * time.Second
		}
	}
	now := time.Now()
	for _, m := range c.calls(func(m *call) bool { return m.gaveUp && !now.Before(m.until) }) {
		c.drop(m)
	}
}

func (c *crew) oneOf(ok func(*call) bool, do func(*call)) {
	if all := c.calls(ok); len(all) > 0 {
		do(rapid.SampledFrom(all).Draw(c.T, "call"))
	}
}

func (c *crew) settle(m *call) {
	v := guard.Refused
	if m.good {
		v = guard.Accepted
	}
	c.drop(m)
	if m.of != nil && !m.of.dead && !m.of.frozen {
		m.of.login.Settle(m.a, guard.Outcome{Verdict: v})
	}
}

func (c *crew) move() {
	c.steps++
	switch rapid.SampledFrom([]string{
		"call", "call", "call", "serve", "serve", "serve", "judge", "judge", "answer", "answer", "answer late", "lose", "kill", "start", "stop", "freeze", "thaw", "wait", "wait", "wait long",
		"rotate the PSA", "rotate the store", "hang", "check", "look and unlock", "release", "reload", "copy the store", "set the store back",
	}).Draw(c.T, "move") {
	case "call":
		if all := c.awake(); len(all) > 0 {
			c.send(c.pick("process", all))
		}
	case "serve":
		if all := c.awake(); len(all) > 0 {
			before := len(c.calls(func(*call) bool { return true }))
			c.send(c.pick("process", all))
			for _, m := range c.calls(func(*call) bool { return true })[before:] {
				m.judged, m.good = true, c.psa.judge(m.secret)
				c.settle(m)
			}
		}
	case "judge":
		c.oneOf(func(m *call) bool { return !m.judged }, func(m *call) { m.judged, m.good = true, c.psa.judge(m.secret) })
	case "answer":
		c.oneOf(func(m *call) bool { return m.judged && !m.gaveUp && !m.of.frozen }, c.settle)
	case "answer late":
		c.oneOf(func(m *call) bool { return m.judged && m.gaveUp && (m.of == nil || !m.of.frozen) }, c.settle)
	case "lose":
		c.oneOf(func(m *call) bool { return !m.gaveUp && m.of != nil && !m.of.frozen && !m.of.dead }, func(m *call) {
			m.gaveUp, m.until = true, time.Now().Add(c.settings.Linger)
			m.of.login.Settle(m.a, guard.Outcome{Verdict: guard.NoAnswer})
		})
	case "kill":
		if all := c.live(); len(all) > 0 {
			c.kill(c.pick("process", all))
		}
	case "start":
		if len(c.live()) < 3 {
			c.nodes = append(c.nodes, c.start())
		}
	case "stop":
		if all := c.awake(); len(all) > 0 {
			n := c.pick("process", all)
			c.giveUp(n, true)
			c.end(n)
		}
	case "freeze":
		if all := c.awake(); len(all) > 0 {
			n := c.pick("process", all)
			n.freeze()
			n.frozen = true
		}
	case "thaw":
		c.thaw()
	case "wait":
		c.sleep(rapid.SampledFrom([]time.Duration{time.Second, 3 * time.Second, 6 * time.Second, 20 * time.Second}).Draw(c.T, "for"))
	case "wait long":
		c.sleep(rapid.SampledFrom([]time.Duration{time.Minute, 16 * time.Minute, time.Hour}).Draw(c.T, "for"))
	case "rotate the PSA":
		c.psa.mu.Lock()
		c.psa.valid = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(c.T, "secret")
		c.psa.mu.Unlock()
	case "rotate the store":
		c.newest = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(c.T, "secret")
		for _, n := range c.awake() {
			c.tell(n)
		}
	case "hang":
		c.mu.Lock()
		c.hang = true
		c.mu.Unlock()
	case "check":
		if all := c.awake(); len(all) > 0 {
			c.check(c.pick("process", all))
		}
	case "look and unlock":
		c.look()
	case "release":
		if all := c.awake(); c.seen && len(all) > 0 {
			c.seen = false
			_, _ = all[0].login.Release(c.shown)
		}
	case "copy the store":
		if all := c.awake(); len(all) > 0 {
			c.copied.Reset()
			if err := all[0].Backup(context.Background(), &c.copied); err != nil {
				c.copied.Reset()
			}
		}
	case "set the store back":
		c.setBack()
	case "reload":
		if all := c.awake(); len(all) > 0 {
			n := c.pick("process", all)
			before := n.detach
			n.detach = n.login.Attach(guard.Use{Name: "main", Settings: c.settings, Upstream: c, Integrations: 1})
			before()
		}
	}
}

// setBack has everything die, and begin again with an earlier store, or with none. What that forgot may have failed: then the
// PSA sees one failure more than the budget. Twice in a row nobody does it, nor while calls are under way.
func (c *crew) setBack() {
	if c.forgot > 0 {
		return
	}
	for _, n := range c.live() {
		c.kill(n)
	}
	c.sleep(2 * c.settings.Linger)
	c.forgot = 1
	for _, end := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(c.place.Place + end)
	}
	if c.copied.Len() > 0 {
		if err := os.WriteFile(c.place.Place, c.copied.Bytes(), 0o600); err != nil {
			c.Fatal(err)
		}
	}
	c.nodes = append(c.nodes, c.start())
}

func (c *crew) kill(n *node) {
	n.guard.Drain() // its goroutines would go on, which those of a process that is killed do not
	n.detach()
	if n.frozen {
		n.thawed()
	}
	n.die()
	n.dead = true
	c.giveUp(n, false)
}

func (n *node) thawed() { n.ended = make(chan struct{}); close(n.ended) }

func (c *crew) check(n *node) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.login.Check(ctx)
}

func (c *crew) look() {
	for _, n := range c.awake() {
		if st, err := n.login.Status(); err == nil {
			c.shown, c.seen = st.Seq, true
			c.psa.mu.Lock()
			c.psa.failed, c.psa.locked = 0, false
			c.psa.mu.Unlock()
			return
		}
	}
}

func (c *crew) thaw() {
	for _, n := range c.live() {
		if n.frozen {
			n.frozen = false
			n.thaw()
			for _, a := range n.owes {
				n.login.Settle(a, guard.Outcome{Verdict: guard.NoAnswer})
			}
			n.owes = nil
			c.tell(n)
		}
	}
}

func (c *crew) safe() {
	synctest.Wait()
	c.psa.mu.Lock()
	defer c.psa.mu.Unlock()
	if c.psa.failed == 0 {
		c.forgot = 0
	}
	if c.psa.failed > c.settings.Budget+c.forgot || c.psa.locked {
		c.Fatalf("the PSA counted %d failed sign-ins, the budget is %d, locked %v, after %d steps", c.psa.failed, c.settings.Budget, c.psa.locked, c.steps)
	}
	open := len(c.calls(func(m *call) bool { return !m.judged }))
	if stored := c.stored(); c.forgot == 0 && c.psa.failed+open > stored {
		c.Fatalf("the PSA counted %d failed sign-ins and may yet judge %d calls, and %d units in the store are not free", c.psa.failed, open, stored)
	}
}

// stored is how many units are not free in the file, as who starts after everybody died would find it.
func (c *crew) stored() (n int) {
	db, err := sql.Open("sqlite", sqliteURL(c.place.Place))
	if err != nil {
		c.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT COUNT(*) FROM guard_unit`).Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

// heal mends everything, and demands that a call is served in the end, with the operator's help where the guard needs it.
func (c *crew) heal() {
	c.thaw()
	if len(c.live()) == 0 {
		c.nodes = append(c.nodes, c.start())
	}
	c.sleep(2 * time.Minute)
	for _, m := range c.calls(func(*call) bool { return true }) {
		if !m.judged {
			m.judged, m.good = true, c.psa.judge(m.secret)
		}
		c.settle(m)
	}
	c.mu.Lock()
	c.hang = false
	c.mu.Unlock()
	c.safe()
	c.psa.mu.Lock()
	c.psa.valid = c.newest
	c.psa.mu.Unlock()
	for _, n := range c.live() {
		c.tell(n)
	}
	for range 3 {
		c.sleep(time.Minute)
		if c.served() {
			return
		}
		c.look()
		if _, err := c.live()[0].login.Release(c.shown); err != nil {
			c.Fatal(err)
		}
	}
	st, err := c.live()[0].login.Status()
	c.Fatalf("nothing is served with a good password: %+v, %v", st, err)
}

func (c *crew) served() bool {
	for _, n := range c.live() {
		c.send(n)
		for _, m := range c.calls(func(*call) bool { return true }) {
			m.judged, m.good = true, c.psa.judge(m.secret)
			c.settle(m)
			if m.good {
				return true
			}
		}
	}
	return false
}

// modelRuns is how often the model is played, each time with up to 60 steps.
var modelRuns = flag.Int("model.runs", 25, "runs of the model with several processes")

func TestModelProcessesThatDieAndStopNeverSpendMoreThanTheBudget(t *testing.T) {
	dir := inMemory(t)
	runs, steps := 0, 0
	for runs < *modelRuns { // rapid leaves a bubble after a day of its time
		synctest.Test(t, func(t *testing.T) {
			rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
				if runs++; runs > *modelRuns {
					return
				}
				c := newCrew(t, rt, filepath.Join(dir, fmt.Sprint(runs)))
				defer c.over()
				for range rapid.IntRange(1, 60).Draw(rt, "steps") {
					c.move()
					c.safe()
					steps++
				}
				c.heal()
			})
		})
	}
	t.Logf("%d runs, %d steps", runs, steps)
}

// inMemory returns a folder whose disk is memory, where there is one: nothing here loses its power.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "psagate-model-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newCrew(t *testing.T, rt *rapid.T, dir string) *crew {
	threshold := rapid.IntRange(5, 8).Draw(rt, "threshold")
	c := &crew{
		T: rt, tb: t, psa: &worst{valid: "a", threshold: threshold}, newest: "a", secrets: map[guard.Fingerprint]string{},
		settings: guard.Settings{Threshold: threshold, QueueDeadline: 10 * time.Millisecond}.WithDefaults(),
		place:    place{Config: Config{Kind: SQLite, Place: filepath.Join(dir, "psagate.db"), Dir: dir}},
	}
	for _, secret := range []string{"a", "b", "c"} {
		c.secrets[printOf(secret)] = secret
	}
	c.nodes = append(c.nodes, c.start())
	return c
}

// over ends all processes.
func (c *crew) over() {
	for _, n := range c.live() {
		if n.frozen {
			n.frozen = false
			n.thaw()
		}
		c.end(n)
	}
}
