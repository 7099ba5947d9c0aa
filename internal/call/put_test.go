package call

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// errDropped: the store never saw a writing of which nobody knows.
var errDropped = errors.New("the line broke")

// Write implements secret.Writer.
func (s *safe) Write(_ context.Context, path string, over secret.Record, set map[string]secret.Value) (secret.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.records[path]
	if now.Version != over.Version {
		return secret.Record{}, secret.ErrChanged
	}
	if s.unfit != nil && (!errors.Is(s.unfit, secret.ErrMaybeWritten) || errors.Is(s.unfit, errDropped)) {
		return secret.Record{}, s.unfit
	}
	fields := maps.Clone(now.Fields)
	if fields == nil {
		fields = make(map[string]secret.Value)
	}
	maps.Copy(fields, set)
	s.past[path] = append([]secret.Record{now}, s.past[path]...)
	s.records[path] = secret.Record{Path: path, Version: now.Version + 1, Fields: fields}
	return s.records[path], s.unfit
}

// History implements secret.Writer.
func (s *safe) History(_ context.Context, path string, n int) ([]secret.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.past[path])
	if now, there := s.records[path]; there {
		all = append([]secret.Record{now}, all...)
	}
	return slices.Clone(all[:min(n, len(all))]), nil
}

// gone deletes a record's newest version.
func (s *safe) gone(path string, version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, path)
	s.deleted = version
}

// put writes a password as an operator does who has just looked.
func (w *world) put(password string, more ...func(*Put)) (report.PutResult, error) {
	w.Helper()
	now, err := w.g.Writing(context.Background(), "main", "")
	if err != nil {
		w.Fatal(err)
	}
	p := Put{Over: now.Version, Secret: secret.NewValue(password)}
	for _, f := range more {
		f(&p)
	}
	return w.g.Put(context.Background(), "main", p)
}

func ahead(p *Put) { p.Ahead = true }

// inStore returns the store's present password and version.
func (w *world) inStore() (string, uint64) {
	r, err := w.safe.Read(context.Background(), "main")
	if err != nil {
		w.Fatal(err)
	}
	return r.Fields["secret"].Reveal(), r.Version
}

func TestAPasswordThatThePSATakesIsWrittenAndServesAfterOneSignIn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		mark := w.sim.Mark()
		r, err := w.put("new-password")
		if err != nil || !r.Written || r.Version != 2 || r.Verdict != "accepted" {
			t.Fatalf("%+v %v", r, err)
		}
		if l := w.sim.Ledger().Since(mark); len(l) != 1 {
			t.Errorf("%d sign-ins: %v", len(l), l)
		}
		parallel(10, func(int) { w.served("b") })
		time.Sleep(time.Hour)
		w.served("a")
		if l := w.sim.Ledger().Since(mark); len(l) != 12 || len(l.Failed()) != 0 {
			t.Errorf("%d sign-ins: %v", len(l), l)
		}
		if text, version := w.inStore(); text != "new-password" || version != 2 {
			t.Errorf("the store has version %d", version)
		}
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 2 {
			t.Errorf("%+v serves", s)
		}
		w.safeNow()
	})
}

func TestAPasswordThatThePSARefusesIsNotWrittenAndCostsOneSignIn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		r, err := w.put("new-password")
		if err != nil || r.Written || r.Version != 1 || r.Verdict != "refused" || !strings.Contains(r.Detail, "version 1 serves on") || !strings.Contains(r.Detail, "--ahead") {
			t.Fatalf("%+v %v", r, err)
		}
		if text, version := w.inStore(); text != "old-password" || version != 1 || w.failed() != 1 {
			t.Errorf("version %d, %d failed sign-ins", version, w.failed())
		}
		w.served("b")
		if n := len(w.shared.wallet.cards[w.g.lanes[0].seat.guard.Key()]); n != 1 {
			t.Errorf("%d credentials are kept", n)
		}
		w.safeNow()
	})
}

func TestAPasswordThatIsWrittenAheadWaitsForThePSA(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		r, err := w.put("new-password", ahead)
		if err != nil || !r.Written || r.Version != 2 || r.Verdict != "" {
			t.Fatalf("%+v %v", r, err)
		}
		for range 100 {
			w.served("a")
			time.Sleep(5 * time.Minute)
		}
		if w.failed() != 1 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
		w.user.SetSecret("new-password")
		w.served("b")
		if w.failed() != 2 {
			t.Errorf("%d failed sign-ins", w.failed())
		}
		w.safeNow()
	})
}

