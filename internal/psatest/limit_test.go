package psatest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

const threeThreads = "The Autotask API thread threshold of 3 threads has been exceeded."

// crowd holds n calls of the right user on a path until the order is released.
func (b *bubbled) crowd(t *testing.T, n int, path string) *psatest.Order {
	t.Helper()
	o := b.sim.Fault(psatest.Fault{Name: "crowd", At: psatest.Applied, Hold: true, Times: n})
	for range n {
		go func() { _, _ = b.send(context.Background(), "GET", path, "", secret) }()
	}
	if err := o.WaitHeld(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return o
}

func limits(change func(*psatest.Behaviour)) func(*psatest.Behaviour) {
	return func(b *psatest.Behaviour) {
		psatest.AutotaskLimits(b)
		if change != nil {
			change(b)
		}
	}
}

func TestAFourthCallAtOnceIsOneTooMany(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		code   string
		status int
	}{
		"on the same endpoint":                {"Tickets/1", code, 500},
		"on the same endpoint, to query":      {"tickets/query/count?search=%7B%22filter%22:%5B%5D%7D", code, 500},
		"on the same endpoint, its fields":    {"Tickets/entityInformation/fields", code, 500},
		"on another endpoint":                 {"Companies/0", code, 200},
		"on a child of the same":              {"Tickets/1/Notes", code, 200},
		"with another tracking identifier":    {"Tickets/1", "OTHER", 200},
		"at the threshold, another endpoint":  {"ThresholdInformation", code, 200},
		"at the zone lookup, which is exempt": {"zoneInformation?user=" + userName, code, 200},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubbled) {
				b.sim.Adjust(limits(nil))
				b.crowd(t, 3, "Tickets/1")
				if tc.code != code {
					b.user.SetIntegrationCode(tc.code)
				}
				r := ask(b.zone, request("GET", "/ATServicesRest/V1.0/"+tc.path, "", userName, secret, tc.code))
				if r.status != tc.status || tc.status == 500 != strings.Contains(r.body, threeThreads) {
					t.Fatalf("%d %s", r.status, r.body)
				}
				b.sim.Close()
			})
		})
	}
}

func TestAPlaceIsFreeWhenACallIsAnsweredOrCut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(limits(nil))
		o := b.crowd(t, 3, "Tickets/1")
		if r := ask(b.zone, request("GET", "/ATServicesRest/V1.0/Tickets/1", "", userName, secret, code)); r.status != 500 {
			t.Fatalf("the fourth: %+v", r)
		}
		o.ReleaseOne()
		synctest.Wait()
		for n := range 4 { // one after the other there is always a place
			if r, err := b.send(t.Context(), "GET", "Tickets/1", "", secret); err != nil || r.status != 200 {
				t.Fatalf("call %d after one was answered: %v %+v", n, err, r)
			}
		}
		o.Release()
		cut := b.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp})
		for range 9 {
			if _, err := b.send(t.Context(), "GET", "Tickets/1", "", secret); err == nil {
				t.Fatal("answered")
			}
		}
		cut.Release()
		if r, err := b.send(t.Context(), "GET", "Tickets/1", "", secret); err != nil || r.status != 200 || cut.Hits() < 9 {
			t.Fatalf("after nine that were cut: %v %+v", err, r)
		}
	})
}

func TestCallsAtOnceAreSlowerBeforeTheyAreTooMany(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(limits(func(x *psatest.Behaviour) { x.ThreadDelay = 2 * time.Second }))
		o := b.crowd(t, 2, "Tickets/1")
		begun := time.Now()
		if r, err := b.send(t.Context(), "GET", "Tickets/1", "", secret); err != nil || r.status != 200 || time.Since(begun) != 4*time.Second {
			t.Fatalf("the third: %v %+v after %v", err, r, time.Since(begun))
		}
		o.Release()
	})
}

func TestALimitAnswersAsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		answer     psatest.LimitAnswer
		status     int
		text       string
		retryAfter string
	}{
		"by default a 500 with the text": {psatest.LimitAnswer{}, 500, "threshold of 1 in 60 minutes", ""},
		"a 429 with the text":            {psatest.LimitAnswer{Status: 429}, 429, "threshold of 1 in 60 minutes", ""},
		"a 429 that says when":           {psatest.LimitAnswer{Status: 429, RetryAfter: 90 * time.Second}, 429, "", "90"},
		"a 429 that says it by a date":   {psatest.LimitAnswer{Status: 429, RetryAfter: 90 * time.Second, AsDate: true}, 429, "", "Wed, 04 Mar 2026 12:01:30 GMT"},
		"a 500 that says when":           {psatest.LimitAnswer{RetryAfter: time.Second}, 500, "", "1"},
		"other words":                    {psatest.LimitAnswer{Text: "not now"}, 500, `{"errors":["not now"]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly, b.HourAnswer = 1, tc.answer })
			w.must("GET", "Version", "")
			r := w.do("GET", "Version", "")
			if r.status != tc.status || !strings.Contains(r.body, tc.text) || r.header.Get("Retry-After") != tc.retryAfter {
				t.Fatalf("%+v", r)
			}
		})
	}
}

// clocked is a PSA whose hour passes at once, with an hourly limit.
type clocked struct {
	*world
	now time.Time
}

func newClocked(t *testing.T, hourly int) *clocked {
	c := &clocked{now: noon}
	c.world = newWorldAt(t, func() time.Time { return c.now })
	c.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = hourly })
	return c
}

// status makes n calls and tells the statuses, as in "200 200 500".
func (c *clocked) status(n int) string {
	var all []string
	for range n {
		all = append(all, fmt.Sprint(c.do("GET", "Version", "").status))
	}
	return strings.Join(all, " ")
}

func TestAnHourIsRollingAndCallsOverItsLimitDoNotCount(t *testing.T) {
	c := newClocked(t, 3)
	first := c.status(1)
	c.now = noon.Add(30 * time.Minute)
	full := c.status(5)
	c.now = noon.Add(time.Hour)
	later := c.status(2)
	c.now = noon.Add(90 * time.Minute)
	if got := first + ", " + full + ", " + later + ", " + c.status(3); got != "200, 200 200 500 500 500, 200 500, 200 200 500" {
		t.Fatal(got)
	}
}

func TestCallsOverTheLimitMayCountSoThatItNeverFallsForWhoHammers(t *testing.T) {
	c := newClocked(t, 1)
	c.sim.Adjust(func(b *psatest.Behaviour) { b.LimitedCount = true })
	c.status(1)
	for range 5 {
		c.now = c.now.Add(30 * time.Minute)
		if got := c.status(1); got != "500" {
			t.Fatal(got)
		}
	}
	c.now = c.now.Add(time.Hour)
	if got := c.status(1); got != "200" {
		t.Fatalf("after an hour of silence: %s", got)
	}
}

func TestTheThresholdTellsTheCountAndIsSuspendedToo(t *testing.T) {
	c := newClocked(t, 10_000)
	c.tenant.Spend(9_998)
	told := c.must("GET", "ThresholdInformation", "")
	if told["currentTimeframeRequestCount"] != 9_999.0 || told["externalRequestThreshold"] != 10_000.0 || c.tenant.Usage() != 9_999 {
		t.Fatal(told)
	}
	c.status(1)
	if got := c.errorText("GET", "ThresholdInformation", ""); !strings.Contains(got, "threshold of 10000 in 60 minutes") {
		t.Fatal(got)
	}
	c.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 20_000 })
	if got := c.must("GET", "ThresholdInformation", "")["externalRequestThreshold"]; got != 20_000.0 {
		t.Fatal(got)
	}
}

func TestAnHourBelongsToATenantAndAllItsUsers(t *testing.T) {
	c := newClocked(t, 2)
	c.tenant.AddUser("second@example.com", secret, code)
	c.sim.AddTenant("Other", c.z5).AddUser("other@example.com", secret, code)
	got := []int{c.sign(c.z5, userName, secret), c.sign(c.z5, "second@example.com", secret), c.sign(c.z5, userName, secret), c.sign(c.z5, "other@example.com", secret)}
	if fmt.Sprint(got) != "[200 200 500 200]" {
		t.Fatal(got)
	}
}

func TestTheSecondHalfOfAnHourIsSlower(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(func(x *psatest.Behaviour) { x.Hourly, x.HourLatency = 8, true })
		var took []time.Duration
		for range 9 {
			begun := time.Now()
			if _, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
		if got := fmt.Sprint(took); got != "[0s 0s 0s 500ms 500ms 1s 1s 1s 0s]" {
			t.Fatal(got)
		}
	})
}

func TestASignInOverALimitIsJudgedUnlessLimitsComeFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		first              bool
		right, wrong       int
		ledger, count, lim int
	}{"judged": {false, 500, 401, 3, 1, 1}, "limits first": {true, 500, 500, 1, 0, 2}} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, 1)
			c.sim.Adjust(func(b *psatest.Behaviour) { b.LimitsFirst = tc.first })
			c.status(1)
			right, wrong := c.sign(c.z5, userName, secret), c.sign(c.z5, userName, "wrong")
			if right != tc.right || wrong != tc.wrong || len(c.sim.Ledger()) != tc.ledger || c.user.FailedSinceSuccess() != tc.count {
				t.Fatalf("right %d, wrong %d, count %d, ledger %v", right, wrong, c.user.FailedSinceSuccess(), c.sim.Ledger())
			}
			if got := c.sim.Requests().Limited; got != tc.lim {
				t.Fatalf("%d calls limited, want %d", got, tc.lim)
			}
			if !tc.first && (c.sim.Ledger()[0].Limit != "" || c.sim.Ledger()[1].Limit != psatest.LimitHour || c.sim.Ledger()[2].Limit != "") {
				t.Fatal(c.sim.Ledger())
			}
		})
	}
}

func TestLimitsComeFirstForThreadsToo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(limits(func(x *psatest.Behaviour) { x.LimitsFirst = true }))
		o := b.crowd(t, 3, "Tickets/1")
		r := ask(b.zone, request("GET", "/ATServicesRest/V1.0/Tickets/1", "", userName, "wrong", code))
		if r.status != 500 || len(b.sim.Ledger()) != 3 || b.user.FailedSinceSuccess() != 0 {
			t.Fatalf("%+v, ledger %v", r, b.sim.Ledger())
		}
		o.Release()
	})
}

func TestWithoutLimitsNothingIsLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.tenant.Spend(20_000)
		o := b.crowd(t, 20, "Tickets/1")
		if r, err := b.send(t.Context(), "GET", "Tickets/1", "", secret); err != nil || r.status != 200 || b.since() != 0 {
			t.Fatalf("%v %+v after %v", err, r, b.since())
		}
		o.Release()
	})
}

func TestAnAnswerThatIsDelayedByAnHourNearItsEndIsCutByClose(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(func(x *psatest.Behaviour) { x.Hourly, x.HourLatency = 1, true })
		ended := make(chan error)
		go func() {
			_, err := b.send(context.Background(), "GET", "Version", "", secret)
			ended <- err
		}()
		if err := b.sim.WaitJudged(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.sim.Close()
		if err := <-ended; err == nil || errors.Is(err, http.ErrServerClosed) {
			t.Fatal(err)
		}
	})
}
