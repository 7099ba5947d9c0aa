package psatest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/psatest"
)

func TestASignInIsRefusedAlikeForEveryCause(t *testing.T) {
	type creds [3]string
	for name, tc := range map[string]struct {
		creds creds
		cause psatest.Cause
		count int
	}{
		"a wrong secret":                       {creds{userName, "nope", code}, psatest.CauseWrongSecret, 1},
		"an unknown user":                      {creds{"nobody@example.com", secret, code}, psatest.CauseUnknownUser, 0},
		"a wrong integration code":             {creds{userName, secret, "OTHER"}, psatest.CauseWrongCode, 1},
		"no headers at all":                    {creds{}, psatest.CauseMissing, 0},
		"no secret for a known user":           {creds{userName, "", code}, psatest.CauseMissing, 1},
		"no integration code for a known user": {creds{userName, secret, ""}, psatest.CauseMissing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := ask(w.z5, request("GET", "/ATServicesRest/V1.0/Tickets/1", "", tc.creds[:]...))
			wantBare401(t, r, "zone5.test")
			l := w.sim.Ledger()
			if len(l) != 1 || l[0].Cause != tc.cause || l[0].Count != tc.count || w.user.FailedSinceSuccess() != tc.count {
				t.Fatalf("want one sign-in, cause %s, count %d; ledger %v", tc.cause, tc.count, l)
			}
		})
	}
}

func wantBare401(t *testing.T, r reply, host string) {
	t.Helper()
	if r.status != 401 || r.body != "" || r.header.Get("Content-Length") != "0" ||
		r.header.Get("WWW-Authenticate") != `Basic Realm="`+host+`"` {
		t.Fatalf("not the bare 401 of %s: %+v", host, r)
	}
}

func TestAUserLocksAtTheSeventhFailureAndStaysLockedUntilUnlock(t *testing.T) {
	w := newWorld(t)
	for i := 1; i <= 7; i++ {
		if w.user.Locked() {
			t.Fatalf("locked before failure %d", i)
		}
		w.sign(w.z5, userName, "wrong")
	}
	if !w.user.Locked() {
		t.Fatal("not locked after 7 failures")
	}
	wantBare401(t, w.do("GET", "Version", ""), "zone5.test")
	if l := w.sim.Ledger(); l[7].Cause != psatest.CauseLocked || l[7].Count != 8 || !l[6].Locked || l[5].Locked {
		t.Fatalf("a right secret on a locked user must be refused and must not reset: %v", l)
	}
	w.user.Unlock()
	if got := w.sign(w.z5, userName, secret); got != 200 || w.user.FailedSinceSuccess() != 0 {
		t.Fatalf("after Unlock: status %d, count %d", got, w.user.FailedSinceSuccess())
	}
	if w.user.MaxFailedSinceSuccess() != 8 {
		t.Fatalf("the high-water mark must outlive Unlock: %d", w.user.MaxFailedSinceSuccess())
	}
}

func TestTheThresholdCanBeSet(t *testing.T) {
	w := newWorld(t)
	w.tenant.SetLockThreshold(2)
	w.sign(w.z5, userName, "wrong")
	w.sign(w.z5, userName, "wrong")
	if !w.user.Locked() {
		t.Fatal("not locked at a threshold of 2")
	}
}

func TestASuccessResetsUnlessTheTenantSaysOtherwise(t *testing.T) {
	for name, tc := range map[string]struct {
		resets bool
		want   int
	}{"resets": {true, 0}, "does not reset": {false, 2}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.tenant.SetResetOnSuccess(tc.resets)
			w.sign(w.z5, userName, "wrong")
			w.sign(w.z5, userName, "wrong")
			w.sign(w.z5, userName, secret)
			if got := w.user.FailedSinceSuccess(); got != tc.want {
				t.Fatalf("count after a success: %d, want %d", got, tc.want)
			}
		})
	}
}

func TestAllSpellingsAndZonesShareOneCounter(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{userName, "API@Example.COM", "  api@example.com "} {
		w.sign(w.z5, name, "wrong")
		w.sign(w.z6, name, "wrong")
	}
	if got := w.user.FailedSinceSuccess(); got != 6 {
		t.Fatalf("count %d, want 6", got)
	}
	if got := len(w.sim.Ledger().Of("API@EXAMPLE.COM")); got != 6 {
		t.Fatalf("%d sign-ins found for the user, want 6", got)
	}
}

func TestHeadersCountInAnySpellingAndTwiceIsWrong(t *testing.T) {
	w := newWorld(t)
	r := request("GET", "/ATServicesRest/V1.0/Version", "")
	r.Header = http.Header{}
	for k, v := range map[string]string{"ApiIntegrationcode": code, "USERNAME": userName, "secret": secret} {
		r.Header.Add(k, v)
	}
	if got := ask(w.z5, r); got.status != 200 {
		t.Fatalf("odd spellings: status %d", got.status)
	}
	r.Header.Add("Secret", secret)
	if got := ask(w.z5, r); got.status != 401 {
		t.Fatalf("two Secret headers: status %d", got.status)
	}
}

func TestAWrongZoneAnswersAsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		zone   psatest.WrongZone
		free   bool
		status int
		count  int
	}{
		"refuses and counts":             {psatest.WrongZoneRefuse, false, 401, 1},
		"refuses for free":               {psatest.WrongZoneRefuse, true, 401, 0},
		"forwards":                       {psatest.WrongZoneForward, false, 200, 0},
		"redirects and counts":           {psatest.WrongZoneRedirect, false, 307, 1},
		"redirects without a lost count": {psatest.WrongZoneRedirect, true, 307, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.WrongZone, b.WrongZoneFree = tc.zone, tc.free })
			r := ask(w.z6, request("GET", "/ATServicesRest/V1.0/Tickets/1?x=1", "", userName, secret, code))
			if r.status != tc.status || w.user.FailedSinceSuccess() != tc.count {
				t.Fatalf("status %d, count %d; want %d, %d", r.status, w.user.FailedSinceSuccess(), tc.status, tc.count)
			}
			if tc.status == 401 {
				wantBare401(t, r, "zone6.test")
			}
			if got := r.header.Get("Location"); tc.status == 307 && got != "http://zone5.test/ATServicesRest/V1.0/Tickets/1?x=1" {
				t.Fatalf("redirected to %q", got)
			}
			if len(w.sim.Ledger()) != 1 {
				t.Fatal("a sign-in at a wrong zone is a sign-in")
			}
		})
	}
}

func TestATenantMovesWhileItRuns(t *testing.T) {
	w := newWorld(t)
	w.tenant.Migrate(w.z6)
	if a, b := w.sign(w.z5, userName, secret), w.sign(w.z6, userName, secret); a != 401 || b != 200 {
		t.Fatalf("old zone %d, new zone %d", a, b)
	}
	r := ask(w.z5, request("GET", "/ATServicesRest/V1.0/zoneInformation?user="+userName, ""))
	if got := r.json(t)["url"]; got != "http://zone6.test/ATServicesRest/" {
		t.Fatalf("the lookup still says %v", got)
	}
}

func TestASecretIsLabelledButNeverTold(t *testing.T) {
	w := newWorld(t)
	w.sign(w.z5, userName, secret)
	w.sign(w.z5, userName, "mistyped-secret")
	w.user.SetSecret("next-secret")
	w.sign(w.z5, userName, secret)
	w.sign(w.z5, userName, "next-secret")
	w.sign(w.z5, userName, "mistyped-secret")
	var got []string
	for _, e := range w.sim.Ledger() {
		got = append(got, e.Secret.String())
	}
	if want := "current#1 unknown#2 previous#1 current#3 unknown#2"; strings.Join(got, " ") != want {
		t.Fatalf("labels %v, want %s", got, want)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %+v", w.sim.Ledger(), w.sim.Ledger(), w.sim.Ledger(), w.user, *w.user)
	for _, s := range []string{secret, "mistyped-secret", "next-secret", code} {
		if strings.Contains(printed, s) {
			t.Fatalf("%q was printed", s)
		}
	}
}

func TestAStampedeIsCountedWhole(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() { w.sign(w.z5, userName, "dead") })
	}
	wg.Wait()
	l := w.sim.Ledger()
	if len(l) != 64 || w.user.MaxFailedSinceSuccess() != 64 || len(l.Caused(psatest.CauseWrongSecret)) != 7 || len(l.Caused(psatest.CauseLocked)) != 57 {
		t.Fatalf("64 calls: %d entries, mark %d", len(l), w.user.MaxFailedSinceSuccess())
	}
	for i, e := range l {
		if e.No != i+1 || e.Count != i+1 {
			t.Fatalf("entry %d out of order: %v", i, e)
		}
	}
}

func TestTheLedgerAloneTellsEveryCounter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		resets := rapid.Bool().Draw(rt, "resets")
		w.tenant.SetResetOnSuccess(resets)
		count, most, seen := 0, 0, 0
		rt.Repeat(map[string]func(*rapid.T){
			"sign in": func(rt *rapid.T) {
				z := rapid.SampledFrom([]*psatest.Zone{w.z5, w.z6}).Draw(rt, "zone")
				w.sign(z, userName, rapid.SampledFrom([]string{secret, "wrong", ""}).Draw(rt, "secret"))
			},
			"unlock":  func(*rapid.T) { w.user.Unlock(); count = 0 },
			"migrate": func(rt *rapid.T) { w.tenant.Migrate(rapid.SampledFrom([]*psatest.Zone{w.z5, w.z6}).Draw(rt, "to")) },
			"": func(rt *rapid.T) {
				for _, e := range w.sim.Ledger().Since(seen) {
					seen++
					switch {
					case !e.OK():
						count++
						most = max(most, count)
					case resets:
						count = 0
					}
					if e.Count != count {
						rt.Fatalf("the ledger says %v, replayed it is %d", e, count)
					}
				}
				if w.user.FailedSinceSuccess() != count || w.user.MaxFailedSinceSuccess() != most || w.user.Locked() != (count >= 7) {
					rt.Fatalf("count %d, most %d, locked %v; replayed %d, %d", w.user.FailedSinceSuccess(), w.user.MaxFailedSinceSuccess(), w.user.Locked(), count, most)
				}
				if got := w.sim.Requests().Judged; got != seen {
					rt.Fatalf("zones judged %d, ledger has %d", got, seen)
				}
			},
		})
	})
}

func TestTwoUsersCannotShareAName(t *testing.T) {
	w := newWorld(t)
	defer func() {
		if recover() == nil {
			t.Error("the second user was taken")
		}
	}()
	w.sim.AddTenant("Other", w.z6).AddUser(" API@example.com", "s", "c")
}
