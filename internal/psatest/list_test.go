package psatest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

func TestZonesTenantsAndUsersAreListed(t *testing.T) {
	w := newWorld(t)
	w.sim.Discovery()
	other := w.sim.AddTenant("Other", w.z6)
	admin := other.AddUser("admin@example.com", secret, code)
	if got := w.sim.Zones(); !slices.Equal(got, []*psatest.Zone{w.z5, w.z6}) {
		t.Errorf("zones %v", got)
	}
	if got := w.sim.Tenants(); !slices.Equal(got, []*psatest.Tenant{w.tenant, other}) {
		t.Errorf("tenants %v", got)
	}
	if got := w.sim.Users(); !slices.Equal(got, []*psatest.User{admin, w.user}) {
		t.Errorf("users %v", got)
	}
	if w.sim.User(" API@example.com") != w.user || w.sim.User("nobody") != nil || admin.Tenant() != other {
		t.Error("a user is not found by its name, or has another tenant")
	}
}

func TestTheLatestSignInsComeFirst(t *testing.T) {
	w := newWorld(t)
	for _, s := range []string{secret, "a", "b"} {
		w.sign(w.z5, userName, s)
	}
	for n, want := range map[int]string{0: "", 2: "3 2", 9: "3 2 1"} {
		var got []string
		for _, e := range w.sim.Latest(n) {
			got = append(got, string('0'+rune(e.No)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("the latest %d are %v, want %s", n, got, want)
		}
	}
}

func TestALedgerThatKeepsTheLastCountsAll(t *testing.T) {
	w := newWorld(t)
	w.sim.KeepLedger(8)
	for range 100 {
		w.sign(w.z5, userName, "wrong")
	}
	l := w.sim.Ledger()
	if len(l) < 8 || len(l) > 10 || l[len(l)-1].No != 100 || w.sim.Mark() != 100 || w.user.FailedSinceSuccess() != 100 || w.sim.Requests().Judged != 100 {
		t.Fatalf("%d kept, the last %v, mark %d", len(l), l[len(l)-1], w.sim.Mark())
	}
	for i, e := range l {
		if e.No != 100-len(l)+1+i {
			t.Fatalf("entry %d is number %d", i, e.No)
		}
	}
	if err := w.sim.WaitJudged(t.Context(), 100); err != nil || len(l.Since(98)) != 2 {
		t.Fatalf("%v, %v", err, l.Since(98))
	}
}
