package psatest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

func found(es []entity) []int64 {
	out := []int64{}
	for _, e := range es {
		out = append(out, e.ID)
	}
	return out
}

func TestTheXMLQueryLanguageFindsWhatItAsksFor(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(6) // companies 1, 1, 2, 2, 3, 3
	w.tenant.AddUDF("Tickets", "Message ID")
	w.must("PATCH", "Tickets", `{"id":2,"title":"Smith's 100% printer","userDefinedFields":[{"name":"Message ID","value":"m-2"}]}`)
	w.must("PATCH", "Tickets", `{"id":3,"description":null}`)
	or := func(inner string) string { return `<condition operator="OR">` + inner + `</condition>` }
	id := func(op, value string) string { return field("id", op, value) }
	for name, tc := range map[string]struct{ query, want string }{
		"equals":                             {field("AccountID", "equals", "2"), "[3 4]"},
		"of a text, without its case":        {field("title", "Equals", "TICKET 0005"), "[5]"},
		"not equal":                          {field("AccountID", "NotEqual", "2"), "[1 2 5 6]"},
		"greater than":                       {id("GreaterThan", "4"), "[5 6]"},
		"greater than or equals":             {id("GreaterThanorEquals", "4"), "[4 5 6]"},
		"less than":                          {id("LessThan", "2"), "[1]"},
		"less than or equals":                {id("LessThanOrEquals", "2"), "[1 2]"},
		"a text that is no id":               {id("equals", "x"), "[]"},
		"begins with":                        {field("Title", "BeginsWith", "ticket"), "[1 3 4 5 6]"},
		"ends with":                          {field("Title", "EndsWith", "4"), "[4]"},
		"contains":                           {field("Title", "Contains", "100%"), "[2]"},
		"is null":                            {field("Description", "IsNull", ""), "[3]"},
		"is not null":                        {field("Description", "IsNotNull", ""), "[1 2 4 5 6]"},
		"like":                               {field("Title", "Like", "%mith_s%"), "[2]"},
		"like, which is of the whole text":   {field("Title", "Like", "printer"), "[]"},
		"like with what means much to regex": {field("Title", "Like", "Ticket.0005"), "[]"},
		"not like":                           {field("Title", "NotLike", "Ticket%"), "[2]"},
		"sounds like":                        {field("Title", "SoundsLike", "Smyth"), "[2]"},
		"is this day":                        {field("CreateDate", "IsThisDay", "2026-01-05T23:00:00"), "[1 2 3 4 5 6]"},
		"is another day":                     {field("CreateDate", "IsThisDay", "2026-01-06"), "[]"},
		"a time":                             {field("CreateDate", "GreaterThan", "2026-01-05T08:04:00Z"), "[6]"},
		"a user-defined field":               {`<field udf="true">message id<expression op="equals">m-2</expression></field>`, "[2]"},
		"two fields, which must both hold":   {field("AccountID", "equals", "2") + id("equals", "4"), "[4]"},
		"two expressions of one field":       {`<field>id<expression op="greaterthan">2</expression><expression op="lessthan">5</expression></field>`, "[3 4]"},
		"one or another":                     {id("equals", "1") + or(id("equals", "5")), "[1 5]"},
		"from left to right":                 {id("equals", "1") + or(id("equals", "5")) + field("AccountID", "equals", "3"), "[5]"},
		"nested": {
			id("equals", "1") + or(`<condition>`+id("equals", "3")+field("AccountID", "equals", "2")+`</condition>`+or(id("equals", "4")+field("AccountID", "equals", "9"))),
			"[1 3]",
		},
		"and, which goes without saying": {id("greaterthan", "2") + `<condition operator="and">` + id("lessthan", "4") + `</condition>`, "[3]"},
	} {
		if got := fmt.Sprint(found(w.query("ticket", tc.query))); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestAQueryThatIsWrongIsToldWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct{ entity, query, want string }{
		"no such entity":                  {"Unicorn", field("id", "equals", "1"), "The entity Unicorn does not exist."},
		"no such field":                   {"Account", field("Colour", "equals", "1"), "Unable to find Colour in the Account Entity."},
		"a field under REST's name":       {"Ticket", field("companyID", "equals", "1"), "Unable to find companyID in the Ticket Entity."},
		"no such user-defined field":      {"Ticket", `<field udf="true">X<expression op="equals">1</expression></field>`, "Unable to find the user-defined field X in the Ticket Entity."},
		"no such operator":                {"Ticket", field("id", "resembles", "1"), "Invalid query syntax. Unknown operator 'resembles'."},
		"an operator of REST":             {"Ticket", field("id", "eq", "1"), "Invalid query syntax. Unknown operator 'eq'."},
		"an operator that joins":          {"Ticket", field("id", "or", "1"), "Invalid query syntax. The field id needs an expression with an attribute op."},
		"a field without an expression":   {"Ticket", "<field>id</field>", "Invalid query syntax. The field id needs an expression with an attribute op."},
		"no condition":                    {"Ticket", "", "Invalid query syntax. The query needs a field with an expression."},
		"an empty condition":              {"Ticket", "<condition/>", "Invalid query syntax. The query needs a field with an expression."},
		"an element of nobody":            {"Ticket", "<where/>", "Invalid query syntax. Unexpected element 'where'."},
		"a condition joined by nothing":   {"Ticket", `<condition operator="xor">` + field("id", "equals", "1") + `</condition>`, "Invalid query syntax. Unknown operator 'xor'."},
		"a value that is none":            {"Ticket", field("AccountID", "equals", "x"), "Could not convert string to integer: x. Path 'AccountID'."},
		"a field that nobody may ask for": {"Ticket", field("CreatorType", "equals", "1"), "The field CreatorType of the Ticket Entity is not queryable."},
	} {
		got := w.queryAnswer(tc.entity, tc.query)
		if got.ReturnCode != -1 || len(got.Errors) != 1 || got.Errors[0] != tc.want {
			t.Errorf("%s: %d %q", name, got.ReturnCode, got.Errors)
		}
	}
	for _, doc := range []string{"", "x", "<queryxml>", "<q/>", `<!DOCTYPE x><queryxml/>`} {
		if got := w.soap("query", "<sXML>"+escaped(doc)+"</sXML>").atws(t); got.ReturnCode != -1 || !strings.HasPrefix(got.Errors[0], "Invalid query syntax. ") {
			t.Errorf("%s: %+v", doc, got)
		}
	}
}

func TestAQueryHasNoMoreThan500OrConditions(t *testing.T) {
	w := newWorld(t)
	ors := func(n int) string {
		return field("id", "equals", "0") + strings.Repeat(`<condition operator="OR">`+field("id", "equals", "1")+`</condition>`, n-1)
	}
	if got := w.queryAnswer("Ticket", ors(500)); got.ReturnCode != 1 {
		t.Errorf("500: %v", got.Errors)
	}
	const want = "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
	if got := w.queryAnswer("Ticket", ors(501)); got.ReturnCode != -1 || got.Errors[0] != want {
		t.Errorf("501: %v", got.Errors)
	}
}

func TestAQueryGivesThe500LowestIDsAndTheNextAfterThem(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(501)
	first := w.query("Ticket", field("id", "greaterthan", "0"))
	if len(first) != 500 || first[0].ID != 1 || first[499].ID != 500 {
		t.Fatalf("%d", len(first))
	}
	if next := w.query("Ticket", field("id", "greaterthan", "500")); len(next) != 1 || next[0].ID != 501 {
		t.Fatalf("%v", found(next))
	}
}

func TestARecordIsTheSameToBothAPIs(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	w.tenant.AddUDF("Tickets", "Message ID")
	w.must("PATCH", "Tickets", `{"id":1,"estimatedHours":1.5,"rMMAlertID":"a<1>","configurationItemID":7,"userDefinedFields":[{"name":"Message ID","value":"m"}]}`)
	got := w.query("Ticket", field("id", "equals", "1"))[0]
	for name, want := range map[string]string{
		"AccountID": "1", "Title": "Ticket 0001", "CreateDate": "2026-01-05T08:00:00Z", "EstimatedHours": "1.5",
		"AEMAlertID": "a<1>", "InstalledProductID": "7", "ContractID": "",
	} {
		if got.get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.get(name), want)
		}
	}
	if got.Type != "Ticket" {
		t.Errorf("it is a %q", got.Type)
	}
	raw := w.soap("query", "<sXML>"+escaped(`<queryxml><entity>Ticket</entity><query>`+field("id", "equals", "1")+`</query></queryxml>`)+"</sXML>").body
	for _, want := range []string{
		`<AccountID xsi:type="xsd:int">1</AccountID>`, `<UserDefinedField><Name>Message ID</Name><Value>m</Value></UserDefinedField>`,
		`<EntityResultType>Ticket</EntityResultType>`,
	} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}

