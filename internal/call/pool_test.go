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
	"github.com/psagate/psagate/internal/secret"
)

// crew is the world's pool: the logins main, second and third, each its own PSA user of the tenant.
type crew struct {
	*world
	users map[string]*psatest.User
	steps []string // of the last rotation
}

const crewPassword = "old-password"

// inCrew runs a test with the pool crew, which both integrations call through.
func inCrew(t *testing.T, f func(c *crew)) {
	t.Helper()
	inWorld(t, func(w *world) {
		c := &crew{world: w, users: map[string]*psatest.User{"main": w.user}}
		for _, name := range []string{"second", "third"} {
			c.users[name] = w.tenant.AddUser(name+"@example.com", crewPassword, "CODE")
			w.safe.put(name, name+"@example.com", crewPassword)
			login := w.cfg.Logins[0]
			login.Name, login.Path = name, name
			w.cfg.Logins = append(w.cfg.Logins, login)
		}
		w.cfg.Pools = []Pool{{Name: "crew", Logins: []string{"main", "second", "third"}}}
		for i := range w.cfg.Integrations {
			w.cfg.Integrations[i].Login = "crew"
		}
		w.load()
		f(c)
		w.safeNow()
		for name, u := range c.users {
			if u.Locked() || u.MaxFailedSinceSuccess() > 5 {
				t.Errorf("%s: locked %v, at most %d failed sign-ins since a success", name, u.Locked(), u.MaxFailedSinceSuccess())
			}
		}
	})
}

// warm has every login of the pool ready.
func (c *crew) warm() {
	c.Helper()
	for range 6 { // the first finds that not all records have been read
		c.served("a")
		time.Sleep(time.Second)
	}
	c.stands("main", "second", "third")
	if c.Failed() {
		c.FailNow()
	}
}

// stands demands that just these logins of the pool serve.
func (c *crew) stands(serving ...string) {
	c.Helper()
	synctest.Wait()
	var got []string
	pool := c.g.Status().Pools[0]
	for _, l := range pool.Logins {
		if l.Serves {
			got = append(got, l.Login)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(serving) || pool.Serving != len(serving) {
		c.Errorf("%v serve, want %v: %+v\n%s", got, serving, pool, c.log)
	}
}

// findOut has calls find out which passwords were changed. A call is refused twice at most: those that come later wait.
func (c *crew) findOut() {
	parallel(4, func(int) {
		ctx, leave := context.WithTimeout(c.Context(), 3*time.Second)
		defer leave()
		_, _ = c.try(ctx, "a", "GET", "/Tickets/1", "")
	})
}

// signIns returns how many of a login's the PSA took, and how many it refused.
func (c *crew) signIns(login string) (ok, failed int) {
	all := c.sim.Ledger().Of(c.users[login].Name())
	return len(all) - len(all.Failed()), len(all.Failed())
}

func TestCallsOfAPoolAreSpreadOverItsLogins(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		for range 30 {
			c.served("a")
		}
		for login := range c.users {
			if ok, failed := c.signIns(login); ok < 10 || failed > 0 {
				t.Errorf("%s: %d sign-ins, %d failed", login, ok, failed)
			}
		}
		slow := c.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets"})
		var calls sync.WaitGroup
		for i := range 9 { // in_flight is 3, of which one integration has 2
			calls.Go(func() { c.served([]string{"a", "b"}[i%2]) })
		}
		if err := slow.WaitHeld(c.Context(), 8); err != nil { // a may have its two of the last login already
			t.Error(err)
		}
		slow.Release()
		calls.Wait()
	})
}

func TestTheLoginThatServedIsWhatACallIsSaidToBe(t *testing.T) {
	inWorldOfNotes := func(c *crew, n *notes) {
		for range 3 {
			c.served("a")
			time.Sleep(time.Second)
		}
		seen := map[string]bool{}
		for _, info := range n.answered {
			seen[info.Login] = true
			if info.CredentialVersion != "1" || info.Outcome != "ok" {
				t.Errorf("%+v", info)
			}
		}
		if len(seen) < 2 || seen["crew"] {
			t.Errorf("the calls' logins: %v", seen)
		}
		if len(n.waited) != 3 {
			t.Errorf("%d waits were told of", len(n.waited))
		}
	}
	inCrew(t, func(c *crew) {
		n := &notes{attempts: map[string]int{}}
		synctest.Wait()
		c.shared.Observe(n)
		inWorldOfNotes(c, n)
	})
}

