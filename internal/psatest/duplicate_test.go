package psatest_test

import (
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

func TestADuplicateTicketIsHandledAsTheTenantWants(t *testing.T) {
	const first = `{"companyID":1,"title":"CPU","description":"high","status":1,"priority":1,"queueID":8,"rMMAlertID":"A-7",
		"userDefinedFields":[{"name":"Acme Ticket ID","value":"X1"},{"name":"Message ID","value":"M"}]}`
	for name, tc := range map[string]struct {
		handling psatest.Duplicates
		again    string
		want     float64 // id of the ticket that the second POST tells
		notes    int
	}{
		"stored, the setting being off": {psatest.DuplicatesStored, `{"companyID":1,"rMMAlertID":"A-7"`, 2, 0},
		"appended by its alert":         {psatest.DuplicatesAppended, `{"companyID":1,"rMMAlertID":"a-7"`, 1, 1},
		"appended by the ticket number": {psatest.DuplicatesAppended, `{"companyID":1,"ticketNumber":"T20260304.0001"`, 1, 1},
		"appended by the service's id":  {psatest.DuplicatesAppended, `{"companyID":1,"userDefinedFields":[{"name":"acme ticket id","value":"x1"}]`, 1, 1},
		"ignored":                       {psatest.DuplicatesIgnored, `{"companyID":1,"rMMAlertID":"A-7"`, 1, 0},
		"another company's":             {psatest.DuplicatesAppended, `{"companyID":2,"rMMAlertID":"A-7"`, 2, 0},
		"another alert's":               {psatest.DuplicatesAppended, `{"companyID":1,"rMMAlertID":"A-8"`, 2, 0},
		"one with nothing to compare":   {psatest.DuplicatesAppended, `{"companyID":1`, 2, 0},
		"another field of the user's":   {psatest.DuplicatesIgnored, `{"companyID":1,"userDefinedFields":[{"name":"Message ID","value":"M"}]`, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.tenant.Seed(0)
			w.tenant.AddUDF("Tickets", "Acme Ticket ID")
			w.tenant.AddUDF("Tickets", "Message ID")
			w.tenant.SetDuplicates(tc.handling)
			w.must("POST", "Tickets", first)
			got := w.must("POST", "Tickets", tc.again+`,"title":"CPU again","description":"higher","status":1,"priority":1,"queueID":8}`)
			notes := w.tenant.Records("TicketNotes")
			if got["itemId"] != tc.want || len(w.tenant.Records("Tickets")) != int(tc.want) || len(notes) != tc.notes {
				t.Fatalf("%v, %d tickets, notes %v", got, len(w.tenant.Records("Tickets")), notes)
			}
			if tc.notes > 0 && (notes[0]["title"] != "CPU again" || notes[0]["description"] != "higher" || notes[0]["ticketID"] != int64(1)) {
				t.Fatal(notes)
			}
		})
	}
}

func TestTicketsWithNothingToCompareAreNoDuplicates(t *testing.T) {
	w := newWorld(t)
	w.tenant.SetDuplicates(psatest.DuplicatesIgnored)
	for want := 1.0; want <= 2; want++ {
		if got := w.must("POST", "Tickets", `{"companyID":0,"title":"CPU","status":1,"priority":1,"queueID":8,"rMMAlertID":""}`)["itemId"]; got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestADuplicateIsValidatedLikeAnother(t *testing.T) {
	w := newWorld(t)
	w.tenant.SetDuplicates(psatest.DuplicatesIgnored)
	w.must("POST", "Tickets", `{"companyID":0,"title":"CPU","status":1,"priority":1,"queueID":8,"rMMAlertID":"A-7"}`)
	if got := w.errorText("POST", "Tickets", `{"companyID":0,"status":1,"priority":1,"queueID":8,"rMMAlertID":"A-7"}`); got != "Missing Required Field: title" {
		t.Fatal(got)
	}
}
