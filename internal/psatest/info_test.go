package psatest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

func named(list []any, name string) map[string]any {
	for _, x := range list {
		if m := x.(map[string]any); m["name"] == name {
			return m
		}
	}
	return nil
}

func TestPicklistsAreShownWithTextsForValuesAndAreTheTenants(t *testing.T) {
	w := newWorld(t)
	w.tenant.SetPicklist("Tickets", "queueID", psatest.Pick{Value: 42, Label: "Support", Default: true})
	fields := w.must("GET", "Tickets/entityInformation/fields", "")["fields"].([]any)
	queue := named(fields, "queueID")
	value := queue["picklistValues"].([]any)[0].(map[string]any)
	if queue["isPickList"] != true || value["value"] != "42" || value["label"] != "Support" || value["isActive"] != true {
		t.Fatalf("queueID: %v", queue)
	}
	if sub := named(fields, "subIssueType"); sub["picklistParentValueField"] != "issueType" || sub["picklistValues"].([]any)[0].(map[string]any)["parentValue"] != "10" {
		t.Fatalf("subIssueType: %v", sub)
	}
	if title := named(fields, "title"); title["isRequired"] != true || title["length"] != 255.0 || title["dataType"] != "string" || title["picklistValues"] != nil {
		t.Fatalf("title: %v", title)
	}
	if company := named(fields, "companyID"); company["isReference"] != true || company["referenceEntityType"] != "Company" {
		t.Fatalf("companyID: %v", company)
	}
	w.tenant.Seed(0)
	w.must("POST", "Tickets", `{"companyID":1,"title":"x","status":1,"priority":1,"queueID":42}`)
}

func TestEntitiesSayWhatMayBeDoneWithThem(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]string{
		"Tickets": "true true false", "Contacts": "true true false", "ContactGroups": "true true true",
		"Resources": "false false false", "TicketAttachments": "true false true",
	} {
		info := w.must("GET", name+"/entityinformation", "")["info"].(map[string]any)
		if got := fmt.Sprint(info["canCreate"], info["canUpdate"], info["canDelete"]); got != want {
			t.Errorf("%s: create, update, delete are %s, want %s", name, got, want)
		}
	}
	all := w.must("GET", "EntityInformation", "")["entityDescriptions"].([]any)
	if len(all) != 10 || named(all, "Ticket") == nil {
		t.Errorf("all entities: %v", all)
	}
}

func TestUserDefinedFieldsAreListed(t *testing.T) {
	w := newWorld(t)
	w.tenant.AddUDF("Tickets", "Message ID")
	fields := w.must("GET", "Tickets/entityInformation/userDefinedFields", "")["fields"].([]any)
	if len(fields) != 1 || named(fields, "Message ID") == nil {
		t.Fatal(fields)
	}
}

func TestTheThresholdCountsTheTenantsCallsOfTheRollingHour(t *testing.T) {
	now := noon
	sim := psatest.New(psatest.WithClock(func() time.Time { return now }))
	defer sim.Close()
	z := sim.AddZoneOn("5", nil)
	tenant := sim.AddTenant("A", z)
	tenant.AddUser("one", "s", "c")
	tenant.AddUser("two", "s", "c")
	sim.AddTenant("B", z).AddUser("other", "s", "c")
	calls := func(user, secret string) any {
		r := ask(z, request("GET", "/ATServicesRest/V1.0/ThresholdInformation", "", user, secret, "c"))
		if r.status != 200 {
			return r.status
		}
		return r.json(t)["currentTimeframeRequestCount"]
	}
	calls("one", "s")
	calls("one", "wrong")
	calls("other", "s")
	now = now.Add(30 * time.Minute)
	if got := calls("two", "s"); got != 2.0 {
		t.Fatalf("both users' calls, without refusals: %v, want 2", got)
	}
	now = now.Add(30 * time.Minute)
	if got := calls("two", "s"); got != 2.0 {
		t.Fatalf("an hour after the first: %v, want 2", got)
	}
}

func TestTheVersionIsToldToTheSignedIn(t *testing.T) {
	if got := newWorld(t).must("GET", "version", "")["majorVersion"]; got != 2026.0 {
		t.Fatal(got)
	}
}
