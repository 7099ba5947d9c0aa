package call

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

const (
	stranger = "198.51.100.1"
	// oddly is the guest's name for us, and nobody's for the PSA.
	oddly = "\u017fupport@example.com"
	plain = "support@example.com"
)

// guessing has 20 callers of the stranger's integration bring one secret after the other until it is stopped.
func (w *world) guessing(userName string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	for i := range 20 {
		go func() {
			time.Sleep(time.Duration(i) * 1700 * time.Millisecond)
			for k := 0; ctx.Err() == nil; k++ {
				w.bringsFrom(stranger, userName, fmt.Sprintf("guess %d %d", i, k))
				time.Sleep(100 * time.Millisecond)
			}
		}()
	}
	return func() {
		cancel()
		time.Sleep(2 * time.Minute)
	}
}

// comesIn reports how long it takes until a caller is served, who tries every few seconds.
func (w *world) comesIn(userName, password string, within time.Duration) time.Duration {
	w.Helper()
	var a answer
	for start := time.Now(); time.Since(start) < within; time.Sleep(5 * time.Second) {
		if a = w.brings(userName, password); a.status == 200 {
			return time.Since(start)
		}
	}
	w.Errorf("not served within %v: %d %s %s", within, a.status, a.reason(), a.body)
	return within
}

// A stranger in another integration brings secrets under a spelling that the PSA does not know.
func TestAnOddSpellingOfAListedNameKeepsNobodyOut(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(plain, "good-password", "CODE")
		w.passingAs("rmm", "192.0.2.7/32", plain)
		w.passingAs("stranger", "198.51.100.0/24", plain)
		w.bringsFrom(stranger, oddly, "guess") // before anybody knows the zone
		w.comesIn(plain, "good-password", 2*time.Minute)
		defer w.guessing(oddly)()
		time.Sleep(3 * time.Minute)
		u.SetSecret("next")
		w.comesIn(plain, "next", 5*time.Minute)
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.HangUp, Only: psatest.SignInCall, User: plain, Times: 1})
		w.brings(plain, "next")
		w.comesIn(plain, "next", 5*time.Minute)
		if u.Locked() || u.MaxFailedSinceSuccess() > w.cfg.Logins[0].Settings.Budget {
			t.Errorf("locked %v, at most %d", u.Locked(), u.MaxFailedSinceSuccess())
		}
	})
}

func TestAnOddSpellingIsSentAsTheConfigSpellsTheName(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(plain, "good-password", "CODE")
		w.cfg.Logins[0].Zone = w.z5.URL()
		w.passingAs("rmm", "192.0.2.7/32", plain)
		if a := w.brings(oddly, "good-password"); a.status != 200 {
			t.Errorf("%d %s", a.status, a.reason())
		}
	})
}

// The record names the guest and a zone of its own on a host outside the dialect's rule, which makes it another PSA user than its
// name alone does.
func TestAGuestWhomTheRecordNamesWithAZoneHasOneBudget(t *testing.T) {
	inWorld(t, func(w *world) {
		w.safe.put("main", user, "old-password", "zone", w.z5.URL())
		w.passingAs("rmm", "192.0.2.7/32", user)
		w.store.Refresh("main")
		time.Sleep(time.Minute)
		w.served("a")
		w.user.SetSecret("changed in the PSA")
		for i := range 12 {
			w.brings(user, fmt.Sprint("wrong ", i))
			w.call("a", "GET", "/Tickets/1", "")
			w.call("b", "GET", "/Tickets/1", "")
			time.Sleep(16 * time.Minute)
		}
		w.safeNow()
	})
}

func TestAThousandWaitingGuessesOfAnIntegrationLeaveItsProvenCallerAPlace(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.0/24")
		w.brings(guest, "guest-password")
		go parallel(1000, func(i int) { w.bringsFrom("192.0.2.9", guest, fmt.Sprintf("guess-%d", i)) })
		for range 6 {
			time.Sleep(5 * time.Second)
			if a := w.brings(guest, "guest-password"); a.status != 200 {
				t.Errorf("%d %s %s", a.status, a.reason(), a.body)
			}
		}
		time.Sleep(time.Minute)
	})
}

// A caller hangs up while his secret is tried, and comes back: what he brought is known then.
func TestACallerWhoHangsUpWhileHisSecretIsTriedCanRotateLater(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Path: "ThresholdInformation", Delay: 5 * time.Second, Times: 1})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("UserName", guest)
		req.Header.Set("Secret", "guest-password")
		req.Header.Set("ApiIntegrationCode", "CODE")
		if _, err := w.do(req); err == nil {
			t.Error("he did not leave")
		}
		time.Sleep(time.Minute)
		for i := range 3 {
			w.brings(guest, fmt.Sprint("wrong ", i))
			time.Sleep(2 * time.Minute)
		}
		u.SetSecret("next")
		w.comesIn(guest, "next", time.Hour)
	})
}

// kill -9 with calls in flight, and the program comes back with another password: nobody has the one that was proven.
func TestAfterARestartANewSecretComesInBesideOneThatNobodyHas(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		tables := w.begin()
		w.brings(guest, "guest-password")
		for range 3 {
			w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.HangUp, Only: psatest.SignInCall, User: guest, Times: 1})
			w.brings(guest, "guest-password")
		}
		w.restart(tables, false)
		u.SetSecret("next")
		w.comesIn(guest, "next", 2*time.Hour)
	})
}

