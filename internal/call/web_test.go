package call

import (
	"context"
	"errors"
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
