package audit

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// rows are the first cells of a table's rows, without their ticks, by the header of its first column. With whole, all cells.
func rows(t *testing.T, header string, whole bool) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n| "+header+" |")
	if !ok {
		t.Fatalf("there is no table of %s", header)
	}
	for i, line := range strings.Split(table, "\n") {
		if i < 2 {
			continue
		}
		if !strings.HasPrefix(line, "| ") {
			break
		}
		if !whole {
			line, _, _ = strings.Cut(line[2:], " |")
			line = strings.Trim(line, "`")
		}
		list = append(list, line)
	}
	return list
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("docs/audit.md has of %s\n%s\nand should have\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheExampleOfTheDocsIsALine(t *testing.T) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, _ := strings.Cut(rest, "\n")
	if l, ok := parse([]byte(example)); !ok || newCoder(keyNow).of(l.signed) != l.code {
		t.Errorf("%s", example)
	}
}

func TestTheDocsHaveEachMember(t *testing.T) {
	want := []string{"chain", "seq", "mac_key", "prev", "time", "up_us", "kind", "process"}
	for f := range reflect.TypeFor[Entry]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	got := rows(t, "member", false)
	e := Entry{}
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"x": "x"}))
		case reflect.Int, reflect.Int64:
			f.SetInt(1_000_000)
		case reflect.Uint64:
			f.SetUint(1)
		}
	}
	s := sealer{chain: "AAAA", key: "k", process: "p", coder: newCoder(keyNow)}
	line := string(s.entry(nil, &e))
	var order []string
	for _, part := range strings.Split(line, `"`) {
		if slices.Contains(got, part) && strings.Contains(line, `"`+part+`":`) && !slices.Contains(order, part) {
			order = append(order, part)
		}
	}
	same(t, "the order of members", got, order)
	want = append(want, "duration_us", "mac")
	slices.Sort(want)
	slices.Sort(got)
	same(t, "members", got, want)
}

func TestTheDocsHaveEachFinding(t *testing.T) {
	var want []string
	for kind := range means {
		want = append(want, string(kind))
	}
	got := rows(t, "finding", false)
	slices.Sort(got)
	slices.Sort(want)
	same(t, "findings", got, want)
}

var classNames = map[int]string{classBase: "Base Event", classAuthentication: "Authentication", classAccountChange: "Account Change", classEntity: "Entity Management"}

var activityNames = map[int]string{
	300110: "MFA Factor Enable", 300111: "MFA Factor Disable", 300199: "Other", 300499: "Other",
	300201: "Logon", 300202: "Logoff", 300402: "Read", 300403: "Update", 300408: "Enable", 300409: "Disable", 300413: "Resume", 99: "Other",
}

func TestTheDocsHaveEachEventOfOCSF(t *testing.T) {
	statuses, severities := []string{"unknown", "success", "failure"}, []string{"", "informational", "low", "medium", "high"}
	row := func(word string, m mapping) string {
		activity := activityNames[m.class*100+m.activity]
		if activity == "" {
			t.Errorf("%s: the test has no name of activity %d", word, m.class*100+m.activity)
		}
		class := classNames[m.class]
		if m.entity != "" {
			class += ", `" + m.entity + "`"
		}
		return fmt.Sprintf("| %s | %s (%d) | %s (%d) | %s | %s |", word, class, m.class, activity, m.activity, statuses[m.status], severities[m.severity])
	}
	var want []string
	order := func(a, b string) int {
		x, y := mappings[a], mappings[b]
		return cmp.Or(-cmp.Compare(x.class, y.class), cmp.Compare(a, b))
	}
	for _, word := range slices.SortedFunc(maps.Keys(mappings), order) {
		want = append(want, row("`"+word+"`", mappings[word]))
	}
	want = append(want, row("any other", unmappedEvent))
	same(t, "events", rows(t, "event", true), want)
}
