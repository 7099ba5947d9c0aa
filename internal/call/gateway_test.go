package call

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

func TestACallComesInWithAKeyAndLeavesForTheRightZone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		if n := w.z5.Requests().Judged; n != 2 { // the guard's own, then the call
			t.Errorf("%d sign-ins", n)
		}
		w.safeNow()
	})
}

func TestTheStoreIsChangedFirstAndThePSALater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", user, "new-password")
		for hour := range 6 {
			if hour == 3 {
				w.user.SetSecret("new-password")
			}
			for range 10 {
				w.served("a")
				w.served("b")
				time.Sleep(6 * time.Minute)
			}
		}
		if w.failed() != 2 {
			t.Errorf("%d failed sign-ins, want one for the store's change and one for the PSA's: %v", w.failed(), w.sim.Ledger().Failed())
		}
		w.safeNow()
	})
}

func TestThePSAIsChangedFirstAndTheStoreTenSecondsLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		later(10*time.Second, func() { w.safe.put("main", user, "new-password") })
		parallel(20, func(i int) { w.served([]string{"a", "b"}[i%2]) })
		if w.failed() > 3 {
			t.Errorf("%d failed sign-ins, more than were in flight", w.failed())
		}
		w.safeNow()
	})
}

func TestAStampedeOnADeadCredentialCostsOneSignIn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.user.SetSecret("new-password")
		parallel(64, func(int) {
			a := w.call("a", "GET", "/Tickets/1", "")
			if a.status != 503 || a.reason() != "credential-refused" || a.header.Get("Retry-After") == "" {
				t.Errorf("%d %s %s", a.status, a.reason(), a.body)
			}
		})
		if w.failed() != 1 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
		w.safeNow()
	})
}

func TestATenantMovesToAnotherZone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.tenant.Migrate(w.z6)
		parallel(20, func(i int) { w.served([]string{"a", "b"}[i%2]) })
		if w.failed() > 3 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
		if r := w.g.Status().Logins[0].LastRefusal; r == nil || r.Reason != report.WrongZone {
			t.Errorf("last refusal %+v", r)
		}
		if got := w.g.Status().Logins[0].Serving.Version; got != 1 {
			t.Errorf("version %d serves: the move was blamed on the credential", got)
		}
		w.safeNow()
	})
}

func TestARecordWithAnotherUserNameTakesOverOnceItIsAccepted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		second := w.tenant.AddUser("second@example.com", "other-password", "CODE")
		w.safe.put("main", "second@example.com", "not-yet")
		time.Sleep(time.Minute)
		w.served("a")
		if second.FailedSinceSuccess() != 1 || w.user.FailedSinceSuccess() != 0 {
			t.Errorf("failed sign-ins: second %d, first %d", second.FailedSinceSuccess(), w.user.FailedSinceSuccess())
		}
		w.safe.put("main", "second@example.com", "other-password")
		time.Sleep(time.Minute)
		before := len(w.sim.Ledger().Of(user))
		w.served("a")
		if len(w.sim.Ledger().Of(user)) != before || second.FailedSinceSuccess() != 0 {
			t.Error("the first user still serves")
		}
		w.safeNow()
	})
}

func TestCallersOfTheOldUserMoveToTheNewOne(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.tenant.AddUser("second@example.com", "other-password", "CODE")
		w.user.SetSecret("changed")
		later(5*time.Second, func() { w.safe.put("main", "second@example.com", "other-password") })
		parallel(20, func(int) { w.served("a") })
		w.safeNow()
	})
}

func TestAReloadForgetsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", user, "not-yet-in-the-PSA")
		time.Sleep(time.Minute)
		w.served("a")
		for range 5 {
			w.load()
			w.served("a")
		}
		if w.failed() != 1 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
		w.safeNow()
	})
}

func TestALoginThatIsRenamedInTheConfigIsTheSameLogin(t *testing.T) {
	inWorld(t, func(w *world) {
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		w.cfg.Logins[0].Name = "other"
		for i := range w.cfg.Integrations {
			w.cfg.Integrations[i].Login = "other"
		}
		w.load()
		w.call("a", "GET", "/Tickets/1", "")
		if w.failed() != 1 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
	})
}

