package psatest_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

const printer = `{"companyID":1,"title":"Printer","status":1,"priority":2,"queueID":5}`

func seeded(t testing.TB, n int) *world {
	w := newWorld(t)
	w.tenant.Seed(n)
	return w
}

func item(t testing.TB, m map[string]any) map[string]any {
	t.Helper()
	i, _ := m["item"].(map[string]any)
	if i == nil {
		t.Fatalf("no item in %v", m)
	}
	return i
}

func TestATicketIsCreatedReadChangedAndReplaced(t *testing.T) {
	w := seeded(t, 0)
	if got := w.must("GET", "Tickets/1", ""); !reflect.DeepEqual(got, map[string]any{"item": nil}) {
		t.Fatalf("an absent ticket: %v", got)
	}
	body := `{"ID":0,"CompanyID":"1","Title":"Printer","STATUS":1,"priority":2,"dueDateTime":"2026-03-05T10:00:00+02:00","ticketNumber":"mine","externalID":"x-1","wombat":[1]}`
	if got := w.must("POST", "Tickets", body); got["itemId"] != 1.0 {
		t.Fatalf("create: %v", got)
	}
	made := item(t, w.must("GET", "Tickets/1", ""))
	for field, want := range map[string]any{
		"companyID": 1.0, "title": "Printer", "dueDateTime": "2026-03-05T08:00:00Z", "createDate": "2026-03-04T12:00:00Z",
		"ticketNumber": "T20260304.0001", "source": -1.0, "ticketType": 1.0, "externalID": "x-1", "resolution": nil, "creatorResourceID": 1.0,
	} {
		if made[field] != want {
			t.Errorf("%s is %v, want %v", field, made[field], want)
		}
	}
	if _, has := made["wombat"]; has {
		t.Error("an unknown field was stored")
	}
	w.must("PATCH", "Tickets", `{"id":1,"resolution":"Toner","externalID":null}`)
	patched := item(t, w.must("GET", "Tickets/1", ""))
	if patched["resolution"] != "Toner" || patched["externalID"] != nil || patched["title"] != "Printer" {
		t.Errorf("PATCH changed more or less than it was told: %v", patched)
	}
	w.must("PUT", "Tickets", `{"id":1,"companyID":1,"title":"Scanner","status":5,"priority":2,"queueID":5}`)
	put := item(t, w.must("GET", "Tickets/1", ""))
	if put["resolution"] != nil || put["title"] != "Scanner" || put["ticketNumber"] != "T20260304.0001" || put["createDate"] != made["createDate"] {
		t.Errorf("PUT must null what was not sent and keep what is the server's: %v", put)
	}
}

func TestTheSamePostTwiceIsTwoTickets(t *testing.T) {
	w := seeded(t, 0)
	w.must("POST", "Tickets", printer)
	w.must("POST", "Tickets", printer)
	records := w.tenant.Records("Tickets")
	if len(records) != 2 || records[1]["ticketNumber"] != "T20260304.0002" {
		t.Fatalf("stored: %v", records)
	}
}

