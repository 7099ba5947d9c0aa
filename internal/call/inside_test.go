package call

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/policy"
)

// inMailWorld runs a test with the mailboxes support, which calls as itself, and alerts, which calls as the integration a.
func inMailWorld(t *testing.T, f func(w *world, p *paper)) {
	t.Helper()
	inAuditedWorld(t, true, func(w *world, p *paper) {
		w.cfg.Mailboxes = []Mailbox{{Name: "support", Login: "main"}, {Name: "alerts", As: "a"}}
		w.load()
		f(w, p)
	})
}

func (w *world) inside(mailbox string) *Inside {
	w.Helper()
	i, err := w.g.Inside(mailbox)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

// mails makes a call as a mailbox.
func (w *world) mails(mailbox, method, path, body string) InsideAnswer {
	w.Helper()
	a, err := w.inside(mailbox).Call(context.Background(), method, path, []byte(body))
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func TestAMailboxCallsAsItselfAndAsAnIntegration(t *testing.T) {
	inMailWorld(t, func(w *world, p *paper) {
		a := w.mails("support", "POST", "/Tickets", newTicket)
		if a.Status != 200 || a.Reason != "" || a.InDoubt || !strings.Contains(string(a.Body), `"itemId"`) {
			t.Fatalf("%+v", a)
		}
		e := p.last(t)
		if e.CallerKind != audit.Mailbox || e.Caller != "support" || e.Login != "main" || e.Decision != audit.Permit || e.Status != 200 || e.Entity != "Tickets" {
			t.Errorf("%+v", e)
		}
		// The default permits only mailboxes to make tickets, and alerts calls as an integration.
		if a := w.mails("alerts", "POST", "/Tickets", newTicket); a.Status != 403 || a.Reason != autotask.Policy || a.InDoubt || !strings.Contains(string(a.Body), `permit (principal == Integration::\"a\"`) {
			t.Errorf("%+v %s", a, a.Body)
		}
		if e := p.last(t); e.CallerKind != audit.Integration || e.Caller != "a" {
			t.Errorf("%+v", e)
		}
		if n := len(w.tenant.Records("Tickets")); n != 13 {
			t.Errorf("%d tickets", n)
		}
		if w.inside("support").Name() != "mail/support" || w.inside("alerts").Name() != "a" {
			t.Error("the names are wrong")
		}
		if f := w.g.integrations["mail/support"]; f.Login != "main" {
			t.Errorf("%+v", f)
		}
	})
}

func TestAMailboxIsRefusedAsAnybody(t *testing.T) {
	inMailWorld(t, func(w *world, p *paper) {
		policies, err := policy.Load([]policy.Source{{Name: "none.cedar", Text: []byte("permit (principal == Mailbox::\"support\", action == Action::\"read\", resource);\n")}}, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.Policy = readOnly{policies}
		w.load()
		if a := w.mails("support", "GET", "/Tickets/1", ""); a.Status != 200 {
			t.Errorf("%+v", a)
		}
		a := w.mails("support", "POST", "/Tickets/1/Notes", `{"title":"t"}`)
		if a.Reason != autotask.Policy || !strings.Contains(string(a.Body), `permit (principal == Mailbox::\"support\", action == Action::\"create\", resource == Entity::\"TicketNotes\");`) {
			t.Errorf("%+v %s", a, a.Body)
		}
		if _, err := w.g.Disable(t.Context(), "mail/support", "spring cleaning"); err != nil {
			t.Fatal(err)
		}
		if a := w.mails("support", "GET", "/Tickets/1", ""); a.Reason != autotask.Disabled || !strings.Contains(string(a.Body), "spring cleaning") {
			t.Errorf("%+v %s", a, a.Body)
		}
		if e := p.last(t); e.CallerKind != audit.Mailbox || e.Caller != "support" || e.DecidedBy != audit.ByIdentity {
			t.Errorf("%+v", e)
		}
		if _, err := w.g.Enable(t.Context(), "mail/support"); err != nil {
			t.Fatal(err)
		}
		if a := w.mails("support", "GET", "/Tickets/1", ""); a.Status != 200 {
			t.Errorf("%+v", a)
		}
		for i := range w.cfg.Integrations {
			w.cfg.Integrations[i].Expires = time.Now()
		}
		w.load()
		if a := w.mails("alerts", "GET", "/Tickets/1", ""); a.Reason != autotask.Disabled {
			t.Errorf("%+v", a)
		}
		if a := w.mails("support", "GET", "/../x", ""); a.Reason == "" || a.InDoubt {
			t.Errorf("%+v", a)
		}
	})
}

func TestWhatBecameOfAnInsidersCallIsTold(t *testing.T) {
	create := func(w *world) InsideAnswer { return w.mails("support", "POST", "/Tickets", newTicket) }
	for name, c := range map[string]struct {
		fault  psatest.Fault
		reason autotask.Reason
		doubt  bool
		stored int
	}{
		"applied, and the connection cut":        {psatest.Fault{At: psatest.Applied, Then: psatest.Reset, Method: "POST"}, autotask.UpstreamUnreachable, true, 1},
		"cut before it was looked at":            {psatest.Fault{At: psatest.Received, Then: psatest.Reset, Method: "POST"}, autotask.UpstreamUnreachable, true, 0},
		"cut within the answer":                  {psatest.Fault{At: psatest.Answering, Then: psatest.HangUp, Method: "POST"}, autotask.UpstreamUnreachable, true, 1},
		"a proxy's error after it was done":      {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 502, Body: "<html>bad gateway</html>", Method: "POST"}, "", true, 1},
		"the PSA's own error, of which it tells": {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: `{"errors":["Object reference not set."]}`, Method: "POST"}, "", false, 1},
		"an answer that nobody can read":         {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: "x", Header: http.Header{"Content-Encoding": {"br"}}, Method: "POST"}, autotask.UpstreamUnreachable, true, 1},
		"a refused sign-in":                      {psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Method: "POST"}, autotask.CredentialRefused, false, 0},
	} {
		inMailWorld(t, func(w *world, _ *paper) {
			w.served("a")
			c.fault.Times = 1
			w.sim.Fault(c.fault)
			a := create(w)
			if a.Reason != c.reason || a.InDoubt != c.doubt {
				t.Errorf("%s: %+v", name, a)
			}
			if n := len(w.tenant.Records("Tickets")) - 12; n != c.stored {
				t.Errorf("%s: %d tickets", name, n)
			}
		})
	}
}

