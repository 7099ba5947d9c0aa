package tickets

import (
	"errors"
	"testing"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/psatest"
)

func TestATicketOfTheMailServiceIsPutRight(t *testing.T) {
	inWorld(t, func(w *world) {
		w.as("POST", "/Tickets", `{"companyID":0,"title":"The printer burns","status":8,"priority":3,"queueID":5,"description":"It does.\n\nRef: `+ref(1)+`"}`)
		k, there, err := w.Find(w.Context(), ref(1))
		if err != nil || !there {
			t.Fatal(k, there, err)
		}
		of := mail(1)
		of.Contact = 1
		for range 2 {
			if err := w.Repair(w.Context(), k.ID, of); err != nil {
				t.Fatal(err)
			}
			r := w.made()[0]
			for field, want := range map[string]any{
				"companyID": int64(1), "contactID": int64(1), "queueID": int64(29682833), "externalID": ref(1), "priority": int64(1), "source": int64(4), "status": int64(8),
				"title": "The printer burns",
			} {
				if r[field] != want {
					t.Errorf("%s is %v, want %v", field, r[field], want)
				}
			}
		}
		of.Fields.Queue, of.Contact = "Level II Support", 5 // of another company
		if err := w.Repair(w.Context(), k.ID, of); err != nil {
			t.Fatal(err)
		}
		if r := w.made()[0]; r["queueID"] != int64(29683354) || r["contactID"] != int64(1) {
			t.Errorf("%v", r)
		}
		w.troubled("the PSA refuses the contactID")
		if err := w.Repair(w.Context(), 4711, of); !errors.Is(err, drive.ErrRefused) {
			t.Error(err)
		}
	})
}

// Where too many mails were alike, their titles were varied.
func TestAVariedTitleIsPutRight(t *testing.T) {
	inWorld(t, func(w *world) {
		w.as("POST", "/Tickets", `{"companyID":0,"title":"`+ates.Varied("The printer burns", ref(1))+`","status":8,"priority":3,"queueID":5,"description":"Ref: `+ref(1)+`"}`)
		w.as("POST", "/Tickets", `{"companyID":0,"title":"`+ates.Varied("The printer burns", ref(2))+`, says Ada","status":8,"priority":3,"queueID":5,"description":"Ref: `+ref(2)+`"}`)
		for n, want := range []string{"The printer burns", ates.Varied("The printer burns", ref(2)) + ", says Ada"} { // people have named the second
			if err := w.Repair(w.Context(), w.made()[n]["id"].(int64), mail(n+1)); err != nil {
				t.Fatal(err)
			}
			if title := w.made()[n]["title"]; title != want {
				t.Errorf("its title is %q", title)
			}
		}
	})
}

func TestACompleteTicketGetsItsReferenceAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.as("POST", "/Tickets", `{"companyID":2,"title":"The printer burns","status":5,"priority":3,"queueID":5,"description":"Ref: `+ref(1)+`"}`)
		id := w.made()[0]["id"].(int64)
		mark := w.sim.Mark()
		for range 2 {
			if err := w.Repair(w.Context(), id, mail(1)); err != nil {
				t.Fatal(err)
			}
		}
		if r := w.made()[0]; r["externalID"] != ref(1) || r["queueID"] != int64(5) || r["companyID"] != int64(2) {
			t.Errorf("%v", r)
		}
		patches := 0
		for _, s := range w.sim.Ledger().Since(mark) {
			if s.Method == "PATCH" {
				patches++
			}
		}
		if patches != 1 {
			t.Errorf("%d changes", patches)
		}
	})
}

// What cannot be queried for by its text is looked through; a page that does not come is not a ticket that is not there.
func TestMoreThanAPageIsReadWhole(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap, b.NoExternalID = 2, true })
		w.unkept.Store(true)
		w.shallow.Store(true)
		for n := range 5 {
			w.create(mail(n))
		}
		if k, there, err := w.Find(w.Context(), ref(4)); err != nil || !there || k.ID != w.made()[4]["id"] {
			t.Errorf("%+v %v %v", k, there, err)
		}
		w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 500, Body: "x", Path: "/query/next"})
		if _, there, err := w.Find(w.Context(), ref(9)); err == nil {
			t.Errorf("there %v, and no error", there)
		}
	})
}
