package secret

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func values(texts map[string]string) map[string]Value {
	all := map[string]Value{}
	for name, text := range texts {
		all[name] = NewValue(text)
	}
	return all
}

func TestASplicedFileChangesOnlyWhereItMustAndLooksAsItDid(t *testing.T) {
	for name, test := range map[string]struct {
		text, path string
		set        map[string]string
		want       string
	}{
		"a field in a line":              {`{"a":{"s":"one"},"b":{"s":"x"}}`, "a", map[string]string{"s": "two"}, `{"a":{"s":"two"},"b":{"s":"x"}}`},
		"a field among others":           {"{\n  \"a\": {\n    \"u\": \"\\u0075\",\n    \"s\" :  \"one\",\n    \"c\": \"3\"\n  }\n}\n", "a", map[string]string{"s": "two"}, "{\n  \"a\": {\n    \"u\": \"\\u0075\",\n    \"s\" :  \"two\",\n    \"c\": \"3\"\n  }\n}\n"},
		"several, in the file's order":   {`{ "a" : { "z" : "1", "y" : "2" } }`, "a", map[string]string{"y": "b", "z": "a"}, `{ "a" : { "z" : "a", "y" : "b" } }`},
		"one that is added":              {"{\n\t\"a\": {\n\t\t\"s\": \"one\"\n\t}\n}", "a", map[string]string{"t": "new", "s": "two"}, "{\n\t\"a\": {\n\t\t\"s\": \"two\",\n\t\t\"t\": \"new\"\n\t}\n}"},
		"one added to a line":            {`{"a": {"s": "one"}}`, "a", map[string]string{"t": "new"}, `{"a": {"s": "one", "t": "new"}}`},
		"one added to a dense line":      {`{"a":{"s":"one"}}`, "a", map[string]string{"t": "new"}, `{"a":{"s":"one","t":"new"}}`},
		"a comma before each":            {"{\"a\":{\"s\":\"1\"\n , \"t\":\"2\"}}", "a", map[string]string{"u": "3"}, "{\"a\":{\"s\":\"1\"\n , \"t\":\"2\"\n , \"u\":\"3\"}}"},
		"line ends of Windows":           {"{\r\n  \"a\": {\r\n    \"s\": \"1\"\r\n  }\r\n}", "a", map[string]string{"t": "2"}, "{\r\n  \"a\": {\r\n    \"s\": \"1\",\r\n    \"t\": \"2\"\r\n  }\r\n}"},
		"an empty record":                {"{\n  \"a\": { }\n}", "a", map[string]string{"s": "1"}, "{\n  \"a\": {\n    \"s\": \"1\"\n  }\n}"},
		"an empty record beside others":  {`{"a":{},"b":{"s": "x"}}`, "a", map[string]string{"s": "1", "t": "2"}, `{"a":{"s": "1", "t": "2"},"b":{"s": "x"}}`},
		"a new record":                   {"{\n    \"a\": {\n        \"s\": \"1\"\n    }\n}\n", "b", map[string]string{"s": "2", "t": "3"}, "{\n    \"a\": {\n        \"s\": \"1\"\n    },\n    \"b\": {\n        \"s\": \"2\",\n        \"t\": \"3\"\n    }\n}\n"},
		"a new record in a line":         {`{"a": {"s": "1"}}`, "b", map[string]string{"s": "2"}, `{"a": {"s": "1"}, "b": {"s": "2"}}`},
		"the first record":               {" {} \n", "a", map[string]string{"s": "1", "t": "2"}, " {\n  \"a\": {\n    \"s\": \"1\",\n    \"t\": \"2\"\n  }\n} \n"},
		"a name that is written in code": {`{"\u0061":{"\u0073":"one"}}`, "a", map[string]string{"s": "two"}, `{"\u0061":{"\u0073":"two"}}`},
		"a path like a text in it":       {`{"b":{"a":"{\"a\":{\"s\":\"no\"}}"},"a":{"s":"one"}}`, "a", map[string]string{"s": "two"}, `{"b":{"a":"{\"a\":{\"s\":\"no\"}}"},"a":{"s":"two"}}`},
		"neighbours with faults":         {`{"x":1.50,"a":{"s":"1"},"y":[ {"a":{"s":"no"}} ],"d":{},"d":{ }}`, "a", map[string]string{"s": "2"}, `{"x":1.50,"a":{"s":"2"},"y":[ {"a":{"s":"no"}} ],"d":{},"d":{ }}`},
		"characters that mean something": {`{"a":{"s":"1"}}`, "a", map[string]string{"s": "<\"\\&\u00fc\n"}, `{"a":{"s":"<\"\\&` + "\u00fc" + `\n"}}`},
	} {
		if got := string(splice([]byte(test.text), test.path, values(test.set))); got != test.want {
			t.Errorf("%s: from\n%s\ncomes\n%s\nwant\n%s", name, test.text, got, test.want)
		}
	}
}

// FuzzSplice: the record reads as it is meant to, and all other members of the file are the same bytes, in the same order.
func FuzzSplice(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"s":"one"}}`, `{}`, " { } ", `{"a":{}}`, "{\r\n\t\"b\" : { \"x\"\n:\n\"y\" }\n,\"a\":{}}", `{"b":{"n":1},"c":[{}],"d":{},"d":{}}`,
		`{"a":{"s":"x","t":"y"},"b":{"s":"\ud83d\ude00"}}`, `{"":{"":""}}`, `{"\u0061":{"\u0073":""}}`,
	} {
		f.Add([]byte(seed), "a", "s", "two")
		f.Add([]byte(seed), "c/d", "", "\"\\\u2028\x00<")
	}
	f.Fuzz(func(t *testing.T, data []byte, path, name, text string) {
		before, problem := parseRecords(data)
		if problem != "" || before[path].problem != "" || isDamaged(path) || isDamaged(name) || isDamaged(text) {
			return
		}
		was := bytes.Clone(data)
		next := splice(data, path, values(map[string]string{name: text}))
		if !bytes.Equal(data, was) {
			t.Fatal("the bytes that were read are changed")
		}
		after, problem := parseRecords(next)
		if problem != "" {
			t.Fatalf("%q becomes %q, which %s", data, next, problem)
		}
		want := values(map[string]string{name: text})
		for other, value := range before[path].fields {
			if other != name {
				want[other] = value
			}
		}
		if after[path].problem != "" || !sameFields(after[path].fields, want) {
			t.Fatalf("%q becomes %q", data, next)
		}
		if a, b := others(data, path), others(next, path); !reflect.DeepEqual(a, b) {
			t.Fatalf("%q becomes %q", data, next)
		}
	})
}

// others are the members of a file but one, with the bytes of their values.
func others(data []byte, path string) (all []string) {
	eachMember(data, func(name string, value json.RawMessage) {
		if name != path {
			all = append(all, name, string(value))
		}
	})
	return all
}
