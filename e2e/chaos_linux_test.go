package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// chaosLength is how long troubles come: PSAGATE_CHAOS, else as long as each run of the tests can afford.
func chaosLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("PSAGATE_CHAOS")
	if text == "" {
		return 36 * time.Second
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PSAGATE_CHAOS: %v", err)
	}
	return length
}

// chaosSeed is what the chances begin with: PSAGATE_CHAOS_SEED, else another one each time.
func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("PSAGATE_CHAOS_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("PSAGATE_CHAOS_SEED: %v", err)
	}
	return seed
}

const (
	// chaosCallers is how many programs call.
	chaosCallers = 40
	// burst is how many troubles come close together.
	burst = 5
	// quiet is how long nothing is wrong between two bursts, beside what the one before leaves behind.
	quiet = 4 * time.Second
	// aftermath is how long a trouble is felt after its end, by what processes are told: until a silent one is taken for
	// dead, and what it had under way can be judged no more.
	aftermath = fleetTTL + fleetLinger
	// pauseMost is the longest pause that the guard makes for calls, or own attempts, that got no answer in a row.
	pauseMost = 65 * time.Second
)

// chaos is a fleet to which everything happens at random.
type chaos struct {
	*fleet
	seed  uint64
	rand  *rand.Rand // the driver's
	diary diary
	books chaosBooks

	pgBusy sync.Mutex // one trouble of PostgreSQL's at a time
}

// Three processes, one PostgreSQL and one PSA are killed, stopped, cut off and slowed down at random, while passwords are
// changed and programs call. scripts/chaos lets it last for two minutes.
func TestThreeProcessesInChaosLockNobodyAndAnswerEveryCall(t *testing.T) {
	t.Parallel()
	length, seed := chaosLength(t), chaosSeed(t)
	t.Logf("PSAGATE_CHAOS=%v PSAGATE_CHAOS_SEED=%d", length, seed)
	c := &chaos{fleet: newFleet(t, 3, 3), seed: seed, rand: rand.New(rand.NewPCG(seed, 0))}
	defer c.unharmed()
	ctx, end := context.WithCancel(context.Background())
	var callers sync.WaitGroup
	for i := range chaosCallers {
		callers.Go(func() { c.calls(ctx, i) })
	}
	c.diary.begin = time.Now()
	for quiet := false; (time.Since(c.diary.begin) < length || !quiet && time.Since(c.diary.begin) < 4*length) && !t.Failed(); {
		c.burst()
		quiet = c.calms() || quiet
		c.isQuiet()
	}
	end()
	callers.Wait()
	c.judge()
}

// burst lets troubles come at random and at once, and each login's password change once.
func (c *chaos) burst() {
	var all sync.WaitGroup
	happens := func(what func(r *rand.Rand)) {
		r := rand.New(rand.NewPCG(c.rand.Uint64(), 1))
		all.Go(func() {
			time.Sleep(some(r, 4*time.Second))
			what(r)
		})
	}
	for range burst {
		trouble := c.diary.next(c.rand)
		happens(func(r *rand.Rand) { trouble(c, r) })
	}
	for _, l := range c.logins {
		happens(func(r *rand.Rand) { c.rotates(l, r) })
	}
	all.Wait()
}

// calms waits until what the troubles leave behind is over. Where the rules want an operator there is one. It reports whether
// nothing of it was left: then calls that come are outside the windows of troubles.
func (c *chaos) calms() bool {
	time.Sleep(aftermath)
	begin := time.Now()
	for _, l := range c.logins {
		for !c.serves(l) {
			s := c.standing(l)
			if time.Since(begin) > pauseMost {
				c.Errorf("%s does not serve again: %+v", l.name, s)
				return false
			}
			if c.wantsOperator(s) {
				c.operate(l, s)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	if time.Since(begin) <= time.Second {
		return true
	}
	c.diary.note("a pause of the guard's, or an operator, is waited for", begin.Add(-aftermath), time.Now())
	return false
}

// isQuiet lets nothing happen for a while but a change of a password, in the store first.
func (c *chaos) isQuiet() {
	l := c.logins[c.rand.IntN(len(c.logins))]
	password := l.next(c.fleet)
	wait := some(c.rand, quiet/2)
	time.Sleep(quiet / 4)
	c.save(l.name, password)
	time.Sleep(wait)
	l.user.SetSecret(password)
	c.diary.changed("a password is changed while all is quiet, in the store first")
	time.Sleep(quiet*3/4 - wait)
}

// rotates changes a password, in one order or the other.
func (c *chaos) rotates(l *fleetLogin, r *rand.Rand) {
	l.changing.Lock()
	defer l.changing.Unlock()
	password, gap, begin := l.next(c.fleet), some(r, 1500*time.Millisecond), time.Now()
	if r.IntN(2) == 0 {
		c.save(l.name, password)
		time.Sleep(gap)
		l.user.SetSecret(password)
		c.diary.changed("a password is changed, in the store first")
		return
	}
	l.user.SetSecret(password)
	time.Sleep(gap)
	c.save(l.name, password)
	c.diary.changed("a password is changed, in the PSA first")
	c.diary.note("a password is changed, in the PSA first", begin, time.Now())
}

// serves tells whether each process serves a login.
func (c *chaos) serves(l *fleetLogin) bool {
	for _, r := range c.replicas {
		if came := whatCame(&http.Client{Timeout: patience}, r.request(l.name, "GET", "/Tickets/1", nil)); came != "ticket" {
			return false
		}
	}
	return true
}

// standing is how a login stands.
func (c *chaos) standing(l *fleetLogin) (s report.LoginStatus) {
	for _, r := range c.replicas {
		status, err := r.status()
		if err != nil {
			continue
		}
		for _, s := range status.Logins {
			if s.Name == l.name {
				return s
			}
		}
	}
	return s
}

// wantsOperator tells whether a login needs an operator, by the guard's rules: every unit is recorded, or all but one or two
// and its rechecks are used up; or all but the last, which waits for an hour where a call got no answer.
func (c *chaos) wantsOperator(s report.LoginStatus) bool {
	recorded := s.Units.Failed + s.Units.Unknown
	switch {
	case s.Units.Held+s.Units.Lost > 0:
		return false
	case s.State == report.LoginRefused:
		return recorded >= fleetBudget-2
	case s.State == report.LoginGateShut:
		return recorded >= fleetBudget-1
	}
	return s.State == report.LoginSpent
}

// operate is what an operator does: unlock the user at the PSA, and release the login.
func (c *chaos) operate(l *fleetLogin, s report.LoginStatus) {
	if l.user.Locked() {
		return // that is a failure, and must be seen
	}
	l.user.Unlock()
	out, status := c.replicas[0].ask("release " + l.name + " --yes")
	if status != 0 {
		c.Logf("release %s: exit status %d: %s", l.name, status, out)
		return
	}
	c.diary.changed(fmt.Sprintf("an operator unlocks and releases a login that is %s", s.State))
}
