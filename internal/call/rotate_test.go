package call

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// rotate rotates the pool, and says what came of each login.
func (c *crew) rotate(drain time.Duration) (report.Rotation, string) {
	c.Helper()
	var told []report.RotatedLogin
	c.steps = nil
	r, err := c.g.Rotate(c.Context(), "crew", drain, func(l report.RotationLine) {
		if l.Step != nil {
			c.steps = append(c.steps, fmt.Sprintf("%s %s %d", l.Step.Login, l.Step.Doing, l.Step.Calls))
			return
		}
		told = append(told, *l.Login)
	})
	if err != nil {
		c.Fatal(err)
	}
	if fmt.Sprint(told) != fmt.Sprint(r.Logins) {
		c.Errorf("told %v\nof %v", told, r.Logins)
	}
	parts := make([]string, 0, len(told))
	for _, l := range told {
		parts = append(parts, fmt.Sprintf("%s %s %d>%d", l.Login, l.Outcome, l.Was, l.Serving))
	}
	if r.OK != (len(r.Untouched) == 0 && (len(told) == 0 || told[len(told)-1].Well())) {
		c.Errorf("OK: %+v", r)
	}
	return r, strings.Join(parts, ", ")
}

// renew writes new passwords into the store, and into the PSA for some.
func (c *crew) renew(inThePSA ...string) {
	for name, u := range c.users {
		c.safe.put(name, u.Name(), "new-password")
	}
	for _, name := range inThePSA {
		c.users[name].SetSecret("new-password")
	}
}

// serves returns the version that a login serves with; 0: none.
func (c *crew) serves(login string) uint64 {
	for _, l := range c.g.Status().Logins {
		if l.Name == login && l.Serving != nil {
			return l.Serving.Version
		}
	}
	return 0
}

func TestARotationEndsAtTheLoginWhoseNewPasswordIsRefused(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		d := new(diary)
		calls := c.keepCalling(100*time.Millisecond, d)
		time.Sleep(5 * time.Second)
		before := map[string]int{}
		for name := range c.users {
			_, before[name] = c.signIns(name)
		}
		c.renew("main")
		r, got := c.rotate(time.Minute)
		if got != "main switched 1>2, second refused 1>1" || r.OK || fmt.Sprint(r.Untouched) != "[third]" {
			t.Errorf("%s, untouched %v", got, r.Untouched)
		}
		if l := r.Logins[1]; l.Newest != 2 || !strings.Contains(l.Detail, "does not have the password of version 2") {
			t.Errorf("%+v", l)
		}
		if at := r.Logins[0].ServingSince; at == nil || time.Since(*at) > 5*time.Second {
			t.Errorf("since %v", at)
		}
		if got := fmt.Sprint(c.serves("main"), c.serves("second"), c.serves("third")); got != "2 1 1" {
			t.Errorf("versions %s serve", got)
		}
		c.stands("main", "second", "third")
		_, second := c.signIns("second")
		_, third := c.signIns("third")
		if second-before["second"] != 1 || third != before["third"] {
			t.Errorf("%d failed sign-ins as second, %d as third", second-before["second"], third-before["third"])
		}
		time.Sleep(5 * time.Second)
		calls.stop()
		d.allServed(c.world)
	})
}

func TestARotationSwitchesEveryLoginWhileCallsGoOn(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		d := new(diary)
		calls := c.keepCalling(100*time.Millisecond, d)
		time.Sleep(5 * time.Second)
		c.renew()
		for i, name := range []string{"main", "second", "third"} {
			c.users[name].SetSecret("new-password")
			_, got := c.rotate(time.Minute)
			own := strings.Contains(got, name+" switched 1>2") || strings.Contains(got, name+" nothing-new 2>2") // calls may have found it out
			if !own || strings.Count(got, " 2>2")+strings.Count(got, " 1>2") != i+1 {
				t.Errorf("round %d: %s", i, got)
			}
			time.Sleep(time.Second)
		}
		if _, got := c.rotate(time.Minute); got != "main nothing-new 2>2, second nothing-new 2>2, third nothing-new 2>2" {
			t.Error(got)
		}
		calls.stop()
		d.allServed(c.world)
	})
}

