package psatest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// library is a tenant with four tickets that differ in what filters look at.
func library(t testing.TB) *world {
	w := newWorld(t)
	w.tenant.Seed(0)
	w.tenant.AddUDF("Tickets", "Message ID")
	w.tenant.AddUDF("Tickets", "Other")
	for _, body := range []string{
		`{"companyID":1,"title":"Printer jam","status":1,"priority":1,"queueID":5,"externalID":"A-1","estimatedHours":1.5}`,
		`{"companyID":2,"title":"printer Toner","status":5,"priority":2,"queueID":5,"dueDateTime":"2026-03-05T00:00:00Z"}`,
		`{"companyID":3,"title":"Network down","status":8,"priority":3,"queueID":6,"externalID":"a-2","dueDateTime":"2026-03-06T08:30:00Z"}`,
		`{"companyID":0,"title":"100% CPU","status":1,"priority":4,"queueID":8,"estimatedHours":3,"userDefinedFields":[{"name":"Message ID","value":"<M@x>"}]}`,
	} {
		w.must("POST", "Tickets", body)
	}
	return w
}

func TestEveryOperatorFindsWhatItSays(t *testing.T) {
	w := library(t)
	for name, tc := range map[string]struct {
		filter string
		want   []int
	}{
		"nothing to meet":                    {``, []int{1, 2, 3, 4}},
		"eq on a number":                     {`{"op":"eq","field":"status","value":1}`, []int{1, 4}},
		"eq with a text for an integer":      {`{"op":"eq","field":"status","value":"1"}`, []int{1, 4}},
		"eq with a text for the id":          {`{"op":"eq","field":"id","value":"1"}`, []int{}},
		"eq on the id":                       {`{"op":"eq","field":"id","value":3}`, []int{3}},
		"eq on a text, in any case":          {`{"op":"eq","field":"externalID","value":"A-2"}`, []int{3}},
		"eq on the ticket number":            {`{"op":"eq","field":"ticketNumber","value":"T20260304.0002"}`, []int{2}},
		"eq on zero":                         {`{"op":"eq","field":"companyID","value":0}`, []int{4}},
		"eq null meets nothing":              {`{"op":"eq","field":"externalID","value":null}`, []int{}},
		"noteq leaves out the absent":        {`{"op":"noteq","field":"externalID","value":"A-1"}`, []int{3}},
		"gt":                                 {`{"op":"gt","field":"id","value":2}`, []int{3, 4}},
		"gte":                                {`{"op":"gte","field":"estimatedHours","value":1.5}`, []int{1, 4}},
		"lt":                                 {`{"op":"lt","field":"estimatedHours","value":3}`, []int{1}},
		"lte":                                {`{"op":"lte","field":"priority","value":2}`, []int{1, 2}},
		"gt on a date":                       {`{"op":"gt","field":"dueDateTime","value":"2026-03-05"}`, []int{3}},
		"eq on a date in another zone":       {`{"op":"eq","field":"dueDateTime","value":"2026-03-06T09:30:00+01:00"}`, []int{3}},
		"beginsWith":                         {`{"op":"beginsWith","field":"title","value":"PRINTER"}`, []int{1, 2}},
		"endsWith":                           {`{"op":"endswith","field":"title","value":"down"}`, []int{3}},
		"contains takes a percent literally": {`{"op":"contains","field":"title","value":"0% c"}`, []int{4}},
		"exist":                              {`{"op":"exist","field":"externalID"}`, []int{1, 3}},
		"notExist":                           {`{"op":"notExist","field":"externalID"}`, []int{2, 4}},
		"in":                                 {`{"op":"in","field":"status","value":[5,8]}`, []int{2, 3}},
		"in an empty list":                   {`{"op":"in","field":"status","value":[]}`, []int{}},
		"notIn":                              {`{"op":"notIn","field":"status","value":[5,8]}`, []int{1, 4}},
		"names and operators in any case":    {`{"OP":"EQ","Field":"STATUS","Value":5}`, []int{2}},
		"items are all to be met":            {`{"op":"eq","field":"status","value":1},{"op":"eq","field":"priority","value":4}`, []int{4}},
		"or":                                 {`{"op":"or","items":[{"op":"eq","field":"id","value":1},{"op":"eq","field":"id","value":4}]}`, []int{1, 4}},
		"and within or":                      {`{"op":"or","items":[{"op":"eq","field":"id","value":2},{"op":"and","items":[{"op":"eq","field":"status","value":1},{"op":"exist","field":"externalID"}]}]}`, []int{1, 2}},
		"a user-defined field":               {`{"op":"eq","field":"message id","value":"<m@x>","udf":true}`, []int{4}},
		"one user-defined field twice":       {`{"op":"exist","field":"Message ID","udf":true},{"op":"contains","field":"Message ID","value":"@","udf":true}`, []int{4}},
		"a user-defined field without value": {`{"op":"notExist","field":"Message ID","udf":true}`, []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			q := `{"Filter":[` + tc.filter + `]}`
			if got := ids(w.must("POST", "Tickets/query", q)); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("POST found %v, want %v", got, tc.want)
			}
			if got := ids(w.must("GET", "Tickets/query"+search(q), "")); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("GET found %v, want %v", got, tc.want)
			}
			if got := w.must("POST", "Tickets/query/count", q)["queryCount"]; got != float64(len(tc.want)) {
				t.Errorf("POST counted %v, want %d", got, len(tc.want))
			}
			if got := w.must("GET", "Tickets/query/count"+search(q), "")["queryCount"]; got != float64(len(tc.want)) {
				t.Errorf("GET counted %v, want %d", got, len(tc.want))
			}
		})
	}
}

