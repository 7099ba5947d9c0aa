package autotask

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// told are the fields of a request line and body, in short.
func told(t testing.TB, method, path, body string) string {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	op, err := ParseOperation(method, "/ATServicesRest/V1.0"+path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFields(op, query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if f.Problem != "" {
		return "problem: " + f.Problem
	}
	out := fmt.Sprintf("writes %v, filters %v, returns %v", f.Written, f.Filters, f.Returned)
	if f.All {
		out += " and all"
	}
	if f.Whole {
		out += ", wholly"
	}
	if f.ID != "" {
		out += ", id " + f.ID
	}
	return out
}

func TestFieldsAreToldOfEveryForm(t *testing.T) {
	search := "search=" + url.QueryEscape(`{"Filter":[{"op":"eq","field":"Title","value":{"field":"x"}}],"IncludeFields":["ID","title"]}`)
	for request, want := range map[string]string{
		"GET /Tickets/7":                                  "writes [], filters [], returns [] and all",
		"GET /Tickets/7/Notes":                            "writes [], filters [], returns [] and all",
		"DELETE /Tickets/7":                               "writes [], filters [], returns []",
		"GET /Tickets/entityInformation/fields":           "writes [], filters [], returns []",
		"GET /Tickets/query?" + search:                    "writes [], filters [title], returns [id title]",
		"GET /Tickets/query?x=1&SEARCH=%7B%7D":            "writes [], filters [], returns [] and all",
		"GET /Tickets/query/count?" + search:              "writes [], filters [title], returns [id title]",
		"GET /Tickets/query/next?paging=%7B%7D&" + search: "writes [], filters [title], returns [id title]",
		"GET /Tickets/query/next?paging=%7B%7D":           "problem: a further page's request does not say what was asked for",
		"GET /Tickets/query?search=%7B%7D&search=x":       "problem: it is not strict JSON: a value is none of its kinds",
		"GET /Tickets/query?sear%zz=1":                    "problem: the query string is malformed",
		`POST /Tickets/query {"filter":[{"op":"or","items":[{"op":"gt","field":"id","value":0},{"op":"eq","field":"Tier","udf":true,"value":1}]}]}`: "writes [], filters [id udf:tier], returns [] and all",
		`POST /Tickets/query {"filter":null,"includeFields":null}`:                                                                                  "writes [], filters [], returns [] and all",
		`POST /Tickets/query {"filter":[],"xml":"<x/>"}`:                                                                                            "problem: the query has a member whose meaning is not known",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","field":"b"}]}`:                                                                      "problem: a condition has a member twice",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","also":"b"}]}`:                                                                       "problem: a filter has a member whose meaning is not known",
		`POST /Tickets/query {"filter":["x"]}`:                                                                                                      "problem: filter holds what is no object",
		`POST /Tickets/query {"includeFields":[1]}`:                                                                                                 "problem: includeFields holds what is no field's name",
		`POST /Tickets/query {"includeFields":["id","ID","\u0069d"]}`:                                                                               "writes [], filters [], returns [id]",
		`POST /Tickets/query []`: "problem: the query is no JSON object",
		`POST /Tickets/query `:   "writes [], filters [], returns [] and all",
		`POST /Tickets {"Title":"x","queueID":7,"nested":{"a":[{"b":1}]}}`:            "writes [nested queueid title], filters [], returns []",
		`PATCH /Tickets {"id":7,"userDefinedFields":[{"name":"Tier Ä","value":"x"}]}`: "writes [id udf:tier ä], filters [], returns [], id 7",
		`PATCH /Tickets {"id":7,"userDefinedFields":[{"value":"x"}]}`:                 "problem: a user-defined field has no name",
		`POST /Tickets [{"title":"x"}]`:                                               "problem: the body is no JSON object",
		`POST /Tickets {"ti\u017fle":"x"}`:                                            "problem: it names what is no field",
		`POST /Tickets {title:"x"}`:                                                   "problem: it is not strict JSON: the name of a member is missing",
		`POST /Tickets {"title":"x"} {"title":"y"}`:                                   "problem: it is not strict JSON: something follows its end",
		`PUT /Companies/1/Contacts {"id":2,"isActive":false}`:                         "writes [id isactive], filters [], returns [], wholly, id 2",
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		if got := told(t, method, path, body); got != want {
			t.Errorf("%s:\n got %s\nwant %s", request, got, want)
		}
	}
}

// What the PSA does with these is not what a reader who looks for the best would think. Each is a way round a policy on fields.
func TestNoQueryHidesWhatItReturnsOrFiltersOn(t *testing.T) {
	id, every := url.QueryEscape(`{"filter":[],"includeFields":["id"]}`), url.QueryEscape(`{"filter":[]}`)
	for request, want := range map[string]string{
		`POST /Tickets/query {"filter":[],"includeFields":[]}`:                                "writes [], filters [], returns [] and all",
		`POST /Tickets/query {"includeFields":["id"],"IncludeFields":null}`:                   "problem: the query has a member twice",
		`POST /Tickets/query {"filter":[],"Filter":[{"op":"eq","field":"a"}]}`:                "problem: the query has a member twice",
		"POST /Tickets/query?search=" + id + ` {"filter":[]}`:                                 "writes [], filters [], returns [] and all",
		"GET /Tickets/query?search=" + every + "&search=" + id:                                "writes [], filters [], returns [] and all",
		"GET /Tickets/query?search=" + id + "&Search=" + every:                                "writes [], filters [], returns [] and all",
		"POST /Tickets/query/next?search=" + every + ` {"includeFields":["id"]}`:              "writes [], filters [], returns [] and all",
		"POST /Tickets/query/next?search=" + id + ` {"includeFields":["id"]}`:                 "writes [], filters [], returns [id]",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","udf":"x"}]}`:                  "problem: a filter's udf is neither true nor false",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","udf":1}]}`:                    "problem: a filter's udf is neither true nor false",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","udf":null}]}`:                 "writes [], filters [a], returns [] and all",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a","udf":true,"UDF":false}]}`:     "problem: a condition has a member twice",
		`POST /Tickets/query {"filter":[{"op":"and","items":[],"items":[{"field":"a"}]}]}`:    "problem: a condition has a member twice",
		`POST /Tickets/query {"filter":[{"op":"eq","field":"a"},{"op":"eq","field":"b"}]}`:    "writes [], filters [a b], returns [] and all",
		`POST /Tickets/query {"filter":[{"op":"exist","field":"a","value":[{"field":"b"}]}]}`: "writes [], filters [a], returns [] and all",
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		if got := told(t, method, path, body); got != want {
			t.Errorf("%s:\n got %s\nwant %s", request, got, want)
		}
	}
}

