package call

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// notes is an Observer that writes down what it is told.
type notes struct {
	mu       sync.Mutex
	attempts map[string]int
	waited   []time.Duration
	answered []report.Call
	happened []Happening
}

func (n *notes) Attempted(login string, v guard.Verdict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attempts[login+" "+v.String()]++
}

func (n *notes) Waited(_ string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waited = append(n.waited, d)
}

func (n *notes) Answered(c report.Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answered = append(n.answered, c)
}

func (n *notes) Happened(h Happening) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.happened = append(n.happened, h)
}

// inNotedWorld runs a test in a world that is observed.
func inNotedWorld(t *testing.T, f func(w *world, n *notes)) {
	t.Helper()
	inWorld(t, func(w *world) {
		synctest.Wait()
		n := &notes{attempts: map[string]int{}}
		w.shared.Observe(n)
		f(w, n)
	})
}

// events demands what has happened since the last time it was asked.
func (n *notes) events(t *testing.T, want ...Happening) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.happened, want) {
		t.Errorf("it was told:\n%+v\nwant:\n%+v", n.happened, want)
	}
	n.happened = nil
}

// outcomes demands what became of the calls since the last time it was asked, without their order.
func (n *notes) outcomes(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	var got []string
	for _, c := range n.answered {
		got = append(got, strings.Join([]string{c.Integration, c.Action, c.Entity, c.Outcome}, " "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	n.answered = nil
}

const zoneFive, zoneSix = "http://127.0.0.1:5005/ATServicesRest/", "http://127.0.0.1:5006/ATServicesRest/"

func TestTheObserverHearsOfEveryAttemptAndWait(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		if want := map[string]int{"main accepted": 2}; !maps.Equal(n.attempts, want) {
			t.Errorf("attempts %v, want the own one and the call's", n.attempts)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Times: 1})
		w.call("a", "GET", "/Tickets/1", "")
		w.served("a") // waits until the gate opens again
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		w.call("a", "GET", "/Tickets/1/Unheard", "")
		want := map[string]int{"main accepted": 4, "main no-answer": 1, "main refused": 2}
		if !maps.Equal(n.attempts, want) {
			t.Errorf("attempts %v, want %v", n.attempts, want)
		}
		st, err := w.shared.guard.Login(w.g.lanes[0].seat.guard.Key()).Status()
		if err != nil || st.Attempts[guard.Accepted] != 4 || st.Attempts[guard.Refused] != 2 || st.Attempts[guard.NoAnswer] != 1 {
			t.Errorf("the guard counted %v: %v", st.Attempts, err)
		}
		if longest := slices.Max(n.waited); len(n.waited) != 5+1 || longest < 25*time.Second || n.waited[0] > time.Second || n.waited[2] < 2*time.Second {
			t.Errorf("waited %v", n.waited)
		}
	})
}

func TestTheObserverHearsWhatBecameOfEveryCall(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.call("a", "GET", "/tickets/1", "")
		w.call("a", "GET", "/Unheard/1", "")
		w.call("b", "POST", "/Tickets/1/Notes", "{")
		w.call("b", "GET", "/Ti%63kets/1", "")
		w.call("", "GET", "/Tickets/1", "")
		w.call("", "GET", "/zoneInformation?user=x", "")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["something else"]}`})
		w.call("a", "GET", "/Tickets/1", "")
		n.outcomes(t, "a read Tickets ok", "a read Unheard client-error", "b create Tickets/Notes server-error", "b   bad-request",
			" read Tickets unidentified", " read  ok", "a read Tickets server-error")
		for range 10 {
			w.call("", "GET", "/Tickets/1", "")
		}
		if last := n.answered[9]; last.Outcome != "too-many-failures" || last.Reason != last.Outcome {
			t.Errorf("%+v", last)
		}
	})
}

func TestACallThatBreaksOffIsGone(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		n.outcomes(t, "a read Tickets ok")
		ctx, cancel := context.WithCancel(w.Context())
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: 1})
		later(time.Second, cancel)
		_, _ = w.try(ctx, "a", "GET", "/Tickets/1", "")
		synctest.Wait() // the gateway has noticed
		held.Release()
		synctest.Wait() // the PSA has answered nobody
		w.sim.Fault(psatest.Fault{At: psatest.Answering, Then: psatest.Reset, Times: 1})
		if _, err := w.try(w.Context(), "a", "GET", "/Tickets/1", ""); err == nil {
			t.Error("the answer did not break off")
		}
		time.Sleep(time.Minute)
		n.outcomes(t, "a read Tickets gone", "a read Tickets gone")
	})
}

func TestTheObserverHearsWhatAnOperatorMayActOn(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		n.events(t, Happening{Event: CredentialAccepted, Login: "main", Version: "1", Zone: zoneFive})
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Times: 1})
		w.call("a", "GET", "/Tickets/1", "")
		n.events(t, Happening{Event: GateShut, Login: "main", Version: "1", Integration: "a", Zone: zoneFive})
		recovered := Happening{Event: LoginRecovered, Login: "main", Version: "1", Zone: zoneFive}
		w.served("a")
		n.events(t, Happening{Event: GateOpen, Login: "main", Version: "1", Zone: zoneFive}, recovered)
		w.safe.put("main", user, "new-password")
		time.Sleep(time.Minute)
		n.events(t, Happening{Event: CredentialRefused, Login: "main", Version: "2", Zone: zoneFive})
		w.safe.put("main", user, "")
		time.Sleep(time.Minute)
		n.events(t, Happening{Event: SecretUnusable, Login: "main", Version: "3", Store: "file"})
		w.served("a") // the refusal is forgiven, so that three can be in flight
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: 3})
		moving := make(chan struct{})
		go func() {
			parallel(3, func(i int) { w.served([]string{"a", "b", "b"}[i]) })
			close(moving)
		}()
		if err := held.WaitHeld(w.Context(), 3); err != nil {
			w.Fatal(err)
		}
		w.tenant.Migrate(w.z6)
		held.Release()
		<-moving
		n.events(t, Happening{Event: ZoneMoved, Login: "main", Zone: zoneSix})
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["This user account has been locked."]}`})
		w.call("b", "GET", "/Tickets/1", "")
		at := Happening{Login: "main", Version: "1", Integration: "b", Zone: zoneSix}
		refused, locked := at, at
		refused.Event, locked.Event = CredentialRefused, LoginLocked
		n.events(t, refused, locked)
	})
}

