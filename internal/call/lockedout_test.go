package call

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// noticed is a notice that was written now.
func noticed() LockoutNotice {
	return LockoutNotice{
		Mailbox: "support", Users: []string{"API@example.com"}, At: time.Now(), Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.7")}, AddressesKnown: true,
	}
}

func TestALockoutNoticeLocksTheLoginUntilItIsReleased(t *testing.T) {
	inNotedWorld(t, func(w *world, heard *notes) {
		w.served("a")
		time.Sleep(time.Second)
		n := noticed()
		lock := func() {
			t.Helper()
			if err := w.g.Lockout(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		lock()
		lock() // told once more, as after a crash
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "login-locked" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		l := w.g.Status().Logins[0]
		if l.State != report.LoginLocked || l.Units.Free != l.Units.Budget || len(l.Problems) != 1 || !strings.Contains(l.Problems[0], "another program signs in as this user") {
			t.Errorf("%+v", l)
		}
		f, err := w.g.Failures("main", time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if all := f.Logins[0].Attempts; len(all) != 1 || all[0].Integration != report.ByLockoutMail || !strings.Contains(all[0].Said, "203.0.113.7, which is not ours") {
			t.Errorf("%+v", all)
		}
		if err := w.g.Release("main", l.Seq, nil); err != nil {
			t.Fatal(err)
		}
		w.served("a")
		if l := w.g.Status().Logins[0]; len(l.Problems) > 0 {
			t.Errorf("%+v", l.Problems)
		}
		lock() // the notice is found once more
		w.served("a")
		n.At = time.Now().Add(-2 * noticeFor)
		lock()
		w.served("a")
		n.At, n.Users = time.Now().Add(time.Second), []string{"somebody@example.com"}
		lock()
		w.served("a")
		if got := heard.ofNotices(); got != "locked was-locked stale stale" {
			t.Errorf("told %q", got)
		}
		if w.failed() != 0 {
			t.Error("a sign-in failed")
		}
	})
}

// A sign-in that the PSA takes after a notice was written shows that its lock is over, whoever ended that.
func TestANoticeFromBeforeTheLastSuccessChangesNothing(t *testing.T) {
	inNotedWorld(t, func(w *world, _ *notes) {
		w.served("a")
		n := noticed()
		time.Sleep(time.Second)
		w.served("a")
		if err := w.g.Lockout(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		w.served("a")
		if l := w.g.Status().Logins[0]; l.State != report.LoginServing {
			t.Errorf("%+v", l)
		}
		if got := w.g.UserNames(); len(got) != 1 || got[0] != user {
			t.Errorf("user names %q", got)
		}
	})
}

func TestANoticeSaysWhoseAddressItNames(t *testing.T) {
	n := noticed()
	for want, change := range map[string]func(*LockoutNotice){
		"which is not ours":                                 func(*LockoutNotice) {},
		"which is ours: this gateway":                       func(n *LockoutNotice) { n.Ours = true },
		"whether that is ours is not known":                 func(n *LockoutNotice) { n.AddressesKnown = false },
		"says that the user is locked; it names no address": func(n *LockoutNotice) { n.Addresses, n.AddressesKnown = nil, false },
	} {
		of := n
		if change(&of); !strings.Contains(of.words(), want) {
			t.Errorf("%q does not say %q", of.words(), want)
		}
	}
}

// ofNotices are what the notices came to that were told of.
func (n *notes) ofNotices() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, h := range n.happened {
		if h.Event == LockoutNoticed {
			all = append(all, h.Done)
		}
	}
	return strings.Join(all, " ")
}
