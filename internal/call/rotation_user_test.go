package call

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
)

const second = "second@example.com"

// guardOf returns how a PSA user stands, whether calls go through it or not.
func (w *world) guardOf(name string) guard.Status {
	w.Helper()
	key, err := w.g.lanes[0].keyOf(secret.Credential{UserName: name})
	if err != nil {
		w.Fatal(err)
	}
	st, err := w.shared.guard.Login(key).Status()
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// recorded demands how many units of a PSA user's budget are failed, and that none is held, lost or unknown.
func (w *world) recorded(name string, failed int) {
	w.Helper()
	synctest.Wait() // a call of this moment's may be on its way
	if st := w.guardOf(name); st.Failed != failed || st.Held+st.Lost+st.Unknown != 0 || st.Waiting != 0 {
		w.Errorf("%s: %d failed, %d held, %d lost, %d unknown, %d wait; want %d failed alone", name, st.Failed, st.Held, st.Lost, st.Unknown, st.Waiting, failed)
	}
}

// since returns the sign-ins of a PSA user since a mark.
func (w *world) since(mark int, name string) psatest.Ledger {
	return w.sim.Ledger().Since(mark).Of(name)
}

// bothSafe demands that neither user is locked, and that no secret is in the log.
func (w *world) bothSafe(other *psatest.User) {
	w.Helper()
	if most := other.MaxFailedSinceSuccess(); other.Locked() || most > w.cfg.Logins[0].Settings.Budget {
		w.Errorf("%s: locked %v, at most %d failed sign-ins since a success", other, other.Locked(), most)
	}
	w.safeNow()
	if strings.Contains(w.log.String(), "second-password") {
		w.Errorf("the log has a secret:\n%s", w.log)
	}
}

// The record names another user hours before the PSA takes it. The one before serves on until the PSA refuses it: with
// three calls in flight then, which are sent again as the new one.
func TestARecordNamesAnotherUserHoursBeforeThePSATakesIt(t *testing.T) {
	for _, gap := range []time.Duration{time.Minute, 3 * time.Hour, 30 * time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				other := w.tenant.AddUser(second, "not-yet", "CODE")
				mark, d := w.sim.Mark(), new(diary)
				calls := w.keepCalling(10*time.Second, d)
				w.safe.put("main", second, "second-password")
				calls.goesOn(gap)
				if n := countOf(w.since(mark, second)); n != (signIns{ownFailed: 1}) {
					t.Errorf("%+v of the new user, want its first try alone", n)
				}
				w.recorded(second, 1)
				w.recorded(user, 0)

				time.Sleep(5 * time.Second) // between two calls of the traffic
				release := w.inFlight(3, d)
				other.SetSecret("second-password")
				w.user.SetSecret("retired")
				moved := w.sim.Mark()
				release()
				calls.goesOn(5 * time.Hour)
				calls.stop()

				d.allServed(w)
				before, after := countOf(w.since(moved, user)), countOf(w.since(moved, second))
				t.Logf("old user after the PSA's change: %+v; new one: %+v; slowest call %s", before, after, d.longest(time.Time{}, time.Now()))
				if before != (signIns{callsFailed: 3}) || after.own != 1 || after.ownFailed+after.callsFailed != 0 {
					t.Errorf("old user %+v, new one %+v: want three refusals in flight and one first try, accepted", before, after)
				}
				w.recorded(user, 3)
				w.recorded(second, 0)
				w.bothSafe(other)
			})
		})
	}
}

// The new user is ready. What is in flight as the old one settles as that: accepted, or refused and then sent as the new
// one. The old one is not signed in again.
func TestCallsInFlightOfTheOldUserSettleAfterTheMove(t *testing.T) {
	for _, retired := range []bool{false, true} {
		t.Run(fmt.Sprintf("retired %v", retired), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				other := w.tenant.AddUser(second, "second-password", "CODE")
				mark := w.sim.Mark()
				calls := newFlights(0, 20, inAFile)
				w.fly(calls, psatest.Received, func() {
					w.safe.put("main", second, "second-password")
					time.Sleep(onePoll)
					synctest.Wait()
					if st := w.guardOf(user); st.Held != 3 || st.Waiting != 0 {
						t.Errorf("%d held, %d wait as the old user after the move", st.Held, st.Waiting)
					}
					if n := countOf(w.since(mark, second)); n.own != 1 || n.calls != 17 {
						t.Errorf("new user %+v: want its first try and the 17 calls that waited", n)
					}
					if retired {
						w.user.SetSecret("retired")
					}
				})
				w.createdOnce(calls)
				for _, f := range calls {
					if f.status != 200 {
						t.Errorf("%s: %d %s", f.title, f.status, f.reason)
					}
				}
				old, want := countOf(w.since(mark, user)), signIns{calls: 3}
				failed := 0
				if retired {
					want, failed = signIns{callsFailed: 3}, 3
				}
				t.Logf("old user %+v, new user %+v", old, countOf(w.since(mark, second)))
				if old != want {
					t.Errorf("old user %+v, want %+v", old, want)
				}
				settled := w.sim.Mark()
				traffic := w.keepCalling(10*time.Second, new(diary))
				traffic.goesOn(8 * time.Hour)
				traffic.stop()
				if l := w.since(settled, user); len(l) != 0 {
					t.Errorf("the old user is still signed in: %v", l[0])
				}
				w.recorded(user, failed)
				w.recorded(second, 0)
				w.bothSafe(other)
			})
		})
	}
}

