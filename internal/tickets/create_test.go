package tickets

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/psatest"
)

func TestATicketIsMadeAndFoundByItsReference(t *testing.T) {
	inWorld(t, func(w *world) {
		of := mail(1)
		of.Contact = 1
		id := w.create(of)
		r := w.made()[0]
		for field, want := range map[string]any{
			"id": id, "title": of.Title, "description": of.Description, "externalID": of.Reference, "companyID": int64(1), "contactID": int64(1), "queueID": int64(29682833),
			"priority": int64(1), "source": int64(4), "issueType": int64(10), "subIssueType": int64(136), "status": int64(1), "dueDateTime": nil,
		} {
			if r[field] != want {
				t.Errorf("%s is %v, want %v", field, r[field], want)
			}
		}
		k, there, err := w.Find(w.Context(), of.Reference)
		if err != nil || !there || k.ID != id || k.Reference != of.Reference || k.Number != r["ticketNumber"] {
			t.Errorf("%+v %v %v", k, there, err)
		}
		if k, err := w.Read(w.Context(), id); err != nil || k.ID != id || k.Reference != of.Reference {
			t.Errorf("%+v %v", k, err)
		}
		if _, there, err := w.Find(w.Context(), ref(2)); there || err != nil {
			t.Errorf("another is there: %v %v", there, err)
		}
		if _, err := w.Read(w.Context(), 4711); !errors.Is(err, errNoTicket) {
			t.Error(err)
		}
		if len(w.Troubles()) > 0 {
			t.Errorf("%+v", w.Troubles())
		}
	})
}

func TestWithoutAnExternalIDATicketIsFoundByItsText(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.NoExternalID = true })
		for n := range 3 {
			of := mail(n)
			if n == 2 { // it quotes the first
				of.Description = "> Ref: " + ref(0) + "\nRef: " + ref(0) + "\n\nRef: " + ref(2)
			}
			id := w.create(of)
			if k, err := w.Read(w.Context(), id); err != nil || k.Reference != of.Reference {
				t.Errorf("%+v %v", k, err)
			}
		}
		if !w.unkept.Load() {
			t.Error("it was not found out that externalID is not stored")
		}
		for n := range 3 {
			if k, there, err := w.Find(w.Context(), ref(n)); err != nil || !there || k.ID != w.made()[n]["id"] {
				t.Errorf("%d: %+v %v %v", n, k, there, err)
			}
		}
		if _, there, err := w.Find(w.Context(), ref(3)); there || err != nil {
			t.Errorf("%v %v", there, err)
		}
	})
}

// Each mail of the first hour of a new store is looked for before it is sent, and each that is in doubt twice: one request each, however
// the PSA keeps the reference. What the PSA does not take, or answer, as one question, is asked apart.
func TestOneRequestTellsWhetherATicketIsThere(t *testing.T) {
	inWorld(t, func(w *world) {
		kept := w.create(mail(0))
		w.sim.Adjust(func(b *psatest.Behaviour) { b.NoExternalID = true })
		described := w.create(mail(1))
		find := func(n int, want int64, costs int) {
			t.Helper()
			mark := w.sim.Mark()
			k, there, err := w.Find(w.Context(), ref(n))
			if asked := len(w.sim.Ledger().Since(mark)); err != nil || there != (want != 0) || k.ID != want || asked != costs {
				t.Errorf("%d: %+v %v %v, with %d requests", n, k, there, err, asked)
			}
		}
		find(0, kept, 1)
		find(1, described, 1)
		find(2, 0, 1)
		w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: `{"errors":["invalid query syntax"]}`, Path: "Tickets/query", Times: 1})
		find(0, kept, 2) // the question for both is refused, that for its externalID is answered
		w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: "oops", Path: "Tickets/query", Times: 1})
		idle()
		find(0, kept, 3) // likewise where there is no answer, after which the guard asks, too
		idle()
		w.shallow.Store(true) // as where it is refused
		find(0, kept, 1)
		find(1, described, 2)
	})
}