// The record named a user who is left to callers now, and the process began anew: the store's credential of that user is nobody's.
func TestAUserWhomTheRecordNamedBeforeIsServedToCallersWhoBringHim(t *testing.T) {
	inWorld(t, func(w *world) {
		tables := w.begin()
		w.tenant.AddUser("second@example.com", "second-password", "CODE")
		w.served("a")
		w.safe.put("main", "second@example.com", "second-password")
		w.passingAs("rmm", "192.0.2.7/32", user)
		w.store.Refresh("main")
		time.Sleep(time.Minute)
		w.served("a")
		w.restart(tables, true)
		w.served("a")
		w.user.SetSecret("brought")
		w.comesIn(user, "brought", 5*time.Minute)
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.HangUp, Only: psatest.SignInCall, User: user, Times: 1})
		w.brings(user, "brought")
		w.comesIn(user, "brought", 5*time.Minute)
	})
}

func TestACallerWithHisOwnSecretDoesNotHearThatTheRecordHasMoved(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser("second@example.com", "second-password", "CODE")
		w.passingAs("rmm", "192.0.2.7/32", user)
		w.served("a")
		w.brings(user, "wrong 0")
		heard := make(chan answer)
		go func() { heard <- w.brings(user, "wrong 1") }()
		time.Sleep(time.Second)
		w.safe.put("main", "second@example.com", "second-password")
		w.store.Refresh("main")
		if a := <-heard; a.status != 503 {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
		w.served("a")
	})
}

func TestTheSameWrongSecretIsSentOnceAlsoUnderAnotherInstallationKey(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.shared.guard.UseKeys([]byte("one"), nil)
		w.passing("rmm", "192.0.2.7/32")
		w.brings(guest, "wrong")
		w.shared.guard.UseKeys([]byte("two"), []byte("one"))
		time.Sleep(time.Hour)
		w.load()
		if a := w.brings(guest, "wrong"); a.reason() != "credential-refused" || len(w.sim.Ledger().Of(guest)) != 1 {
			t.Errorf("%s, sent %d times", a.reason(), len(w.sim.Ledger().Of(guest)))
		}
	})
}

func TestACheckWaitsNoLongerThanTheTryOfABroughtSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.passingAs("rmm", "192.0.2.7/32", user)
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Path: "ThresholdInformation", Delay: 20 * time.Second, Times: 1})
		go w.brings(user, "wrong")
		time.Sleep(time.Second)
		start := time.Now()
		if _, err := w.g.Check(context.Background(), "main"); err != nil || time.Since(start) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}

func TestAKeyOfThisGatewayIsNoIntegrationCode(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		req, err := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("UserName", guest)
		req.Header.Set("Secret", "guest-password")
		req.Header.Set("ApiIntegrationCode", w.keys["a"].Reveal())
		if a, err := w.do(req); err != nil || a.status != 401 || len(w.sim.Ledger().Of(guest)) != 0 {
			t.Errorf("%v %d, %d sign-ins", err, a.status, len(w.sim.Ledger().Of(guest)))
		}
	})
}

// A call that comes before the tables can be asked waits; what it brings is known by the installation's key from then on.
func TestACallThatComesBeforeTheStoreIsOpenIsKnownByTheInstallationsKey(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		tables := w.begin()
		w.brings(guest, "wrong")
		w.end()
		w.shared = NewShared(tables, w.cfg.Log)
		begin := w.shared.Hold()
		w.load()
		later(time.Second, func() { begin([]byte("the same key over restarts"), nil) })
		if a := w.brings(guest, "wrong"); a.reason() != "credential-refused" || len(w.sim.Ledger().Of(guest)) != 1 {
			t.Errorf("%s, sent %d times", a.reason(), len(w.sim.Ledger().Of(guest)))
		}
	})
}

// The only integration that lists the user may call from a network, so that it has to be accepted first. Its first secret is wrong.
func TestOneWrongSecretAtTheVeryBeginningDoesNotKeepTheRightOneOut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.0/24")
		if a := w.brings(guest, "wrong"); a.reason() != "credential-refused" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		w.comesIn(guest, "guest-password", 3*time.Minute)
	})
}

// Where another integration lists the user too, it is the other's units that are at stake.
func TestAStrangersWrongSecretIsHisOnlyOneBesideAnotherIntegration(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.0/24")
		w.passing("stranger", "198.51.100.0/24")
		for i := range 5 {
			w.bringsFrom(stranger, guest, fmt.Sprint("guess ", i))
			time.Sleep(2 * time.Minute)
		}
		if n := len(w.sim.Ledger().Of(guest)); n != 1 {
			t.Errorf("%d of his were sent", n)
		}
		w.comesIn(guest, "guest-password", 3*time.Minute)
	})
}

// After a restart nobody has the proven secret until its caller comes; somebody else of his network brings wrong ones meanwhile.
func TestGuessesAfterARestartLeaveTheProvenCallerHisWayBack(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.0/24")
		tables := w.begin()
		w.brings(guest, "guest-password")
		w.restart(tables, false)
		for i := range 10 {
			w.bringsFrom("192.0.2.9", guest, fmt.Sprint("guess ", i))
			time.Sleep(time.Minute)
		}
		w.comesIn(guest, "guest-password", 2*time.Minute)
		if u.MaxFailedSinceSuccess() > w.cfg.Logins[0].Settings.Budget-1 {
			t.Errorf("%d failed", u.MaxFailedSinceSuccess())
		}
	})
}