func TestWritesAreValidated(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"a required field is missing":         {"POST", "Tickets", `{"companyID":1,"status":1,"priority":1,"queueID":5}`, "Missing Required Field: title"},
		"neither queue nor due date":          {"POST", "Tickets", `{"companyID":1,"title":"x","status":1,"priority":1}`, "Missing Required Field: dueDateTime"},
		"a company that is not there":         {"POST", "Tickets", strings.Replace(printer, `"companyID":1`, `"companyID":99`, 1), "Value does not reference an existing entity for companyID . "},
		"a value that no picklist has":        {"POST", "Tickets", strings.Replace(printer, `"status":1`, `"status":77`, 1), "Value does not reference an existing entity for status . "},
		"an inactive picklist value":          {"POST", "Tickets", strings.Replace(printer, `"status":1`, `"status":9`, 1), "Value does not reference an existing entity for status . "},
		"a resource without its role":         {"PATCH", "Tickets", `{"id":1,"assignedResourceID":1}`, "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID."},
		"a sub-issue of another issue":        {"PATCH", "Tickets", `{"id":1,"issueType":11,"subIssueType":136}`, "The value of subIssueType does not belong to the value of issueType."},
		"a contact of another company":        {"PATCH", "Tickets", `{"id":1,"contactID":6}`, "The contactID does not belong to the companyID."},
		"a title too long":                    {"PATCH", "Tickets", `{"id":1,"title":"` + long + `"}`, "The value of title exceeds the maximum length of 255."},
		"a text for a number":                 {"PATCH", "Tickets", `{"id":1,"status":"new"}`, "Could not convert string to integer: new. Path 'status'."},
		"an object for a text":                {"PATCH", "Tickets", `{"id":1,"title":{}}`, "Unexpected character encountered while parsing value: {. Path 'title'."},
		"a list for a text":                   {"PATCH", "Tickets", `{"id":1,"title":[]}`, "Unexpected character encountered while parsing value: [. Path 'title'."},
		"a boolean for a number":              {"PATCH", "Tickets", `{"id":1,"status":true}`, "Error converting value true to type 'integer'. Path 'status'."},
		"a date that is none":                 {"PATCH", "Tickets", `{"id":1,"dueDateTime":"soon"}`, "Could not convert string to datetime: soon. Path 'dueDateTime'."},
		"a required field set to null":        {"PATCH", "Tickets", `{"id":1,"title":null}`, "Missing Required Field: title"},
		"a change without an id":              {"PATCH", "Tickets", `{"title":"x"}`, "Missing Required Field: id"},
		"a change of what is not there":       {"PATCH", "Tickets", `{"id":99,"title":"x"}`, "The Ticket with id 99 does not exist."},
		"a child of what is not there":        {"POST", "Tickets/99/Notes", `{"description":"x","noteType":1,"publish":1}`, "Value does not reference an existing entity for ticketID . "},
		"a user-defined field of nobody's":    {"PATCH", "Tickets", `{"id":1,"userDefinedFields":[{"name":"x","value":"y"}]}`, "Unable to find the user-defined field x in the Ticket Entity."},
		"a literal that is not JSON":          {"POST", "Companies", "{\n \"isActive\":True}", "Unexpected character encountered while parsing value: T. Path '', line 2, position 12."},
		"a body that ends early":              {"POST", "Companies", `{"isActive":`, "Unexpected end when reading JSON."},
		"no body":                             {"POST", "Companies", "", "The request body is missing."},
		"a body that is no object":            {"POST", "Companies", "[]", "Unexpected character encountered while parsing value: [. Path '', line 1, position 1."},
		"a group deleted that is not there":   {"DELETE", "ContactGroups/3", "", "The ContactGroup with id 3 does not exist."},
		"an attachment that is not base64":    {"POST", "Tickets/1/Attachments", attachment("%%%"), "The data of a FILE_ATTACHMENT must be base64."},
		"an attachment that is too large":     {"POST", "Tickets/1/Attachments", attachment(strings.Repeat("AAAA", 2_333_334)), "The attachment exceeds the maximum size of 7000000 bytes."},
		"text after the end of a body's JSON": {"POST", "Companies", `{} x`, "Unexpected character encountered while parsing value: x. Path '', line 1, position 3."},
	} {
		t.Run(name, func(t *testing.T) {
			w := seeded(t, 1)
			before := fmt.Sprint(w.tenant.Records("Tickets"), w.tenant.Records("Companies"), w.tenant.Records("TicketNotes"), w.tenant.Records("TicketAttachments"))
			if got := w.errorText(tc.method, tc.path, tc.body); got != tc.want {
				t.Fatalf("%q, want %q", got, tc.want)
			}
			after := fmt.Sprint(w.tenant.Records("Tickets"), w.tenant.Records("Companies"), w.tenant.Records("TicketNotes"), w.tenant.Records("TicketAttachments"))
			if before != after {
				t.Fatal("a refused write was stored")
			}
		})
	}
}

