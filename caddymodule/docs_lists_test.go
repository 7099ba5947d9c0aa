package caddymodule

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/guard"
)

// sameAsPage demands that the reference's list has what the code has.
func sameAsPage(t *testing.T, what string, page, code []string) {
	t.Helper()
	slices.Sort(page)
	slices.Sort(code)
	if code = slices.Compact(code); !slices.Equal(page, code) {
		t.Errorf("%s:\n%v in the reference, and\n%v in the code", what, page, code)
	}
}

func listedIn(t *testing.T, title string) []string {
	return slices.Collect(maps.Keys(pageTable(t, title)))
}

// givenReasons are the reasons that some code gives: the contract has more, for what is not there yet.
func givenReasons(t *testing.T) map[autotask.Reason]bool {
	t.Helper()
	contract, given := map[string]autotask.Reason{}, map[autotask.Reason]bool{}
	for _, c := range sourceOf(t, "../internal/autotask").constants() {
		if c.of == "Reason" {
			contract[c.name] = autotask.Reason(c.value)
		}
	}
	for _, c := range sourceOf(t, "../internal/guard").constants() {
		if c.of == "Reason" && c.value != string(guard.Moved) {
			given[autotask.Reason(c.value)] = true
		}
	}
	err := filepath.WalkDir("../internal", func(dir string, entry fs.DirEntry, err error) error {
		if names, _ := filepath.Glob(filepath.Join(dir, "*.go")); err != nil || !entry.IsDir() || len(names) == 0 {
			return err
		}
		sourceOf(t, dir).each(func(n ast.Node) {
			of, ok := n.(*ast.SelectorExpr)
			if !ok {
				return
			}
			if reason, ok := contract[of.Sel.Name]; ok && fmt.Sprint(of.X) == "autotask" {
				given[reason] = true
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return given
}

func TestTheReferenceHasTheReasons(t *testing.T) {
	given, page := givenReasons(t), pageTable(t, "Answers of psagate's own")
	var code []string
	for reason := range given {
		code = append(code, string(reason))
		status, header, _ := autotask.ErrorAnswer(autotask.REST, reason, "", time.Second)
		waits := "no"
		if header.Get("Retry-After") != "" {
			waits = "yes"
		}
		if want := strconv.Itoa(status) + " | " + waits + " | "; !strings.HasPrefix(page[string(reason)], want) {
			t.Errorf("%s is %q in the reference, want %q…", reason, page[string(reason)], want)
		}
	}
	sameAsPage(t, "reasons", slices.Collect(maps.Keys(page)), code)
}

func TestTheReferenceHasTheAdminRoutes(t *testing.T) {
	var page, code []string
	withMails(t)
	mailTested(t)
	server := running(t, new(fake))
	for route := range pageTable(t, "Admin endpoint") {
		method, path, _ := strings.Cut(route, " ")
		for part := range strings.SplitSeq(strings.TrimPrefix(path, "/psa/"), "/") {
			if !stands(part) {
				page = append(page, part)
			}
		}
		request, err := http.NewRequest(method, "http://"+server+strings.NewReplacer("<login>", "main", "<pool>", "crew", "<integration>", "itglue", "<mailbox>", "support", "<mail>", "2").Replace(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", route, answer.StatusCode)
		}
	}
	for _, name := range []string{"serve", "serveMail"} {
		ast.Inspect(sourceOf(t, ".").function(t, name), func(n ast.Node) bool {
			if equals, ok := n.(*ast.BinaryExpr); ok && equals.Op == token.EQL {
				if word, ok := equals.Y.(*ast.BasicLit); ok && word.Kind == token.STRING {
					code = append(code, unquoted(word))
				}
			}
			return true
		})
	}
	slices.Sort(page)
	sameAsPage(t, "words of the routes", slices.Compact(page), code)
}

func TestTheReferenceHasTheModules(t *testing.T) {
	var code []string
	for _, name := range caddy.Modules() {
		last := name[strings.LastIndexByte(name, '.')+1:]
		if strings.HasPrefix(name, "psa.") || last == "psa" || strings.HasPrefix(last, "psa_") {
			code = append(code, name)
		}
	}
	sameAsPage(t, "modules", listedIn(t, "Modules and JSON"), code)
}

func TestTheReferenceHasTheFieldsOfALoginsRecord(t *testing.T) {
	page, code := pageTable(t, "A login's record"), []string(nil)
	sourceOf(t, "../internal/secret").each(func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "credentialFields" {
			return
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			field := element.(*ast.KeyValueExpr)
			name := unquoted(field.Key.(*ast.BasicLit))
			code = append(code, name)
			want := map[string]string{"true": "yes | ", "false": "no | "}[fmt.Sprint(field.Value)]
			if !strings.HasPrefix(page[name], want) {
				t.Errorf("%s is %q in the reference, want %q…", name, page[name], want)
			}
		}
	})
	sameAsPage(t, "fields", slices.Collect(maps.Keys(page)), code)
}

func TestTheReferenceSaysHowSecretsAreWritten(t *testing.T) {
	if text := pageSection(t, "Secrets"); !strings.Contains(text, secretForms) {
		t.Errorf("it does not say: %s", secretForms)
	}
}

func TestTheReferenceHasTheExitStatuses(t *testing.T) {
	page := pageTable(t, "Commands")
	for status, means := range []string{exitYes: "yes", exitNo: "no, or it failed", exitUsage: "wrong usage"} {
		if got := page[strconv.Itoa(status)]; got != means {
			t.Errorf("exit status %d is %q in the reference, want %q", status, got, means)
		}
	}
	if want := fmt.Sprintf("Exit status: %d yes, %d no or failed, %d wrong usage.", exitYes, exitNo, exitUsage); strings.TrimSpace(exitHelp) != want {
		t.Errorf("the commands' help says %q, want %q", exitHelp, want)
	}
}

func TestTheReferenceSaysHowLongCallsHaveAtAStop(t *testing.T) {
	if want := fmt.Sprintf("%.0f seconds", call.Grace.Seconds()); !strings.Contains(pageSection(t, "Reload and stop"), want) {
		t.Errorf("it does not say %q", want)
	}
}

// Its table has the commands in the order of a day, those that belong together in one row; what follows a command in capitals is an
// argument.
func TestTheREADMEHasTheCommands(t *testing.T) {
	var page, code []string
	for line := range strings.Lines(readPage(t, "../README.md")) {
		if !strings.HasPrefix(line, "| `psagate ") {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(strings.Split(line, " | ")[0], -1) {
			name, _, _ := strings.Cut(strings.TrimPrefix(m[1], "psagate "), " [")
			page = append(page, strings.TrimRight(name, " ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		}
	}
	eachCommand(commands, "", func(name string, _ command) { code = append(code, name) })
	sameAsPage(t, "commands", page, code)
}

// Of two answers of a pool's logins the milder is given.
func TestTheReferenceHasTheReasonsOfAPoolInTheirOrder(t *testing.T) {
	_, list, found := strings.Cut(pageSection(t, "Pools"), "in this order:")
	if !found {
		t.Fatal("it does not say in which order")
	}
	list, _, _ = strings.Cut(list, ";")
	var last *guard.Denied
	n := 0
	for word := range strings.SplitSeq(list, ",") {
		d := &guard.Denied{Reason: guard.Reason(strings.Trim(strings.TrimSpace(word), "`"))}
		if last != nil && !last.Milder(d) {
			t.Errorf("%s stands before %s in the reference", last.Reason, d.Reason)
		}
		last, n = d, n+1
	}
	if harder := (&guard.Denied{Reason: "none"}); n != 11 || !last.Milder(harder) {
		t.Errorf("%d reasons, the last of which is %s", n, last.Reason)
	}
}
