package call

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// tally counts answers by status and reason.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func newTally() *tally { return &tally{n: map[string]int{}} }

func (c *tally) add(a answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := strings.TrimSpace(fmt.Sprint(a.status, " ", a.reason()))
	switch {
	case err != nil:
		name = "no answer"
	case (a.reason() == "gate-shut" || a.reason() == "zone-unknown") && a.header.Get("Retry-After") == "":
		name += " without Retry-After"
	}
	c.n[name]++
}

// all demands that nobody got another answer than these, and returns how many calls there were.
func (c *tally) all(t *testing.T, allowed ...string) (sum int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range c.n {
		sum += n
		if !strings.Contains(" "+strings.Join(allowed, " | ")+" ", " "+name+" ") {
			t.Errorf("%d calls got %q", n, name)
		}
	}
	return sum
}

// every makes calls in turn by a and b until the time is up, each in a goroutine of its own.
func (w *world) every(pause, length time.Duration, c *tally, path string) {
	var calls sync.WaitGroup
	for i := range int(length / pause) {
		calls.Go(func() {
			c.add(w.try(context.Background(), []string{"a", "b"}[i%2], "GET", path, ""))
		})
		time.Sleep(pause)
	}
	calls.Wait()
}

// An hour without a PSA: how it goes out, and what may be sent meanwhile.
func TestAnOutageOfAnHour(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   psatest.Fault
		signIns int // at most, in the hour
		failed  int
	}{
		{"connections are reset", psatest.Fault{At: psatest.Received, Then: psatest.Reset}, 0, 0},
		{"connections are reset once the sign-in was judged", psatest.Fault{At: psatest.Judged, Then: psatest.Reset}, 3, 0},
		{"nothing is answered", psatest.Fault{At: psatest.Received, Gone: true, Then: psatest.HangUp}, 0, 0},
		{"a proxy answers in its place", psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 502, Body: htmlPage}, 0, 0},
		{"a captive portal answers in its place", psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 200, Body: htmlPage}, 0, 0},
		{"lookups fail, and sign-ins are refused in the dark", psatest.Fault{At: psatest.Judged, Then: psatest.Reset}, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.served("a")
				mark := w.sim.Mark()
				var orders []*psatest.Order
				if c.failed > 0 {
					orders = append(orders, w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Only: psatest.SignInCall}))
				}
				// Three calls are in flight as it begins.
				first := c.fault
				first.Times, first.Hold = 3, !first.Gone
				held := w.sim.Fault(first)
				early := newTally()
				var flying sync.WaitGroup
				for i := range 3 {
					flying.Go(func() { early.add(w.try(context.Background(), []string{"a", "b"}[i%2], "GET", "/Tickets/1", "")) })
				}
				if err := held.WaitHits(context.Background(), 3); err != nil {
					t.Fatal(err)
				}
				orders = append(orders, w.sim.Fault(c.fault))
				if c.fault.At == psatest.Judged {
					orders = append(orders, w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Reset, Only: psatest.OpenCall}))
				}
				held.Release()
				during := newTally()
				w.every(6*time.Second, time.Hour, during, "/Tickets/1")
				n := during.all(t, "502 upstream-unreachable", "503 gate-shut", "503 budget-spent", "504 upstream-timeout", "502", "503 queue-full", "503 queue-deadline")
				flying.Wait()
				if early.all(t, "502 upstream-unreachable", "504 upstream-timeout", "502") != 3 || n != 600 {
					t.Errorf("%v in flight, then %d of 600", early.n, n)
				}
				l := w.sim.Ledger().Since(mark)
				if len(l) > c.signIns || len(l.Failed()) > c.failed {
					t.Errorf("%d sign-ins in the hour, %d failed, want at most %d and %d: %v", len(l), len(l.Failed()), c.signIns, c.failed, l)
				}
				t.Logf("an hour of outage: %v", during.n)
				for _, o := range orders {
					o.Release()
				}
				mark = w.sim.Mark()
				start := time.Now()
				after := newTally()
				parallel(20, func(i int) {
					for a := (answer{}); a.status != 200; {
						a, _ = w.try(context.Background(), []string{"a", "b"}[i%2], "GET", "/Tickets/1", "")
						if a.status != 200 {
							time.Sleep(time.Second)
						} else {
							after.add(a, nil)
						}
					}
				})
				l = w.sim.Ledger().Since(mark)
				t.Logf("back: all served after %v by %d sign-ins", time.Since(start), len(l))
				if len(l) > 21 || len(l.Failed()) > 0 {
					t.Errorf("%d sign-ins for 20 calls and one of the guard's own", len(l))
				}
				if waited := time.Since(start); waited > 61*time.Minute {
					t.Errorf("all were served after %v", waited)
				}
				time.Sleep(2 * time.Minute)
				w.served("a")
				w.safeNow()
			})
		})
	}
}

