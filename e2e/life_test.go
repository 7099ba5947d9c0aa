package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// refused makes the PSA refuse the login's password, until nothing more is tried.
func (w *world) refused() report.LoginStatus {
	w.Helper()
	w.user.SetSecret(newPassword)
	for range 2 {
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "credential-refused" {
			w.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	}
	return w.loginStatus()
}

func TestAReloadChangesSettingsAndKeepsTheGuardsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	w.start()
	w.served("a")
	before := w.refused()
	if before.State != report.LoginRefused || before.Units.Failed == 0 || before.Queue.Length != 64 {
		t.Fatalf("status %+v", before)
	}
	mark := w.sim.Mark()
	if out, status := w.reload("queue 64 1s", "queue 32 2s"); status != 0 {
		t.Fatalf("exit status %d: %s", status, out)
	}
	after := w.loginStatus()
	if after.Queue.Length != 32 || after.Queue.DeadlineSeconds != 2 {
		t.Errorf("the new settings are not in force: %+v", after.Queue)
	}
	if after.Units != before.Units || after.State != before.State || after.Seq != before.Seq {
		t.Errorf("status %+v after the reload, and %+v before", after, before)
	}
	if a := w.call("b", "GET", "/Tickets/1", ""); a.reason() != "credential-refused" {
		t.Errorf("%d %s", a.status, a.reason())
	}
	if again := w.sim.Ledger().Since(mark); len(again) > 0 {
		t.Errorf("a refused password was sent again after the reload: %v", again)
	}
	w.save(newPassword)
	w.served("a")
	w.unharmed(3)
}

func TestARefusedReloadChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 5s"
	w.start()
	w.served("a")
	for _, c := range []struct {
		name          string
		replace, want []string
	}{
		{"a directive that is unknown", []string{"psa_gateway", "psa_gatewy"}, []string{"Reloaded:", "unrecognized directive: psa_gatewy"}},
		{"a word that is unknown", []string{"queue 64", "queu 64"}, []string{"Reloaded:", "unknown word 'queu'", "did you mean 'queue'?"}},
		{"a login that is not there", []string{"login main\n", "login man\n"}, []string{"Reloaded:", "there is no login or pool of that name"}},
		// It shows late: Caddy has set up psagate's part and has moved the admin endpoint to the new config by then.
		{"a certificate that is missing", []string{"queue 64 5s", "lockout 5", "http://:", "https://:", "psa_gateway", "psa_gateway\n\ttls /none.pem /none.pem"}, []string{"/none.pem"}},
	} {
		out, status := w.reload(c.replace...)
		out = strings.ReplaceAll(out, `\"`, "'") // in the log's JSON
		for _, want := range append(c.want, "rror") {
			if status != 1 || !strings.Contains(out, want) {
				t.Errorf("%s: exit status %d, and %q is missing from: %s", c.name, status, want, out)
			}
		}
		w.served("a")
		if l := w.loginStatus(); l.State != report.LoginServing || l.Queue.Length != 64 || l.Units != (report.UnitCounts{Budget: 5, Free: 5}) || l.Zone == "" {
			t.Errorf("%s: status %+v", c.name, l)
		}
		w.says("check main", 0, "login main: works")
		w.says("release main --yes", 0)
		w.served("a")
	}
	w.unharmed(0)
}

func TestAConfigIsValidatedWithoutStoreAndNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("Caddyfile", strings.ReplaceAll(w.caddyfile.String(), "{env.PSAGATE_SECRETS}", w.path("none")))
	if out, status := w.run("validate", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"); status != 0 || !strings.Contains(out, "Valid configuration") {
		t.Errorf("exit status %d: %s", status, out)
	}
	if n := w.sim.Requests().Total; n != 0 {
		t.Errorf("%d requests came to the PSA", n)
	}
}

func TestAnAccessLogThatWouldHoldKeysIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.format = "json"
	w.write("Caddyfile", w.caddyfile.String())
	for _, command := range []string{"run", "validate"} {
		out, status := w.run(command, "--config", w.path("Caddyfile"), "--adapter", "caddyfile")
		if status != 1 || !strings.Contains(out, "would hold callers' keys: write `format psa` in its log block") {
			t.Errorf("%s: exit status %d: %s", command, status, out)
		}
	}
}

// crowd makes ten calls at once, of which the PSA holds as many as may be in flight, and returns when the others wait.
// The function that it returns waits for all answers.
func (w *world) crowd(heard func(a answer)) (held *psatest.Order, wait func()) {
	w.Helper()
	const callers = inFlight + waiting
	held = w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets/1"})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { heard(w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", "")) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := held.WaitHeld(ctx, inFlight); err != nil {
		w.Fatal(err)
	}
	w.until("the others wait", func() bool { return w.loginStatus().Queue.Waiting == waiting })
	return held, all.Wait
}

const inFlight, waiting = 3, 7

func TestAReloadLosesNoCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 30s"
	w.start()
	w.served("a")
	held, wait := w.crowd(func(a answer) {
		if !a.ticket() {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	})
	reloaded := make(chan int, 1)
	go func() { // it ends when the old config has
		_, status := w.reload("queue 64", "queue 32")
		reloaded <- status
	}()
	w.until("the new config is in force", func() bool { return w.loginStatus().Queue.Length == 32 })
	held.Release()
	wait()
	w.served("a")
	if status := <-reloaded; status != 0 {
		t.Errorf("reload: exit status %d", status)
	}
	w.unharmed(0)
}

func TestAStopAnswersThoseWhoWaitAndLetsThoseInFlightEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	var served, drained atomic.Int32
	held, wait := w.crowd(func(a answer) {
		switch {
		case a.ticket():
			served.Add(1)
		case a.status == 503 && a.reason() == "draining":
			drained.Add(1)
		default:
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	})
	start := time.Now()
	if err := w.server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.until("those who wait are answered", func() bool { return drained.Load() == waiting })
	if served.Load() != 0 {
		t.Errorf("%d calls were served while the PSA held them", served.Load())
	}
	held.Release()
	wait()
	if served.Load() != inFlight {
		t.Errorf("%d of %d calls in flight were served", served.Load(), inFlight)
	}
	w.server.gone(w)
	t.Logf("the process ended %v after it was asked to", time.Since(start).Round(time.Millisecond))
	w.unharmed(0)
}

func TestAZoneIsRememberedOverARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.caddyfile.discover = "http://" + l.Addr().String()
	go func() { _ = http.Serve(l, w.zone) }() // any zone answers look-ups
	w.start()
	w.served("a")
	w.server.stop(w)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.served("a")
	w.says("zones", 0, "login main: "+w.zone.URL())
	w.unharmed(0)
}

func TestAStoreThatComesLateServesThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	if err := os.Remove(w.path(secretsFile)); err != nil {
		t.Fatal(err)
	}
	w.start()
	if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "secret-unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	w.says("status", 0, "login main: NO CREDENTIAL from the store", "never read", "no such file")
	w.save(oldPassword)
	w.until("the record is read", func() bool { return w.loginStatus().State != report.LoginNoSecret })
	w.served("a")
}
