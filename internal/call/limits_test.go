package call

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/psatest"
)

// limited gives an integration limits, as a reload does.
func (w *world) limited(integration string, change func(*Limits)) {
	w.Helper()
	w.change(integration, func(i *Integration) { change(&i.Limits) })
}

// mustWindow is a window; the world begins on Saturday, 2000-01-01 00:00 UTC.
func mustWindow(t *testing.T, days, span string) limits.Window {
	t.Helper()
	w, err := limits.ParseWindow(strings.Fields(days), span, "")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// refusedFor demands an answer with status, reason and Retry-After (empty for none).
func (w *world) refusedFor(a answer, status int, reason, again string) {
	w.Helper()
	if a.status != status || a.reason() != reason || a.header.Get("Retry-After") != again {
		w.Errorf("%d %s after %q: %s, want %d %s after %q", a.status, a.reason(), a.header.Get("Retry-After"), a.body, status, reason, again)
	}
}

func TestAnIntegrationMayCallSoOftenInAMinute(t *testing.T) {
	inWorld(t, func(w *world) {
		w.limited("a", func(l *Limits) { l.PerMinute = 3 })
		for range 3 {
			w.served("a")
		}
		before := w.arrived()
		w.refusedFor(w.call("a", "GET", "/Tickets/1", ""), 429, "rate", "20")
		if w.arrived() != before {
			t.Error("it came to the PSA")
		}
		w.served("b")
		w.limited("a", func(l *Limits) { l.PerMinute = 4 }) // a reload gives nothing back
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "rate" {
			t.Errorf("after a reload: %d %s", a.status, a.reason())
		}
		time.Sleep(15 * time.Second)
		w.served("a")
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "rate" {
			t.Errorf("%d %s", a.status, a.reason())
		}
	})
}

func TestAnIntegrationMayHaveSoManyCallsAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.limited("a", func(l *Limits) { l.Concurrent = 2 })
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 2, Delay: 10 * time.Second})
		later(time.Second, func() {
			w.refusedFor(w.call("a", "GET", "/Tickets/1", ""), 429, "rate", "1")
			w.served("b")
		})
		parallel(2, func(int) { w.served("a") })
		synctest.Wait()
		w.served("a")
	})
}

// Who is told to come again in a second is not told then that he has made all his calls.
func TestACallThatIsOneTooManyAtOnceIsNoneOfTheMinute(t *testing.T) {
	inWorld(t, func(w *world) {
		w.limited("a", func(l *Limits) { l.Concurrent, l.PerMinute = 1, 2 })
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Delay: 2 * time.Second})
		later(time.Second, func() {
			for range 3 {
				w.refusedFor(w.call("a", "GET", "/Tickets/1", ""), 429, "rate", "1")
			}
		})
		w.served("a")
		w.served("a")
	})
}

func TestAnIntegrationMayCallInItsHours(t *testing.T) {
	inWorld(t, func(w *world) {
		w.limited("a", func(l *Limits) {
			l.Hours = []limits.Window{mustWindow(t, "sat", "06:00-07:00"), mustWindow(t, "mon-fri", "08:00-18:00")}
		})
		a := w.call("a", "GET", "/Tickets/1", "")
		again, _ := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != 429 || a.reason() != "rate" || again == 0 || !strings.Contains(a.body, "2000-01-01 06:00 UTC") {
			t.Fatalf("%d %s after %ds: %s", a.status, a.reason(), again, a.body)
		}
		time.Sleep(time.Duration(again) * time.Second)
		w.served("a")
		time.Sleep(time.Hour)
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "rate" || !strings.Contains(a.body, "2000-01-03 08:00 UTC") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestNothingIsWrittenInAFreeze(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Freeze = []limits.Window{mustWindow(t, "sat", "00:00-24:00"), mustWindow(t, "sun", "00:00-12:00")}
		w.load()
		w.served("a")
		if a := w.call("a", "POST", "/Tickets/query", `{"filter":[{"op":"exist","field":"id"}]}`); a.status != 200 {
			t.Errorf("a query: %d %s", a.status, a.body)
		}
		before := w.arrived()
		for method, path := range map[string]string{"POST": "/Tickets", "PATCH": "/Tickets", "PUT": "/Tickets", "DELETE": "/ContactGroups/5"} {
			a := w.call("a", method, path, newTicket)
			w.refusedFor(a, 403, "policy", "")
			if !strings.Contains(a.body, "frozen until 2000-01-02 12:00 UTC") {
				t.Errorf("%s %s: %s", method, path, a.body)
			}
		}
		if w.arrived() != before {
			t.Error("a frozen call came to the PSA")
		}
		time.Sleep(36 * time.Hour)
		if a := w.call("a", "POST", "/Tickets", newTicket); a.status != 200 {
			t.Errorf("after it: %d %s", a.status, a.body)
		}
	})
}
