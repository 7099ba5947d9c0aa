package psatest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// sent is an entity as .NET sends it: fields are pairs of name and value.
func sent(kind string, fields ...string) string {
	var b strings.Builder
	b.WriteString(`<Entity i:type="a:` + kind + `">`)
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("<" + fields[i] + ">" + escaped(fields[i+1]) + "</" + fields[i] + ">")
	}
	return b.String() + `</Entity>`
}

func (w *world) write(operation string, entities ...string) atws {
	w.t.Helper()
	return w.soap(operation, "<Entities>"+strings.Join(entities, "")+"</Entities>").atws(w.t)
}

// ticket is a ticket that may be created.
func ticket(more ...string) string {
	return sent("Ticket", append([]string{"id", "0", "AccountID", "1", "Title", "Printer", "Status", "1", "Priority", "2", "QueueID", "8"}, more...)...)
}

func TestATicketOfSOAPIsReadByREST(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(0)
	got := w.write("create", ticket("AllocationCodeID", "12", "EstimatedHours", "1.5", "DueDateTime", "2026-03-05T10:00:00", "Description", " a <b> & ü "))
	if got.ReturnCode != 1 || got.Type != "Ticket" || len(got.Infos) != 1 || got.Infos[0].EntityID != 1 || got.Infos[0].DatabaseAction != "Created" {
		t.Fatalf("%+v", got)
	}
	if e := got.Entities[0]; e.ID != 1 || e.get("TicketNumber") != "T20260304.0001" {
		t.Fatalf("%+v", e)
	}
	item := w.must("GET", "Tickets/1", "")["item"].(map[string]any)
	for name, want := range map[string]any{
		"companyID": 1.0, "title": "Printer", "billingCodeID": 12.0, "estimatedHours": 1.5, "dueDateTime": "2026-03-05T10:00:00Z",
		"description": " a <b> & ü ", "ticketNumber": "T20260304.0001", "creatorResourceID": 1.0,
	} {
		if item[name] != want {
			t.Errorf("%s is %v, want %v", name, item[name], want)
		}
	}
}

func TestEachEntityOfACallIsWrittenForItself(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(0)
	got := w.write("create", ticket(), sent("Ticket", "AccountID", "99", "Title", "x"), ticket("Title", "third"),
		sent("ContactGroup", "Name", "VIP", "Active", "true"))
	if got.ReturnCode != -1 || len(got.Entities) != 3 || got.Entities[2].Type != "ContactGroup" {
		t.Fatalf("%+v", got)
	}
	want := "[Value does not reference an existing entity for AccountID .  Missing Required Field: Status Missing Required Field: Priority]"
	if fmt.Sprint(got.Errors) != want {
		t.Errorf("errors %v", got.Errors)
	}
	var infos []string
	for _, i := range got.Infos {
		infos = append(infos, fmt.Sprintf("%d %s %v", i.EntityID, i.DatabaseAction, i.Message != ""))
	}
	if fmt.Sprint(infos) != "[1 Created false 0 None true 2 Created false 1 Created false]" {
		t.Errorf("%v", infos)
	}
}

func TestAnUpdateClearsWhatIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	w.tenant.AddUDF("Tickets", "Message ID")
	w.must("PATCH", "Tickets", `{"id":1,"apiVendorID":3,"userDefinedFields":[{"name":"Message ID","value":"m"}]}`)
	before := w.must("GET", "Tickets/1", "")["item"].(map[string]any)
	got := w.write("update", sent("Ticket", "id", "1", "AccountID", "1", "Title", "Changed", "Status", "5", "Priority", "2", "QueueID", "8", "TicketNumber", "mine"))
	if got.ReturnCode != 1 || got.Infos[0].DatabaseAction != "Updated" || got.Infos[0].EntityID != 1 {
		t.Fatalf("%+v", got)
	}
	after := w.must("GET", "Tickets/1", "")["item"].(map[string]any)
	if after["title"] != "Changed" || after["status"] != 5.0 || after["description"] != nil || after["contactID"] != nil {
		t.Errorf("%v", after)
	}
	for _, kept := range []string{"ticketNumber", "createDate", "apiVendorID", "userDefinedFields"} {
		if fmt.Sprint(after[kept]) != fmt.Sprint(before[kept]) {
			t.Errorf("%s was %v and is %v", kept, before[kept], after[kept])
		}
	}
	if got := w.write("update", ticket()); got.Errors[0] != "The Ticket with id 0 does not exist." {
		t.Errorf("%+v", got)
	}
}

