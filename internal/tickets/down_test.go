package tickets

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/psatest"
)

// A mailbox that has used up its share of the hour waits, and says why; that is no outage of the PSA's, and goes by itself.
func TestAMailboxWithoutShareOfTheHourWaitsAndSaysWhy(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Mailboxes[0].PerHour = 20
		w.load()
		n := 0
		for ; ; n++ {
			if _, err := w.Create(w.Context(), mail(n%20)); err != nil {
				if !errors.Is(err, drive.ErrNotNow) {
					t.Error(err)
				}
				break
			}
		}
		mark := w.sim.Mark()
		if _, err := w.Resources(w.Context(), "x@y.example"); !errors.Is(err, drive.ErrNotNow) {
			t.Error(err)
		}
		if n == 0 || n > 20 || len(w.sim.Ledger().Since(mark)) != 0 || !w.Down().IsZero() {
			t.Errorf("%d tickets were made, then %d calls; down since %v", n, len(w.sim.Ledger().Since(mark)), w.Down())
		}
		w.troubled("this mailbox may make 20 calls in an hour, and made them: mails wait")
		if all := w.Troubles(); len(all) != 1 || all[0].Times != 2 {
			t.Errorf("%+v", all)
		}
		time.Sleep(61 * time.Minute)
		w.create(mail(0))
	})
}

func TestTheAPIIsDownFromTheFirstFailureUntilItAnswers(t *testing.T) {
	for name, set := range map[string]struct{ begin, end func(w *world) }{
		"the zone is down":      {func(w *world) { w.zone.Down() }, func(w *world) { _ = w.zone.Up() }},
		"the login is locked":   {func(w *world) { lock(w) }, func(w *world) { _ = w.g.Release("main", w.g.Status().Logins[0].Seq, nil) }},
		"the password is wrong": {func(w *world) { w.user.SetSecret("another") }, func(w *world) { w.record.put("another") }},
		"it answers nothing": {
			func(w *world) {
				w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Reset, Only: psatest.SignInCall})
			},
			func(w *world) {
				for _, o := range w.sim.Orders() {
					o.Release()
				}
			},
		},
		"the hour is spent": {
			func(w *world) { w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 1 }) },
			func(w *world) { w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 0 }) },
		},
	} {
		inWorld(t, func(w *world) {
			ctx, cancel := context.WithCancel(w.Context())
			defer cancel()
			go w.Tickets.Run(ctx)
			w.create(mail(0))
			if !w.Down().IsZero() || w.WhyDown() != "" {
				t.Errorf("%s: down before it began", name)
			}
			set.begin(w)
			began := time.Now()
			if _, err := w.Create(w.Context(), mail(1)); err == nil {
				t.Errorf("%s: it was made", name)
			}
			first := w.Down()
			if first.IsZero() || first.Before(began) || w.WhyDown() == "" {
				t.Fatalf("%s: down since %v (%s), began %v", name, first, w.WhyDown(), began)
			}
			time.Sleep(5 * time.Minute)
			if !w.Down().Equal(first) {
				t.Errorf("%s: down since %v, and then since %v", name, first, w.Down())
			}
			if w.user.Locked() || w.user.MaxFailedSinceSuccess() > w.cfg.Logins[0].Settings.Budget {
				t.Errorf("%s: %d failed sign-ins", name, w.user.MaxFailedSinceSuccess())
			}
			set.end(w)
			time.Sleep(20 * time.Minute)
			if !w.Down().IsZero() {
				t.Errorf("%s: still down: %s", name, w.WhyDown())
			}
			if n := w.backs.Load(); n != 1 { // so that mails do not wait until their time has come
				t.Errorf("%s: it was told %d times that the API is back", name, n)
			}
			w.create(mail(2))
		})
	}
}

func TestAShortOutageIsNotToldToBeOver(t *testing.T) {
	var o outage
	now, fails, works := time.Now(), call.InsideAnswer{Status: 503, Reason: autotask.GateShut}, call.InsideAnswer{Status: 200}
	for at, c := range []struct {
		a    call.InsideAnswer
		want time.Duration
	}{{works, 0}, {fails, 0}, {fails, 0}, {works, 2 * time.Minute}, {works, 0}, {fails, 0}, {works, time.Minute}} {
		if took := o.heard(c.a, now.Add(time.Duration(at)*time.Minute)); took != c.want {
			t.Errorf("%d: an outage of %v has ended, want %v", at, took, c.want)
		}
	}
	w := New(Options{Caller: once{}, Back: func() { t.Error("it was told") }})
	w.down.heard(fails, time.Now().Add(-outageLong+10*time.Second))
	if _, err := w.Resources(t.Context(), "a@b.example"); err != nil || !w.Down().IsZero() {
		t.Error(err, w.Down())
	}
}

