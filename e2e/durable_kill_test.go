package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// slowish is a PSA that takes a moment.
func slowish(b *psatest.Behaviour) { b.Latency = 15 * time.Millisecond }

// A process dies with calls under way, again and again, and now and then while the PSA has another password than the store.
func TestTwentyKillsInARowLockNobody(t *testing.T) {
	t.Parallel()
	seed := soakSeed(t)
	t.Logf("PSAGATE_SOAK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newDurable(t, "")
	w.start()
	c := w.callOn(8)
	var longest time.Duration
	operators := 0
	for i := range 20 {
		changes := i%3 == 2
		password := fmt.Sprintf("password-%d/%s", i, newKey(t).Reveal()[10:30])
		w.hide(fmt.Sprint("password ", i), password)
		if changes {
			w.user.SetSecret(password)
		}
		time.Sleep(some(r, 400*time.Millisecond))
		w.kill()
		w.start()
		if changes {
			time.Sleep(some(r, 200*time.Millisecond))
			w.save(password)
		}
		if w.isSpent() { // three refusals or more and calls without an answer, none of them accepted: that needs an operator
			operators++
			w.forgives()
		}
		longest = max(longest, w.servesAgain())
	}
	t.Logf("served again %v after a kill at most; an operator was needed %d times; calls: %v", longest.Round(time.Millisecond), operators, c.stop())
	w.unharmed(5)
}

// isSpent waits until no unit is held or lost, or a call is served, and reports whether the budget is spent.
func (w *world) isSpent() bool {
	w.Helper()
	spent := false
	defer func() {
		if w.Failed() {
			out, _ := w.ask("status")
			w.Logf("status:\n%s\nledger: %v", out, w.sim.Ledger().Failed())
		}
	}()
	w.until("it serves, or is spent", func() bool {
		a := w.call("a", "GET", "/Tickets/1", "")
		spent = w.loginStatus().State == report.LoginSpent
		return spent || a.ticket()
	})
	return spent
}
