package psatest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The oracle below looks at records as queries show them and at the filter as plain JSON; it shares no code
// with what it checks.

var oracleFields = []string{"externalID", "billingCodeID", "estimatedHours"}

func oracleValue(rt *rapid.T, field, label string) any {
	switch field {
	case "externalID":
		return rapid.SampledFrom([]string{"", "a", "A", "ab", "Ba", "bAb"}).Draw(rt, label)
	case "billingCodeID":
		return rapid.IntRange(-2, 2).Draw(rt, label)
	}
	return float64(rapid.IntRange(-2, 2).Draw(rt, label)) / 2
}

func oracleFilter(rt *rapid.T, depth int) map[string]any {
	if depth > 0 && rapid.IntRange(0, 2).Draw(rt, "group") == 0 {
		items := []any{}
		for range rapid.IntRange(1, 3).Draw(rt, "items") {
			items = append(items, oracleFilter(rt, depth-1))
		}
		return map[string]any{"op": rapid.SampledFrom([]string{"and", "or"}).Draw(rt, "join"), "items": items}
	}
	field := rapid.SampledFrom(oracleFields).Draw(rt, "field")
	op := rapid.SampledFrom([]string{"eq", "noteq", "gt", "gte", "lt", "lte", "beginsWith", "endsWith", "contains", "exist", "notExist", "in", "notIn"}).Draw(rt, "op")
	f := map[string]any{"op": op, "field": field}
	switch op {
	case "exist", "notExist":
	case "in", "notIn":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(rt, "n") {
			list = append(list, oracleValue(rt, field, "element"))
		}
		f["value"] = list
	default:
		f["value"] = oracleValue(rt, field, "value")
	}
	return f
}

func oracleMeets(item, f map[string]any) bool {
	op := f["op"].(string)
	if items, isGroup := f["items"].([]any); isGroup {
		met := 0
		for _, i := range items {
			if oracleMeets(item, i.(map[string]any)) {
				met++
			}
		}
		return op == "or" && met > 0 || op == "and" && met == len(items)
	}
	have := item[f["field"].(string)]
	if op == "exist" || op == "notExist" {
		return (have != nil) == (op == "exist")
	}
	if have == nil {
		return false
	}
	if list, isList := f["value"].([]any); isList {
		in := false
		for _, v := range list {
			in = in || oracleOrder(have, v) == 0
		}
		return in == (op == "in")
	}
	a, b := strings.ToUpper(fmt.Sprint(have)), strings.ToUpper(fmt.Sprint(f["value"]))
	switch n := oracleOrder(have, f["value"]); op {
	case "eq":
		return n == 0
	case "noteq":
		return n != 0
	case "gt":
		return n > 0
	case "gte":
		return n >= 0
	case "lt":
		return n < 0
	case "lte":
		return n <= 0
	case "beginsWith":
		return strings.HasPrefix(a, b)
	case "endsWith":
		return strings.HasSuffix(a, b)
	}
	return strings.Contains(a, b)
}

func oracleOrder(have, want any) int {
	if s, isText := have.(string); isText {
		return strings.Compare(strings.ToUpper(s), strings.ToUpper(want.(string)))
	}
	d := have.(float64) - want.(float64)
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

func TestAnyFilterFindsWhatANaiveReadingFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 8).Draw(rt, "records") {
			body := map[string]any{"companyID": 0, "title": "x", "status": 1, "priority": 1, "queueID": 5}
			for _, f := range oracleFields {
				if rapid.Bool().Draw(rt, "set") {
					body[f] = oracleValue(rt, f, f)
				}
			}
			b, _ := json.Marshal(body)
			w.must("POST", "Tickets", string(b))
		}
		q, _ := json.Marshal(map[string]any{"filter": []any{oracleFilter(rt, 3)}})
		var parsed struct{ Filter []map[string]any }
		_ = json.Unmarshal(q, &parsed)
		want := []int{}
		for _, i := range w.must("POST", "Tickets/query", `{"filter":[]}`)["items"].([]any) {
			if item := i.(map[string]any); oracleMeets(item, parsed.Filter[0]) {
				want = append(want, int(item["id"].(float64)))
			}
		}
		if got := ids(w.must("POST", "Tickets/query", string(q))); !reflect.DeepEqual(got, want) {
			rt.Fatalf("%s found %v, naively %v", q, got, want)
		}
	})
}

// FuzzFilter: whatever stands in a query, the answer is a page or a 500 that says why, and the pages hold as
// many records as the count says.
func FuzzFilter(f *testing.F) {
	for _, q := range []string{
		`{"filter":[]}`, `{"filter":[{"op":"eq","field":"status","value":1}],"maxRecords":2}`,
		`{"Filter":[{"op":"or","items":[{"op":"contains","field":"title","value":"1"},{"op":"in","field":"id","value":[1,"x",null]}]}]}`,
		`{"filter":[{"op":"gt","field":"createDate","value":"2026-01-05T08:02:00Z"},{"op":"exist","field":"Message ID","udf":true}]}`,
		`{"filter":[{"op":"notIn","field":"estimatedHours","value":[1e400]}],"includeFields":["id","title"]}`,
		`{"filter":[{"op":"beginsWith","field":"dueDateTime","value":"2026-01-06"}]}`, `{"filter":[{"op":"eq","field":"id","value":True}]}`, `[`, ``,
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		w := newWorld(t)
		w.tenant.Seed(5)
		w.tenant.AddUDF("Tickets", "Message ID")
		r := w.do("POST", "Tickets/query", q)
		if r.status == 500 && len(r.json(t)["errors"].([]any)) == 1 {
			return
		}
		if r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		n := 0
		for page := r.json(t); ; {
			n += len(ids(page))
			next := details(page)["nextPageUrl"]
			if next == nil {
				break
			}
			page = w.must("POST", w.pathOf(next), q)
		}
		if got := w.must("POST", "Tickets/query/count", q)["queryCount"]; got != float64(n) {
			t.Fatalf("%d records on all pages, counted %v", n, got)
		}
	})
}

// FuzzPaging: a page URL that was tampered with is answered, never a crash.
func FuzzPaging(f *testing.F) {
	f.Add(`{"pageSize":2,"previousIds":[-1],"nextIds":[2],"verb":"POST"}`, `{"filter":[]}`)
	f.Add(`{"pageSize":0,"previousIds":[],"nextIds":[],"verb":"POST"}`, `{"filter":[]}`)
	f.Add(`null`, ``)
	f.Add(`{"pageSize":500,"nextIds":[9223372036854775807],"verb":"GET"}`, `{"filter":[],"maxRecords":1}`)
	f.Fuzz(func(t *testing.T, paging, q string) {
		w := newWorld(t)
		w.tenant.Seed(5)
		r := w.do("POST", "Tickets/query/next?"+params("paging", paging, "search", q), "")
		if r.status != 200 && r.status != 500 && r.status != 405 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	})
}
