package call

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// guestName is what the guest is called in reports.
const guestName = "main/" + guest

// guestStatus is how the guest stands, and demands that no secret is in the whole status.
func (w *world) guestStatus() report.LoginStatus {
	w.Helper()
	synctest.Wait()
	s := w.g.Status()
	text, err := json.Marshal(s)
	if err != nil {
		w.Fatal(err)
	}
	for _, secret := range []string{"guest-password", "wrong-password", "CODE"} {
		if strings.Contains(string(text), secret) {
			w.Errorf("a secret is in %s", text)
		}
	}
	i := slices.IndexFunc(s.Logins, func(l report.LoginStatus) bool { return l.Name == guestName })
	if i < 0 {
		w.Fatalf("it is not in the status: %s", text)
	}
	return s.Logins[i]
}

func TestOperatorsSeeWhoBringsWhichSecret(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		if st := w.guestStatus(); st.State != report.LoginIdle || st.Brought != nil {
			t.Errorf("before any call: %+v", st)
		}
		w.brings(guest, "guest-password")
		time.Sleep(time.Hour)
		w.brings(guest, "wrong-password")
		st := w.guestStatus()
		if len(st.Brought) != 2 || st.State != report.LoginServing || st.Units.Failed != 1 || st.Zone != zoneFive {
			t.Fatalf("%+v", st)
		}
		good, wrong := st.Brought[0], st.Brought[1]
		if good.State != "proven" || good.Integration != "rmm" || good.Client != "192.0.2.7" || good.AcceptedAt == nil || wrong.State != "refused" || wrong.TriedAt == nil {
			t.Errorf("%+v", st.Brought)
		}
		f := w.allFailures(guestName)
		if len(f.Logins) != 1 || len(f.Logins[0].Attempts) != 1 {
			t.Fatalf("%+v", f.Logins)
		}
		a := f.Logins[0].Attempts[0]
		if a.Login != guestName || a.Integration != "rmm" || a.Own != "bring" || a.Client != "192.0.2.7" || a.Fingerprint != wrong.Fingerprint || a.Version != 0 {
			t.Errorf("%+v", a)
		}
		if uses := f.Logins[0].Uses; len(uses) != 1 || uses[0].Fingerprint != good.Fingerprint || uses[0].By[0].Integration != "rmm" {
			t.Errorf("uses %+v", uses)
		}
		n.events(t, Happening{Event: CredentialAccepted, Login: guestName, Integration: "rmm", Zone: zoneFive})
		if all := w.allFailures(""); len(all.Logins) != 2 {
			t.Errorf("%d in all", len(all.Logins))
		}
	})
}

// After several calls without an answer the last unit waits for an hour; a check of the user's name ends that, and says what it does.
func TestACheckEndsAGuestsWaitForTheLastUnit(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		w.brings(guest, "guest-password")
		order := w.sim.Fault(psatest.Fault{At: psatest.Judged, Delay: time.Second, Then: psatest.Reset, Path: "/Tickets"})
		probes := w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset, Only: psatest.SignInCall})
		parallel(3, func(int) { w.brings(guest, "guest-password") })
		w.brings(guest, "guest-password")
		order.Release()
		probes.Release()
		time.Sleep(2 * time.Minute)
		if st := w.guestStatus(); st.State != report.LoginGateShut || st.Units.Free != 1 || st.Gate.RetryAt == nil || time.Until(*st.Gate.RetryAt) < 30*time.Minute {
			t.Fatalf("%+v %+v", st, st.Gate.RetryAt)
		}
		if a := w.brings(guest, "guest-password"); a.status != 503 {
			t.Errorf("status %d before a check", a.status)
		}
		r, err := w.g.Check(w.Context(), guestName)
		if err != nil || r.OK || !strings.Contains(r.Steps[1].Detail, "its gate was shut") {
			t.Errorf("%+v %v", r, err)
		}
		if a := w.brings(guest, "guest-password"); a.status != 200 {
			t.Errorf("status %d after a check: %s", a.status, a.body)
		}
		if r, err := w.g.Check(w.Context(), guestName); err != nil || !r.OK {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestAGuestWhomOthersLockedIsReleasedByName(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		u := w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		w.brings(guest, "guest-password")
		synctest.Wait() // what is told of it is told beside the call
		w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Then: psatest.Answer, Body: errorsJSON("The user account has been locked"), Times: 1})
		if a := w.brings(guest, "guest-password"); a.reason() != "login-locked" {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
		st := w.guestStatus()
		if st.State != report.LoginLocked || !strings.Contains(st.Advice, "psagate release "+guestName) {
			t.Errorf("%s: %s", st.State, st.Advice)
		}
		w.served("a")
		n.events(t, Happening{Event: CredentialAccepted, Login: guestName, Integration: "rmm", Zone: zoneFive},
			Happening{Event: CredentialRefused, Login: guestName, Integration: "rmm", Zone: zoneFive},
			Happening{Event: LoginLocked, Login: guestName, Integration: "rmm", Zone: zoneFive},
			Happening{Event: CredentialAccepted, Login: "main", Version: "1", Zone: zoneFive})
		u.Unlock()
		if err := w.g.Release(guestName, st.Seq, nil); err != nil {
			t.Fatal(err)
		}
		if a := w.brings(guest, "guest-password"); a.status != 200 {
			t.Errorf("after the release: %d %s %s", a.status, a.reason(), a.body)
		}
		synctest.Wait()
		if st = w.guestStatus(); st.State != report.LoginServing {
			t.Errorf("%s", st.State)
		}
		if last := n.happened[len(n.happened)-1]; last.Event != LoginRecovered || last.Login != guestName {
			t.Errorf("last: %+v", last)
		}
	})
}

func TestAfterARestartARefusedSecretIsRememberedAndAProvenOneIsAskedAboutFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		tables := w.begin()
		w.brings(guest, "guest-password")
		time.Sleep(time.Hour)
		w.brings(guest, "wrong-password")
		time.Sleep(time.Hour)
		before := len(w.sim.Ledger().Of(guest))
		w.restart(tables, false)
		if a := w.brings(guest, "wrong-password"); a.reason() != "credential-refused" || len(w.sim.Ledger().Of(guest)) != before {
			t.Errorf("the refused one: %d %s, sent %d times", a.status, a.reason(), len(w.sim.Ledger().Of(guest))-before)
		}
		for want := 2; want <= 3; want++ {
			if a := w.brings(guest, "guest-password"); a.status != 200 || len(w.sim.Ledger().Of(guest)) != before+want {
				t.Errorf("the proven one: %d %s, %d sign-ins since, want %d", a.status, a.reason(), len(w.sim.Ledger().Of(guest))-before, want)
			}
		}
		if first := w.sim.Ledger().Of(guest)[before]; !strings.HasSuffix(first.Path, "/ThresholdInformation") {
			t.Errorf("first came %s", first.Path)
		}
	})
}

func TestPassThroughAndAPoolDoNotGoTogether(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Pools = []Pool{{Name: "crew", Logins: []string{"main"}}}
		w.passing("rmm", "192.0.2.7/32")
		cfg := w.cfg
		cfg.Integrations = slices.Clone(cfg.Integrations)
		cfg.Integrations[len(cfg.Integrations)-1].Login = "crew"
		if g, err := New(cfg, w.shared); err == nil || !strings.Contains(err.Error(), "integration rmm: passthrough needs a login") {
			t.Errorf("%v", err)
			g.Close()
		}
	})
}