func TestAnUpdateTellsTheIDThatIsInItsBody(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":7}`:         ", id 7",
		`{"ID":"7","a":1}`: ", id 7",
		`{"\u0069d":-7}`:   ", id -7",
		`{"id":7,"Id":8}`:  "",
		`{"id":7.0}`:       "",
		`{"id":"07"}`:      "",
		`{"id":" 7"}`:      "",
		`{"id":null}`:      "",
		`{"a":{"id":7}}`:   "",
		`{"id":7e0}`:       "",
	} {
		if got := told(t, "PATCH", "/Tickets", body); !strings.HasSuffix(got, "returns []"+want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := told(t, "PATCH", "/Tickets", `{"id":[7]}`); got != "problem: the record's id is no number" {
		t.Error(got)
	}
	if got := told(t, "PATCH", "/Tickets", `{"a":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}`); got != "problem: it is nested deeper than 64" {
		t.Error(got)
	}
	if got := told(t, "POST", "/Tickets", `{"id":7}`); got != "writes [id], filters [], returns []" {
		t.Errorf("a create has one: %s", got)
	}
}

func TestALargeAttachmentIsReadInLittleMemory(t *testing.T) {
	body := `{"title":"a","data":"` + strings.Repeat("QUJD", 4<<20) + `","publish":1}`
	op, _ := ParseOperation("POST", "/ATServicesRest/V1.0/Tickets/1/Attachments")
	n := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if f, err := ParseFields(op, "", strings.NewReader(body)); err != nil || !slices.Equal(f.Written, []string{"data", "publish", "title"}) {
				b.Fatal(f, err)
			}
		}
	}).AllocedBytesPerOp()
	if n > 64<<10 {
		t.Errorf("%d bytes for one of %d", n, len(body))
	}
}

// Of a JSON object that names only fields, the names are told as encoding/json reads them.
func FuzzFieldsOfARecord(f *testing.F) {
	for _, body := range []string{`{"title":"x","a":{"b":[1,2,{"c":null}]}}`, `{"t\u0069tle":1,"TITLE":2}`, `{"userDefinedFields":[{"name":"x"}]}`, `{}`, `{"a":1}x`} {
		f.Add([]byte(body))
	}
	op, _ := ParseOperation("POST", "/ATServicesRest/V1.0/Tickets")
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ParseFields(op, "", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]json.RawMessage
		if got.Problem != "" || json.Unmarshal(body, &all) != nil {
			return
		}
		for name := range all {
			if !strings.EqualFold(name, "userDefinedFields") && !slices.Contains(got.Written, strings.ToLower(name)) {
				t.Errorf("%q: %q is not among %q", body, name, got.Written)
			}
		}
	})
}

func FuzzFieldsOfAQueryNeverPanic(f *testing.F) {
	for _, body := range []string{`{"filter":[{"op":"and","items":[{"op":"eq","field":"a","value":[1,2]}]}],"includeFields":["id"]}`, `{"filter":{}}`, `{"filter":[[]]}`} {
		f.Add([]byte(body))
	}
	op, _ := ParseOperation("POST", "/ATServicesRest/V1.0/Tickets/query")
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ParseFields(op, string(body), strings.NewReader(string(body)))
		if err != nil || got.Problem != "" && (got.Written != nil || got.Filters != nil || got.Returned != nil || got.All) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
