package tickets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/call"
	"pgregory.net/rapid"
)

// stranger remembers no mails.
type stranger struct{}

func (stranger) TicketsOf(context.Context, string) ([]int64, error) { return nil, nil }

func (stranger) Participates(context.Context, int64, string) (bool, error) { return false, nil }

func (stranger) Wrote(context.Context, int64) ([]message.Address, error) { return nil, nil }

// routed routes a mail of an address, and says whose it is and how many requests the PSA saw for that.
func (w *world) routed(from string) (s route.Sender, requests int) {
	w.Helper()
	keys, err := thread.NewKeys(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		w.Fatal(err)
	}
	b := route.Mailbox{Name: "support", Tenant: "main", Keys: keys}
	mark := w.sim.Mark()
	d, err := b.Route(w.Context(), message.Read([]byte("From: "+from+"\nSubject: Printer\n\nIt burns.\n"), message.Options{}), w.Tickets, stranger{})
	if err != nil {
		w.Fatal(err)
	}
	return d.Sender, len(w.sim.Ledger().Since(mark))
}

func TestWhatASenderCosts(t *testing.T) {
	inWorld(t, func(w *world) {
		w.routed("first@gmail.com") // the login's first request is one alone
		w.oneAddress.Store(true)    // as is learned of this PSA
		w.as("PATCH", "/Companies", `{"id":3,"webAddress":"https://shop.company3.example/"}`)
		for i, c := range []struct {
			from  string
			kind  route.SenderKind
			costs int
		}{
			{user, route.Resource, 1},
			{user, route.Resource, 0},
			{"person1@company1.example", route.Contact, 2},
			{"Person1@Company1.example", route.Contact, 0},
			{"nobody@spam.example", route.UnknownSender, 4},
			{"nobody@spam.example", route.UnknownSender, 0},
			{"another@spam.example", route.UnknownSender, 2},
			{"nobody@a.b.c.d.spam2.example", route.UnknownSender, 4},
			{"nobody@e.b.c.d.spam2.example", route.UnknownSender, 3},
			{"nobody@gmail.com", route.UnknownSender, 2},
			{"nobody@company2.example", route.Company, 5},
			{"another@company2.example", route.Company, 2},
			{"nobody@it.company2.example", route.Company, 3}, // whether a site or a contact is below it is to be asked
			{"nobody@shop.company3.example", route.Company, 3},
			{"another@shop.company3.example", route.Company, 2},
			{"nobody@company3.example", route.Company, 4}, // which has no site itself, and contacts
		} {
			s, costs := w.routed(c.from)
			if s.Kind != c.kind || costs != c.costs {
				t.Errorf("%d: %s is %s with %d requests, want %s with %d", i, c.from, s.Kind, costs, c.kind, c.costs)
			}
		}
		time.Sleep(personFor)
		for from, want := range map[string]int{"nobody@spam.example": 4, "nobody@company2.example": 2} {
			if _, costs := w.routed(from); costs != want {
				t.Errorf("a minute later %s costs %d requests, want %d", from, costs, want)
			}
		}
		time.Sleep(companyFor)
		if _, costs := w.routed("nobody@company2.example"); costs != 5 {
			t.Errorf("ten minutes later a company's domain costs %d requests", costs)
		}
	})
}

// The nearest of the domains wins, although all are asked for at once; and a company that is entered is known a minute later.
func TestACompanyOfADomainIsTheNearestHoweverItIsAskedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		ids := func(domain string) []int64 {
			t.Helper()
			ids, err := w.Companies(w.Context(), domain)
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		w.as("PATCH", "/Companies/1/Contacts", `{"id":1,"emailAddress2":"one@it.acme.example"}`)
		for _, c := range w.tenant.Records("Contacts") {
			if c["companyID"] == int64(2) {
				w.as("PATCH", "/Companies/2/Contacts", fmt.Sprintf(`{"id":%d,"emailAddress3":"Two@ACME.example"}`, c["id"]))
				break
			}
		}
		if got := ids("it.acme.example"); !slices.Equal(got, []int64{1}) {
			t.Errorf("of a domain: %v", got)
		}
		if got := ids("acme.example"); !slices.Equal(got, []int64{2}) {
			t.Errorf("of the domain above it: %v", got)
		}
		if got := ids("x.it.acme.example"); len(got) != 0 {
			t.Errorf("of a domain below them: %v", got)
		}
		w.as("PATCH", "/Companies", `{"id":3,"webAddress":"x.it.acme.example"}`)
		time.Sleep(noCompany)
		if got := ids("x.it.acme.example"); !slices.Equal(got, []int64{3}) {
			t.Errorf("a minute after its site was entered: %v", got)
		}
	})
}

