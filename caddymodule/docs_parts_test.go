package caddymodule

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psagate/psagate/internal/report"
)

// pageParts are those parts of the reference that are made from the code, by their name in its comments.
var pageParts = map[string]func(t *testing.T) string{
	"placeholders": placeholdersPart,
	"refusals":     refusalsPart,
	"metrics":      metricsPart,
	"events":       eventsPart,
	"warnings":     warningsPart,
	"commands":     commandsPart,
	"flags":        flagsPart,
	"states":       statesPart,
	"alert states": alertStatesPart,
}

// pageShapes are what is printed or answered as JSON, by the name of the part that tells what is in it.
var pageShapes = map[string]any{
	"status JSON": report.Status{}, "failures JSON": report.Failures{}, "check JSON": report.Checks{}, "warnings JSON": report.ConfigWarnings{},
	"release JSON": report.Released{}, "rotate JSON": report.Rotation{}, "rotation line JSON": report.RotationLine{}, "zones JSON": report.Zones{}, "key new JSON": newKey{}, "store backup JSON": storeCopied{},
	"alert JSON": report.Alert{}, "alerts test JSON": report.AlertsTest{}, "secret put JSON": report.PutResult{}, "writing JSON": report.Writing{},
	"disable JSON": report.Switch{}, "totp list JSON": report.TOTPPeople{}, "totp reset JSON": report.TOTPReset{}, "totp invite JSON": invitation{}, "totp invited JSON": report.TOTPInvited{},
	"sessions JSON":  report.Sessions{},
	"mail test JSON": report.MailTest{}, "mail test line JSON": report.MailTestLine{},
	"mail JSON": report.MailBooks{}, "mail list JSON": report.MailList{}, "mail show JSON": report.MailShown{}, "mail decided JSON": report.MailDecided{}, "mail dryrun JSON": report.MailDryRun{},
	"totp code JSON": shownCode{}, "totp shown JSON": report.CodeShown{},
	"policy test JSON": report.PolicyTest{}, "policy explain JSON": report.PolicyExplained{}, "policy replay JSON": report.PolicyReplay{},
	"audit JSON": report.AuditStatus{}, "audit verify JSON": report.AuditVerified{},
}

func init() {
	for name, value := range pageShapes {
		pageParts[name] = func(t *testing.T) string { return jsonShape(t, value) }
	}
}

var pagePart = regexp.MustCompile(`(?s)<!-- from the code: ([^>]+) -->\n(.*?)<!-- end -->`)