func TestALoginWithoutACredentialIsToldOnceUntilItHasOne(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		n.events(t, Happening{Event: CredentialAccepted, Login: "main", Version: "1", Zone: zoneFive})
		for range 2 {
			w.down(errSealed)
			time.Sleep(2 * time.Hour)
			for range 3 {
				w.call("a", "GET", "/Tickets/1", "")
			}
			n.events(t, Happening{Event: SecretUnavailable, Login: "main", Store: "file", Problem: Stale})
			w.down(nil)
			time.Sleep(2 * time.Minute)
			w.served("a")
			n.events(t, Happening{Event: LoginRecovered, Login: "main", Version: "1", Zone: zoneFive})
		}
	})
}

// down makes the store fail, or serve again.
func (w *world) down(err error) {
	w.safe.mu.Lock()
	defer w.safe.mu.Unlock()
	w.safe.down = err
}

func TestWhyThereIsNoCredential(t *testing.T) {
	for want, change := range map[Problem]func(w *world){
		Missing:    func(w *world) { w.cfg.Logins[0].Path = "none" },
		Unreadable: func(w *world) { w.down(errSealed); w.cfg.Logins[0].Path = "other" },
		Unusable:   func(w *world) { w.safe.put("other", user, ""); w.cfg.Logins[0].Path = "other" },
	} {
		t.Run(string(want), func(t *testing.T) {
			inNotedWorld(t, func(w *world, n *notes) {
				change(w)
				w.load()
				w.call("a", "GET", "/Tickets/1", "")
				synctest.Wait()
				if last := n.happened[len(n.happened)-1]; last != (Happening{Event: SecretUnavailable, Login: "main", Store: "file", Problem: want}) {
					t.Errorf("%+v", n.happened)
				}
			})
		})
	}
}

// A reload while a call is under way leaves two lanes with one login for a while.
func TestWhatTwoConfigsSeeIsToldOnce(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: 1})
		var wg sync.WaitGroup
		wg.Go(func() { w.call("a", "GET", "/Tickets/1", "") })
		if err := held.WaitHeld(w.Context(), 1); err != nil {
			t.Fatal(err)
		}
		w.load()
		synctest.Wait()
		n.events(t, Happening{Event: CredentialAccepted, Login: "main", Version: "1", Zone: zoneFive})
		w.user.SetSecret("new-password")
		held.Release()
		wg.Wait()
		// The config in force has not asked for the zone yet.
		n.events(t, Happening{Event: CredentialRefused, Login: "main", Version: "1", Integration: "a"})
	})
}

func TestAnEffectIsToldWithItsCauseFirst(t *testing.T) {
	got := fmt.Sprint(happenings(guard.Effect{Proven: true, Refused: true, Shut: true, Opened: true, Locked: true, Spent: true, Lost: true, Fell: true}))
	if want := "[gate_shut gate_open credential_accepted credential_refused budget_spent login_locked]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
