package tickets

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
)

func notice() *route.Lockout {
	return &route.Lockout{Users: []string{user}, At: time.Now(), Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.7")}}
}

func TestASiteIsAtItsDomainAndItsWWW(t *testing.T) {
	for address, want := range map[string]bool{
		"acme.example": true, "www.acme.example": true, "https://www.Acme.example/shop?x=1": true, "HTTP://acme.example:8080": true, " acme.example. ": true,
		"notacme.example": false, "acme.example.evil.example": false, "shop.acme.example": false, "https://evil.example/acme.example": false, "": false, "%zz": false,
	} {
		if got := siteOf(address, "acme.example"); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestPeopleAndCompaniesAreFoundByTheirAddresses(t *testing.T) {
	inWorld(t, func(w *world) {
		all := w.tenant.Records("Contacts")
		first := all[0]
		for address, want := range map[string]int{"person1@company1.example": 1, "PERSON1@Company1.Example": 1, "nobody@company1.example": 0} {
			found, err := w.Contacts(w.Context(), address, 1)
			if err != nil || len(found) != want {
				t.Errorf("%s: %+v %v", address, found, err)
			}
			if want == 1 && (found[0].ID != first["id"] || found[0].Company != first["companyID"] || found[0].Name != "Person 1 Of Company 1") {
				t.Errorf("%+v", found[0])
			}
		}
		for field := 2; field <= 3; field++ {
			if found, err := w.Contacts(w.Context(), "person1@company1.example", field); err != nil || len(found) != 0 {
				t.Errorf("%d: %+v %v", field, found, err)
			}
		}
		if _, err := w.Contacts(w.Context(), "x@y.example", 4); err == nil {
			t.Error("a fourth address")
		}
		w.as("PATCH", "/Companies/1/Contacts", `{"id":1,"isActive":0}`)
		time.Sleep(personFor)
		if found, err := w.Contacts(w.Context(), "person1@company1.example", 1); err != nil || len(found) != 0 {
			t.Errorf("an inactive one: %+v %v", found, err)
		}
	})
}

// A contact is found in whichever field the address is, and who has none costs one request, as do those who have.
func TestAContactIsFoundByEachOfItsAddressesWithOneRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		w.as("PATCH", "/Companies/1/Contacts", `{"id":1,"emailAddress2":"Private@Home.example"}`)
		w.as("PATCH", "/Companies/1/Contacts", `{"id":2,"emailAddress3":" private@home.example ","emailAddress2":"other@home.example"}`)
		if _, err := w.Contacts(w.Context(), "first@home.example", 1); err != nil { // the login's first request is one alone
			t.Fatal(err)
		}
		for address, want := range map[string][3]int{
			"private@home.example": {0, 1, 0}, "other@home.example": {0, 1, 0}, "person1@company1.example": {1, 0, 0}, "nobody@home.example": {},
		} {
			before, got := len(w.sim.Ledger()), [3]int{}
			for field := 1; field <= 3; field++ {
				found, err := w.Contacts(w.Context(), address, field)
				if err != nil {
					t.Fatal(err)
				}
				got[field-1] = len(found)
			}
			if asked := len(w.sim.Ledger()) - before; got != want || asked != 1 {
				t.Errorf("%s: %v with %d requests, want %v with 1", address, got, asked, want)
			}
		}
		// After a minute the same address is asked for anew.
		time.Sleep(personFor)
		w.as("PATCH", "/Companies/1/Contacts", `{"id":2,"emailAddress":"nobody@home.example"}`)
		if found, err := w.Contacts(w.Context(), "nobody@home.example", 1); err != nil || len(found) != 1 {
			t.Errorf("%v %v", found, err)
		}
	})
}

// generous finds somebody with an accent too, in the second field.
type generous struct{}

func (generous) Call(_ context.Context, _, _ string, body []byte) (call.InsideAnswer, error) {
	text := `{"items":[]}`
	switch said := string(body); {
	case strings.Contains(said, `"or"`), strings.Contains(said, `"field":"emailAddress2"`):
		text = `{"items":[{"id":7,"companyID":3,"emailAddress2":"nob\u00f3dy@home.example"}]}`
	}
	return call.InsideAnswer{Status: http.StatusOK, Body: []byte(text)}, nil
}

func TestWhereThePSAComparesOtherwiseItSaysWhichFieldItIs(t *testing.T) {
	tickets := New(Options{Caller: generous{}})
	for field, want := range map[int]int{1: 0, 2: 1, 3: 0} {
		if found, err := tickets.Contacts(t.Context(), "nobody@home.example", field); err != nil || len(found) != want {
			t.Errorf("%d: %v %v", field, found, err)
		}
	}
}