func TestTwoLoginsOfOneUserShareOneBudget(t *testing.T) {
	inWorld(t, func(w *world) {
		second := w.cfg.Logins[0]
		second.Name, second.Path = "second", "second"
		w.cfg.Logins = append(w.cfg.Logins, second)
		w.cfg.Integrations[1].Login = "second"
		w.safe.put("second", "API@Example.COM", "old-password")
		w.load()
		w.user.SetSecret("new-password")
		parallel(20, func(i int) { w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", "") })
		if w.failed() != 1 {
			t.Errorf("%d failed sign-ins: %v", w.failed(), w.sim.Ledger().Failed())
		}
		for _, l := range w.g.Status().Logins {
			if len(l.SharesWith) != 1 || l.Units.Failed != 1 {
				t.Errorf("login %s: %+v", l.Name, l)
			}
		}
	})
}

func TestACallerWhoHangsUpWhileWaitingLeavesNothingBehind(t *testing.T) {
	inWorld(t, func(w *world) {
		w.user.SetSecret("new-password")
		parallel(20, func(int) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if _, err := w.try(ctx, "a", "POST", "/Tickets/query", `{"filter":[]}`); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
		synctest.Wait()
		if l := w.g.Status().Logins[0]; l.Queue.Waiting != 0 || l.Units.Held != 0 {
			t.Errorf("status %+v", l)
		}
	})
}

func TestAnAttemptOutlivesItsCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Companies"})
		ctx, cancel := context.WithCancel(context.Background())
		go w.try(ctx, "a", "GET", "/Companies/1", "")
		if err := held.WaitHeld(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if l := w.g.Status().Logins[0]; l.Units.Held != 1 || l.Units.Lost != 0 {
			t.Errorf("units %+v while the PSA has not judged", l.Units)
		}
		held.Release()
		synctest.Wait()
		if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || !l.Gate.Open {
			t.Errorf("units %+v after the PSA answered", l.Units)
		}
	})
}

func TestAServerThatReadsAndHangsUpSeesOneSignInForEachUnit(t *testing.T) {
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/Tickets/1", ""},
		{"GET", "/Tickets/query?search=%7B%7D", ""},
		{"POST", "/Tickets/query", `{"filter":[]}`},
		{"POST", "/Tickets", ""},
		{"PATCH", "/Tickets", `{"id":1}`},
		{"PUT", "/Tickets", `{"id":1}`},
		{"DELETE", "/ContactGroups/1", ""},
	} {
		for _, kept := range []int{0, 1, 3} {
			inWorld(t, func(w *world) {
				w.served("a")
				if kept == 0 {
					time.Sleep(time.Minute) // kept connections are closed by now
				} else {
					slow := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: kept})
					go func() {
						slow.WaitHeld(context.Background(), kept)
						slow.Release()
					}()
					parallel(kept, func(i int) { w.served([]string{"a", "b"}[i%2]) })
				}
				mark := w.sim.Mark()
				w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Method: c.method})
				a := w.call("a", c.method, c.path, c.body)
				if a.status != 502 || a.reason() != "upstream-unreachable" {
					t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.reason())
				}
				if n := len(w.sim.Ledger().Since(mark)); n != 1 {
					t.Errorf("%s %s over %d kept connections: %d sign-ins for one unit", c.method, c.path, kept, n)
				}
				if l := w.g.Status().Logins[0]; l.Units.Lost != 1 {
					t.Errorf("units %+v", l.Units)
				}
			})
		}
	}
}

func TestAPasswordThatChangesUnderACreateMakesOneTicket(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		before := len(w.tenant.Records("Tickets"))
		w.user.SetSecret("new-password")
		later(time.Second, func() { w.safe.put("main", user, "new-password") })
		a := w.call("a", "POST", "/Tickets", `{"companyID":0,"title":"t","status":1,"priority":1,"queueID":5,"dueDateTime":"2026-01-01T00:00:00Z","description":"`+strings.Repeat("x", 7000)+`"}`)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if n := len(w.tenant.Records("Tickets")) - before; n != 1 {
			t.Errorf("%d tickets", n)
		}
		w.safeNow()
	})
}

func TestStrangersGetTheBare401AndThenHaveToWait(t *testing.T) {
	inWorld(t, func(w *world) {
		other, _ := identity.NewKey(rand.Reader)
		w.keys["stranger"] = other
		for range 10 {
			if a := w.call("stranger", "GET", "/Tickets/1", ""); a.status != 401 || a.body != "" || !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Basic ") || a.reason() != "" {
				t.Errorf("%d %v %q", a.status, a.header, a.body)
			}
		}
		if a := w.call("stranger", "GET", "/Tickets/1", ""); a.status != 429 || a.reason() != "too-many-failures" || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %v", a.status, a.header)
		}
		w.served("a") // from the same address
		if w.sim.Requests().Judged != 2 {
			t.Errorf("%d sign-ins", w.sim.Requests().Judged)
		}
		w.safeNow()
	})
}

