package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// Calls are under way when the password changes at the PSA, are given up, and only then refused. What psagate tries
// meanwhile, and afterwards, must leave room for them.
func TestCallsThatAreRefusedAfterTheyWereGivenUpAreCounted(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(w *world){
		"their connections end":   (*world).cutsThePSAOff,
		"their process is killed": func(w *world) { w.kill(); w.start() },
	} {
		for after, then := range map[string]func(w *world){
			"nothing better is known":                                   func(*world) {},
			"the store knows the new one, and the PSA another one soon": (*world).changesTwice,
		} {
			t.Run(name+", "+after, func(t *testing.T) {
				t.Parallel()
				w := newDurable(t, "")
				w.caddyfile.login = "queue 64 1s\n\t\t\tlockout 7 {\n\t\t\t\tlinger 3s\n\t\t\t\trecheck 1s\n\t\t\t}"
				w.start()
				w.served("a")
				c := w.callOn(8)
				w.losesCalls(giveUp)
				then(w)
				time.Sleep(12 * time.Second) // of pauses after which it may ask again
				t.Logf("%d failed sign-ins in a row at most; calls: %v", w.user.MaxFailedSinceSuccess(), c.stop())
				if n := w.user.MaxFailedSinceSuccess(); n < inFlight {
					t.Errorf("%d failed sign-ins: not all of the %d that were given up were refused", n, inFlight)
				}
				w.unharmed(5)
			})
		}
	}
}

// losesCalls changes the password at the PSA while as many calls as may be are under way, which are then given up.
func (w *world) losesCalls(giveUp func(w *world)) {
	w.Helper()
	late := w.sim.Fault(psatest.Fault{At: psatest.Received, Path: "/Tickets", Gone: true, Delay: 2500 * time.Millisecond, Times: inFlight})
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	if err := late.WaitHits(ctx, inFlight); err != nil {
		w.Fatal(err)
	}
	w.user.SetSecret(newPassword)
	giveUp(w)
}

// cutsThePSAOff ends all connections to the PSA, which goes on with what it has received.
func (w *world) cutsThePSAOff() {
	w.Helper()
	w.zone.Down()
	if err := w.zone.Up(); err != nil {
		w.Fatal(err)
	}
}

// changesTwice has the store know the new password, and changes it at the PSA again as soon as it has served.
func (w *world) changesTwice() {
	w.Helper()
	w.save(newPassword)
	w.servesAgain()
	w.user.SetSecret("third-Password-1234")
}