func TestABadQueryIsA500ThatSaysWhy(t *testing.T) {
	w := library(t)
	ors := func(n int) string {
		return `{"filter":[{"op":"or","items":[` + strings.TrimSuffix(strings.Repeat(`{"op":"eq","field":"id","value":1},`, n), ",") + `]}]}`
	}
	for name, tc := range map[string]struct{ body, want string }{
		"no body":                        {``, "The request body is missing."},
		"no filter":                      {`{}`, "Invalid query syntax. The query needs an array named filter."},
		"a literal that is not JSON":     {`{"filter":[{"op":"eq","field":"id","value":True}]}`, "Unexpected character encountered while parsing value: T. Path '', line 1, position 43."},
		"an unknown field":               {`{"filter":[{"op":"eq","field":"wombat","value":1}]}`, "Unable to find wombat in the Ticket Entity."},
		"a field that is not queryable":  {`{"filter":[{"op":"eq","field":"creatorType","value":1}]}`, "The field creatorType of the Ticket Entity is not queryable."},
		"an unknown operator":            {`{"filter":[{"op":"like","field":"id","value":1}]}`, "Invalid query syntax. Unknown operator 'like'."},
		"an item that is no object":      {`{"filter":[1]}`, "Error converting value 1 to a filter item."},
		"an item without an operator":    {`{"filter":[{"field":"id","value":1}]}`, "Invalid query syntax. Unknown operator ''."},
		"an operator that is no text":    {`{"filter":[{"op":1,"field":"id","value":1}]}`, "Invalid query syntax. Unknown operator ''."},
		"an item without a field":        {`{"filter":[{"op":"eq","value":1}]}`, "Unable to find  in the Ticket Entity."},
		"an item that is null":           {`{"filter":[null]}`, "Error converting value null to a filter item."},
		"a filter that is an object":     {`{"filter":{"op":"eq","field":"id","value":1}}`, "Invalid query syntax. The query needs an array named filter."},
		"a body that is a list":          {`[{"op":"eq","field":"id","value":1}]`, "Unexpected character encountered while parsing value: [. Path '', line 1, position 1."},
		"a body that breaks off":         {`{"filter":[`, "Unexpected end when reading JSON."},
		"a value that is an object":      {`{"filter":[{"op":"eq","field":"id","value":{}}]}`, "Unexpected character encountered while parsing value: {. Path 'id'."},
		"a bad item deep in groups":      {`{"filter":[{"op":"or","items":[{"op":"and","items":[{"op":"or","items":[7]}]}]}]}`, "Error converting value 7 to a filter item."},
		"a page that is no number":       {`{"filter":[],"maxRecords":"many"}`, "The value of maxCountOfRecordsToReturn must be between 1 and 500."},
		"a group without items":          {`{"filter":[{"op":"and"}]}`, `The filter group "and" needs an array of items.`},
		"in without a list":              {`{"filter":[{"op":"in","field":"id","value":1}]}`, "The operator 'in' on id needs an array of values."},
		"a value of the wrong type":      {`{"filter":[{"op":"eq","field":"status","value":"New"}]}`, "Could not convert string to integer: New. Path 'status'."},
		"an unknown user-defined field":  {`{"filter":[{"op":"eq","field":"x","value":1,"udf":true}]}`, "Unable to find the user-defined field x in the Ticket Entity."},
		"two user-defined fields":        {`{"filter":[{"op":"exist","field":"Message ID","udf":true},{"op":"exist","field":"Other","udf":true}]}`, "Invalid query syntax. Only one user-defined field may be used per query."},
		"501 conditions in an or":        {ors(501), "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."},
		"a page of nothing":              {`{"filter":[],"maxRecords":0}`, "The value of maxCountOfRecordsToReturn must be between 1 and 500."},
		"a page of 501":                  {`{"filter":[],"MaxRecords":501}`, "The value of maxCountOfRecordsToReturn must be between 1 and 500."},
		"an unknown field to include":    {`{"filter":[],"includeFields":["wombat"]}`, "Unable to find wombat in the Ticket Entity."},
		"fields to include, not a list":  {`{"filter":[],"includeFields":"id"}`, "Invalid query syntax. includeFields must be an array of names."},
		"more than a page without an id": {`{"filter":[],"includeFields":["title"],"maxRecords":2}`, "Invalid query syntax. includeFields must contain id when there is more than one page."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.errorText("POST", "Tickets/query", tc.body); got != tc.want {
				t.Errorf("POST: %q, want %q", got, tc.want)
			}
			if got := w.errorText("GET", "Tickets/query"+search(tc.body), ""); got != tc.want {
				t.Errorf("GET: %q, want %q", got, tc.want)
			}
		})
	}
	if got := ids(w.must("POST", "Tickets/query", ors(500))); !reflect.DeepEqual(got, []int{1}) {
		t.Errorf("500 conditions are allowed: %v", got)
	}
}