func TestWhatThePSAWouldNotTakeIsRefusedBeforeItIsAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		for i := range 6 {
			w.safe.put("main", user, "earlier-"+string(rune('a'+i)))
		}
		w.safe.put("main", user, "old-password")
		time.Sleep(time.Minute)
		w.served("a")
		mark := w.sim.Mark()
		for password, want := range map[string]string{
			"old-password":          "the same already",
			"earlier-f":             "version 7 had this password",
			"earlier-c":             "version 4 had this password",
			"with space":            "space",
			"with'quote":            "single quote",
			strings.Repeat("x", 65): "64",
			"":                      "empty",
		} {
			r, err := w.put(password)
			var unfit report.Unfit
			if !errors.As(err, &unfit) || !strings.Contains(err.Error(), want) || password != "" && strings.Contains(err.Error(), password) {
				t.Errorf("%s: %+v %v", want, r, err)
			}
		}
		if n := len(w.sim.Ledger().Since(mark)); n != 0 {
			t.Errorf("%d sign-ins", n)
		}
		if r, err := w.put("earlier-b"); err != nil || r.Verdict != "refused" { // the sixth before
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestWhatServesMayBePutBackIntoARecordThatWasOverwritten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.safe.put("main", user, "of-some-job")
		time.Sleep(5 * time.Minute)
		w.served("a")
		failed := w.failed()
		if r, err := w.put("old-password"); err != nil || !r.Written || r.Version != 3 {
			t.Fatalf("%+v %v", r, err)
		}
		if s := w.g.Status().Logins[0].Serving; s == nil || s.Version != 3 || w.failed() > failed {
			t.Errorf("%+v serves, %d failed sign-ins", s, w.failed())
		}
		w.safeNow()
		if _, err := w.put("of-some-job"); err == nil || !strings.Contains(err.Error(), "save it in the store by hand") {
			t.Error(err)
		}
	})
}

func TestARecordThatChangedSinceItWasShownIsNotWritten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		changed := func(*Put) { w.safe.put("main", user, "another") }
		if r, err := w.put("new-password", changed); !errors.Is(err, report.ErrChangedSince) {
			t.Errorf("%+v %v", r, err)
		}
		if text, _ := w.inStore(); text != "another" {
			t.Error("it was written over")
		}
	})
}

func TestAStoreThatFailsAfterThePSAHasTakenItIsSaidLoudly(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		w.safe.unfit = errors.New("disk full")
		r, err := w.put("new-password")
		if err != nil || r.Written || r.Version != 1 || !strings.Contains(r.Detail, "the PSA TAKES the new password") || !strings.Contains(r.Detail, "disk full") {
			t.Errorf("%+v %v", r, err)
		}
		if !strings.Contains(w.log.String(), `level=ERROR msg="an operator puts a credential"`) {
			t.Error("the log has no error")
		}
		w.safe.unfit = nil
		if r, err = w.put("new-password"); err != nil || !r.Written {
			t.Errorf("%+v %v", r, err)
		}
		w.served("a")
		w.safeNow()
	})
}

func TestAWritingOfWhichNobodyKnowsIsLookedInto(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		w.safe.unfit = secret.ErrMaybeWritten
		mark := w.sim.Mark()
		if r, err := w.put("new-password"); err != nil || !r.Written || r.Version != 2 {
			t.Errorf("%+v %v", r, err)
		}
		w.served("a")
		if l := w.sim.Ledger().Since(mark); len(l) != 2 {
			t.Errorf("%d sign-ins: %v", len(l), l)
		}
	})
}

func TestAWritingOfWhichNobodyKnowsIsNotCalledMissing(t *testing.T) {
	for ahead, taken := range map[bool]bool{false: true, true: false} {
		inWorld(t, func(w *world) {
			w.served("a")
			w.user.SetSecret("new-password")
			w.safe.unfit = fmt.Errorf("%w: %w", secret.ErrMaybeWritten, errDropped)
			r, err := w.put("new-password", func(p *Put) { p.Ahead = ahead })
			if err != nil || r.Written || !strings.Contains(r.Detail, "it is not known whether the store has it") || !strings.Contains(r.Detail, "the line broke") {
				t.Errorf("ahead %t: %+v %v", ahead, r, err)
			}
			if strings.Contains(r.Detail, "the PSA TAKES") != taken || strings.Contains(r.Detail, "does not have it") || strings.Contains(r.Detail, "nothing was written") {
				t.Errorf("ahead %t: %s", ahead, r.Detail)
			}
			look, again := strings.Index(r.Detail, "Look there first"), strings.Index(r.Detail, "put it again")
			if look < 0 || again < look {
				t.Errorf("ahead %t: to put it again is said before a look: %s", ahead, r.Detail)
			}
		})
	}
}