// What came of a create that got no clear answer: the error is neither that it was refused nor that it was surely not done, and what is
// there afterwards is found.
func TestACreateWithoutAClearAnswerIsInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		fault psatest.Fault
		later time.Duration
		there bool
	}{
		"applied, then cut":    {psatest.Fault{At: psatest.Applied, Then: psatest.Reset}, 0, true},
		"cut before it":        {psatest.Fault{At: psatest.Received, Then: psatest.Reset}, 0, false},
		"a late commit":        {psatest.Fault{At: psatest.Judged, Then: psatest.Later, Delay: 90 * time.Second}, 90 * time.Second, true},
		"a 500 after commit":   {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: `{"errors":["Object reference not set to an instance of an object."]}`}, 0, true},
		"a bare 500":           {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: `oops`}, 0, true},
		"a proxy's 502":        {psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 502, Body: `<html>`}, 0, true},
		"an answer cut in two": {psatest.Fault{At: psatest.Answering, Then: psatest.HangUp}, 0, true},
	} {
		inWorld(t, func(w *world) {
			w.create(mail(0))
			c.fault.Times, c.fault.Method, c.fault.Path = 1, "POST", "V1.0/Tickets"
			w.sim.Fault(c.fault)
			_, err := w.Create(w.Context(), mail(1))
			if err == nil || errors.Is(err, drive.ErrRefused) || errors.Is(err, drive.ErrNotNow) {
				t.Errorf("%s: %v", name, err)
			}
			if c.later > 0 {
				if n := len(w.made()); n != 1 {
					t.Errorf("%s: %d tickets before it was done", name, n)
				}
				time.Sleep(c.later)
			}
			idle()
			k, there, err := w.Find(w.Context(), ref(1))
			if err != nil || there != c.there || there && k.Reference != ref(1) {
				t.Errorf("%s: %+v %v %v", name, k, there, err)
			}
			if want := map[bool]int{true: 2, false: 1}[c.there]; len(w.made()) != want {
				t.Errorf("%s: %d tickets, want %d", name, len(w.made()), want)
			}
		})
	}
}

func TestATicketThatThePSAPutsIntoAnotherShowsThatOnesReference(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.SetDuplicates(psatest.DuplicatesAppended)
		w.tenant.SetDuplicateTitles(true)
		first := w.create(mail(0))
		if id := w.create(mail(1)); id != first {
			t.Errorf("ticket %d, want %d", id, first)
		}
		if k, err := w.Read(w.Context(), first); err != nil || k.Reference != ref(0) {
			t.Errorf("%+v %v", k, err)
		}
		if n := len(w.made()); n != 1 {
			t.Errorf("%d tickets", n)
		}
	})
}

func TestWhatSurelyWasNotDoneIsNotNow(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for name, set := range map[string]func(w *world) context.Context{
		"the thread limit, as the text of a 500": func(w *world) context.Context {
			w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 500, Body: `{"errors":["The Autotask API thread threshold of 3 threads has been exceeded. (Itgenatr005)"]}`, Method: "POST"})
			return w.Context()
		},
		"the hour's limit": func(w *world) context.Context {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 1 })
			return w.Context()
		},
		"a 429": func(w *world) context.Context {
			w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Method: "POST"})
			return w.Context()
		},
		"a password that was changed": func(w *world) context.Context {
			w.user.SetSecret("another")
			return w.Context()
		},
		"the PSA is down": func(w *world) context.Context {
			w.zone.Down()
			idle() // until no connection is left that a request could be written to
			return w.Context()
		},
		"the time is over": func(*world) context.Context { return over },
		"an operator": func(w *world) context.Context {
			_, _ = w.g.Disable(w.Context(), "mail/support", "")
			return w.Context()
		},
	} {
		inWorld(t, func(w *world) {
			w.create(mail(0))
			ctx := set(w)
			if _, err := w.Create(ctx, mail(1)); !errors.Is(err, drive.ErrNotNow) || errors.Is(err, drive.ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
			if n := len(w.made()); n != 1 {
				t.Errorf("%s: %d tickets", name, n)
			}
			if w.user.FailedSinceSuccess() > 2 || w.user.Locked() { // one of ours, and the guard's recheck
				t.Errorf("%s: %d failed sign-ins", name, w.user.FailedSinceSuccess())
			}
		})
	}
}