func TestWhatIsUnderWayIsNotWaitedForOnceItsTimeIsOver(t *testing.T) {
	inMailWorld(t, func(w *world, p *paper) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Applied, Delay: 3 * time.Minute, Method: "POST"})
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		start := time.Now()
		a, err := w.inside("support").Call(ctx, "POST", "/Tickets", []byte(newTicket))
		if took := time.Since(start); err != nil || !a.InDoubt || took > 2*time.Minute+inTime {
			t.Errorf("%+v %v after %v", a, err, took)
		}
		time.Sleep(2 * time.Minute)
		if n := len(w.tenant.Records("Tickets")); n != 13 {
			t.Errorf("%d tickets", n)
		}
		if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget {
			t.Errorf("units %+v: the answer came", l.Units)
		}
		if e := p.last(t); e.Caller != "support" || e.Action != "create" || e.Duration < 3*time.Minute {
			t.Errorf("%+v", e)
		}
	})
}

func TestNothingOfAnInsidersCallIsSentOnceItsTimeIsOver(t *testing.T) {
	for name, set := range map[string]func(w *world) context.Context{
		"before it began": func(*world) context.Context {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx
		},
		"while it waits in the queue": func(w *world) context.Context {
			w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Method: "GET"})
			for range w.cfg.Logins[0].Settings.InFlight + 1 {
				go w.try(context.Background(), "a", "GET", "/Tickets/1", "")
				go w.try(context.Background(), "b", "GET", "/Tickets/1", "")
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			w.after = append(w.after, cancel)
			return ctx
		},
		"while the PSA is dialled": func(w *world) context.Context {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			w.after = append(w.after, cancel)
			dial := w.cfg.Dial
			w.cfg.Dial = func(of context.Context, network, addr string) (net.Conn, error) {
				time.Sleep(2 * time.Second)
				return dial(of, network, addr)
			}
			w.load()
			return ctx
		},
	} {
		inMailWorld(t, func(w *world, _ *paper) {
			w.served("a")
			ctx := set(w)
			_, err := w.inside("support").Call(ctx, "POST", "/Tickets", []byte(newTicket))
			if !errors.Is(err, ErrNothingSent) {
				t.Errorf("%s: %v", name, err)
			}
			for _, o := range w.sim.Orders() {
				o.Release()
			}
			time.Sleep(time.Minute)
			if n := len(w.tenant.Records("Tickets")); n != 12 {
				t.Errorf("%s: %d tickets", name, n)
			}
			if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget {
				t.Errorf("%s: units %+v", name, l.Units)
			}
		})
	}
}