func TestAStatusDoesNotInventAVersionForARefusedPut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		if r, err := w.put("wrong-password"); err != nil || r.Verdict != "refused" {
			t.Fatalf("%+v %v", r, err)
		}
		if r := w.g.Status().Logins[0].LastRefusal; r == nil || r.Version != 0 || r.Integration != "" {
			t.Errorf("%+v", r)
		}
	})
}

func TestALoginWithoutARecordGetsItsFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Logins[0].Path = "fresh"
		w.load()
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "secret-unavailable" {
			t.Fatalf("%d %s", a.status, a.reason())
		}
		now, err := w.g.Writing(context.Background(), "main", "")
		if err != nil || now.Version != 0 || len(now.Lacks) != 2 || now.Serving != nil {
			t.Fatalf("%+v %v", now, err)
		}
		var unfit report.Unfit
		if _, err := w.put("old-password"); !errors.As(err, &unfit) || !strings.Contains(err.Error(), `"username"`) {
			t.Errorf("%v", err)
		}
		whole := func(p *Put) { p.UserName, p.IntegrationCode = secret.NewValue(user), secret.NewValue("CODE") }
		if r, err := w.put("old-password", whole); err != nil || !r.Written || r.Version != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		w.served("a")
		if l := w.sim.Ledger(); len(l) != 2 || len(l.Failed()) != 0 {
			t.Errorf("%v", l)
		}
	})
}

func TestAnotherUserIsTriedOnItsOwnBudget(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		other := w.tenant.AddUser("second@example.com", "second-password", "CODE")
		second := func(p *Put) { p.UserName = secret.NewValue("second@example.com") }
		if r, err := w.put("wrong-password", second); err != nil || r.Written || r.Verdict != "refused" {
			t.Fatalf("%+v %v", r, err)
		}
		if u := w.g.Status().Logins[0].Units; u.Free != u.Budget || w.failed() != 0 || other.FailedSinceSuccess() != 1 {
			t.Errorf("units %+v, %d and %d failed", u, w.failed(), other.FailedSinceSuccess())
		}
		w.served("a")
		if r, err := w.put("second-password", second); err != nil || !r.Written {
			t.Fatalf("%+v %v", r, err)
		}
		mark := w.sim.Mark()
		w.served("a")
		l := w.sim.Ledger().Since(mark)
		if len(l) != 1 || len(l.Of("second@example.com")) != 1 {
			t.Errorf("%v", l)
		}
	})
}

func TestNothingIsWrittenWhereThePSADoesNotTell(t *testing.T) {
	for verdict, fault := range map[string]psatest.Fault{
		"no-answer": {At: psatest.Received, Then: psatest.Reset, Only: psatest.SignInCall},
		"neutral":   {At: psatest.Received, Then: psatest.Answer, Status: 429, Only: psatest.SignInCall, Body: `{"errors":["later"]}`},
		"not-sent":  {At: psatest.Received, Then: psatest.Reset, Only: psatest.OpenCall},
	} {
		inWorld(t, func(w *world) {
			w.served("a")
			order := w.sim.Fault(fault)
			if verdict == "not-sent" {
				time.Sleep(2 * time.Hour) // the zone is looked up anew
			}
			r, err := w.put("new-password")
			if err != nil || r.Written || r.Verdict != verdict && verdict != "not-sent" {
				t.Errorf("%s: %+v %v", verdict, r, err)
			}
			if text, version := w.inStore(); text != "old-password" || version != 1 {
				t.Errorf("%s: version %d", verdict, version)
			}
			order.Release()
			time.Sleep(2 * time.Minute)
			w.served("a")
			w.safeNow()
		})
	}
}

func TestManyOperatorsAtOnceWriteOnceAndTheOthersAreToldAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.user.SetSecret("new-password")
		order := w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: time.Second, Only: psatest.SignInCall})
		mark, start := w.sim.Mark(), time.Now()
		written, told := make([]bool, 10), make([]bool, 10)
		parallel(len(written), func(i int) {
			r, err := w.g.Put(context.Background(), "main", Put{Over: 1, Secret: secret.NewValue("new-password")})
			written[i], told[i] = r.Written, errors.Is(err, report.ErrPutting) && time.Since(start) == 0
		})
		order.Release()
		yes := func(b bool) bool { return !b }
		wrote, heard := len(slices.DeleteFunc(written, yes)), len(slices.DeleteFunc(told, yes))
		if l := w.sim.Ledger().Since(mark); wrote != 1 || heard != 9 || len(l) != 1 {
			t.Errorf("%d wrote, %d were told, %d sign-ins", wrote, heard, len(l))
		}
		w.served("a")
		w.safeNow()
	})
}

