package call

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// elsewhere has another process of the same tables read the record's new version, and prove it where the PSA takes it.
func (w *world) elsewhere(tables guard.Tables, password string, proven bool) {
	w.Helper()
	w.safe.put("main", user, password)
	login := w.g.lanes[0].seat.guard
	fp := w.shared.fingerprint(secret.Credential{UserName: user, Secret: secret.NewValue(password), IntegrationCode: secret.NewValue("CODE")})
	tx, err := tables.Table(login.Key()).Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	r := tx.Rows()
	r.Ranks++
	c := guard.Credential{Fingerprint: fp, Version: "2", Rank: r.Ranks}
	if r.Newest = fp; proven {
		for i := range r.Credentials {
			r.Credentials[i].State = guard.StateSuperseded
		}
		c.State, c.Accepted, r.Last = guard.StateProven, true, fp
	}
	r.Credentials = append(r.Credentials, c)
	if err := tx.Commit(); err != nil {
		w.Fatal(err)
	}
}

func TestWhatAnotherProcessHasProvenIsReadWhenItIsNeeded(t *testing.T) {
	for what, proven := range map[string]bool{"proven": true, "not tried yet": false} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				tables := w.begin()
				w.served("a")
				w.user.SetSecret("new-password")
				w.elsewhere(tables, "new-password", proven)
				begin := time.Now()
				w.served("a")
				if took := time.Since(begin); took > 3*time.Second { // the record is looked at every 15 s
					t.Errorf("served after %v", took)
				}
				if n := w.failed(); proven && n > 0 || n > 1 {
					t.Errorf("%d failed sign-ins", n)
				}
			})
		})
	}
}