func TestAllErrorsOfAWriteAreTold(t *testing.T) {
	w := seeded(t, 0)
	errs := w.do("POST", "Tickets", "{}").json(t)["errors"].([]any)
	if len(errs) != 4 {
		t.Fatalf("want companyID, title, status and priority: %v", errs)
	}
}

func attachment(data string) string {
	return `{"id":0,"attachmentType":"FILE_ATTACHMENT","title":"a.txt","fullPath":"a.txt","publish":1,"data":"` + data + `"}`
}

func TestAnAttachmentsDataIsInOneAnswerAlone(t *testing.T) {
	w := seeded(t, 2)
	data := base64.StdEncoding.EncodeToString([]byte("hello"))
	w.must("POST", "Tickets/1/Attachments", attachment(data))
	one := item(t, w.must("GET", "Tickets/1/Attachments/1", ""))
	if one["data"] != data || one["fileSize"] != 5.0 || one["ticketID"] != 1.0 || one["parentID"] != 1.0 {
		t.Fatalf("the attachment: %v", one)
	}
	for _, path := range []string{"Tickets/1/Attachments", "TicketAttachments/1", "TicketAttachments/query" + search(`{"filter":[]}`)} {
		if r := w.do("GET", path, ""); r.status != 200 || strings.Contains(r.body, data) || !strings.Contains(r.body, `"data":null`) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if got := w.must("GET", "Tickets/2/Attachments/1", ""); got["item"] != nil {
		t.Errorf("under another ticket: %v", got)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.AttachmentItems = true })
	if got := w.must("GET", "Tickets/1/Attachments/1", ""); len(got["items"].([]any)) != 1 {
		t.Errorf("wrapped in items: %v", got)
	}
	if got := w.errorText("DELETE", "Tickets/2/Attachments/1", ""); got != "The TicketAttachment with id 1 does not exist." {
		t.Errorf("deleted under another ticket: %s", got)
	}
	w.must("DELETE", "Tickets/1/Attachments/1", "")
	if n := len(w.tenant.Records("TicketAttachments")); n != 0 {
		t.Errorf("%d left after DELETE", n)
	}
}

func TestChildrenBelongToTheParentInTheURL(t *testing.T) {
	w := seeded(t, 2)
	w.must("POST", "Tickets/1/Notes", `{"ticketID":2,"description":"first","noteType":1,"publish":1}`)
	w.must("POST", "Tickets/2/Notes", `{"description":"second","noteType":1,"publish":2}`)
	if got := ids(w.must("GET", "Tickets/1/Notes", "")); !reflect.DeepEqual(got, []int{1}) {
		t.Fatalf("notes of ticket 1: %v", got)
	}
	if got := ids(w.must("GET", "Tickets/99/Notes", "")); len(got) != 0 {
		t.Fatalf("notes of no ticket: %v", got)
	}
	w.must("PATCH", "Tickets/1/Notes", `{"id":1,"title":"T"}`)
	if got := w.errorText("PATCH", "Tickets/2/Notes", `{"id":1,"title":"T"}`); got != "The TicketNote with id 1 does not exist." {
		t.Fatal(got)
	}
	w.must("PUT", "Tickets/1/Notes", `{"id":1,"description":"first again","noteType":1,"publish":1}`)
	note := item(t, w.must("GET", "TicketNotes/1", ""))
	if note["title"] != nil || note["description"] != "first again" || note["ticketID"] != 1.0 {
		t.Fatalf("the note: %v", note)
	}
	w.must("POST", "Companies/2/Contacts", `{"firstName":"A","lastName":"B","isActive":1}`)
	if got := ids(w.must("GET", "Companies/2/Contacts", "")); !reflect.DeepEqual(got, []int{3, 4, 7}) {
		t.Fatalf("contacts of company 2: %v", got)
	}
}

