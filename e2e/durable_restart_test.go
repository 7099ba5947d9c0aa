package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestARestartAReloadAndARefusedReloadCostNoSignInAndForgetNothing(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(w *world){
		"a restart":      (*world).restart,
		"a reload":       func(w *world) { w.mustReload(0, "queue 64", "queue 32") },
		"a reload again": func(w *world) { w.mustReload(0); w.mustReload(0, "queue 64", "queue 16") },
		"a refused one":  func(w *world) { w.mustReload(1, "queue 64", "queu 64") },
		"another store":  func(w *world) { w.mustReload(1, "psa {", "psa {\n\t\tstore sqlite "+w.path("other.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.caddyfile.login = strings.Replace(shortLinger, "5s", "3s", 1) // who waits in vain does so for that long
			w.start()
			w.served("a")
			w.keepsWhatServes(then)
			w.keepsWhatWasRefused(then)
		})
	}
}

func (w *world) mustReload(want int, replace ...string) {
	w.Helper()
	if out, status := w.reload(replace...); status != want {
		w.Fatalf("exit status %d, want %d: %s", status, want, out)
	}
}

// keepsWhatServes: each call is one sign-in, before and after.
func (w *world) keepsWhatServes(then func(w *world)) {
	w.Helper()
	before, mark := w.settled(), w.sim.Mark()
	then(w)
	if spent := w.sim.Ledger().Since(mark); len(spent) > 0 {
		w.Errorf("it cost sign-ins: %v", spent)
	}
	w.served("a")
	if spent := w.sim.Ledger().Since(mark); len(spent) != 1 {
		w.Errorf("one call after it is %d sign-ins: %v", len(spent), spent)
	}
	if after := w.stands(); after != before {
		w.Errorf("the login stands %+v after it, and stood %+v before", after, before)
	}
	w.unharmed(0)
}

// keepsWhatWasRefused: a password that the PSA does not take is not sent again.
func (w *world) keepsWhatWasRefused(then func(w *world)) {
	w.Helper()
	w.refused()
	before, mark := w.settled(), w.sim.Mark()
	if before.state != report.LoginRefused || before.units.Failed == 0 {
		w.Fatalf("the login stands %+v", before)
	}
	then(w)
	if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "credential-refused" {
		w.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	if spent := w.sim.Ledger().Since(mark); len(spent) > 0 {
		w.Errorf("it cost sign-ins: %v", spent)
	}
	if after := w.stands(); after != before {
		w.Errorf("the login stands %+v after it, and stood %+v before", after, before)
	}
	w.save(newPassword)
	w.served("a")
	w.unharmed(3)
}

// settled is how the login stands once nothing is under way.
func (w *world) settled() (s standing) {
	w.Helper()
	w.until("nothing is under way", func() bool {
		s = w.stands()
		return s.units.Held == 0 && s.units.Lost == 0
	})
	return s
}

// The process is stopped for longer than its lease, with calls under way and others that wait.
func TestAProcessThatWasStoppedForLongerThanItsLeaseServesAgain(t *testing.T) {
	t.Parallel()
	for name, answered := range map[string]bool{"the PSA answers meanwhile": true, "the PSA answers later": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "store sqlite "+"STORE"+" {\n\t\t\tttl 3s\n\t\t}")
			w.caddyfile.psa = strings.Replace(w.caddyfile.psa, "STORE", w.path("psagate.db"), 1)
			w.start()
			w.served("a")
			c := new(callers)
			c.of = map[string]int{}
			held, done := w.crowd(func(a answer) {
				if a.status == 0 {
					t.Error("a call without an answer")
				}
				c.count(whatItWas(a))
			})
			w.sends(syscall.SIGSTOP)
			if answered {
				held.Release()
			}
			time.Sleep(4 * time.Second)
			w.sends(syscall.SIGCONT)
			w.servesAgainBeside(held.Release, !answered)
			done()
			t.Logf("the calls that were under way, or waited: %v", c.of)
			w.unharmed(0)
		})
	}
}

// servesAgainBeside waits until it serves, after what the PSA held was let go where it still is.
func (w *world) servesAgainBeside(release func(), held bool) {
	w.Helper()
	if held {
		w.until("the calls under way are given up", func() bool { return w.loginStatus().Units.Held == 0 })
		release()
	}
	w.Logf("it serves again after %v", w.servesAgain().Round(time.Millisecond))
}

func whatItWas(a answer) string {
	if a.ticket() {
		return "ticket"
	}
	return a.reason()
}

func (w *world) sends(s syscall.Signal) {
	w.Helper()
	if err := w.server.Process.Signal(s); err != nil {
		w.Fatal(err)
	}
}
