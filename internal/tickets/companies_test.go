package tickets

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// names puts a Tickets into force that learns names, and lets it run.
func (w *world) names(companies ...int64) (stop func()) {
	w.Helper()
	before := w.Tickets
	w.Tickets = New(Options{Caller: before.caller, Log: w.cfg.Log, Names: true, Companies: companies})
	w.TakeOver(before)
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{})
	of := w.Tickets
	go func() { defer close(ended); of.Run(ctx) }()
	return func() { cancel(); <-ended }
}

// known demands a company's name as the PSA has it.
func (w *world) known(id int64, want bool) {
	w.Helper()
	name, known := w.CompanyName(w.Context(), id)
	is := ""
	for _, c := range w.tenant.Records("Companies") {
		if c["id"] == id {
			is = fmt.Sprint(c["companyName"])
		}
	}
	if known != want || want && (name != is || is == "") {
		w.Errorf("company %d is %q (%v), want %q (%v)", id, name, known, is, want)
	}
}

func TestNamesOfCompaniesAreLearnedWhileTheAPICanBeUsed(t *testing.T) {
	inWorld(t, func(w *world) {
		stop := w.names(2, 4711)
		w.create(mail(0)) // for company 1
		w.known(1, false)
		idle()
		w.known(1, true)
		w.known(2, true)
		w.known(4711, false)
		w.known(3, false)
		mark := w.sim.Mark()
		idle()
		synctest.Wait()
		if n := len(w.sim.Ledger().Since(mark)); n != 0 {
			t.Errorf("nothing is wanted, and %d calls were made", n)
		}
		stop()
		stop = w.names(3) // a reload, while the API is away
		w.zone.Down()
		if _, err := w.Create(w.Context(), mail(1)); err == nil {
			t.Fatal("it was made")
		}
		idle()
		w.known(1, true)
		w.known(3, false)
		if err := w.zone.Up(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		w.known(3, true)
		mark = w.sim.Mark()
		time.Sleep(companyNamesFor) // names change
		if n := len(w.sim.Ledger().Since(mark)); n != 1 {
			t.Errorf("%d calls were made", n)
		}
		w.known(1, true)
		stop()
	})
}

// Where the PSA, or policy, does not tell names, it is not asked for ever.
func TestNamesThatMayNotBeReadAreLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.policy(`permit (principal, action, resource == Entity::"Tickets");`)
		stop := w.names(2)
		idle()
		w.known(2, false)
		w.troubled("Companies")
		idle()
		for _, of := range w.Troubles() {
			if of.Times > 1 {
				t.Errorf("%+v", of)
			}
		}
		stop()
	})
}

func TestNamesAreBounded(t *testing.T) {
	c := new(companyNames)
	for id := range int64(2 * companyNamesMost) {
		c.want(id)
	}
	for now := time.Now(); len(c.wanted) > 0; {
		ids := c.next(now)
		found := make([]company, 0, len(ids))
		for _, id := range ids {
			found = append(found, company{ID: id, CompanyName: fmt.Sprint("c", id)})
		}
		c.learned(ids, found)
	}
	if len(c.known) != companyNamesMost {
		t.Errorf("%d names", len(c.known))
	}
}
