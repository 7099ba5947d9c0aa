package secret

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAFileThatIsNoObjectOfRecordsIsSaidWithItsPlace(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                     {"", "is empty"},
		"only space":                  {" \n", "is empty"},
		"an array":                    {`["` + planted + `"]`, "is an array, not a JSON object of records"},
		"a text":                      {`"` + planted + `"`, "is a string, not a JSON object of records"},
		"a byte order mark":           {"\xef\xbb\xbf{}", "begins with a byte order mark"},
		"UTF-16":                      {"\xff\xfe{\x00}\x00", "is not UTF-8 at line 1, column 1"},
		"a broken character":          {"{\n\"ü\xff" + planted + "\"", "is not UTF-8 at line 2, column 3"},
		"a text that never ends":      {"{\"a\":\n {\"s\": \"" + planted, "ends too early, at line 2, column 24"},
		"an object without end":       {`{"a":{}`, "ends too early, at line 1, column 8"},
		"a comma too many":            {"{\"ü\":{},\n}", "is not JSON from line 2, column 1 on"},
		"an unquoted text":            {`{"a":` + planted, "is not JSON from line 1, column 6 on"},
		"a line break in a text":      {"{\"a\":{\"s\":\"x\n", "is not JSON from line 1, column 13 on"},
		"a second object":             {"{}\n\n {" + planted, "goes on after the end of its JSON, at line 3, column 2"},
		"a bracket of the wrong kind": {`{"a":{}]`, "is not JSON from line 1, column 8 on"},
	} {
		_, problem := parseRecords([]byte(test.text))
		if !strings.HasPrefix(problem, test.want) || strings.Contains(problem, planted) {
			t.Errorf("%s: %q, want %q", name, problem, test.want)
		}
	}
}

func TestAWrongRecordIsNamedByFieldAndKindAndNotByContent(t *testing.T) {
	for record, want := range map[string]string{
		`"` + planted + `"`:               "is a string, not an object of fields",
		`12345`:                           "is a number, not an object of fields",
		`null`:                            "is null, not an object of fields",
		`{"n":1e999}`:                     `has field "n", which is a number, not a string`,
		`{"n":[{"x":"` + planted + `"}]}`: `has field "n", which is an array, not a string`,
		`{"n":null}`:                      `has field "n", which is null, not a string`,
		`{"n":true,"n":"x"}`:              `has field "n", which is a boolean, not a string`,
		`{"n":"x","n":"y"}`:               `has field "n" twice; keep one`,
		`{"n":"\ud800"}`:                  `has field "n", which holds half of a surrogate pair`,
		`{"n":"ok"}`:                      "",
		`{}`:                              "",
	} {
		records, problem := parseRecords([]byte(`{"before":{},"r":` + record + `,"after":{"s":"x"}}`))
		if got := records["r"].problem; problem != "" || !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q (file: %q), want %q", record, got, problem, want)
		}
		if records["after"].fields["s"].Reveal() != "x" || records["before"].problem != "" {
			t.Errorf("%s: spoils its neighbours", record)
		}
	}
}

// FuzzParseRecords: what is taken is what encoding/json reads, and what is refused is not shown.
func FuzzParseRecords(f *testing.F) {
	for _, seed := range []string{`{"a":{"s":"one"}}`, `{"a":{"s":1}}`, `{"a":{},"a":{}}`, `{"a":{"s":"x","s":"y"}}`, "{", "{}{}", "\xef\xbb\xbf{}", `[]`, "{\"a\":{\"s\":\"\\ud800\"}}", "\xff", "\n\n{\"a\"\n:x}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, problem := parseRecords(data)
		if problem != "" {
			var any map[string]map[string]string
			if json.Unmarshal(data, &any) == nil && any != nil && !strings.Contains(problem, "UTF-8") {
				t.Errorf("refused: %s", problem)
			}
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(data, &plain); err != nil || len(plain) != len(records) {
			t.Fatalf("%d records taken, encoding/json says %d, %v", len(records), len(plain), err)
		}
		for path, record := range records {
			if record.problem != "" {
				continue
			}
			var fields map[string]string
			if err := json.Unmarshal(plain[path], &fields); err != nil {
				t.Fatalf("record %q taken, encoding/json says %v", path, err)
			}
			for name, text := range fields {
				if record.fields[name].Reveal() != text {
					t.Errorf("record %q, field %q differs", path, name)
				}
			}
		}
	})
}
