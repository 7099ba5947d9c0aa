package call

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/identity"
)

// guest is a PSA user whom no login of the config has.
const guest = "alice@example.com"

// passing adds an integration whose callers bring credentials of the guest, from the address that the tests call from.
func (w *world) passing(name, from string) { w.passingAs(name, from, guest) }

func (w *world) passingAs(name, from, user string) {
	w.cfg.Integrations = append(w.cfg.Integrations, Integration{Integration: identity.Integration{
		Name: name, Login: "main", From: []netip.Prefix{netip.MustParsePrefix(from)}, PassThrough: map[string]string{user: user},
	}})
	w.load()
}

// brings makes a call that brings a PSA credential.
func (w *world) brings(userName, password string) answer {
	w.Helper()
	return w.bringsFrom("192.0.2.7", userName, password)
}

func (w *world) bringsFrom(address, userName, password string) answer {
	w.Helper()
	req, err := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("UserName", userName)
	req.Header.Set("Secret", password)
	req.Header.Set("ApiIntegrationCode", "CODE")
	req.Header.Set(clientHeader, address)
	a, err := w.do(req)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) secretsUnseen(secrets ...string) {
	w.Helper()
	synctest.Wait()
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) {
			w.Errorf("the log has %q:\n%s", s, w.log)
		}
	}
}

func TestACallerWithHisOwnCredentialIsServedWithItHoweverHeSpellsHisName(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		for _, name := range []string{guest, strings.ToUpper(guest)} {
			if a := w.brings(name, "guest-password"); a.status != 200 {
				t.Errorf("%s: %d %s %s", name, a.status, a.reason(), a.body)
			}
		}
		if a := w.brings("nobody@example.com", "guest-password"); a.status != 401 || a.reason() != "" {
			t.Errorf("a user whom nobody lists: %d %q, want the bare 401", a.status, a.reason())
		}
		if n := len(w.sim.Ledger().Of(user).Failed()); n != 0 || u.Locked() {
			t.Errorf("%d failed", n)
		}
		w.served("a")
		w.secretsUnseen("guest-password")
	})
}

func TestTheSameWrongSecretOfACallerIsSentOnceAlsoAfterAReload(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		for i := range 5 {
			if a := w.brings(guest, "wrong-password"); a.status != 503 || a.reason() != "credential-refused" {
				t.Errorf("call %d: %d %s %s", i, a.status, a.reason(), a.body)
			}
			time.Sleep(time.Hour)
		}
		w.load()
		w.brings(guest, "wrong-password")
		if n := len(w.sim.Ledger().Of(guest).Failed()); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
		if a := w.brings(guest, "guest-password"); a.status != 200 {
			t.Errorf("the right one: %d %s %s", a.status, a.reason(), a.body)
		}
		w.secretsUnseen("wrong-password", "guest-password")
	})
}

func TestAThousandGuessesNeitherLockTheUserNorKeepTheProvenCallerOut(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.0/24")
		if a := w.brings(guest, "guest-password"); a.status != 200 {
			t.Fatalf("%d %s %s", a.status, a.reason(), a.body)
		}
		for round := range 10 {
			later(0, func() {
				parallel(100, func(i int) { w.brings(guest, fmt.Sprintf("guess-%d-%d", round, i)) })
			})
			for range 20 {
				time.Sleep(10 * time.Second)
				if a := w.brings(guest, "guest-password"); a.status != 200 {
					t.Fatalf("round %d: the proven caller hears %d %s %s", round, a.status, a.reason(), a.body)
				}
			}
		}
		failed := len(w.sim.Ledger().Of(guest).Failed())
		if u.Locked() || u.MaxFailedSinceSuccess() > w.cfg.Logins[0].Settings.Budget || failed == 0 {
			t.Errorf("locked %v, %d failed at most since a success, %d in all", u.Locked(), u.MaxFailedSinceSuccess(), failed)
		}
		w.secretsUnseen("guess-", "guest-password")
	})
}

func TestACallersRotationGoesThrough(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		w.brings(guest, "guest-password")
		time.Sleep(2 * time.Minute)
		u.SetSecret("next-password")
		if a := w.brings(guest, "guest-password"); a.status != 503 || a.reason() != "credential-refused" {
			t.Errorf("the old one: %d %s", a.status, a.reason())
		}
		if a := w.brings(guest, "next-password"); a.status != 200 {
			t.Errorf("the new one: %d %s %s", a.status, a.reason(), a.body)
		}
	})
}

func TestACallerWhoBringsTheLoginsUserSharesItsBudget(t *testing.T) {
	inWorld(t, func(w *world) {
		w.passingAs("rmm", "192.0.2.7/32", user)
		w.served("a")
		if a := w.brings(user, "old-password"); a.status != 200 {
			t.Errorf("the login's own content: %d %s %s", a.status, a.reason(), a.body)
		}
		for i := range 10 {
			w.brings(user, fmt.Sprint("wrong ", i))
			w.served("a")
			time.Sleep(time.Minute)
		}
		w.safeNow()
	})
}