func TestAnInListCountsAsOneConditionUnlessTold(t *testing.T) {
	w := library(t)
	within := func(n int) string {
		return `{"filter":[{"op":"in","field":"id","value":[1` + strings.Repeat(`,1`, n-1) + `]}]}`
	}
	w.must("POST", "Tickets/query", within(501))
	w.sim.Adjust(func(b *psatest.Behaviour) { b.InIsManyOR = true })
	w.must("POST", "Tickets/query", within(500))
	if got := w.errorText("POST", "Tickets/query", within(501)); got != "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions." {
		t.Fatal(got)
	}
}

func TestConditionsOfAllOrGroupsCountTogether(t *testing.T) {
	w := library(t)
	group := `{"op":"or","items":[{"op":"eq","field":"id","value":1}` + strings.Repeat(`,{"op":"eq","field":"id","value":1}`, 250) + `]}`
	w.must("POST", "Tickets/query", `{"filter":[`+group+`]}`)
	if got := w.errorText("POST", "Tickets/query", `{"filter":[`+group+`,`+group+`]}`); !strings.Contains(got, "500 or fewer 'OR'") {
		t.Fatal(got)
	}
}

func TestTheURLOfAGetMayBeTooLong(t *testing.T) {
	w := library(t)
	long := `{"filter":[{"op":"contains","field":"title","value":"` + strings.Repeat("x", 2100) + `"}]}`
	w.must("GET", "Tickets/query"+search(long), "")
	w.sim.Adjust(psatest.AutotaskLimits)
	judged := len(w.sim.Ledger())
	if r := w.do("GET", "Tickets/query"+search(long), ""); r.status != 404 || !strings.HasPrefix(r.body, "<!DOCTYPE html>") || len(w.sim.Ledger()) != judged {
		t.Fatalf("%+v", r)
	}
	w.must("POST", "Tickets/query"+search(long), long)
}