func TestTheWayToThePSATakesWhatItShouldAndNoMore(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, c := range []struct {
			name, method, path, body string
			status                   int
			reason                   string
		}{
			{"a record that is not there", "GET", "/Tickets/999999", "", 200, ""},
			{"a verb that the PSA does not have passes", "PATCH", "/Tickets/1", `{}`, 405, ""},
			{"an unknown entity passes", "GET", "/Nonsense/1", "", 404, ""},
			{"a bad query passes", "POST", "/Tickets/query", `{"filter":[{"op":"eq"`, 500, ""},
			{"an encoded slash", "GET", "/Tickets%2f1", "", 400, "bad-request"},
			{"dots", "GET", "/Tickets/..%2f1", "", 400, "bad-request"},
			{"an impersonation", "GET", "/Tickets/1", "", 403, "policy"},
			{"a body that is too large", "POST", "/Tickets", strings.Repeat("x", DefaultMaxBody+1), 413, "too-large"},
		} {
			req, _ := http.NewRequest(c.method, gatewayURL+"/ATServicesRest/V1.0"+c.path, strings.NewReader(c.body))
			req.Header.Set("Secret", w.keys["a"].Reveal())
			if c.reason == "policy" {
				req.Header.Set("ImpersonationResourceId", "7")
			}
			a, err := w.do(req)
			if err != nil || a.status != c.status || a.reason() != c.reason {
				t.Errorf("%s: %d %s %s %v, want %d %s", c.name, a.status, a.reason(), a.body, err, c.status, c.reason)
			}
		}
		w.safeNow()
	})
}

func TestOutsideThePSAsInterfacesNothingIsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		req, _ := http.NewRequest("GET", gatewayURL+"/admin", nil)
		req.Header.Set("Secret", w.keys["a"].Reveal())
		if a, err := w.do(req); err != nil || a.status != 404 || a.reason() != "not-found" {
			t.Errorf("%d %s %v", a.status, a.reason(), err)
		}
		for _, c := range []struct{ method, path string }{{"GET", "/ATServices/1.6/web.config"}, {"POST", "/ATServices/1.7/atws.asmx"}, {"POST", "/ATServices/1.6/atws.asmx/query"}} {
			req, _ := http.NewRequest(c.method, gatewayURL+c.path, nil)
			req.SetBasicAuth("a", w.keys["a"].Reveal())
			if a, err := w.do(req); err != nil || a.status != 500 || !strings.Contains(a.body, "faultstring") || a.reason() != "not-found" {
				t.Errorf("%s %s: %d %s %v", c.method, c.path, a.status, a.body, err)
			}
		}
	})
}

func TestPagesLeadThroughTheGateway(t *testing.T) {
	for _, gzipped := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap, b.GzipAnswers = 5, gzipped })
			seen, next := 0, "/Tickets/query"
			for page := 0; next != ""; page++ {
				a := w.call("a", "POST", next, `{"filter":[{"op":"gt","field":"id","value":0}]}`)
				var got struct {
					Items       []any
					PageDetails struct{ NextPageURL *string }
				}
				if err := json.Unmarshal([]byte(a.body), &got); err != nil {
					t.Fatalf("page %d: %d %v %s", page, a.status, err, a.body)
				}
				seen += len(got.Items)
				next = ""
				if u := got.PageDetails.NextPageURL; u != nil {
					var found bool
					if next, found = strings.CutPrefix(*u, gatewayURL+"/ATServicesRest/V1.0"); !found {
						t.Fatalf("the next page is at %s", *u)
					}
				}
			}
			if seen < 12 {
				t.Errorf("%d tickets on all pages", seen)
			}
		})
	}
}