func TestUserDefinedFieldsAreWritten(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(0)
	w.tenant.AddUDF("Tickets", "Message ID")
	udf := func(inner string) string {
		return strings.Replace(ticket(), "</Entity>", "<UserDefinedFields><UserDefinedField>"+inner+"</UserDefinedField></UserDefinedFields></Entity>", 1)
	}
	if got := w.write("create", udf("<Name>message id</Name><Value>m-1</Value>")); got.ReturnCode != 1 {
		t.Fatalf("%+v", got)
	}
	if got := w.tenant.Records("Tickets")[0]["userDefinedFields"]; fmt.Sprint(got) != "[map[name:Message ID value:m-1]]" {
		t.Errorf("%v", got)
	}
	if got := w.write("create", udf("<Name>X</Name>")); got.Errors[0] != "Unable to find the user-defined field X in the Ticket Entity." {
		t.Errorf("%+v", got)
	}
}

func TestAnEntityThatCannotBeWrittenIsToldWhy(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	for name, tc := range map[string]struct{ operation, body, want string }{
		"a resource is not created":    {"create", sent("Resource", "FirstName", "x"), "The Resource entity can not be created."},
		"nor updated":                  {"update", sent("Resource", "id", "1"), "The Resource entity can not be updated."},
		"a ticket is not deleted":      {"delete", sent("Ticket", "id", "1"), "The Ticket entity can not be deleted."},
		"an attachment has its own":    {"create", sent("AttachmentInfo", "Title", "x"), "The AttachmentInfo entity can not be created."},
		"and not this way out":         {"delete", sent("AttachmentInfo", "id", "1"), "The AttachmentInfo entity can not be deleted."},
		"one that is not there":        {"delete", sent("TimeEntry", "id", "5"), "The TimeEntry with id 5 does not exist."},
		"an entity without a type":     {"create", `<Entity/>`, "The specified type is abstract: name='Entity', namespace='" + space + "', at <Entity xmlns='" + space + "'>."},
		"an entity of another type":    {"create", sent("Unicorn"), "The specified type was not recognized: name='Unicorn', namespace='" + space + "', at <Entity xmlns='" + space + "'>."},
		"a type of another namespace":  {"create", `<Entity i:type="s:Ticket"/>`, "The specified type was not recognized: name='Ticket', namespace='http://schemas.xmlsoap.org/soap/envelope/', at <Entity xmlns='" + space + "'>."},
		"a type without a declaration": {"create", `<Entity i:type="q:Ticket"/>`, "The specified type was not recognized: name='Ticket', namespace='', at <Entity xmlns='" + space + "'>."},
		"nothing":                      {"create", ``, "No entities were sent."},
		"nothing of this namespace":    {"create", `<s:Entity i:type="a:Ticket"/>`, "No entities were sent."},
		"nothing but null":             {"create", `<Entity i:nil="true"/>`, "No entities were sent."},
		"too much":                     {"create", strings.Repeat(`<Entity/>`, 201), "The maximum number of entities in a call is 200."},
		"a value that is none":         {"create", ticket("ContractID", "x"), "Could not convert string to integer: x. Path 'ContractID'."},
	} {
		got := w.write(tc.operation, tc.body)
		if got.ReturnCode != -1 || len(got.Errors) != 1 || got.Errors[0] != tc.want {
			t.Errorf("%s: %d %q", name, got.ReturnCode, got.Errors)
		}
	}
	if n := len(w.tenant.Records("Tickets")); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

func TestATypeMayCarryTheDefaultNamespace(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(0)
	plain := strings.Replace(ticket(), `"a:Ticket"`, `"Ticket"`, 1)
	if got := w.write("create", plain); got.ReturnCode != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestEveryKindOfEntityIsWritten(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	for name, tc := range map[string][]string{
		"Accounts of Companies": {"Companies", sent("Account", "AccountName", "New", "Phone", "1", "AccountType", "1", "OwnerResourceID", "1")},
		"Contacts":              {"Contacts", sent("Contact", "AccountID", "1", "FirstName", "A", "LastName", "B", "Active", "1", "EMailAddress", "a@b.example")},
		"TicketNotes":           {"TicketNotes", sent("TicketNote", "TicketID", "1", "Title", "N", "Description", "d", "NoteType", "1", "Publish", "1")},
		"AccountNotes":          {"CompanyNotes", sent("AccountNote", "AccountID", "1", "ActionType", "1", "AssignedResourceID", "1", "StartDateTime", "2026-03-04", "EndDateTime", "2026-03-05")},
		"InstalledProducts":     {"ConfigurationItems", sent("InstalledProduct", "AccountID", "1", "ProductID", "3", "SerialNumber", "s", "Active", "1")},
		"TimeEntries":           {"TimeEntries", sent("TimeEntry", "TicketID", "1", "ResourceID", "1", "HoursWorked", "0.25", "NonBillable", "false")},
	} {
		before := len(w.tenant.Records(tc[0]))
		if got := w.write("create", tc[1]); got.ReturnCode != 1 || len(w.tenant.Records(tc[0])) != before+1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := w.write("delete", sent("TimeEntry", "id", "1")); got.ReturnCode != 1 || len(w.tenant.Records("TimeEntries")) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestADuplicateOfSOAPIsToldAsOne(t *testing.T) {
	for handling, want := range map[psatest.Duplicates]string{
		psatest.DuplicatesStored:   "2 Created false false, 2 tickets",
		psatest.DuplicatesAppended: "1 Updated true false, 1 tickets",
		psatest.DuplicatesIgnored:  "1 None true true, 1 tickets",
	} {
		w := newWorld(t)
		w.tenant.Seed(0)
		w.tenant.SetDuplicates(handling)
		w.write("create", ticket("AEMAlertID", "alert-1"))
		i := w.write("create", ticket("AEMAlertID", "ALERT-1")).Infos[0]
		got := fmt.Sprintf("%d %s %v %v, %d tickets", i.EntityID, i.DatabaseAction, i.Found, i.Ignored, len(w.tenant.Records("Tickets")))
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAnotherResourceMayBeImpersonated(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(0)
	as := func(id string) string {
		return `<a:AutotaskIntegrations><a:PartnerID>p</a:PartnerID><a:IntegrationCode>` + code + `</a:IntegrationCode><a:ImpersonateAsResourceID>` + id + `</a:ImpersonateAsResourceID></a:AutotaskIntegrations>`
	}
	create := func(id string) atws {
		return ask(w.z5, soapRequest("create", as(id), "<Entities>"+ticket()+"</Entities>")).atws(t)
	}
	for _, id := range []string{"2", "0", ""} {
		if got := create(id); got.ReturnCode != 1 {
			t.Fatalf("%q: %+v", id, got)
		}
	}
	var creators []any
	for _, r := range w.tenant.Records("Tickets") {
		creators = append(creators, r["creatorResourceID"], r["impersonatorCreatorResourceID"])
	}
	if fmt.Sprint(creators) != "[2 1 1 <nil> 1 <nil>]" {
		t.Errorf("%v", creators)
	}
	if got := create("99"); got.Errors[0] != "The impersonated Resource does not exist or may not be impersonated." {
		t.Errorf("%+v", got)
	}
	got := ask(w.z5, soapRequest("query", as("2"), "<sXML/>")).atws(t)
	if got.ReturnCode != -1 || !strings.Contains(got.Errors[0], "adequate permissions") {
		t.Errorf("%+v", got)
	}
}

func TestAFileIsAttachedAndTakenOff(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	attach := func(parentType, data string) reply {
		return w.soap("CreateAttachment", `<attachment><Data>`+data+`</Data><Info><id>0</id><ParentID>1</ParentID><ParentType>`+parentType+
			`</ParentType><Type>FILE_ATTACHMENT</Type><Title>a.txt</Title><FullPath>a.txt</FullPath><Publish>1</Publish></Info></attachment>`)
	}
	if got := attach("4", "aGVs\r\nbG8="); !strings.Contains(got.body, "<CreateAttachmentResult>1</CreateAttachmentResult>") {
		t.Fatal(got.body)
	}
	if item := w.must("GET", "Tickets/1/Attachments/1", "")["item"].(map[string]any); item["data"] != "aGVsbG8=" || item["parentID"] != 1.0 {
		t.Errorf("%v", item)
	}
	read := w.soap("GetAttachment", "<attachmentId>1</attachmentId>").body
	for _, want := range []string{"<Data>aGVsbG8=</Data><Info><id>1</id>", `<FileSize xsi:type="xsd:int">5</FileSize>`, `<ParentType xsi:type="xsd:int">4</ParentType>`} {
		if !strings.Contains(read, want) {
			t.Errorf("no %s in %s", want, read)
		}
	}
	if got := w.query("AttachmentInfo", field("ParentID", "equals", "1")); len(got) != 1 || got[0].get("Data") != "" {
		t.Errorf("%+v", got)
	}
	if got := attach("1", "aGVsbG8=").fault(t, 500); !strings.Contains(got, `ParentType "1" can have no attachments`) {
		t.Error(got)
	}
	if got := attach("4", "!").fault(t, 500); !strings.Contains(got, "must be base64") {
		t.Error(got)
	}
	for _, want := range []string{"<DeleteAttachmentResult></DeleteAttachmentResult>", "The attachment with id 1 does not exist."} {
		if got := w.soap("DeleteAttachment", "<attachmentId>1</attachmentId>"); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