// Two users in turn, a new password each time, in the store before the PSA has it or after: over four days.
func TestTwoUsersInTurnOverDays(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		users := []*psatest.User{w.user, w.tenant.AddUser(second, "second-password", "CODE")}
		d := new(diary)
		calls := w.keepCalling(30*time.Second, d)
		for turn := 1; turn <= 16; turn++ {
			to, from := users[turn%2], users[(turn+1)%2]
			password := fmt.Sprint("second-password-", turn)
			ready := turn%4 < 2
			if ready {
				to.SetSecret(password)
			}
			mark := w.sim.Mark()
			w.safe.put("main", to.Name(), password)
			calls.goesOn(3 * time.Hour)
			if n := countOf(w.since(mark, to.Name())); ready && (n.own != 1 || n.ownFailed != 0) || !ready && n != (signIns{ownFailed: 1}) {
				t.Errorf("turn %d, ready %v: the new user %+v", turn, ready, n)
			}
			to.SetSecret(password)
			from.SetSecret("retired") // from which the gateway learns, where the new one was not ready, that it is worth another try
			time.Sleep(time.Minute)
			mark = w.sim.Mark()
			calls.goesOn(3 * time.Hour)
			if l := w.since(mark, from.Name()); len(l) != 0 {
				t.Errorf("turn %d: the old user is still signed in, %d times", turn, len(l))
			}
			w.recorded(to.Name(), 0)
		}
		calls.stop()
		d.allServed(w)
		for _, u := range users {
			n := countOf(w.sim.Ledger().Of(u.Name()))
			t.Logf("%s: %+v, at most %d failed without a success between", u, n, u.MaxFailedSinceSuccess())
			// The call in flight when it was retired, its recheck that is due at once, and the first try of its next turn.
			if u.MaxFailedSinceSuccess() > 3 {
				t.Errorf("%s: at most %d failed", u, u.MaxFailedSinceSuccess())
			}
		}
		w.bothSafe(users[1])
	})
}

// The record goes back to the user before while the new one is not accepted yet, or when it serves: the password that it
// goes back to is good, and nothing fails.
func TestTheRecordGoesBackToTheUserBefore(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		t.Run(fmt.Sprintf("accepted %v", accepted), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				password := "not-yet"
				if accepted {
					password = "second-password"
				}
				other := w.tenant.AddUser(second, password, "CODE")
				d := new(diary)
				calls := w.keepCalling(10*time.Second, d)
				for range 3 {
					w.safe.put("main", second, "second-password")
					calls.goesOn(2 * time.Hour)
					w.safe.put("main", user, "old-password")
					time.Sleep(onePoll)
					mark := w.sim.Mark()
					calls.goesOn(2 * time.Hour)
					if l := w.since(mark, second); len(l) != 0 {
						t.Errorf("the user whom the record does not name is signed in: %v", l[0])
					}
				}
				calls.stop()
				d.allServed(w)
				t.Logf("first user %+v, second user %+v", countOf(w.sim.Ledger().Of(user)), countOf(w.sim.Ledger().Of(second)))
				if n := countOf(w.since(0, second)); n.ownFailed > 1 || n.callsFailed != 0 {
					t.Errorf("second user %+v", n)
				}
				w.recorded(user, 0)
				w.bothSafe(other)
			})
		})
	}
}

// The record goes back to the user before with a password that was good once: what was accepted hours ago, and is not used
// since, is one to try. The user that serves serves on.
func TestTheRecordGoesBackToAPasswordThatIsNotGoodAnyMore(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		other := w.tenant.AddUser(second, "second-password", "CODE")
		d := new(diary)
		calls := w.keepCalling(10*time.Second, d)
		w.safe.put("main", second, "second-password")
		calls.goesOn(time.Hour)
		w.user.SetSecret("retired")
		calls.goesOn(time.Hour)
		mark := w.sim.Mark()
		w.safe.put("main", user, "old-password")
		calls.goesOn(8 * time.Hour)
		calls.stop()
		d.allServed(w)
		n := countOf(w.since(mark, user))
		t.Logf("the user before: %+v, at most %d failed", n, w.user.MaxFailedSinceSuccess())
		if n != (signIns{ownFailed: 1}) {
			t.Errorf("the user before: %+v, want one try, refused", n)
		}
		w.bothSafe(other)
	})
}