// A call is under way with the password before: the login is not left before it has ended, or the time is over.
func TestARotationWaitsForTheCallsThatAreUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		ends time.Duration
		want string
	}{
		"they end in time":    {5 * time.Second, "main switched 1>2, second switched 1>2, third switched 1>2"},
		"they do not, at all": {2 * time.Minute, "main not-drained 1>2"},
	} {
		t.Run(name, func(t *testing.T) {
			inCrew(t, func(w *crew) {
				w.warm()
				held := w.sim.Fault(psatest.Fault{At: psatest.Judged, Hold: true, Path: "/Companies"})
				over := make(chan answer, 6)
				for i := range 6 {
					go func() { over <- w.call([]string{"a", "b"}[i%2], "GET", "/Companies/1", "") }()
				}
				if err := held.WaitHeld(w.Context(), 6); err != nil {
					t.Fatal(err)
				}
				later(c.ends, held.Release)
				w.renew("main", "second", "third")
				start := time.Now()
				r, got := w.rotate(time.Minute)
				if took := time.Since(start); got != c.want || took < min(c.ends, time.Minute) || took > min(c.ends, time.Minute)+2*time.Second {
					t.Errorf("%s after %v", got, took)
				}
				// How the six are spread over the logins is the scheduler's.
				if told := strings.Join(w.steps, ", "); !regexp.MustCompile("^main reading 0, main asking 0, main draining [1-3]").MatchString(told) {
					t.Errorf("told %v", w.steps)
				}
				if !r.OK && !strings.Contains(r.Logins[0].Detail, "still under way with what served before") {
					t.Errorf("%+v", r.Logins[0])
				}
				for range 6 {
					if a := <-over; a.status != 200 {
						t.Errorf("%d %s", a.status, a.reason())
					}
				}
				if _, got := w.rotate(time.Minute); !strings.HasPrefix(got, "main nothing-new 2>2, second ") || strings.Contains(got, "not") && !strings.Contains(got, "nothing") {
					t.Errorf("again: %s", got)
				}
			})
		})
	}
}

// The PSA takes a sign-in and does not answer it: the walk does not wait for longer than it was told to, whichever credential is
// asked for, and what the answer says counts when it comes.
func TestARotationEndsInTimeWhereThePSADoesNotAnswer(t *testing.T) {
	for name, refused := range map[string]bool{"the newest is asked for": false, "what serves is asked for first": true} {
		t.Run(name, func(t *testing.T) {
			inCrew(t, func(c *crew) {
				c.warm()
				if refused {
					c.renew()
					time.Sleep(2 * onePoll)
				} else {
					c.renew("main", "second", "third")
				}
				held := c.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/ThresholdInformation"})
				start := time.Now()
				r, got := c.rotate(30 * time.Second)
				if took := time.Since(start); got != "main no-verdict 1>1" || took != 30*time.Second || !strings.Contains(r.Logins[0].Detail, "The time was over") {
					t.Errorf("%s after %v: %+v", got, took, r)
				}
				if last := c.steps[len(c.steps)-1]; last != "main asking 0" {
					t.Errorf("told %v", c.steps)
				}
				held.Release()
				synctest.Wait()
				time.Sleep(time.Second)
				if want := map[bool]uint64{false: 2, true: 1}[refused]; c.serves("main") != want {
					t.Errorf("version %d serves", c.serves("main"))
				}
			})
		})
	}
}

func TestARotationSaysSinceWhenTheNewVersionServesThatTheGuardHasFoundByItself(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		c.renew("main", "second", "third")
		time.Sleep(2 * onePoll)
		before, _ := c.signIns("main")
		r, got := c.rotate(time.Minute)
		if got != "main nothing-new 2>2, second nothing-new 2>2, third nothing-new 2>2" || !r.OK {
			t.Fatal(got)
		}
		for _, l := range r.Logins {
			if l.ServingSince == nil || time.Since(*l.ServingSince) < onePoll/2 || time.Since(*l.ServingSince) > 2*onePoll {
				t.Errorf("%s since %v", l.Login, l.ServingSince)
			}
		}
		if after, _ := c.signIns("main"); after != before {
			t.Error("it was asked for all the same")
		}
	})
}