// The whole PSA is out, with nothing said of the login yet.
func TestAnOutageAtTheStart(t *testing.T) {
	for _, f := range []psatest.Fault{
		{At: psatest.Received, Then: psatest.Reset},
		{At: psatest.Received, Gone: true, Then: psatest.HangUp},
		{At: psatest.Received, Then: psatest.Answer, Status: 503, Body: htmlPage},
	} {
		inWorld(t, func(w *world) {
			down := w.sim.Fault(f)
			c := newTally()
			w.every(10*time.Second, time.Hour, c, "/Tickets/1")
			if c.all(t, "502 zone-unknown") != 360 || len(w.sim.Ledger()) != 0 {
				t.Errorf("%v, %d sign-ins", c.n, len(w.sim.Ledger()))
			}
			down.Release()
			time.Sleep(time.Minute)
			w.served("a")
			w.safeNow()
		})
	}
}

// Three are lost, then one probe, and the last unit after an hour; then an operator.
func TestHalfAnOutageWhereLookupsAnswerAndSignInsHang(t *testing.T) {
	for _, refused := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.served("a")
			if refused {
				w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Only: psatest.SignInCall})
			}
			w.sim.Fault(psatest.Fault{At: psatest.Judged, Gone: true, Then: psatest.HangUp, Only: psatest.SignInCall})
			mark := w.sim.Mark()
			c := newTally()
			w.every(20*time.Second, 10*time.Hour, c, "/Tickets/1") // somebody always waits: a deadline is 30 s
			c.all(t, "504 upstream-timeout", "503 gate-shut", "503 budget-spent", "503 queue-full", "503 queue-deadline")
			l := w.sim.Ledger().Since(mark)
			t.Logf("ten hours: %v, %d sign-ins, %d counted as failed", c.n, len(l), len(l.Failed()))
			if len(l) > 5 {
				t.Errorf("%d sign-ins: %v", len(l), l)
			}
			w.safeNow()
		})
	}
}

func TestHalfAnOutageWhereLookupsHangAndSignInsAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Gone: true, Then: psatest.HangUp, Only: psatest.OpenCall})
		c := newTally()
		w.every(5*time.Second, time.Hour, c, "/Tickets/1")
		if c.all(t, "200") != 720 {
			t.Errorf("%v", c.n)
		}
		w.safeNow()
	})
}

func TestTheHostWithoutANumberIsDeadAndTheZoneAlive(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.net.Listen(discoverAddr).Close()
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset, Every: 20, Only: psatest.SignInCall})
		c := newTally()
		w.every(5*time.Second, time.Hour, c, "/Tickets/1")
		c.all(t, "200", "502 upstream-unreachable")
		if c.n["200"] < 670 {
			t.Errorf("%v", c.n)
		}
		w.safeNow()
	})
}

