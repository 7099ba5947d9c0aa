package e2e

import (
	"net/http"
	"syscall"
	"testing"
)

// another makes a second psagate of the same installation on the same machine: its config differs in its addresses alone.
func (w *world) another() *world {
	w.Helper()
	o := newWorld(w.T)
	o.sim.Close()
	admin, address, log := o.admin, o.address, o.accessLog
	o.caddyfile = w.caddyfile
	o.admin, o.address, o.accessLog = admin, address, log
	o.sim, o.zone, o.tenant, o.user, o.keys, o.hidden = w.sim, w.zone, w.tenant, w.user, w.keys, w.hidden
	o.env = []string{"XDG_DATA_HOME=" + w.path("data"), "PSAGATE_SECRETS=" + w.path(secretsFile)}
	return o
}

// Two processes on one machine share one file, and so one budget.
func TestTwoProcessesOnOneFileShareOneBudget(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "")
	w.withTTL()
	o := w.another()
	w.start()
	w.served("a")
	o.start()
	o.served("a")
	w.served("b")
	first, second := w.callOn(6), o.callOn(6)
	w.user.SetSecret(newPassword)
	for _, world := range []*world{w, o} {
		world.until("it has heard of the refusal", func() bool {
			l := world.loginStatus()
			return l.Serving == nil && l.LastRefusal != nil || l.Units.Failed > 0
		})
	}
	w.save(newPassword)
	w.servesAgain()
	o.servesAgain()
	w.kill()
	o.servesAgain()
	w.start()
	w.servesAgain()
	t.Logf("calls: %v, %v", first.stop(), second.stop())
	w.until("every unit is free", func() bool { o.served("a"); w.served("a"); return w.stands().units.Free == 5 })
	w.unharmed(5)
}

// The new process of a restart serves while the old one still waits for its calls to end.
func TestANewProcessServesBesideOneThatDrains(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "")
	w.withTTL()
	o := w.another()
	w.start()
	w.served("a")
	drained := 0
	heard := make(chan answer, inFlight+waiting)
	held, wait := w.crowd(func(a answer) { heard <- a })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		http.DefaultClient.CloseIdleConnections()
		_ = w.server.Process.Signal(syscall.SIGTERM)
		<-w.server.ended
	}()
	o.start()
	late := make(chan answer)
	go func() { late <- o.call("b", "GET", "/Companies/1", "") }()
	o.until("its config is in force", func() bool { _, status := o.ask("status"); return status == 0 }) // the old one has made room
	o.until("a call waits for a unit", func() bool { return o.loginStatus().Queue.Waiting == 1 })
	held.Release()
	if a := <-late; a.status != 200 || a.reason() != "" {
		t.Errorf("beside the one that drains: %d %s %s", a.status, a.reason(), a.body)
	}
	wait()
	<-stopped
	w.server = nil
	close(heard)
	for a := range heard {
		switch {
		case a.ticket():
		case a.status == 503 && a.reason() == "draining":
			drained++
		default:
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	}
	if drained != waiting {
		t.Errorf("%d calls were told that the process ends, want %d", drained, waiting)
	}
	o.until("every unit is free", func() bool { o.served("b"); return o.stands().units.Free == 5 })
	w.unharmed(0)
}