func TestAContactGroupIsDeletedAtTheRoot(t *testing.T) {
	w := newWorld(t)
	w.must("POST", "ContactGroups", `{"name":"VIP","isActive":true}`)
	w.must("DELETE", "ContactGroups/1", "")
	if got := w.must("GET", "ContactGroups/1", ""); got["item"] != nil {
		t.Fatal(got)
	}
}

func TestImpersonationShowsAnotherCreatorAndForbidsQueries(t *testing.T) {
	w := seeded(t, 0)
	as := func(id, method, path, body string) reply {
		r := request(method, "/ATServicesRest/V1.0/"+path, body, userName, secret, code)
		r.Header.Set("ImpersonationResourceID", id)
		return ask(w.z5, r)
	}
	as("2", "POST", "Tickets", printer)
	made := item(t, w.must("GET", "Tickets/1", ""))
	if made["creatorResourceID"] != 2.0 || made["impersonatorCreatorResourceID"] != 1.0 {
		t.Fatalf("creator %v by %v", made["creatorResourceID"], made["impersonatorCreatorResourceID"])
	}
	if r := as("99", "POST", "Tickets", printer); r.status != 500 {
		t.Fatalf("nobody impersonated: %d", r.status)
	}
	if r := as("2", "POST", "Tickets/query", `{"filter":[]}`); r.status != 500 || !strings.Contains(r.body, "adequate permissions") {
		t.Fatalf("a query: %d %s", r.status, r.body)
	}
}

func TestTenantsSeeTheirOwnRecordsAlone(t *testing.T) {
	w := seeded(t, 3)
	other := w.sim.AddTenant("Other", w.z5)
	other.AddUser("other@example.com", "s", "c")
	r := ask(w.z5, request("GET", "/ATServicesRest/V1.0/Tickets/1", "", "other@example.com", "s", "c"))
	if r.body != `{"item":null}` {
		t.Fatal(r.body)
	}
}

func TestSeedsAreTheSameEveryTime(t *testing.T) {
	a, b := seeded(t, 20), seeded(t, 20)
	if !reflect.DeepEqual(a.tenant.Records("Tickets"), b.tenant.Records("Tickets")) || len(a.tenant.Records("Tickets")) != 20 {
		t.Fatal("two seeds differ")
	}
	a.must("PATCH", "Tickets", `{"id":20,"title":"still valid"}`)
}

func TestUserDefinedFieldsAreStoredByName(t *testing.T) {
	w := seeded(t, 1)
	w.tenant.AddUDF("Tickets", "Message ID")
	w.must("PATCH", "Tickets", `{"id":1,"userDefinedFields":[{"name":"message id","value":"<a@b>"}]}`)
	want := []any{map[string]any{"name": "Message ID", "value": "<a@b>"}}
	if got := item(t, w.must("GET", "Tickets/1", ""))["userDefinedFields"]; !reflect.DeepEqual(got, want) {
		t.Fatalf("%v", got)
	}
	w.must("PATCH", "Tickets", `{"id":1,"userDefinedFields":[{"name":"Message ID","value":null}]}`)
	if got := w.tenant.Records("Tickets")[0]["userDefinedFields"].([]any)[0].(map[string]any)["value"]; got != nil {
		t.Fatalf("%v", got)
	}
}

func TestAPicklistValueThatWasSwitchedOffStaysWhereItIs(t *testing.T) {
	w := seeded(t, 0)
	w.must("POST", "Tickets", printer)
	w.tenant.SetPicklist("Tickets", "queueID", psatest.Pick{Value: 5, Label: "Old", Inactive: true})
	w.must("PATCH", "Tickets", `{"id":1,"title":"Scanner"}`)
	if r := w.do("POST", "Tickets", printer); r.status != 500 {
		t.Fatalf("a new ticket took it: %d", r.status)
	}
}