func TestIsThisDayIsOfTheDayInUTC(t *testing.T) {
	now := time.Date(2026, 3, 4, 0, 30, 0, 0, time.UTC)
	w := newWorldAt(t, func() time.Time { return now })
	w.tenant.Seed(0)
	w.must("POST", "Tickets", `{"companyID":1,"title":"x","status":1,"priority":1,"queueID":5}`)
	for day, want := range map[string]int{"2026-03-04": 1, "2026-03-03": 0, "2026-03-04T01:00:00+02:00": 0} {
		if got := len(w.query("Ticket", field("CreateDate", "IsThisDay", day))); got != want {
			t.Errorf("%s: %d", day, got)
		}
	}
}

func TestAPageOfSOAPIsAsShortAsOneOfREST(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(3)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap = 2 })
	if got := w.query("Ticket", field("id", "greaterthan", "0")); len(got) != 2 {
		t.Fatal(found(got))
	}
}

func TestSoundsLikeIsSQLsSoundex(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	for title, same := range map[string]string{
		"Jackson": "Jaxen", "Robert": "Rupert", "Ashcraft": "Ashcroft", "Tymczak": "Tymcik", "Lee": "lay", "Smith's printer": "Smythe",
	} {
		w.must("PATCH", "Tickets", `{"id":1,"title":"`+title+`"}`)
		for like, want := range map[string]int{same: 1, "Washington": 0} {
			if got := len(w.query("Ticket", field("Title", "SoundsLike", like))); got != want {
				t.Errorf("%s and %s: %d", title, like, got)
			}
		}
	}
}