func TestIncludeFieldsShowsThoseAlone(t *testing.T) {
	w := library(t)
	got := w.must("POST", "Tickets/query", `{"filter":[],"includeFields":["ID","title","other"]}`)["items"].([]any)[0]
	want := map[string]any{"id": 1.0, "title": "Printer jam", "userDefinedFields": []any{map[string]any{"name": "Other", "value": nil}}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v", got)
	}
}

func TestPagesFollowEachOtherAndLeadBack(t *testing.T) {
	for _, verb := range []string{"GET", "POST"} {
		t.Run(verb, func(t *testing.T) {
			w := newWorld(t)
			w.tenant.Seed(7)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap = 3 })
			q := `{"filter":[{"op":"noteq","field":"id","value":4}]}`
			first := w.do(verb, "tickets/query"+search(q), q).json(t)
			second := w.do(verb, w.pathOf(details(first)["nextPageUrl"]), "").json(t)
			again := w.do(verb, w.pathOf(details(second)["prevPageUrl"]), q).json(t)
			for _, tc := range []struct {
				page       map[string]any
				ids        []int
				prev, next bool
			}{
				{first, []int{1, 2, 3}, false, true},
				{second, []int{5, 6, 7}, true, false},
				{again, []int{1, 2, 3}, false, true},
			} {
				d := details(tc.page)
				if !reflect.DeepEqual(ids(tc.page), tc.ids) || (d["prevPageUrl"] != nil) != tc.prev || (d["nextPageUrl"] != nil) != tc.next ||
					d["count"] != float64(len(tc.ids)) || d["requestCount"] != 3.0 {
					t.Errorf("page %v: %v", ids(tc.page), d)
				}
			}
		})
	}
}

func TestAPageIsBoundToTheVerbOfTheFirst(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(3)
	q := `{"filter":[],"maxRecords":2}`
	for verb, other := range map[string]string{"GET": "POST", "POST": "GET"} {
		next := w.pathOf(details(w.do(verb, "Tickets/query"+search(q), q).json(t))["nextPageUrl"])
		r := w.do(other, next, q)
		if want := `{"Message":"The requested resource does not support http method '` + other + `'."}`; r.status != 405 || r.body != want {
			t.Errorf("%s after %s: %d %s", other, verb, r.status, r.body)
		}
	}
}

func TestAPageHas500RecordsByDefault(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(501)
	first := w.must("POST", "Tickets/query", `{"filter":[]}`)
	if len(ids(first)) != 500 || details(first)["requestCount"] != 500.0 {
		t.Fatalf("%d records, %v", len(ids(first)), details(first)["requestCount"])
	}
	if last := ids(w.must("POST", w.pathOf(details(first)["nextPageUrl"]), `{"filter":[]}`)); !reflect.DeepEqual(last, []int{501}) {
		t.Fatal(last)
	}
}

func TestPagesAreReachableBackFiftyTimes(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(60)
	page := w.must("POST", "Tickets/query", `{"filter":[],"maxRecords":1}`)
	for details(page)["nextPageUrl"] != nil {
		page = w.must("POST", w.pathOf(details(page)["nextPageUrl"]), "")
	}
	back := 0
	for ; details(page)["prevPageUrl"] != nil; back++ {
		page = w.must("POST", w.pathOf(details(page)["prevPageUrl"]), "")
	}
	if got := fmt.Sprint(back, ids(page)); got != "50 [10]" {
		t.Fatalf("went back %s, want 50 [10]", got)
	}
}
