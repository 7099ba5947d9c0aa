package policy

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestARequestAsJSON(t *testing.T) {
	r := Request{
		Principal: Principal{Kind: Person, Issuer: "entra", Name: "alice/b", Groups: []string{"admins"}}, Action: Update, Entity: "TicketNotes",
		ID: "9", Parent: Parent{"Tickets", "7"}, API: "rest", Method: "PATCH", Fields: Known("title"), Filters: Known(),
		Time: noon, SourceIP: netip.MustParseAddr("192.0.2.7"), Impersonates: true, Zone: "https://webservices2.autotask.net",
		LastFactor: noon.Add(-90 * time.Second),
	}
	const want = `{"person":"entra/alice/b","groups":["admins"],"action":"update","entity":"TicketNotes","id":"9","parent":{"entity":"Tickets","id":"7"},` +
		`"api":"rest","method":"PATCH","fields":["title"],"filters":[],"time":"2026-11-25T12:00:00Z","source_ip":"192.0.2.7","impersonates":true,` +
		`"zone":"https://webservices2.autotask.net","factor_age":"1m30s"}`
	got, err := json.Marshal(r)
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
	got, err = json.Marshal(Request{Principal: Principal{Kind: Mailbox, Name: "support"}, Action: Create, Entity: "Tickets"})
	if err != nil || string(got) != `{"mailbox":"support","action":"create","entity":"Tickets"}` {
		t.Errorf("%s %v", got, err)
	}
}

func TestWhatIsNullIsNotKnown(t *testing.T) {
	var r Request
	if err := json.Unmarshal([]byte(`{"integration": "a", "action": "query", "entity": "Tickets", "filters": null, "returns": []}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.Filters.Known() || !r.Returns.Known() || r.Fields.Known() || r.Returns.List() != nil && len(r.Returns.List()) > 0 {
		t.Errorf("%+v", r)
	}
	if err := json.Unmarshal([]byte(`{"integration": "a"}`), &r); err == nil || err.Error() != `request:1:1: a request has an "action"` {
		t.Error(err)
	}
	if err := r.UnmarshalJSON([]byte(`{`)); err == nil {
		t.Error("the half of it is taken")
	}
}

func TestARequestComesBackFromJSONAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.API = rapid.SampledFrom([]string{"", "rest", "soap"}).Draw(t, "api")
		r.LastFactor = r.Time.Add(-time.Duration(rapid.IntRange(0, 1000).Draw(t, "age")) * time.Second)
		if len(r.Principal.Groups) == 0 {
			r.Principal.Groups = nil
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Request
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, n := range []*Names{&r.Fields, &r.Filters, &r.Returns, &back.Fields, &back.Filters, &back.Returns} {
			if len(n.list) == 0 {
				n.list = nil
			}
		}
		if !reflect.DeepEqual(r, back) {
			t.Fatalf("%+v\n%+v", r, back)
		}
	})
}