// One reset in a hundred, at one call a second: lost units = calls/s × reset rate × linger = 0.6.
func TestAResetOnOneCallInAHundred(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    psatest.Point
		fail  bool // the PSA counts these sign-ins as failed
		seen  int  // sign-ins judged of a call that was reset
		calls int
	}{
		{"before the sign-in is judged", psatest.Received, false, 0, 1_000},
		{"after it was judged", psatest.Judged, false, 1, 1_000},
		{"after it was refused", psatest.Judged, true, 1, 4_000},
		{"after it was carried out", psatest.Applied, false, 1, 1_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.served("a")
				mark := w.sim.Mark()
				if c.fail {
					w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Tickets", Every: 100})
				}
				resets := w.sim.Fault(psatest.Fault{At: c.at, Then: psatest.Reset, Path: "/Tickets", Every: 100})
				n := newTally()
				w.every(time.Second, time.Duration(c.calls)*time.Second, n, "/Tickets/1")
				if n.all(t, "200", "502 upstream-unreachable") != c.calls || n.n["502 upstream-unreachable"] != resets.Hits() || resets.Hits() != c.calls/100 {
					t.Errorf("%v, %d resets", n.n, resets.Hits())
				}
				l := w.sim.Ledger().Since(mark)
				probes := 0
				for _, e := range l {
					if strings.Contains(e.Path, "ThresholdInformation") {
						probes++
					}
				}
				// Each reset shuts the gate for 2 s, and one own sign-in opens it.
				if calls := len(l) - probes; calls != c.calls-resets.Hits()*(1-c.seen) || probes > resets.Hits() {
					t.Errorf("%d sign-ins for %d calls, and %d own ones", calls, c.calls, probes)
				}
				if c.fail && w.user.MaxFailedSinceSuccess() > 1 {
					t.Errorf("%d failed sign-ins without a success between", w.user.MaxFailedSinceSuccess())
				}
				time.Sleep(2 * time.Minute)
				w.served("a")
				if u := w.g.Status().Logins[0].Units; u.Free != u.Budget {
					t.Errorf("units %+v", u)
				}
				w.safeNow()
			})
		})
	}
}

// As fast as the login goes, with thirty callers: the losses are more than the budget bears, so calls wait and are refused;
// but all are answered, nothing is locked, and it ends when the resets do.
func TestResetsUnderFullLoad(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 300 * time.Millisecond })
		w.served("a")
		resets := w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset, Path: "/Tickets", Every: 100})
		n := newTally()
		parallel(30, func(i int) {
			for range 100 {
				n.add(w.try(context.Background(), []string{"a", "b"}[i%2], "GET", "/Tickets/1", ""))
				time.Sleep(time.Second)
			}
		})
		if n.all(t, "200", "502 upstream-unreachable", "503 gate-shut", "503 budget-spent", "503 queue-deadline", "503 queue-full") != 3_000 {
			t.Errorf("%v", n.n)
		}
		t.Logf("%v, %d resets", n.n, resets.Hits())
		resets.Release()
		time.Sleep(2 * time.Hour)
		w.served("a")
		w.safeNow()
	})
}

func TestLatencyIsNoReasonToGiveUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		for _, latency := range []time.Duration{500 * time.Millisecond, 10 * time.Second, 2 * time.Minute, 5*time.Minute - time.Second} {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = latency })
			start := time.Now()
			w.served("a")
			if time.Since(start) != latency {
				t.Errorf("%v for a PSA that takes %v", time.Since(start), latency)
			}
			if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || !l.Gate.Open {
				t.Errorf("%v: units %+v", latency, l.Units)
			}
		}
		w.safeNow()
	})
}

func TestThreadLimitsPassToTheCallerAndCostNothing(t *testing.T) {
	for _, answerAs := range []psatest.LimitAnswer{{}, {Status: 429}, {Status: 429, RetryAfter: 2 * time.Second}, {Status: 429, RetryAfter: time.Minute, AsDate: true}, {Status: 503}} {
		inWorld(t, func(w *world) {
			w.sim.Adjust(func(b *psatest.Behaviour) {
				b.Threads, b.ThreadAnswer, b.ThreadDelay, b.Latency = 1, answerAs, time.Second, 100*time.Millisecond
			})
			w.served("a")
			n := newTally()
			parallel(60, func(i int) { n.add(w.try(context.Background(), []string{"a", "b"}[i%2], "GET", "/Tickets/1", "")) })
			status := fmt.Sprint(answerAs.Status)
			if answerAs.Status == 0 {
				status = "500"
			}
			if n.all(t, "200", status, "503 queue-deadline") != 60 || n.n["200"] == 0 || n.n[status] == 0 {
				t.Errorf("%+v: %v", answerAs, n.n)
			}
			if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || !l.Gate.Open {
				t.Errorf("units %+v, gate %+v", l.Units, l.Gate)
			}
			if w.failed() != 0 {
				t.Errorf("%d failed sign-ins", w.failed())
			}
			w.safeNow()
		})
	}
}