// crowd is a PSA with more contacts at a domain than are read.
type crowd struct{ asked int }

func (c *crowd) Call(_ context.Context, _, path string, _ []byte) (call.InsideAnswer, error) {
	c.asked++
	text := `{"items":[]}`
	if path != "/Companies/query" {
		text = `{"items":[{"id":1,"companyID":7,"emailAddress":"a@big.example"}],"pageDetails":{"nextPageUrl":"https://x/V1.0/Contacts/query/next?paging=1"}}`
	}
	return call.InsideAnswer{Status: http.StatusOK, Body: []byte(text)}, nil
}

func TestADomainOfTooManyContactsKeepsNoMailWaiting(t *testing.T) {
	c := new(crowd)
	tickets := New(Options{Caller: c})
	for range 2 {
		if ids, err := tickets.Companies(t.Context(), "big.example"); err != nil || len(ids) != 0 {
			t.Errorf("%v %v", ids, err)
		}
	}
	if all := tickets.Troubles(); len(all) != 1 || c.asked != 1+pagesMost {
		t.Errorf("%+v, %d requests", all, c.asked)
	}
}

// accents is a PSA that finds a contact at a domain which is spelt otherwise than the one that was asked for.
type accents struct{}

func (accents) Call(_ context.Context, _, path string, body []byte) (call.InsideAnswer, error) {
	text := `{"items":[]}`
	var asked question
	_ = json.Unmarshal(body, &asked)
	switch {
	case path == "/Contacts/query" && asked.Filter[0].Items[0].Value == "@it.acme.example":
		text = `{"items":[{"id":1,"companyID":7,"emailAddress":"a@it.\u00e4cme.example"}]}`
	case asked.Filter[0].Field == "id":
		text = `{"items":[{"id":7}]}`
	}
	return call.InsideAnswer{Status: http.StatusOK, Body: []byte(text)}, nil
}

func TestWhereThePSAComparesOtherwiseItSaysWhoseDomainItIs(t *testing.T) {
	tickets := New(Options{Caller: accents{}})
	for domain, want := range map[string]int{"it.acme.example": 1, "acme.example": 0} {
		if ids, err := tickets.Companies(t.Context(), domain); err != nil || len(ids) != want {
			t.Errorf("%s: %v %v", domain, ids, err)
		}
	}
}

// TestModelAnswers: whatever is asked, in whichever order, and however the clock is set, an answer is the last that was put, and no older
// than it may be; and there are never more than the bound.
func TestModelAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a answers[int]
		now, n := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), 0
		type put struct {
			n     int
			at    time.Time
			lasts time.Duration
		}
		last := map[string]put{}
		for i := range answersMost - 2 { // so that the bound is near
			a.put(fmt.Sprint("old ", i), 0, now, time.Minute)
		}
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, lasts := key.Draw(t, "key"), time.Duration(rapid.IntRange(1, 5).Draw(t, "lasts"))*time.Second
				n++
				a.put(k, n, now, lasts)
				last[k] = put{n, now, lasts}
			},
			"time": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(-2, 3).Draw(t, "by")) * time.Second) },
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				got, known := a.get(k, now)
				of, was := last[k]
				good := was && !now.Before(of.at) && now.Sub(of.at) < of.lasts
				if known != good || known && got != of.n {
					t.Fatalf("%q is %d (%v), want %d (%v)", k, got, known, of.n, good)
				}
			},
			"": func(t *rapid.T) {
				if len(a.all) > answersMost || len(a.order) != len(a.all) {
					t.Fatalf("%d are kept, in an order of %d", len(a.all), len(a.order))
				}
			},
		})
	})
}
