package e2e

import (
	"net/http"
	"testing"
	"time"
)

// The password is changed at the PSA first, while callers of each process call all the time: what one process hears the
// others act by.
func TestARefusalReachesTheOtherProcessesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, 1)
	l := f.logins[0]
	var all []*callers
	for _, r := range f.replicas {
		all = append(all, r.callOnAs(l.name, 5))
	}
	time.Sleep(2 * time.Second)
	mark := f.sim.Mark()
	password := l.next(f)
	l.user.SetSecret(password)
	time.Sleep(5 * time.Second)
	failed := f.sim.Ledger().Since(mark).Failed()
	if len(failed) == 0 {
		t.Fatal("nothing was refused")
	}
	// Those in flight, of all processes together; and one recheck, where fewer than three of them had come back.
	const inFlight = fleetBudget - 2
	last := failed[len(failed)-1].At.Sub(failed[0].At)
	t.Logf("%d failed sign-ins, the last one %v after the first", len(failed), last.Round(time.Millisecond))
	if len(failed) > inFlight+1 || last > time.Second {
		t.Errorf("failed sign-ins: %v", failed)
	}
	parallel(len(f.replicas), func(i int) {
		if came := whatCame(http.DefaultClient, f.replicas[i].request(l.name, "GET", "/Tickets/1", nil)); came != "credential-refused" {
			t.Errorf("a process that others told of the refusal answers %s", came)
		}
	})
	f.save(l.name, password)
	begin := time.Now()
	for _, r := range f.replicas {
		f.untilFleet("each process serves the new password", func() bool {
			return whatCame(http.DefaultClient, r.request(l.name, "GET", "/Tickets/1", nil)) == "ticket"
		})
	}
	t.Logf("all serve %v after the store's change", time.Since(begin).Round(time.Millisecond))
	for i, c := range all {
		t.Logf("calls of process %d: %v", i, c.stop())
	}
	f.unharmed()
}