// A tenant that has used up its hour is suspended for all: a login that serves stays proven, and serves again by itself.
func TestTheHourlyLimitWhileALoginServes(t *testing.T) {
	for _, answerAs := range []psatest.LimitAnswer{{}, {Status: 429, RetryAfter: 10 * time.Minute}} {
		for _, first := range []bool{false, true} {
			inWorld(t, func(w *world) {
				w.sim.Adjust(psatest.AutotaskLimits)
				w.sim.Adjust(func(b *psatest.Behaviour) { b.HourAnswer, b.LimitsFirst = answerAs, first })
				w.served("a")
				w.tenant.Spend(10_000)
				n := newTally()
				w.every(10*time.Second, 59*time.Minute, n, "/Tickets/1")
				if n.all(t, "429", "500") != 354 {
					t.Errorf("%v", n.n)
				}
				time.Sleep(2 * time.Minute)
				w.served("a")
				if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || !l.Gate.Open || w.failed() != 0 {
					t.Errorf("units %+v, gate %+v, %d failed", l.Units, l.Gate, w.failed())
				}
				w.safeNow()
			})
		}
	}
}

// Nothing is proven yet, so that each of the guard's own sign-ins that meets the limit may have been a failed one: an hour
// of it spends the budget, and an operator has to say that nothing failed: what is newest is tried at once then.
func TestTheHourlyLimitAtTheStart(t *testing.T) {
	for _, first := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.sim.Adjust(psatest.AutotaskLimits)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.LimitsFirst = first })
			w.tenant.Spend(10_000)
			n := newTally()
			w.every(10*time.Second, 59*time.Minute, n, "/Tickets/1")
			n.all(t, "503 credential-refused", "503 budget-spent")
			st := w.g.Status().Logins[0]
			if got := w.sim.Requests().Limited; got != 5 || st.Units.Unknown != 5 || w.failed() != 0 {
				t.Errorf("%d sign-ins, %d failed, units %+v", got, w.failed(), st.Units)
			}
			time.Sleep(2 * time.Minute)
			if err := w.g.Release("main", st.Seq, nil); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			w.served("a")
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("after the release a call waited %v", waited)
			}
			w.safeNow()
		})
	}
}

// What was not written whole was not sent; what was written may have been judged. One send is one sign-in either way.
func TestAConnectionThatEndsAroundTheRequest(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int // of the request that the PSA reads before it hangs up; -1: all of it
	}{
		{"before its first byte is read", 0},
		{"after a byte of it", 1},
		{"within its headers", 100},
		{"after all of it", -1},
	} {
		for _, method := range []string{"GET", "POST"} {
			inWorld(t, func(w *world) {
				w.served("a")
				time.Sleep(time.Minute) // kept connections are closed by now
				var conns int
				l := w.net.Listen("127.0.0.1:5005")
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						conns++
						buf := make([]byte, 1<<16)
						if c.bytes != 0 {
							n := c.bytes
							if n < 0 {
								n = len(buf)
							}
							_, _ = conn.Read(buf[:n])
						}
						_ = conn.Close()
					}
				}()
				w.after = append(w.after, func() { _ = l.Close() })
				a := w.call("a", method, "/Companies", "")
				synctest.Wait()
				if a.status != 502 || a.reason() != unreachable || conns > 2 {
					t.Errorf("%s %s: %d %s, %d connections", method, c.name, a.status, a.reason(), conns)
				}
				// Where the end of the connection is seen before the request has begun, nothing was sent.
				if u := w.g.Status().Logins[0].Units; u.Lost > 1 || u.Lost == 0 && c.bytes != 0 || u.Free != u.Budget-u.Lost {
					t.Errorf("%s %s: units %+v", method, c.name, u)
				}
				w.safeNow()
			})
		}
	}
}