func TestTheReferencesPartsAreTheCodes(t *testing.T) {
	page, seen := readPage(t, referencePage), map[string]bool{}
	fresh := pagePart.ReplaceAllStringFunc(page, func(old string) string {
		name := pagePart.FindStringSubmatch(old)[1]
		build, ok := pageParts[name]
		if !ok || seen[name] {
			t.Fatalf("the part %q is there twice, or not known", name)
		}
		seen[name] = true
		text := fmt.Sprintf("<!-- from the code: %s -->\n\n%s\n<!-- end -->", name, build(t))
		if text != old && !*update {
			t.Errorf("the part %q of %s is not as the code has it; write it anew with: go test ./caddymodule -run Reference -update\nwant:\n%s", name, referencePage, text)
		}
		return text
	})
	for name := range pageParts {
		if !seen[name] {
			t.Errorf("%s has no part %q", referencePage, name)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(referencePage, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// newTable begins a table.
func newTable(head ...string) *tableText {
	out := new(tableText)
	out.add(head...)
	out.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	return out
}

type tableText struct{ strings.Builder }

func (b *tableText) add(cells ...string) {
	for _, cell := range cells {
		b.WriteString("| " + escaped(cell) + " ")
	}
	b.WriteString("|\n")
}

// escaped is a text as Markdown takes it in a table: between backquotes only the bar means something there.
func escaped(cell string) string {
	texts := strings.Split(strings.ReplaceAll(cell, "|", `\|`), "`")
	for i := 0; i < len(texts); i += 2 {
		texts[i] = strings.ReplaceAll(texts[i], "<", `\<`)
	}
	return strings.Join(texts, "`")
}

func code(text string) string { return "`" + text + "`" }

func codes[S ~string](all []S) string {
	quoted := make([]string, len(all))
	for i, text := range all {
		quoted[i] = code(string(text))
	}
	return strings.Join(quoted, ", ")
}

func placeholdersPart(*testing.T) string {
	out := newTable("placeholder", "what it is", "known")
	for _, p := range placeholders {
		since := "once the call has an answer: for logs only"
		if p.from != setByProxy {
			since = "after " + code(p.from)
		}
		out.add(code("{"+p.name+"}"), p.is, since)
	}
	return out.String()
}

func refusalsPart(t *testing.T) string {
	out := newTable("`reason` in the log", "what it means")
	for _, c := range sourceOf(t, "../internal/identity").constants() {
		if c.of == "Reason" {
			out.add(code(c.value), meaning(c.name, c.doc, nil))
		}
	}
	return out.String()
}

// describedBy are the metrics of a collector.
func describedBy(c prometheus.Collector) (all []string) {
	found := make(chan *prometheus.Desc)
	go func() { c.Describe(found); close(found) }()
	for d := range found {
		all = append(all, d.String())
	}
	slices.Sort(all)
	return all
}

// metricText is what a prometheus.Desc shows of itself, which is all that it shows.
var metricText = regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)", .*variableLabels: \{([^}]*)\}`)

func metricsPart(t *testing.T) string {
	out := newTable("metric", "labels", "kind", "what it is")
	var all []string
	for _, c := range []struct {
		kind string
		prometheus.Collector
	}{{"gauge", gauges{}}, {"counter", counted.attempts}, {"counter", counted.requests}, {"counter", counted.decided}, {"counter", counted.deeds}, {"histogram", counted.waits}, {"counter", transactions}, {"counter", counted.alerts}, {"histogram", counted.mails}} {
		for _, text := range describedBy(c) {
			m := metricText.FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("not understood: %s", text)
			}
			all = append(all, text)
			out.add(code(m[1]), codes(strings.Split(m[3], ",")), c.kind, m[2])
		}
	}
	registry := prometheus.NewRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(all); !slices.Equal(all, describedBy(registry)) {
		t.Errorf("the metrics are %v, and these are documented: %v", describedBy(registry), all)
	}
	return out.String()
}

func eventsPart(t *testing.T) string {
	out := newTable("event", "data", "when")
	documented := 0
	for _, c := range sourceOf(t, "../internal/call").constants() {
		for event, fields := range eventFields {
			if c.of == "Event" && c.value == string(event) {
				documented++
				out.add(code(eventPrefix+c.value), codes(fields), meaning(c.name, c.doc, nil))
			}
		}
	}
	if documented != len(eventFields) {
		t.Errorf("%d of %d events are documented", documented, len(eventFields))
	}
	return out.String()
}

// textVerb is where a text is filled in.
var textVerb = regexp.MustCompile(`%[0-9]*[a-z]`)

func warningsPart(*testing.T) string {
	out := newTable("kind", "what is unwise")
	for _, kind := range slices.Sorted(maps.Keys(adviceTexts)) {
		out.add(code(kind), textVerb.ReplaceAllString(adviceTexts[kind].what, "…"))
	}
	return out.String()
}

// flagsOf are a command's own flags, made as Caddy makes them.
func flagsOf(c command) map[string]*pflag.Flag {
	cmd, all := new(cobra.Command), map[string]*pflag.Flag{}
	c.setUp(cmd)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { all[f.Name] = f })
	return all
}

// eachCommand calls for all commands that do something.
func eachCommand(all []command, above string, visit func(name string, c command)) {
	for _, c := range all {
		if c.run != nil {
			visit(above+c.name, c)
		}
		eachCommand(c.subs, above+c.name+" ", visit)
	}
}

func commandsPart(*testing.T) string {
	var out []string
	eachCommand(commands, "psagate ", func(name string, c command) {
		out = append(out, "### "+code(strings.TrimSpace(name+" "+c.args)), c.short+".", strings.TrimSpace(c.long))
	})
	return strings.Join(out, "\n\n") + "\n"
}

// flagsPart are the flags that all commands have.
func flagsPart(*testing.T) string {
	all := flagsOf(commands[0])
	eachCommand(commands, "", func(_ string, c command) {
		have := flagsOf(c)
		maps.DeleteFunc(all, func(name string, _ *pflag.Flag) bool { return have[name] == nil })
	})
	out := newTable("flag", "what it does")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out.add(code("--"+name), all[name].Usage)
	}
	return out.String()
}

func alertStatesPart(t *testing.T) string {
	out := newTable("state", "what it means", "with the event")
	events := map[report.AlertState]string{}
	for event, state := range alertStates {
		events[state] = eventPrefix + string(event)
	}
	for _, c := range sourceOf(t, "../internal/report").constants() {
		if c.of == "AlertState" {
			out.add(code(c.value), meaning(c.name, c.doc, nil), code(events[report.AlertState(c.value)]))
		}
	}
	return out.String()
}

