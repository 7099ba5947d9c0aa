package call

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// What status says of when a refused credential is tried again comes true, each time, until one unit is left.
func TestStatusSaysWhenARefusedCredentialIsTriedAgainAndNotWhereItNeverIs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.user.SetSecret("new-password")
		w.call("a", "GET", "/Tickets/1", "")
		stands := func() report.LoginStatus {
			l := w.g.Status().Logins[0]
			if l.State != report.LoginRefused || l.Newest == nil {
				t.Fatalf("%+v", l)
			}
			return l
		}
		rechecks := 0
		for l := stands(); l.Newest.RecheckAt != nil; l = stands() {
			before := w.failed()
			time.Sleep(time.Until(*l.Newest.RecheckAt) + time.Second)
			w.call("a", "GET", "/Tickets/1", "")
			if rechecks++; w.failed() != before+1 {
				t.Fatalf("%d failed at the time of recheck %d, %d before", w.failed(), rechecks, before)
			}
		}
		l, before := stands(), w.failed()
		if l.Units.Free != 1 || rechecks == 0 {
			t.Errorf("after %d rechecks: %+v", rechecks, l.Units)
		}
		time.Sleep(3 * 24 * time.Hour)
		w.call("a", "GET", "/Tickets/1", "")
		if w.failed() != before {
			t.Errorf("it was tried again, which status did not say")
		}
		w.safeNow()
	})
}