func TestARotationStopsWhereNothingCanBeTried(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(c *crew)
		want    string
		detail  string
	}{
		"the store cannot be read": {func(c *crew) {
			c.safe.mu.Lock()
			defer c.safe.mu.Unlock()
			c.safe.down = errors.New("sealed")
		}, "main not-tried 1>1", "The newest version cannot be read: "},
		"the record cannot be used": {func(c *crew) { c.safe.put("main", "", "new-password") }, "main not-tried 1>1", "username"},
		"the PSA cannot be reached": {func(c *crew) {
			c.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.HangUp})
		}, "main not-tried 1>1", "Nothing was sent to the PSA"},
		"the PSA does not answer a sign-in": {func(c *crew) {
			c.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.HangUp, Only: psatest.SignInCall})
		}, "main no-verdict 1>1", "(no-answer)"},
		"it was refused before": {func(c *crew) { c.users["main"].SetSecret("old-password"); time.Sleep(2 * onePoll) }, "main refused 1>1", "change it there"},
	} {
		t.Run(name, func(t *testing.T) {
			inCrew(t, func(w *crew) {
				w.warm()
				w.renew("second", "third")
				c.trouble(w)
				_, failed := w.signIns("main")
				r, got := w.rotate(time.Minute)
				if got != c.want || fmt.Sprint(r.Untouched) != "[second third]" || !strings.Contains(r.Logins[0].Detail, c.detail) {
					t.Errorf("%s: %+v", got, r)
				}
				if _, after := w.signIns("main"); after-failed > 1 {
					t.Errorf("%d failed sign-ins", after-failed)
				}
			})
		})
	}
}

// The guard has tried them by itself, an hour before the PSA has them.
func TestARotationGoesOnWithAPasswordThatWasRefusedBeforeThePSAHadIt(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		c.renew()
		time.Sleep(time.Hour)
		d := new(diary)
		calls := c.keepCalling(time.Second, d)
		for _, name := range []string{"main", "second", "third"} {
			_, failed := c.signIns(name)
			c.users[name].SetSecret("new-password")
			r, got := c.rotate(time.Minute)
			if !strings.Contains(got, name+" switched 1>2") && !strings.Contains(got, name+" nothing-new 2>2") {
				t.Errorf("%s: %+v", got, r)
			}
			if _, now := c.signIns(name); failed != 1 || now > failed+3 { // what served, of at most in_flight calls
				t.Errorf("%s: %d and then %d failed sign-ins", name, failed, now)
			}
		}
		calls.stop()
		d.allServed(c.world)
		c.stands("main", "second", "third")
	})
}

func TestARotationFollowsARecordToAnotherUser(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		c.users["other"] = c.tenant.AddUser("other@example.com", "other-password", "CODE")
		c.safe.put("second", "other@example.com", "other-password")
		d := new(diary)
		calls := c.keepCalling(100*time.Millisecond, d)
		_, got := c.rotate(time.Minute)
		if got != "main nothing-new 1>1, second switched 1>2, third nothing-new 1>1" {
			t.Error(got)
		}
		calls.stop()
		d.allServed(c.world)
		before, _ := c.signIns("second")
		for range 6 {
			c.served("a")
		}
		if after, _ := c.signIns("second"); after != before {
			t.Error("the user of before still serves")
		}
		if ok, _ := c.signIns("other"); ok < 3 {
			t.Errorf("%d sign-ins as the new one", ok)
		}
	})
}

func TestARotationOfALoginThatNobodyHasUsed(t *testing.T) {
	inCrew(t, func(c *crew) {
		if _, got := c.rotate(time.Minute); got != "main switched 0>1, second switched 0>1, third switched 0>1" {
			t.Error(got)
		}
	})
}

func TestOneRotationAtATime(t *testing.T) {
	inCrew(t, func(c *crew) {
		c.warm()
		held := c.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/ThresholdInformation"})
		c.renew("main", "second", "third")
		ctx, leave := context.WithCancel(c.Context())
		defer leave()
		ended := make(chan report.Rotation, 1)
		go func() {
			r, _ := c.g.Rotate(ctx, "crew", time.Minute, func(report.RotationLine) {})
			ended <- r
		}()
		if err := held.WaitHeld(c.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.g.Rotate(c.Context(), "crew", time.Minute, nil); !errors.Is(err, report.ErrRotating) {
			t.Error(err)
		}
		if _, err := c.g.Rotate(c.Context(), "main", time.Minute, nil); !errors.Is(err, report.ErrUnknownPool) {
			t.Error(err)
		}
		leave() // whoever asked for it has gone: no other login is begun with
		if r := <-ended; r.OK || len(r.Logins) != 1 || len(r.Untouched) != 2 {
			t.Errorf("%+v", r)
		}
		held.Release()
		synctest.Wait()
		if _, got := c.rotate(time.Minute); got != "main nothing-new 2>2, second switched 1>2, third switched 1>2" {
			t.Error(got)
		}
	})
}
