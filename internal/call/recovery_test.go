package call

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// words are the events that have happened since the last time it was asked, but for credentials that were accepted and
// gates that opened.
func (n *notes) words() (all []Event) {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.happened {
		if h.Event != CredentialAccepted && h.Event != GateOpen {
			all = append(all, h.Event)
		}
	}
	n.happened = nil
	return all
}

// tells demands the changes of state that were told since the last time, each once.
func (n *notes) tells(t *testing.T, when string, want ...Event) {
	t.Helper()
	if got := n.words(); !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// logs demands how often a line of the log has a text, and forgets the log.
func (w *world) logs(text string, times int) {
	w.Helper()
	if got := strings.Count(w.log.String(), text); got != times {
		w.Errorf("%q is in the log %d times, want %d:\n%s", text, got, times, w.log)
	}
	w.log.Reset()
}

const servesAgain = `msg="the login serves again"`

func TestALoginThatServesAgainAfterARefusalIsToldOnce(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		n.tells(t, "it serves")
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		n.tells(t, "refused", CredentialRefused)
		w.logs(servesAgain, 0)
		w.safe.put("main", user, "new-password")
		time.Sleep(time.Minute)
		w.served("a")
		w.served("b")
		n.tells(t, "the store has the password", LoginRecovered)
		w.logs(servesAgain, 1)
	})
}

func TestANewCredentialThatIsRefusedBesideOneThatServesEndsNothing(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		w.safe.put("main", user, "new-password")
		time.Sleep(time.Minute)
		n.tells(t, "the newest is refused", CredentialRefused)
		w.served("a")
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		n.tells(t, "the PSA has it, and the older one is refused", CredentialRefused, LoginRecovered)
	})
}

func TestALockedLoginIsReleasedAndRecoversOnce(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		second := w.cfg.Logins[0]
		second.Name = "second"
		w.cfg.Logins = append(w.cfg.Logins, second)
		w.load()
		w.served("a")
		n.words()
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["This user account has been locked."]}`})
		w.call("a", "GET", "/Tickets/1", "")
		// Both names mean the one user.
		n.tells(t, "locked", CredentialRefused, LoginLocked, CredentialRefused, LoginLocked)
		w.log.Reset()
		if err := w.g.Release("main", w.g.Status().Logins[0].Seq, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.served("a")
		n.tells(t, "released", LoginReleased, LoginReleased, LoginRecovered, LoginRecovered)
		if got := strings.Count(w.log.String(), `msg="released by an operator"`); got != 1 {
			t.Errorf("%d lines of the release", got)
		}
		w.logs(servesAgain, 2)
	})
}

// Calls without an answer may spend the budget of a login that is only observed long after the gate has opened again, and
// then the next success forgives them.
func TestABudgetThatIsSpentAndForgivenIsARecovery(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.cfg.Logins[0].Settings.Observe = true
		w.load()
		w.served("a")
		n.words()
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Times: 5})
		for range 5 {
			w.call("a", "GET", "/Tickets/1", "")
		}
		w.served("a")
		if got := n.words(); got[len(got)-1] != LoginRecovered {
			t.Errorf("told %q, want that the gate is open at last", got)
		}
		time.Sleep(2 * time.Minute)
		n.tells(t, "the calls can be judged no more", BudgetSpent)
		w.log.Reset()
		w.served("a")
		n.tells(t, "forgiven", LoginRecovered)
		w.logs(servesAgain, 1)
	})
}

func TestARecordThatCanBeUsedAgainIsARecovery(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		w.safe.put("main", user, "")
		time.Sleep(time.Minute)
		n.tells(t, "damaged", SecretUnusable)
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Times: 1})
		w.call("a", "GET", "/Tickets/1", "")
		w.served("a")
		n.tells(t, "the gate opens while the record is damaged", GateShut, LoginRecovered)
		w.safe.put("main", user, "old-password")
		time.Sleep(time.Minute)
		n.tells(t, "mended", LoginRecovered)
	})
}

// What befalls the user that the record names since does not stop the calls of the one before.
func TestARecordsNewUserThatIsRefusedAndTakenLaterRecoversWhatTheOldOneLost(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		n.words()
		other := w.tenant.AddUser("other@example.com", "other-password", "CODE")
		w.safe.put("main", "other@example.com", "wrong-password")
		time.Sleep(time.Minute)
		w.served("a")
		n.tells(t, "the new user is refused", CredentialRefused)
		w.user.SetSecret("new-password") // of the old one
		w.call("a", "GET", "/Tickets/1", "")
		if got := n.words(); !slices.Contains(got, CredentialRefused) || slices.Contains(got, LoginRecovered) {
			t.Errorf("told %q, want a refusal", got)
		}
		other.SetSecret("wrong-password")
		if _, err := w.g.Check(w.Context(), "main"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.served("a")
		n.tells(t, "the new user is accepted", LoginRecovered)
	})
}

func TestTroubleIsRememberedOverAReload(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.served("a")
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		n.tells(t, "refused", CredentialRefused)
		w.load()
		w.safe.put("main", user, "new-password")
		time.Sleep(time.Minute)
		w.served("a")
		n.tells(t, "another config has it", LoginRecovered)
	})
}