func TestTheZoneIsTheGatewayForWhoeverAsks(t *testing.T) {
	inWorld(t, func(w *world) {
		get := func(path string) answer {
			req, _ := http.NewRequest("GET", gatewayURL+path, nil)
			a, err := w.do(req)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if a := get("/ATServicesRest/versioninformation"); a.body != `{"apiVersions":["V1.0"]}` {
			t.Errorf("%s", a.body)
		}
		info := get("/atservicesrest/v1.0/zoneInformation?user=whoever").json(t)
		if info["url"] != gatewayURL+"/ATServicesRest/" || info["zoneName"] != "psagate" || info["ci"] != 0.0 {
			t.Errorf("%v", info)
		}
		w.served("a")
		info = get("/ATServicesRest/V1.0/zoneInformation").json(t)
		if info["url"] != gatewayURL+"/ATServicesRest/" || info["zoneName"] != "Five" || info["ci"] != float64(w.tenant.CI()) {
			t.Errorf("%v", info)
		}
	})
}

func TestAnEchoedSecretIsRedacted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{
			At: psatest.Received, Then: psatest.Answer, Status: 500, Path: "/Companies",
			Header: http.Header{"X-Ratelimit-Note": {"{secret}"}, "Content-Type": {"application/json"}},
			Body:   `{"errors":["{user} sent {secret} and {code}"]}`,
		})
		a := w.call("a", "GET", "/Companies/1", "")
		if a.status != 500 || strings.Contains(a.body, "old-password") || strings.Contains(a.header.Get("X-Ratelimit-Note"), "old-password") || !strings.Contains(a.body, "[redacted]") {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
	})
}

func TestNo401ReachesAnIdentifiedCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 401, Path: "/Companies", Body: "<html>sign in to the proxy</html>"})
		if a := w.call("a", "GET", "/Companies/1", ""); a.status != 502 || a.reason() != "upstream-unreachable" || a.header.Get("Www-Authenticate") != "" {
			t.Errorf("%d %v", a.status, a.header)
		}
		if l := w.g.Status().Logins[0]; l.Units.Lost != 1 {
			t.Errorf("units %+v: a 401 without the PSA's marks is no answer", l.Units)
		}
	})
}

func TestAPSAThatNeverAnswersIsGivenUpAfterFiveMinutes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Hold: true, Path: "/Companies"})
		start := time.Now()
		a := w.call("a", "GET", "/Companies/1", "")
		if a.status != 504 || a.reason() != "upstream-timeout" || time.Since(start) != 5*time.Minute {
			t.Errorf("%d %s after %v", a.status, a.reason(), time.Since(start))
		}
	})
}

func TestAStoreThatIsDownServesForMaxStaleAndThenNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.mu.Lock()
		w.safe.down = errSealed
		w.safe.mu.Unlock()
		time.Sleep(55 * time.Minute)
		w.served("a")
		time.Sleep(10 * time.Minute)
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "secret-unavailable" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		w.safe.mu.Lock()
		w.safe.down = nil
		w.safe.mu.Unlock()
		time.Sleep(time.Minute)
		w.served("a")
	})
}

var errSealed = errors.New("sealed")

func TestARecordThatCannotBeUsedLeavesTheLastOneServing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", user, "")
		time.Sleep(time.Minute)
		w.served("a")
		if got := w.g.Status().Logins[0].Problems; len(got) != 1 || !strings.Contains(got[0], `field "secret"`) {
			t.Errorf("problems %q", got)
		}
		w.safeNow()
	})
}

func TestTwoIntegrationsAreServedFairly(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 100 * time.Millisecond })
		w.served("a")
		var many, few atomic.Int32
		deadline := time.Now().Add(20 * time.Second)
		parallel(202, func(i int) {
			name, count := "a", &many
			if i >= 200 {
				name, count = "b", &few
			}
			for time.Now().Before(deadline) {
				if w.call(name, "GET", "/Tickets/1", "").status == 200 {
					count.Add(1)
				}
			}
		})
		t.Logf("200 callers of one integration: %d calls served; 2 of another: %d", many.Load(), few.Load())
		if few.Load() < 150 || many.Load() < 150 {
			t.Error("one of the two was starved")
		}
		w.safeNow()
	})
}

func TestDrainingIsSaidToThoseWhoWait(t *testing.T) {
	inWorld(t, func(w *world) {
		w.user.SetSecret("new-password")
		later(5*time.Second, w.g.Drain)
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "draining" {
			t.Errorf("%d %s", a.status, a.reason())
		}
	})
}

func TestCallsInFlightHaveTheirTimeWhenTheProcessStops(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Delay: 15 * time.Second, Path: "/Companies"})
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Hold: true, Path: "/Contacts"})
		later(time.Second, w.g.Drain)
		start := time.Now()
		parallel(2, func(i int) {
			switch a := w.call([]string{"a", "b"}[i], "GET", []string{"/Companies/1", "/Contacts/1"}[i], ""); {
			case i == 0 && a.status != 200:
				t.Errorf("a call of 15 s: %d %s", a.status, a.reason())
			case i == 1 && (a.status != 504 || time.Since(start) != time.Second+Grace):
				t.Errorf("a call without end: %d %s after %v", a.status, a.reason(), time.Since(start))
			}
		})
	})
}

