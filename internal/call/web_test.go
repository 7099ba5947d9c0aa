package call

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestPeopleAreSentToTheLoginsZone(t *testing.T) {
	inWorld(t, func(w *world) {
		leads := func(path, query, want string) {
			t.Helper()
			if got, err := w.g.WebLink(context.Background(), "main", path, query); err != nil || got != want {
				t.Errorf("%s?%s leads to %q, %v; want %q", path, query, got, err, want)
			}
		}
		signIns := len(w.sim.Ledger().Of(user))
		leads("/Mvc/X", "a=1", "http://127.0.0.1:5005/Mvc/X?a=1")
		leads("/https://ww3.autotask.net/Mvc/X", "", "http://127.0.0.1:5005/Mvc/X")
		w.tenant.Migrate(w.z6)
		time.Sleep(webFresh + time.Second)
		leads("/Mvc/X", "", "http://127.0.0.1:5006/Mvc/X")
		w.tenant.Migrate(w.z5)
		w.served("a") // a refusal tells of a move at once
		leads("/", "", "http://127.0.0.1:5005/")
		if n := len(w.sim.Ledger().Of(user)) - signIns; n > 2 {
			t.Errorf("%d sign-ins", n)
		}
		if _, err := w.g.WebLink(context.Background(), "other", "/", ""); !errors.Is(err, report.ErrUnknownLogin) {
			t.Errorf("an unknown login: %v", err)
		}
	})
}

func TestPeopleAreSentToAPinnedZone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Logins[0].Zone = "http://127.0.0.1:5005"
		w.load()
		for range 2 {
			if got, err := w.g.WebLink(context.Background(), "main", "/Mvc/X", ""); err != nil || got != "http://127.0.0.1:5005/Mvc/X" {
				t.Errorf("%q, %v", got, err)
			}
			w.z5.Down()
			time.Sleep(2 * webFresh)
		}
	})
}

func TestWithoutAZoneNobodyIsSentAnywhere(t *testing.T) {
	inWorld(t, func(w *world) {
		w.safe.put("main", "nobody@example.com", "password")
		time.Sleep(time.Minute)
		for range 5 {
			if got, err := w.g.WebLink(context.Background(), "main", "/", ""); err == nil {
				t.Errorf("to %q", got)
			}
		}
		if n := strings.Count(w.log.String(), "people cannot be sent"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

func TestAPersonsFailureAsTheLoginsUserIsCountedWithOurs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		fail := func(user string, locked bool) (string, string) {
			return w.g.WebFailed(WebFailure{Login: "main", User: user, Person: "anna", Client: "192.0.2.7", Locked: locked, Sign: "the sign"})
		}
		for _, tc := range [][3]string{{"somebody@example.com", report.UserAnother, ""}, {"", report.UserUnknown, ""}, {" " + strings.ToUpper(user), report.UserLogin, "main"}} {
			if whose, login := fail(tc[0], false); whose != tc[1] || login != tc[2] {
				t.Errorf("%q is %s %s", tc[0], whose, login)
			}
		}
		st := w.g.Status().Logins[0]
		if st.Units.Failed != 1 {
			t.Errorf("units %+v", st.Units)
		}
		f, err := w.g.Failures("", time.Time{})
		if err != nil || len(f.People) != 3 || f.People[2].Person != "anna" || f.People[2].Login != "main" {
			t.Fatalf("%+v, %v", f.People, err)
		}
		if a := f.Logins[0].Attempts; len(a) != 1 || a[0].Integration != report.ByWebUI || a[0].Person != "anna" || a[0].Unit != "failed" || a[0].Forgiven {
			t.Errorf("attempts %+v", a)
		}
		if by := f.Logins[0].UnitsBy; len(by) != 1 || by[0].Forgotten || by[0].Integration != report.ByWebUI {
			t.Errorf("units are of %+v", by)
		}
		if text := fmt.Sprintf("%+v", f); strings.Contains(strings.ToLower(text), user) || strings.Contains(text, "somebody@") {
			t.Errorf("a user name is told: %s", text)
		}
		w.served("a") // which the PSA accepts, and so takes the failure back
		if st := w.g.Status().Logins[0]; st.Units.Failed != 0 {
			t.Errorf("units %+v", st.Units)
		}
		if fail(user, true); w.g.Status().Logins[0].State != report.LoginLocked {
			t.Errorf("state %v", w.g.Status().Logins[0].State)
		}
	})
}

func TestPeoplesRequestsGoToThePSAsHostsAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		for at, meets := range map[string]bool{
			"http://127.0.0.1:5005/Mvc/X": true, "http://127.0.0.2:5005/": false, "http://169.254.169.254/latest": false, "https://example.com/": false,
		} {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, at, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := w.g.WebRoundTrip("main", r)
			if refused := err != nil && strings.Contains(err.Error(), "not a host"); refused == meets {
				t.Errorf("%s: %v", at, err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
		}
		if _, err := w.g.WebRoundTrip("other", nil); !errors.Is(err, report.ErrUnknownLogin) {
			t.Errorf("an unknown login: %v", err)
		}
	})
}
