package call

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// restore puts a version into the store that was made at some time.
func (w *world) restore(version uint64, created time.Time, password string) {
	w.safe.put("main", user, password)
	w.safe.mu.Lock()
	rec := w.safe.records["main"]
	rec.Version, rec.Created = version, created
	w.safe.records["main"] = rec
	w.safe.mu.Unlock()
	w.store.Refresh("main")
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// A Vault that was restored from a backup gives a password that was replaced: it is no news, and costs no sign-in.
func TestAnOlderVersionThatIsBackIsNotTried(t *testing.T) {
	inWorld(t, func(w *world) {
		begin := time.Now()
		w.user.SetSecret("new-password")
		w.restore(7, begin, "new-password")
		w.served("a")
		w.restore(6, begin.Add(-time.Hour), "old-password")
		w.served("a")
		if n := w.failed(); n != 0 {
			t.Errorf("%d failed sign-ins", n)
		}
		login := w.g.Status().Logins[0]
		if login.Serving == nil || login.Serving.Version != 7 || login.Newest != nil {
			t.Errorf("serving %+v, newest %+v", login.Serving, login.Newest)
		}
		if problems := strings.Join(login.Problems, "\n"); !strings.Contains(problems, "was it restored from a backup?") {
			t.Errorf("problems: %s", problems)
		}

		w.load() // and a reload does not make it news
		w.served("a")
		if n := w.failed(); n != 0 {
			t.Errorf("%d failed sign-ins after a reload", n)
		}

		w.user.SetSecret("third-password")
		w.restore(7, begin.Add(time.Hour), "third-password") // the number again, written after the restoration
		w.served("a")
		if problems := w.g.Status().Logins[0].Problems; len(problems) > 0 {
			t.Errorf("problems when it was written anew: %v", problems)
		}
		w.safeNow()
	})
}

// What serves on without a record that cannot be used does so over a reload too.
func TestAReloadWithARecordThatCannotBeUsedGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.mu.Lock()
		rec := w.safe.records["main"]
		rec.Version, rec.Fields = 9, map[string]secret.Value{"username": secret.NewValue(user)}
		w.safe.records["main"] = rec
		w.safe.mu.Unlock()
		w.store.Refresh("main")
		time.Sleep(5 * time.Second)
		w.served("a")
		w.load()
		w.served("a")
		login := w.g.Status().Logins[0]
		if problems := strings.Join(login.Problems, "\n"); login.Serving == nil || !strings.Contains(problems, `field "secret" is missing`) {
			t.Errorf("serving %+v, problems: %s", login.Serving, problems)
		}
		w.safeNow()
	})
}

// Whoever deletes a record with all its versions and writes it anew begins at 1 again.
func TestALowerNumberThatWasMadeLaterIsNews(t *testing.T) {
	inWorld(t, func(w *world) {
		begin := time.Now()
		w.restore(7, begin, "old-password")
		w.served("a")
		w.user.SetSecret("new-password")
		w.restore(1, begin.Add(time.Minute), "new-password")
		w.served("a")
		if serving := w.g.Status().Logins[0].Serving; serving == nil || serving.Version != 1 || w.failed() > 1 {
			t.Errorf("serving %+v, %d failed sign-ins", serving, w.failed())
		}
		w.safeNow()
	})
}

func TestWhatIsKnownOfARecordGoesWithItsLastUser(t *testing.T) {
	var a applied
	r := record{path: "main"}
	a.hold(r)
	a.hold(r)
	for _, want := range []news{newContent, nothingNew} {
		if is, err := a.news(r, content{key: "k", version: 1}); is != want || err != nil {
			t.Errorf("news %v, %v, want %v", is, err, want)
		}
	}
	a.letGo(r)
	if is, _ := a.news(r, content{key: "k", version: 1}); is != nothingNew {
		t.Error("forgotten while it is in use")
	}
	a.letGo(r)
	if len(a.told) != 0 {
		t.Errorf("still kept: %v", a.told)
	}
}

// A user name with a typing error must not look as if all were well, for after a restart it is all there is.
func TestARecordThatNamesAnotherUserIsSaidToBeWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", "u0@exmaple.com", "old-password")
		w.store.Refresh("main")
		time.Sleep(5 * time.Second)
		w.served("a")
		const want = "version 2 of the record names another PSA user, which the PSA has not accepted"
		if problems := strings.Join(w.g.Status().Logins[0].Problems, "\n"); !strings.Contains(problems, want) {
			t.Errorf("problems: %s", problems)
		}
		check, err := w.g.Check(context.Background(), "main")
		if warnings := strings.Join(check.Warnings, "\n"); err != nil || !strings.Contains(warnings, want) {
			t.Errorf("check warns of: %s, %v", warnings, err)
		}
		if w.user.Locked() || w.failed() > 0 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
	})
}

// What serves on does not make a record that cannot be read one that can.
func TestCheckReadsTheRecordAndNotWhatIsKnownOfIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.mu.Lock()
		w.safe.down = secret.ErrDown
		w.safe.mu.Unlock()
		check, err := w.g.Check(context.Background(), "main")
		if err != nil || check.OK || len(check.Steps) != 1 || !strings.Contains(check.Steps[0].Detail, "version 1, which is known, serves on") {
			t.Errorf("%+v, %v", check, err)
		}
		w.served("a")
		w.safe.mu.Lock()
		w.safe.down = nil
		w.safe.mu.Unlock()
		if check, err = w.g.Check(context.Background(), "main"); err != nil || !check.OK {
			t.Errorf("when it is back: %+v, %v", check, err)
		}
	})
}

// The store's version 2 is what serves: a status that names version 1 sends an operator to look for a difference.
func TestTheSameContentUnderAHigherVersionIsAnotherLabelAndNothingElse(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		mark := w.sim.Mark()
		g := w.g.lanes[0].seat.guard
		before, _ := g.Status()
		w.safe.put("main", user, "old-password")
		time.Sleep(5 * time.Minute)
		after, err := g.Status()
		if err != nil || len(w.sim.Ledger().Since(mark)) != 0 {
			t.Errorf("%v, %d sign-ins", err, len(w.sim.Ledger().Since(mark)))
		}
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 2 {
			t.Errorf("%+v serves", s)
		}
		after.Credentials[0].Version = before.Credentials[0].Version
		if b, a := before.Credentials, after.Credentials; len(a) != 1 || a[0] != b[0] || before.Newest != after.Newest || before.Last != after.Last {
			t.Errorf("%+v\n%+v", b, a)
		}
		w.load()
		w.served("a")
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 2 {
			t.Errorf("after a reload %+v serves", s)
		}
	})
}