func TestAReloadIsNoChangeOfTheStore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		second := w.cfg.Logins[0]
		second.Name, second.Path = "second", "stale"
		w.cfg.Logins = append(w.cfg.Logins, second)
		w.safe.put("stale", user, "older-password")
		w.load()
		w.served("a") // the older password is the newest now, and is tried once
		time.Sleep(time.Minute)
		before := w.failed()
		for range 6 {
			w.load()
			time.Sleep(time.Minute)
			w.served("a")
		}
		if n := w.failed() - before; n != 0 {
			t.Errorf("%d failed sign-ins by reloads of an unchanged config", n)
		}
	})
}

func TestWhileTheZoneIsLookedUpAfterARefusalNothingElseIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Path: "zoneInformation", Delay: 2 * time.Second})
		w.user.SetSecret("new-password")
		later(8*time.Second, func() { w.safe.put("main", user, "new-password") })
		parallel(4, func(i int) {
			time.Sleep(time.Duration(i) * time.Second / 2)
			w.served([]string{"a", "b"}[i%2])
		})
		if n := w.failed(); n > 2 { // the first call, and the recheck that is due at once after it
			t.Errorf("%d failed sign-ins", n)
		}
	})
}

func TestAMoveThatCouldNotBeLookedUpIsFoundLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		down := w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 500, Path: "zoneInformation"})
		w.tenant.Migrate(w.z6)
		later(10*time.Second, down.Release)
		parallel(3, func(i int) { w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", "") })
		time.Sleep(time.Minute)
		w.served("a")
		w.safeNow()
	})
}

func TestAZoneThatIsGoneIsLookedUpAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		time.Sleep(time.Minute) // kept connections are closed by now
		w.net.Listen("127.0.0.1:5005").Close()
		w.tenant.Migrate(w.z6)
		w.served("a")
		w.safeNow()
	})
}

func TestCallsThatWaitDuringReloadsAreServed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Companies"})
		go parallel(3, func(i int) { w.call([]string{"a", "b"}[i%2], "GET", "/Companies/1", "") })
		if err := held.WaitHeld(context.Background(), 3); err != nil {
			t.Fatal(err)
		}
		later(time.Second, w.load)
		later(2*time.Second, w.load)
		later(3*time.Second, func() { w.tenant.Migrate(w.z6); held.Release() })
		parallel(7, func(i int) { w.served([]string{"a", "b"}[i%2]) })
		w.safeNow()
	})
}

func TestAZoneThatIsMendedInTheRecordIsTriedAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		zoned := func(zone string) {
			w.safe.put("main", user, "old-password", "zone", zone)
		}
		w.sim.Adjust(func(b *psatest.Behaviour) { b.WrongZoneFree = true })
		zoned("http://127.0.0.1:5006")
		w.cfg.Logins[0].Discover = ""
		w.cfg.Logins[0].Settings.QueueDeadline = time.Second
		w.load()
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "credential-refused" {
			t.Fatalf("%d %s", a.status, a.reason())
		}
		zoned("http://127.0.0.1:5005")
		time.Sleep(time.Minute)
		w.served("a")
	})
}

func TestCheckSaysWhatWorksAndCostsAtMostOneSignIn(t *testing.T) {
	inWorld(t, func(w *world) {
		res, err := w.g.Check(context.Background(), "main")
		if err != nil || !res.OK || len(res.Steps) != 3 {
			t.Fatalf("%+v %v", res, err)
		}
		w.user.SetSecret("new-password")
		if res, _ = w.g.Check(context.Background(), "main"); res.OK || res.Steps[2].OK {
			t.Fatalf("%+v", res)
		}
		if n := w.sim.Requests().Judged; n != 2 {
			t.Errorf("%d sign-ins", n)
		}
	})
}

func TestReleaseAfterAnAdministratorHasUnlocked(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		storm := w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/V1.0/T"})
		for range 5 { // the right password, refused: it takes rechecks to spend the budget
			w.call("a", "GET", "/Tickets/1", "")
			time.Sleep(10 * time.Hour)
		}
		st := w.g.Status().Logins[0]
		a := w.call("a", "GET", "/Tickets/1", "")
		if st.Units.Failed < 3 || a.status != 503 {
			t.Fatalf("%+v, %d %s\n%v\n%s", st.Units, a.status, a.reason(), w.sim.Ledger(), w.log)
		}
		storm.Release()
		w.user.Unlock()
		if err := w.g.Release("main", st.Seq, nil); err != nil {
			t.Fatal(err)
		}
		w.served("a")
		w.safeNow()
	})
}