// The PSA refuses both: the old user is retired before the new one is made ready. On the new user's own budget guard.md's
// rechecks find out when it is: nothing is proven, two units are recorded, so that is 15 min × 4 after the last refusal.
func TestTheNewUserIsMadeReadyAfterTheOldOneWasRetired(t *testing.T) {
	for _, checked := range []bool{false, true} {
		t.Run(fmt.Sprintf("checked %v", checked), func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				other := w.tenant.AddUser(second, "not-yet", "CODE")
				w.safe.put("main", second, "second-password")
				time.Sleep(time.Hour)
				d := new(diary)
				calls := w.keepCalling(10*time.Second, d)
				time.Sleep(5 * time.Second)
				w.user.SetSecret("retired")
				retired := time.Now()
				time.Sleep(time.Minute)
				other.SetSecret("second-password")
				ready := time.Now()
				if checked {
					if res, err := w.g.Check(context.Background(), "main"); err != nil || !res.OK {
						t.Errorf("a check once the new user is ready: %+v %v", res, err)
					}
				}
				calls.goesOn(8 * time.Hour)
				calls.stop()
				first := d.firstServed(ready)
				t.Logf("served %s after the new user was ready; old user %+v, new user %+v", first, countOf(w.sim.Ledger().Of(user)), countOf(w.sim.Ledger().Of(second)))
				if most := time.Hour + time.Minute; first < 0 || ready.Add(first).Sub(retired) > most || checked && first > 2*time.Second {
					t.Errorf("the first call was served %s after the new user was ready", first)
				}
				w.bothSafe(other)
			})
		})
	}
}

// Wrong passwords of the new user spend its own budget and not the old one's, who serves on; and what is spent an operator
// can see and release, or the right password would never be tried.
func TestWrongPasswordsOfTheNewUserSpendItsOwnBudget(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		other := w.tenant.AddUser(second, "second-password", "CODE")
		d := new(diary)
		calls := w.keepCalling(10*time.Second, d)
		for i := range 12 {
			w.safe.put("main", second, fmt.Sprint("typo-", i))
			time.Sleep(10 * time.Minute)
		}
		w.recorded(second, 5)
		w.recorded(user, 0)
		if n := countOf(w.since(0, second)); n != (signIns{ownFailed: 5}) {
			t.Errorf("new user %+v, want five first tries, refused", n)
		}
		w.safe.put("main", second, "second-password")
		calls.goesOn(time.Hour)
		d.allServed(w)

		other.Unlock()
		shown := w.g.Status().Logins[0]
		if err := w.g.Release("main", shown.Seq, &shown.NextUser.Seq); err != nil {
			t.Error(err)
		}
		calls.goesOn(time.Hour)
		calls.stop()
		d.allServed(w)
		if st := w.guardOf(second); st.Failed != 0 || st.Serving.IsZero() {
			t.Errorf("after the operator's release the new user has %d failed units of %d and does not serve; status showed units %+v, problems %q", st.Failed, st.Settings.Budget, shown.Units, shown.Problems)
		}
		w.bothSafe(other)
	})
}

// atTheMove tells whether the store may be read now, so long after the begin of the next test, with the new user in it.
func atTheMove(since time.Duration) bool {
	return since >= 19*time.Second && since < 20*time.Second+onePoll+2*time.Second
}

// Callers who come at the very moment of the move are served, as the one user or the other.
func TestCallersAtTheMomentOfTheMove(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		other := w.tenant.AddUser(second, "second-password", "CODE")
		d := new(diary)
		var calls sync.WaitGroup
		later(20*time.Second, func() { w.safe.put("main", second, "second-password") })
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 7 * time.Millisecond })
		start := time.Now()
		for i, pause := 0, time.Duration(0); time.Since(start) < time.Minute; i++ {
			calls.Go(func() { d.call(w, []string{"a", "b"}[i%2], i) })
			if pause = time.Second; atTheMove(time.Since(start)) {
				pause = 10 * time.Millisecond
			}
			time.Sleep(pause)
		}
		calls.Wait()
		d.allServed(w)
		first, after := w.sim.Ledger().Of(second)[0], 0
		if !atTheMove(first.At.Sub(start)-time.Second) || !atTheMove(first.At.Sub(start)+time.Second) {
			t.Errorf("the move came after %s, where calls are rare", first.At.Sub(start))
		}
		for _, e := range w.sim.Ledger().Of(user) {
			if e.No > first.No {
				after++
			}
		}
		if after > 3 {
			t.Errorf("%d sign-ins of the old user after the first of the new one", after)
		}
		w.recorded(user, 0)
		w.recorded(second, 0)
		w.bothSafe(other)
	})
}

// Why the user that the record names by now is not tried is told where operators look, and not in the log alone.
func TestStatusSaysWhyTheNextUserIsNotTried(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", "nobody@example.com", "second-password")
		w.store.Refresh("main")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		l := w.g.Status().Logins[0]
		if len(l.Problems) != 1 || !strings.Contains(l.Problems[0], "names another PSA user") || !strings.Contains(l.Problems[0], "That one's zone is not known, so it is not tried: ") {
			t.Errorf("%q", l.Problems)
		}
		w.tenant.AddUser("nobody@example.com", "second-password", "CODE")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if l := w.g.Status().Logins[0]; len(l.Problems) != 0 || l.NextUser != nil {
			t.Errorf("it is there now: %q, %+v", l.Problems, l.NextUser)
		}
		w.served("a")
	})
}