func TestAPutWhoseOperatorHasLeftIsNotBegun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		ctx, leave := context.WithCancel(context.Background())
		leave()
		mark := w.sim.Mark()
		r, err := w.g.Put(ctx, "main", Put{Over: 1, Secret: secret.NewValue("new-password")})
		if !errors.Is(err, context.Canceled) || r.Written || len(w.sim.Ledger().Since(mark)) != 0 {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestALoginOfAStoreThatOnlyReadsSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		if _, err := w.g.Writing(context.Background(), "none", ""); !errors.Is(err, report.ErrUnknownLogin) {
			t.Errorf("%v", err)
		}
		if _, err := w.g.Put(context.Background(), "none", Put{}); !errors.Is(err, report.ErrUnknownLogin) {
			t.Errorf("%v", err)
		}
	})
}

func TestWhatAPutWillMeetIsSaidBeforeThePasswordIsTyped(t *testing.T) {
	inWorld(t, func(w *world) {
		writing := func(userName string) report.Writing {
			t.Helper()
			got, err := w.g.Writing(context.Background(), "main", userName)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		w.served("a")
		if got := writing(""); got.Hopeless != "" || got.UserUnits != nil || len(got.Notes) != 0 || got.Next != 2 {
			t.Errorf("%+v", got)
		}
		mark := w.sim.Mark()
		if got := writing("second@example.com"); got.User != "second@example.com" || got.UserUnits == nil || *got.UserUnits != (report.UserUnits{Budget: 5, Free: 5}) || got.Hopeless != "" {
			t.Errorf("%+v %+v", got, got.UserUnits)
		}
		if n := len(w.sim.Ledger().Since(mark)); n != 0 {
			t.Errorf("%d sign-ins for a look", n)
		}
		w.user.SetSecret("what nobody knows")
		_ = w.call("a", "GET", "/Tickets/1", "")
		for i := range 10 {
			got := writing("")
			last := slices.ContainsFunc(got.Notes, func(note string) bool { return strings.Contains(note, "this is the last unit") })
			if free := w.g.Status().Logins[0].Units.Free; last != (free == 1) || (got.Hopeless != "") != (free == 0) {
				t.Errorf("%d units free: %+v", free, got)
			}
			if got.Hopeless != "" {
				break
			}
			if r, err := w.put(fmt.Sprint("wrong-", i)); err != nil || r.Verdict != "refused" {
				t.Fatalf("%+v %v", r, err)
			}
		}
		if got := writing(""); !strings.Contains(got.Hopeless, "5 sign-ins were refused") {
			t.Errorf("%+v", got)
		}
		if r, err := w.put("wrong", ahead); err != nil || !strings.Contains(r.Detail, "psagate release main") {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestAnotherUsersLastTwoUnitsAreNotSpentByAPut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		other := w.tenant.AddUser("second@example.com", "second-password", "CODE")
		second := func(p *Put) { p.UserName = secret.NewValue("second@example.com") }
		for i := range 3 {
			r, err := w.put(fmt.Sprint("wrong-", i), second)
			if err != nil || r.Verdict != "refused" || !strings.Contains(r.Detail, fmt.Sprintf("as second@example.com, whose sign-ins are counted by themselves: %d of 5 units are free", 4-i)) {
				t.Fatalf("%+v %v", r, err)
			}
		}
		r, err := w.put("wrong-4", second)
		if err != nil || r.Verdict != "not-sent" || !strings.Contains(r.Detail, "as second@example.com") || other.FailedSinceSuccess() != 3 {
			t.Errorf("%+v %v, %d failed", r, err, other.FailedSinceSuccess())
		}
		if got, err := w.g.Writing(context.Background(), "main", "second@example.com"); err != nil || !strings.Contains(got.Hopeless, "last two units") {
			t.Errorf("%+v %v", got, err)
		}
		w.served("a")
		w.safeNow()
	})
}

func TestAfterADeletedVersionTheNextOneIsAnnouncedAndEarlierPasswordsCount(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		n := w.g.lanes[0]
		w.safe.gone("main", 4)
		w.safe.past["main"] = []secret.Record{{Path: "main", Version: 3, Fields: map[string]secret.Value{"username": secret.NewValue(user), "secret": secret.NewValue("third-password")}}}
		got, err := w.g.Writing(context.Background(), "main", "")
		if err != nil || got.Version != 0 || got.Next != 5 || got.Earlier != 1 {
			t.Errorf("%+v %v", got, err)
		}
		p := Put{Secret: secret.NewValue("third-password"), UserName: secret.NewValue(user), IntegrationCode: secret.NewValue("CODE")}
		if _, err := w.g.Put(context.Background(), n.Name, p); err == nil || !strings.Contains(err.Error(), "version 3 had this password") {
			t.Error(err)
		}
	})
}