func TestOneLoginOfAPoolThatFailsDoesNotStopTheRest(t *testing.T) {
	for name, fail := range map[string]func(c *crew){
		"its password is changed in the PSA": func(c *crew) { c.users["main"].SetSecret("new-password") },
		"its record is gone": func(c *crew) {
			c.safe.mu.Lock()
			delete(c.safe.records, "main")
			c.safe.mu.Unlock()
			time.Sleep(2 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCrew(t, func(c *crew) {
				c.warm()
				fail(c)
				d := new(diary)
				for range 20 {
					start := time.Now()
					c.burst(6, d)
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("a burst took %v", took)
					}
					time.Sleep(time.Second)
				}
				d.allServed(c.world)
				c.stands("second", "third")
			})
		})
	}
}

// The call is refused on each, for what it asks: it is sent twice, and with two credentials.
func TestACallThatIsRefusedIsSentOnceMoreAsAnotherLoginAndNeverTwiceAsOne(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		mark := c.sim.Mark()
		c.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Companies"})
		a := c.call("a", "GET", "/Companies/1", "")
		if a.status != 503 || a.reason() != "credential-refused" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		sent := map[string]int{}
		for _, in := range c.sim.Ledger().Since(mark) {
			if !in.OK() {
				sent[in.User]++
			}
		}
		if len(sent) != 2 {
			t.Errorf("sent as %v", sent)
		}
		for as, n := range sent {
			if n != 1 {
				t.Errorf("%d times as %s", n, as)
			}
		}
	})
}

func TestAPoolOfWhichNobodyServesGivesTheMildestAnswer(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		c.users["second"].SetSecret("new-password")
		c.users["third"].SetSecret("new-password")
		c.safe.mu.Lock()
		delete(c.safe.records, "main")
		c.safe.mu.Unlock()
		time.Sleep(2 * time.Hour)
		start := time.Now()
		a := c.call("a", "GET", "/Tickets/1", "")
		if a.reason() != "credential-refused" || a.header.Get("Retry-After") == "" || time.Since(start) > 31*time.Second {
			t.Errorf("%d %s, Retry-After %q after %v", a.status, a.reason(), a.header.Get("Retry-After"), time.Since(start))
		}
		c.stands()
		c.safe.put("third", "third@example.com", "new-password")
		c.served("b")
	})
}

// The credential is good, and the config does not let it go to its zone any more.
func TestALoginWhoseZoneIsNotKnownLeavesItsCallsToTheOthers(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		c.cfg.Logins[0].Hosts = nil
		c.load()
		for range 12 {
			c.served("a")
		}
		for i := range c.cfg.Logins {
			c.cfg.Logins[i].Hosts = nil
		}
		c.load()
		if a := c.call("a", "GET", "/Tickets/1", ""); a.reason() != "zone-unknown" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		synctest.Wait()
		for _, l := range c.g.Status().Logins {
			if l.Units.Held > 0 {
				t.Errorf("%s: %+v", l.Name, l.Units)
			}
		}
	})
}

// The record of one login of the pool is read an hour after the others'.
func TestALoginWhoseRecordWasNotReadYetIsNotWaitedForAndComesInWhenItIs(t *testing.T) {
	inCrew(t, func(c *crew) {
		slow := &slowSafe{safe: c.safe, path: "second", read: make(chan struct{})}
		store := secret.NewStore("slow", slow, secret.Options{Logger: c.cfg.Log})
		store.Start(c.Context())
		defer store.Stop()
		c.cfg.Stores = map[string]Store{"file": c.cfg.Stores["file"], "slow": {store, "file"}}
		c.cfg.Logins[1].Store = "slow"
		c.load()
		c.served("a")
		c.users["main"].SetSecret("new-password")
		c.users["third"].SetSecret("new-password")
		c.findOut()
		later(5*time.Second, func() { close(slow.read) })
		start := time.Now()
		d := new(diary)
		c.burst(6, d)
		if took := time.Since(start); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("they were served after %v", took)
		}
		d.allServed(c.world)
	})
}

// slowSafe gives one of its records when it is told to.
type slowSafe struct {
	*safe
	path string
	read chan struct{}
}

func (s *slowSafe) Read(ctx context.Context, path string) (secret.Record, error) {
	if path == s.path {
		select {
		case <-s.read:
		case <-ctx.Done():
			return secret.Record{}, ctx.Err()
		}
	}
	return s.safe.Read(ctx, path)
}

func TestACallerOfAPoolMovesWithALoginToItsNewUser(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		for _, u := range c.users {
			u.SetSecret("new-password")
		}
		c.tenant.AddUser("other@example.com", "other-password", "CODE")
		c.findOut()
		c.stands()
		later(5*time.Second, func() { c.safe.put("second", "other@example.com", "other-password") })
		d := new(diary)
		c.burst(8, d)
		d.allServed(c.world)
		c.stands("second")
	})
}