func TestResourcesHaveOneAddressOrThree(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 2 {
			found, err := w.Resources(w.Context(), user)
			if err != nil || len(found) != 1 || found[0].Company != 0 || found[0].Name != "API "+user {
				t.Errorf("%+v %v", found, err)
			}
			if found, err := w.Resources(w.Context(), "nobody@example.com"); err != nil || len(found) != 0 {
				t.Errorf("%+v %v", found, err)
			}
		}
		if !w.oneAddress.Load() {
			t.Error("that the PSA knows one address alone was not remembered")
		}
	})
}

// picky is a PSA that takes no long values.
type picky struct{}

func (picky) Call(_ context.Context, _, _ string, body []byte) (call.InsideAnswer, error) {
	if len(body) > 400 {
		return call.InsideAnswer{Status: http.StatusInternalServerError, Body: []byte(`{"errors":["the value exceeds the maximum length"]}`)}, nil
	}
	return call.InsideAnswer{Status: http.StatusOK, Body: []byte(`{"items":[{"id":7,"isActive":true}]}`)}, nil
}

func TestAnAddressThatThePSARefusesTeachesNothing(t *testing.T) {
	people := New(Options{Caller: picky{}})
	if _, err := people.Resources(t.Context(), strings.Repeat("x", 300)+"@evil.example"); err == nil || people.oneAddress.Load() {
		t.Errorf("%v: resources are looked for by one address from now on: %v", err, people.oneAddress.Load())
	}
	if found, err := people.Resources(t.Context(), "a@b.example"); err != nil || len(found) != 1 || people.oneAddress.Load() {
		t.Errorf("%v, %v", found, err)
	}
}

func TestACompanyIsFoundByItsSiteElseByItsContacts(t *testing.T) {
	inWorld(t, func(w *world) {
		companies := func(domain string) []int64 {
			t.Helper()
			ids, err := w.Companies(w.Context(), domain)
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		if ids := companies("company2.example"); len(ids) != 1 || ids[0] != 2 {
			t.Errorf("by its contacts: %v", ids)
		}
		w.as("PATCH", "/Companies", `{"id":3,"webAddress":"https://www.company2.example/"}`)
		time.Sleep(companyFor)
		if ids := companies("company2.example"); len(ids) != 1 || ids[0] != 3 {
			t.Errorf("by its site: %v", ids)
		}
		w.as("PATCH", "/Companies", `{"id":3,"isActive":false}`)
		w.as("PATCH", "/Companies", `{"id":2,"isActive":false}`)
		time.Sleep(companyFor)
		if ids := companies("company2.example"); len(ids) != 0 {
			t.Errorf("inactive ones: %v", ids)
		}
		if ids := companies("pany2.example"); len(ids) != 0 {
			t.Errorf("a part of a domain: %v", ids)
		}
	})
}

func TestTicketsAreFoundByNumberAndID(t *testing.T) {
	inWorld(t, func(w *world) {
		want := w.tenant.Records("Tickets")[3]
		got, there, err := w.TicketByNumber(w.Context(), want["ticketNumber"].(string))
		if err != nil || !there || got.ID != want["id"] || got.Company != want["companyID"] || got.Contact != want["contactID"] {
			t.Errorf("%+v %v %v, want %v", got, there, err, want)
		}
		again, there, err := w.TicketByID(w.Context(), got.ID)
		if err != nil || !there || again != got {
			t.Errorf("%+v %v %v", again, there, err)
		}
		if _, there, err := w.TicketByID(w.Context(), 4711); there || err != nil {
			t.Errorf("%v %v", there, err)
		}
		if _, there, err := w.TicketByNumber(w.Context(), "T19990101.0001"); there || err != nil {
			t.Errorf("%v %v", there, err)
		}
		for address, want := range map[string]bool{"person2@company2.example": true, "PERSON2@company2.example": true, "person1@company2.example": false} {
			if is, err := w.Participates(w.Context(), got.ID, address); err != nil || is != want {
				t.Errorf("%s: %v %v", address, is, err)
			}
		}
		if is, err := w.Participates(w.Context(), 4711, "person1@company1.example"); is || err != nil {
			t.Errorf("%v %v", is, err)
		}
	})
}

// as makes a call as somebody who may do everything.
func (w *world) as(method, path, body string) {
	w.Helper()
	req := httptest.NewRequest(method, "/ATServicesRest/V1.0"+path, strings.NewReader(body))
	req.Header.Set("UserName", user)
	req.Header.Set("Secret", "pass-word")
	req.Header.Set("ApiIntegrationCode", "CODE")
	rec := httptest.NewRecorder()
	if w.zone.ServeHTTP(rec, req); rec.Code != http.StatusOK {
		w.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
}
