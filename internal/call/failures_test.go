package call

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// failures reports what failed in the last day, of the one login, and demands that no secret is in it.
func (w *world) failures() report.LoginFailures {
	w.Helper()
	f := w.allFailures("main")
	if len(f.Logins) != 1 {
		w.Fatalf("%d logins", len(f.Logins))
	}
	return f.Logins[0]
}

func (w *world) allFailures(login string) report.Failures {
	w.Helper()
	synctest.Wait()
	f, err := w.g.Failures(login, time.Now().Add(-24*time.Hour))
	if err != nil {
		w.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range []string{"old-password", "new-password", "CODE", w.keys["a"].Reveal(), w.keys["b"].Reveal()} {
		if strings.Contains(string(text), s) {
			w.Errorf("a secret is in %s", text)
		}
	}
	return f
}

// lines are a login's attempts in short, without their times.
func attemptLines(l report.LoginFailures) (all []string) {
	for _, a := range l.Attempts {
		who, unit := a.Integration+" "+a.Key+" "+a.Client, a.Unit
		if a.Integration == "" {
			who = "own " + a.Own
		}
		if a.Forgiven {
			unit += " forgiven"
		}
		all = append(all, strings.Join([]string{who, a.Action, a.Entity, versionText(a.Version), a.Verdict, unit}, " "))
	}
	return all
}

func versionText(v uint64) string { return "v" + string(rune('0'+v)) }

// failed demands a login's attempts that failed.
func (w *world) failedAre(want ...string) report.LoginFailures {
	w.Helper()
	l := w.failures()
	if got := attemptLines(l); !slices.Equal(got, want) {
		w.Errorf("failed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return l
}

func (w *world) from(integration string) string {
	return integration + " " + w.keys[integration].Hash().ID() + " 192.0.2.7"
}

// others are programs outside the gateway that sign in with a wrong password.
func (w *world) others(n int) {
	w.Helper()
	outside := &http.Client{Transport: &http.Transport{DialContext: w.net.DialContext, DisableKeepAlives: true}}
	for range n {
		r, err := http.NewRequest("GET", zoneFive+"V1.0/Tickets/1", nil)
		if err != nil {
			w.Fatal(err)
		}
		r.Header.Set("UserName", user)
		r.Header.Set("Secret", "theirs")
		r.Header.Set("ApiIntegrationCode", "CODE")
		resp, err := outside.Do(r)
		if err != nil {
			w.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

// One integration asks for what the PSA refuses its user: it is named, with its key, its address and the operation.
func TestTheIntegrationWithTheWrongOperationIsNamed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("b")
		if l := w.failedAre(); l.Next != "Nothing: no attempt failed." || len(l.By) != 0 {
			t.Errorf("next %q, by %+v", l.Next, l.By)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Companies", Times: 1})
		w.call("a", "GET", "/Companies/1", "")
		w.served("b")
		l := w.failedAre(w.from("a") + " read Companies v1 refused failed forgiven")
		if a := l.Attempts[0]; a.Zone != zoneFive || a.Said != "401 with a Basic challenge" || a.Login != "main" || a.OtherUser || a.WrongZone {
			t.Errorf("%+v", a)
		}
		if l.State != report.LoginServing || len(l.By) != 1 || l.By[0].Integration != "a" || l.By[0].Refused != 1 || l.FailedSinceSuccess != 0 || l.Outside != "" {
			t.Errorf("%+v", l)
		}
		if !strings.HasPrefix(l.Next, "Give the PSA user the right to read Companies, or have a stop it") {
			t.Errorf("next %q", l.Next)
		}
		time.Sleep(16 * time.Minute) // it may ask again, and what it did is still known
		if l = w.failures(); !strings.HasPrefix(l.Next, "See whether the PSA user may read Companies: the PSA refused it to a") {
			t.Errorf("later, next %q", l.Next)
		}
		if none, err := w.g.Failures("", time.Now().Add(-time.Minute)); err != nil || none.Any() || len(none.Logins) != 1 {
			t.Errorf("in the last minute: %+v, %v", none, err)
		}
	})
}

// Other programs lock the user: nothing changed here, and what failed of ours is too little for that.
func TestALockFromOutsideIsToldFromOurs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("b")
		w.others(7)
		if !w.user.Locked() {
			t.Fatal("not locked")
		}
		w.call("a", "GET", "/Tickets/1", "")
		l := w.failedAre(w.from("a")+" read Tickets v1 refused failed", "own recheck read ThresholdInformation v1 refused failed")
		if l.State != report.LoginRefused || l.FailedSinceSuccess != 2 || l.LastSuccessAt == nil ||
			!strings.Contains(l.Outside, "the store has nothing newer, and only 2 of ours failed since the last success") {
			t.Errorf("%+v", l)
		}
		if !strings.HasPrefix(l.Next, "See in the PSA whether the user is locked") {
			t.Errorf("next %q", l.Next)
		}
		w.user.Unlock()
		if err := w.g.Release("main", w.g.Status().Logins[0].Seq, nil); err != nil {
			t.Fatal(err)
		}
		if l := w.failures(); l.FailedSinceSuccess != 0 || !l.Attempts[0].Forgiven {
			t.Errorf("released: %+v", l)
		}
		w.served("a")
		if l := w.failures(); l.Outside != "" || l.State != report.LoginServing {
			t.Errorf("served again: %+v", l)
		}
	})
}

func TestALockThatThePSASaysIsToldWithItsWords(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("b")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["The user account of 'x' and its password old-password has been locked."]}`})
		w.call("a", "GET", "/Tickets/1", "")
		l := w.failedAre(w.from("a") + " read Tickets v1 locked failed")
		if said := l.Attempts[0].Said; said != "500: The user account of and its password [redacted] has been locked." {
			t.Errorf("said %q", said)
		}
		if !strings.HasPrefix(l.Outside, "the PSA says locked, and only 1 of ours failed since the last success") || !strings.HasSuffix(l.Next, "psagate release main") {
			t.Errorf("outside %q, next %q", l.Outside, l.Next)
		}
	})
}

func TestACallWithoutAnAnswerIsFollowedUntilItIsForgiven(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("b")
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp, Times: 1})
		w.call("a", "POST", "/Tickets/query", `{"filter":[]}`)
		line := w.from("a") + " query Tickets v1 no-answer "
		l := w.failedAre(line + "lost")
		if l.Attempts[0].Said != "nothing: the connection broke off" || l.State != report.LoginGateShut || l.By[0].Unanswered != 1 {
			t.Errorf("%+v", l)
		}
		w.served("b")
		w.failedAre(line + "lost") // no success forgives it yet
		time.Sleep(2 * time.Minute)
		w.failedAre(line + "unknown")
		w.served("b")
		if l := w.failedAre(line + "unknown forgiven"); !strings.HasPrefix(l.Next, "Nothing here, as calls are served again") {
			t.Errorf("next %q", l.Next)
		}
		for status, said := range map[int]string{502: "502 without a text of the PSA's", 401: "401 without the PSA's challenge: something in between answered"} {
			w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: status, Times: 1})
			w.call("a", "GET", "/Tickets/1", "")
			if all := w.failures().Attempts; all[len(all)-1].Said != said {
				t.Errorf("%d: %+v", status, all[len(all)-1])
			}
			w.served("b")
		}
	})
}

// The store is changed first: who would stop if the old password went away is named, and who has the new one, later.
func TestARotationShowsWhoUsesWhichVersion(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.served("b")
		w.safe.put("main", user, "new-password")
		time.Sleep(onePoll)
		w.served("a")
		l := w.failedAre("own first-try read ThresholdInformation v2 refused failed forgiven")
		if len(l.Uses) != 1 || l.Uses[0].Version != 1 || len(l.Uses[0].By) != 2 || l.Uses[0].By[0].Integration != "a" || time.Since(l.Uses[0].By[0].LastAt) > time.Second {
			t.Errorf("uses %+v", l.Uses)
		}
		if !strings.HasPrefix(l.Next, "Change the password in the PSA too: version 2") {
			t.Errorf("next %q", l.Next)
		}
		w.user.SetSecret("new-password")
		w.served("a")
		l = w.failures()
		if len(l.Uses) != 2 || l.Uses[0].Version != 2 || len(l.Uses[0].By) != 1 || l.Uses[1].By[0].Integration != "a" || l.Uses[1].By[1].Integration != "b" {
			t.Errorf("uses %+v", l.Uses)
		}
		if got := attemptLines(l); len(got) != 2 || got[1] != w.from("a")+" read Tickets v1 refused failed forgiven" {
			t.Errorf("%q", got)
		}
		w.safeNow()
	})
}

// What an operator tries before it is in the store counts too.
func TestACandidateThatFailsIsListed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		if res, err := w.g.Put(w.Context(), "main", Put{Over: 1, Secret: secret.NewValue("third-word")}); err != nil || res.Written {
			t.Fatalf("%+v, %v", res, err)
		}
		w.failedAre("own candidate read ThresholdInformation v0 refused failed")
		w.served("a")
		w.failedAre("own candidate read ThresholdInformation v0 refused failed forgiven")
	})
}

// An own sign-in whose answer does not tell costs a unit, so that it is told.
func TestAnAnswerThatDoesNotTellIsListed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Path: "/ThresholdInformation", Times: 1})
		_, _ = w.g.Check(w.Context(), "main")
		w.failedAre("own first-try read ThresholdInformation v1 neutral unknown")
		time.Sleep(5 * time.Minute)
		w.served("a")
		w.failedAre("own first-try read ThresholdInformation v1 neutral unknown forgiven")
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 500, Body: `{"errors":["The password old-password is incorrect."]}`, Path: "/ThresholdInformation", Times: 1})
		_, _ = w.g.Check(w.Context(), "main")
		if all := w.failures().Attempts; len(all) != 2 || all[1].Own != "check" || all[1].Said != "500: The password [redacted] is incorrect." {
			t.Errorf("%+v", all)
		}
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Times: 1})
		w.call("a", "GET", "/Tickets/1", "") // to a proven credential it tells nothing and costs nothing
		if l := w.failures(); len(l.Attempts) != 2 {
			t.Errorf("%q", attemptLines(l))
		}
	})
}

// A reload forgets nothing, whatever the login is called then.
func TestFailuresOutliveReloads(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("b")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Companies", Times: 1})
		w.call("a", "GET", "/Companies/1", "")
		w.cfg.Logins[0].Name = "renamed"
		for i := range w.cfg.Integrations {
			w.cfg.Integrations[i].Login = "renamed"
		}
		w.load()
		synctest.Wait()
		f := w.allFailures("renamed")
		if len(f.Logins) != 1 || len(f.Logins[0].Attempts) != 1 || f.Logins[0].Attempts[0].Login != "main" || len(f.Logins[0].Uses) != 1 {
			t.Errorf("%+v", f.Logins)
		}
		if _, err := w.g.Failures("main", time.Now()); err != report.ErrUnknownLogin { //nolint:errorlint // it is returned as it is
			t.Errorf("a name that is gone: %v", err)
		}
	})
}

// Two names of one PSA user are one; a record that names another user shows what failed of both.
func TestFailuresAreTheUsers(t *testing.T) {
	inWorld(t, func(w *world) {
		second := w.cfg.Logins[0]
		second.Name = "second"
		w.cfg.Logins = append(w.cfg.Logins, second)
		w.load()
		w.served("b")
		if f := w.allFailures(""); len(f.Logins) != 1 || f.Logins[0].Login != "main" || !slices.Equal(f.Logins[0].SharesWith, []string{"second"}) {
			t.Errorf("%+v", f.Logins)
		}
		if f := w.allFailures("second"); len(f.Logins) != 1 || f.Logins[0].Login != "second" || !slices.Equal(f.Logins[0].SharesWith, []string{"main"}) {
			t.Errorf("%+v", f.Logins)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Companies", Times: 1})
		w.call("a", "GET", "/Companies/1", "")
		w.tenant.AddUser("other@example.com", "right", "CODE")
		w.safe.put("main", "other@example.com", "wrong")
		time.Sleep(onePoll)
		w.served("b")
		l := w.failures()
		if len(l.Attempts) < 2 || l.Attempts[0].OtherUser || !l.Attempts[1].OtherUser || l.FailedSinceSuccess != 0 || l.State != report.LoginServing {
			t.Errorf("%+v", l)
		}
		w.safe.put("main", "other@example.com", "right")
		time.Sleep(onePoll)
		synctest.Wait()
		if l = w.failures(); len(l.Attempts) < 2 || !l.Attempts[0].OtherUser || l.Attempts[0].Integration != "a" || l.Attempts[1].OtherUser || l.Attempts[1].Unit != "failed" {
			t.Errorf("moved: %+v", l)
		}
	})
}

func TestWhoIsNotLetInIsListed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Integrations[0].Disabled, w.cfg.Integrations[0].DisabledReason = true, "leaves"
		w.load()
		for range 3 {
			w.call("a", "GET", "/Tickets/1", "")
			time.Sleep(time.Second)
		}
		w.call("", "GET", "/Tickets/1", "")
		f := w.allFailures("")
		if len(f.Callers) != 2 || !f.Any() {
			t.Fatalf("%+v", f.Callers)
		}
		if c := f.Callers[0]; c.Reason != "disabled" || c.Integration != "a" || c.Login != "main" || c.Key != w.keys["a"].Hash().ID() || c.Client != "192.0.2.7" || c.Count != 3 || c.LastAt.Sub(c.FirstAt) != 2*time.Second {
			t.Errorf("%+v", c)
		}
		if c := f.Callers[1]; c.Integration != "" || c.Count != 1 || c.Reason == "" {
			t.Errorf("%+v", c)
		}
		if of := w.allFailures("main").Callers; len(of) != 1 || of[0].Integration != "a" {
			t.Errorf("of one login: %+v", of)
		}
	})
}

func TestAFloodDoesNotPushOutWhatOthersTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccounts()
		note := func(key guard.Key, integration, verdict string, n int) {
			for range n {
				time.Sleep(time.Millisecond)
				a.fail(key, report.FailedAttempt{Integration: integration, Verdict: verdict})
			}
		}
		count := func(key guard.Key, integration, verdict string) (n int) {
			for _, f := range a.of[key].failures {
				if f.Integration == integration && f.Verdict == verdict {
					n++
				}
			}
			return n
		}
		note("one", "quiet", "refused", 3)
		note("one", "loud", "refused", 5)
		note("one", "loud", "no-answer", 1000)
		if q, r, n := count("one", "quiet", "refused"), count("one", "loud", "refused"), count("one", "loud", "no-answer"); q != 3 || r != 5 || n != 59 {
			t.Errorf("%d of the quiet one, %d and %d of the loud one", q, r, n)
		}
		for _, name := range strings.Fields("a b c d e f") {
			note("one", name, "refused", 100)
		}
		if n := len(a.of["one"].failures); n != failuresPerLogin || count("one", "f", "refused") != failuresPerIntegration {
			t.Errorf("%d of one login, %d of the last integration", n, count("one", "f", "refused"))
		}
		for i := range 40 {
			for _, name := range strings.Fields("a b c d") {
				note(guard.Key(rune('A'+i)), name, "refused", 64)
			}
		}
		if n := len(a.of["one"].failures); n != 0 || a.kept != failuresInAll || a.of["one"].forgotten.IsZero() {
			t.Errorf("%d of the first login, %d in all", n, a.kept)
		}
		kept := 0
		for _, of := range a.of {
			kept += len(of.failures)
		}
		if kept != failuresInAll || len(a.of[guard.Key(rune('A'+39))].failures) != failuresPerLogin {
			t.Errorf("%d in all", kept)
		}
	})
}

func TestTheLastVersionsOfEachAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccounts()
		for _, version := range strings.Fields("1 2 3 4 5 6") {
			time.Sleep(time.Second)
			a.served("one", "all", version, true)
			if version == "1" {
				a.served("one", "old", version, false)
			}
		}
		all, _, _ := a.extracts(t.Context())
		uses := all[0].uses
		if len(uses) != versionsPerIntegration || uses[0].Version != 6 || uses[3].Version != 3 {
			t.Errorf("%+v", uses)
		}
		if _, kept := a.of["one"].uses[use{"old", "1"}]; !kept || len(a.of["one"].uses) != versionsPerIntegration+1 {
			t.Errorf("%+v", a.of["one"].uses)
		}
		for i := range 2 * usesPerLogin {
			a.served("one", string(rune(0x4e00+i)), "6", true)
		}
		if n := len(a.of["one"].uses); n != usesPerLogin {
			t.Errorf("%d uses", n)
		}
	})
}

func TestStrangersDoNotPushOutEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away turnedAway
		turn := func(key, client string, of *identity.Integration) {
			away.note(refusal{identity.Caller{KeyID: key, Refused: of}, identity.ErrUnknown, client})
		}
		turn("1", "192.0.2.1", nil)
		turn("2", "192.0.2.2", &identity.Integration{Name: "a"})
		for i := range 10 * callersKept {
			turn(string(rune(0x4e00+i)), "192.0.2.3", nil)
		}
		all := away.since(time.Now(), func(string) bool { return true })
		if len(all) != 2+callersKept/4 {
			t.Errorf("%d", len(all))
		}
		for i := range 10 * callersKept {
			turn("3", string(rune(0x4e00+i)), nil)
			turn(string(rune(0x4e00+i)), "192.0.2.2", &identity.Integration{Name: "a"})
		}
		if k, s := len(away.known), len(away.strangers); k != callersKept || s != callersKept {
			t.Errorf("%d and %d", k, s)
		}
	})
}