func statesPart(t *testing.T) string {
	out := newTable("state", "what it means")
	for _, c := range sourceOf(t, "../internal/report").constants() {
		if c.of == "LoginState" {
			out.add(code(c.value), meaning(c.name, c.doc, nil))
		}
	}
	return out.String()
}

// jsonShape is a table of what a value is as JSON, in the words of its types' comments.
func jsonShape(t *testing.T, value any) string {
	t.Helper()
	s := shaper{docs: map[string]string{}, seen: map[reflect.Type]string{}, out: newTable("field", "type", "what it is")}
	if _, ok := value.(report.ConfigWarnings); ok {
		s.seen[reflect.TypeFor[report.Warning]()] = "`config[]` of `check`"
	}
	if _, ok := value.(report.Alert); ok {
		s.seen[reflect.TypeFor[report.LoginFailures]()] = "`logins[]` of `failures`"
		s.seen[reflect.TypeFor[report.FailedAttempt]()] = "`logins[].attempts[]` of `failures`"
	}
	for _, dir := range []string{"../internal/report", "../internal/audit", "."} {
		files := sourceOf(t, dir)
		files.fields(func(of, name string, field *ast.Field) { s.docs[of+"."+name] = field.Doc.Text() })
		s.constants = append(s.constants, files.constants()...)
	}
	s.fields("", reflect.TypeOf(value))
	return s.out.String()
}

type shaper struct {
	docs      map[string]string
	constants []constant
	// seen are the types that have been described, and where.
	seen map[reflect.Type]string
	out  *tableText
}

func (s *shaper) fields(path string, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind, in, many := field.Type, field.Type, ""
		for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
			if in.Kind() == reflect.Slice {
				many = "[]"
			}
			in = in.Elem()
		}
		word := jsonType(kind)
		if strings.Contains(rest, "omit") {
			word += ", or absent"
		}
		text := meaning(field.Name, s.docs[of.Name()+"."+field.Name], s.constants)
		text = strings.ReplaceAll(text, "; see the constants", ": one of the states below")
		where, seen := s.seen[in]
		if seen {
			text += "; its fields are those of " + where
		}
		s.out.add(code(path+name), word, text)
		if in.Kind() == reflect.Struct && in != reflect.TypeFor[time.Time]() && !seen {
			s.seen[in] = code(path + name + many)
			s.fields(path+name+many+".", in)
		}
	}
}

// jsonType is what a type is in JSON.
func jsonType(of reflect.Type) string {
	switch {
	case of.Kind() == reflect.Pointer:
		return jsonType(of.Elem())
	case of == reflect.TypeFor[time.Time]():
		return "time"
	case of.Kind() == reflect.Slice:
		return "list of " + jsonType(of.Elem()) + "s"
	case of.Kind() == reflect.Map:
		return "object of " + jsonType(of.Elem()) + "s"
	case of.Kind() == reflect.Struct:
		return "object"
	case of.Kind() == reflect.Bool:
		return "boolean"
	case of.Kind() == reflect.String:
		return "string"
	}
	return "number"
}

var (
	sentence = regexp.MustCompile(`[^.]+(?:\.\S[^.]*)*(?:\.\s*|$)`)
	// goLink is a link of a comment to another name.
	goLink = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
)

// meaning is what a comment says of a name, for those who know neither Go nor the names of the code: links become the
// words that they lead to, and sentences about anything else of the code are left out.
func meaning(name, doc string, constants []constant) string {
	text := strings.Join(strings.Fields(doc), " ")
	if rest, many := strings.CutPrefix(text, name+" ones "); many {
		text = strings.ToLower(name) + " ones " + rest
	}
	text = regexp.MustCompile(`^`+name+`(?: is| are| says|:)? `).ReplaceAllString(text, "")
	var out strings.Builder
	for _, s := range sentence.FindAllString(text, -1) {
		s = goLink.ReplaceAllStringFunc(s, func(link string) string {
			for _, c := range constants {
				if "["+c.name+"]" == link {
					return code(c.value)
				}
			}
			return link
		})
		if !goLink.MatchString(s) {
			out.WriteString(s)
		}
	}
	if text = strings.TrimSpace(out.String()); !strings.Contains(text, ". ") {
		return strings.TrimSuffix(text, ".") // one sentence needs no end
	}
	return text
}