// once is a PSA that has nobody.
type once struct{}

func (once) Call(context.Context, string, string, []byte) (call.InsideAnswer, error) {
	return call.InsideAnswer{Status: 200, Body: []byte(`{"items":[]}`)}, nil
}

// Nobody waits for the next question where something says that the API can be used again.
func TestItIsAskedAtOnceWhereTheAPIMayBeBack(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		ended := make(chan struct{})
		of := w.Tickets
		go func() { defer close(ended); of.Run(ctx) }()
		w.AskNow() // which is nothing to it
		w.create(mail(0))
		lock(w)
		if _, err := w.Create(w.Context(), mail(1)); err == nil || w.Down().IsZero() {
			t.Fatal(err, w.Down())
		}
		time.Sleep(5 * time.Minute)
		if err := w.g.Release("main", w.g.Status().Logins[0].Seq, nil); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w.AskNow()
		}
		if time.Sleep(time.Second); !w.Down().IsZero() {
			t.Errorf("still down: %s", w.WhyDown())
		}
		cancel()
		<-ended
	})
}

func lock(w *world) {
	time.Sleep(time.Second)
	if err := Lockout(w.g, "support")(w.Context(), notice()); err != nil {
		w.Fatal(err)
	}
}

func TestARefusedValueAndADenialAreNoOutage(t *testing.T) {
	inWorld(t, func(w *world) {
		of := mail(0)
		of.Fields.Company = "4711"
		if _, err := w.Create(w.Context(), of); !errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
		w.policy(`permit (principal, action in [Action::"read", Action::"query"], resource);`)
		if _, err := w.Create(w.Context(), mail(0)); !errors.Is(err, drive.ErrNotNow) {
			t.Error(err)
		}
		w.troubled(`permit (principal == Mailbox::"support", action == Action::"create", resource == Entity::"Tickets");`)
		if !w.Down().IsZero() {
			t.Error(w.WhyDown())
		}
		for range 3 {
			_, _ = w.Create(w.Context(), mail(0))
		}
		if n := len(w.Troubles()); n != 1 {
			t.Errorf("%d troubles of one kind: %+v", n, w.Troubles())
		}
	})
}

// What was told before is no answer to whether the PSA can be asked now.
func TestPicklistsAreAskedForAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(mail(0)) // which reads them
		if lists, err := w.AskPicklists(w.Context()); err != nil || len(lists["queue"]) == 0 {
			t.Fatalf("%v, %v", lists, err)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Method: "GET"})
		if lists, err := w.AskPicklists(w.Context()); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("the PSA was not asked, and there is %v, %v", lists, err)
		}
	})
	inWorld(t, func(w *world) {
		w.policy(`permit (principal, action == Action::"create", resource);`)
		if lists, err := w.AskPicklists(w.Context()); !errors.Is(err, ErrDenied) {
			t.Errorf("%v, %v", lists, err)
		}
	})
}

// With a policy that lets no picklists be read, ids serve.
func TestWithoutPicklistsIDsServe(t *testing.T) {
	inWorld(t, func(w *world) {
		w.policy(`permit (principal == Mailbox::"support", action in [Action::"create", Action::"query"], resource == Entity::"Tickets");`)
		of := mail(0)
		of.Fields.Queue, of.Fields.Priority = "29683354", "4"
		w.create(of)
		r := w.made()[0]
		if r["queueID"] != int64(29683354) || r["priority"] != int64(4) || r["source"] != int64(-1) {
			t.Errorf("%v", r)
		}
		w.troubled(`source "Email" is not in the PSA's picklist`)
		w.troubled(`Action::"read"`)
	})
}

func TestAnOutageGoesOnOverAReload(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.NoExternalID = true })
		if _, err := w.Read(w.Context(), w.create(mail(0))); err != nil {
			t.Fatal(err)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Method: "POST"})
		if _, err := w.Create(w.Context(), mail(1)); err == nil {
			t.Fatal("it was made")
		}
		before := w.Tickets
		idle()
		w.load()
		w.TakeOver(before)
		if w.Down().IsZero() || !w.Down().Equal(before.Down()) || w.WhyDown() != before.WhyDown() || !w.unkept.Load() {
			t.Errorf("down since %v, and before since %v", w.Down(), before.Down())
		}
		if _, err := before.Create(w.Context(), mail(2)); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("by a config that was replaced: %v", err)
		}
	})
}