func TestACallerOfAPoolWhoLeavesHoldsNothing(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		held := c.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Companies"})
		var calls sync.WaitGroup
		for i := range 9 {
			calls.Go(func() { c.call([]string{"a", "b"}[i%2], "GET", "/Companies/1", "") })
		}
		if err := held.WaitHeld(c.Context(), 8); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range 5 {
			ctx, leave := context.WithTimeout(c.Context(), time.Second)
			if _, err := c.try(ctx, "a", "GET", "/Tickets/1", ""); err == nil {
				t.Error("he was answered")
			}
			leave()
		}
		held.Release()
		calls.Wait()
		synctest.Wait()
		for _, l := range c.g.Status().Logins {
			if l.Units.Held+l.Queue.Waiting > 0 {
				t.Errorf("%s: %+v, %d wait", l.Name, l.Units, l.Queue.Waiting)
			}
		}
		c.served("a")
	})
}

// A login of the pool has callers of its own, and a pool beside it.
func TestAnIntegrationKeepsToItsShareOfEachLoginWhateverWayItCalls(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.cfg.Integrations[1].Login = "main"
		c.cfg.Pools = append(c.cfg.Pools, Pool{Name: "pair", Logins: []string{"second", "main"}})
		c.load()
		if got := fmt.Sprint(c.cfg.users()); got != "map[main:2 second:1 third:1]" {
			t.Errorf("integrations by login: %s", got)
		}
		c.served("b")
		held := c.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Companies"})
		var calls sync.WaitGroup
		for range 12 {
			calls.Go(func() { c.call("a", "GET", "/Companies/1", "") })
		}
		if err := held.WaitHeld(c.Context(), 8); err != nil { // 2 of main's, 3 of each other's
			t.Fatal(err)
		}
		c.served("b")
		held.Release()
		calls.Wait()
	})
}

func TestAPoolThatCannotBeIsNoConfig(t *testing.T) {
	inWorld(t, func(w *world) {
		for want, pools := range map[string][]Pool{
			`pool crew: there is no login "other"`:                     {{Name: "crew", Logins: []string{"main", "other"}}},
			"pool crew: it has no login":                               {{Name: "crew"}},
			"pool main: there is a login or another pool of that name": {{Name: "main", Logins: []string{"main"}}},
			"pool crew: there is a login or another pool of that name": {{Name: "crew", Logins: []string{"main"}}, {Name: "crew", Logins: []string{"main"}}},
			`integration a: there is no login or pool "main"`:          nil,
		} {
			cfg := w.cfg
			cfg.Pools = pools
			if pools == nil {
				cfg.Logins = nil
			}
			if _, err := New(cfg, w.shared); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
}

func TestWhatKeepsAPoolsLoginsFromBeingAlikeIsSaid(t *testing.T) {
	inCrew(t, func(c *crew) {
		elsewhere := c.sim.AddTenant("Elsewhere", c.z6)
		elsewhere.Seed(12)
		elsewhere.AddUser("other@example.com", crewPassword, "CODE")
		c.safe.put("third", "other@example.com", crewPassword)
		c.safe.put("second", user, crewPassword)
		c.load()
		for range 3 {
			c.served("a")
			time.Sleep(time.Minute)
		}
		got := strings.Join(c.g.Status().Pools[0].Problems, "\n")
		for _, want := range []string{fmt.Sprintf("second of tenant %d", c.tenant.CI()), fmt.Sprintf("third of tenant %d", elsewhere.CI()), "main and second are one PSA user, with one budget"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q does not say %q", got, want)
			}
		}
		q := &quest{lanes: c.g.pool("crew").inTurn()}
		if seats, pending, err := q.seats(c.Context(), time.Now()); err != nil || len(seats) != 2 || len(pending) > 0 {
			t.Errorf("a caller waits for %d users, and for %d records: %v", len(seats), len(pending), err)
		}
		res, err := c.g.Check(c.Context(), "third")
		if err != nil || !strings.Contains(strings.Join(res.Warnings, "\n"), "pool crew: its logins do not see the same data") {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

func TestFailuresOfALoginNameThoseWhoCallThroughItsPool(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.cfg.Integrations[0].Disabled = true
		c.load()
		c.call("a", "GET", "/Tickets/1", "")
		for login, want := range map[string]int{"main": 1, "third": 1, "": 1} {
			f, err := c.g.Failures(login, time.Now().Add(-time.Hour))
			if err != nil || len(f.Callers) != want {
				t.Errorf("%q: %+v, %v", login, f.Callers, err)
			}
		}
		if _, err := c.g.Failures("crew", time.Now()); err == nil {
			t.Error("a pool is no login")
		}
	})
}