func TestFieldsThatThePSARefusesAreLeftOutAndSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*drive.Ticket)
		want   map[string]any
		say    string
	}{
		"a queue that nobody knows":    {func(t *drive.Ticket) { t.Fields.Queue = "Nowhere" }, map[string]any{"queueID": nil, "source": int64(4)}, `queue "Nowhere" is not in the PSA's picklist`},
		"an inactive status":           {func(t *drive.Ticket) { t.Fields.Status = "On Hold" }, map[string]any{"status": int64(1)}, `status "On Hold" is inactive`},
		"another company's contact":    {func(t *drive.Ticket) { t.Contact = 5 }, map[string]any{"contactID": nil, "queueID": int64(29682833)}, "the PSA refuses the contactID"},
		"a contact that is not there":  {func(t *drive.Ticket) { t.Contact = 4711 }, map[string]any{"contactID": nil}, "the PSA refuses the contactID"},
		"nothing but a company":        {func(t *drive.Ticket) { t.Fields = route.Fields{Company: "2"} }, map[string]any{"companyID": int64(2), "priority": int64(2), "source": int64(-1)}, ""},
		"nothing at all":               {func(t *drive.Ticket) { t.Fields = route.Fields{} }, map[string]any{"companyID": int64(0), "status": int64(1)}, ""},
		"a title that is far too long": {func(t *drive.Ticket) { t.Title = strings.Repeat("ä", 300) }, map[string]any{"title": strings.Repeat("ä", 254) + "…"}, ""},
	} {
		inWorld(t, func(w *world) {
			of := mail(0)
			c.change(&of)
			w.create(of)
			for field, want := range c.want {
				if got := w.made()[0][field]; got != want {
					t.Errorf("%s: %s is %v, want %v", name, field, got, want)
				}
			}
			if c.say != "" {
				w.troubled(c.say)
			} else if len(w.Troubles()) > 0 {
				t.Errorf("%s: %+v", name, w.Troubles())
			}
		})
	}
}

// A queue is taken away in the PSA while its picklist is remembered here.
func TestAPicklistIsReadAgainAfterARefusal(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(mail(0))
		w.tenant.SetPicklist("Tickets", "queueID", psatest.Pick{Value: 77, Label: "Level I Support"}, psatest.Pick{Value: 5, Label: "Client Portal"})
		w.create(mail(1))
		if q := w.made()[1]["queueID"]; q != nil {
			t.Errorf("queue %v", q)
		}
		w.troubled("the PSA refuses the queueID of tickets, which are made without it: 29682833")
		w.create(mail(2))
		if q := w.made()[2]["queueID"]; q != int64(77) {
			t.Errorf("queue %v", q)
		}
		w.tenant.SetPicklist("Tickets", "queueID", psatest.Pick{Value: 78, Label: "Level I Support"})
		time.Sleep(listsFor + time.Second)
		w.create(mail(3))
		if q := w.made()[3]["queueID"]; q != int64(78) {
			t.Errorf("queue %v, of a picklist that is too old", q)
		}
	})
}

func TestACompanyThatIsNotThereIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		of := mail(0)
		of.Fields.Company = "4711"
		if _, err := w.Create(w.Context(), of); !errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
		if n := len(w.made()); n != 0 {
			t.Errorf("%d tickets", n)
		}
	})
}

// A queue that was renamed in the PSA is not no queue: where the mailbox's default has one, that is whose the ticket is.
func TestATicketWhoseQueueIsGoneIsPutIntoTheDefaults(t *testing.T) {
	inWorld(t, func(w *world) {
		of := mail(0)
		of.Fields.Queue, of.Otherwise.Queue = "Level 9", "Level I Support"
		w.create(of)
		if r := w.made()[0]; r["queueID"] != int64(29682833) || r["dueDateTime"] != nil {
			t.Errorf("%v", r)
		}
		w.troubled(`queue "Level 9" is not in the PSA's picklist`)
		of = mail(1)
		of.Fields.Queue, of.Otherwise.Queue = "Level 9", "Level 8"
		w.create(of)
		if r := w.made()[1]; r["queueID"] != nil {
			t.Errorf("%v", r)
		}
	})
}

// A mail for a queue that is named by its label is not put elsewhere while picklists may not be read.
func TestATicketForAQueueByLabelWaitsForWhoeverForbidsToLookItUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.policy(`permit (principal == Mailbox::"support", action in [Action::"create", Action::"query"], resource == Entity::"Tickets");`)
		if _, err := w.Create(w.Context(), mail(0)); !errors.Is(err, drive.ErrNotNow) || len(w.made()) != 0 {
			t.Errorf("%v, %d tickets", err, len(w.made()))
		}
		w.troubled(`Action::"read"`)
		w.policy(`permit (principal, action, resource);`)
		w.create(mail(0))
		if r := w.made()[0]; r["queueID"] != int64(29682833) {
			t.Errorf("%v", r)
		}
	})
}
