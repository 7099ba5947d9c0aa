package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

const (
	guest       = "guest@example.com"
	guestSecret = "guest-Password-1234"
	wrongSecret = "wrong-Password-5678"
)

// A program brings a credential of its own, then a wrong one: who it is, is named; what was refused is remembered over a kill -9; the
// PSA user is released by its name.
func TestAProgramThatBringsItsOwnSecretIsServedNamedAndRemembered(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "")
	u := w.tenant.AddUser(guest, guestSecret, code)
	w.hide("the guest's secret", guestSecret)
	w.hide("a wrong secret of the guest's", wrongSecret)
	w.caddyfile.psa += "\n\t\tintegration rmm {\n\t\t\tfrom 127.0.0.1\n\t\t\tlogin main\n\t\t\tpassthrough " + guest + "\n\t\t}\n"
	w.start()
	if status, reason := w.bring(guest, wrongSecret); status != http.StatusServiceUnavailable || reason != "credential-refused" {
		t.Errorf("a wrong secret: %d %s", status, reason)
	}
	out, _ := w.ask("failures --login main/" + guest)
	for _, want := range []string{"rmm", "127.0.0.1", "refused", "Give rmm (at 127.0.0.1) the password"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("failures does not say %q:\n%s", want, out)
		}
	}
	w.kill()
	w.start()
	if status, reason := w.bring(guest, wrongSecret); status != http.StatusServiceUnavailable || reason != "credential-refused" || len(w.sim.Ledger().Of(guest)) != 1 {
		t.Errorf("again: %d %s, sent %d times", status, reason, len(w.sim.Ledger().Of(guest)))
	}
	w.says("check main/"+guest, 1, "nothing was sent: callers bring its credentials", "Give rmm (at 127.0.0.1) the password")
	w.says("release --yes main/"+guest, 0)
	w.until("the right secret is taken, a minute after the wrong one", func() bool {
		status, _ := w.bring(guest, guestSecret)
		return status == http.StatusOK
	})
	if u.Locked() || u.MaxFailedSinceSuccess() > 1 || len(w.sim.Ledger().Of(guest).Caused(psatest.CauseWrongSecret)) != 1 {
		t.Errorf("%v", w.sim.Ledger().Of(guest))
	}
}

// bring makes a call with a PSA credential of its own.
func (w *world) bring(userName, password string) (status int, reason string) {
	w.Helper()
	req, err := http.NewRequest("GET", w.url("/ATServicesRest/V1.0/Tickets/1"), nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("UserName", userName)
	req.Header.Set("Secret", password)
	req.Header.Set("ApiIntegrationCode", code)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Psagate-Reason")
}
