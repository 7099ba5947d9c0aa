package drive

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
)

// TestEachCauseIsExplained looks in the code for the words that mails end with.
func TestEachCauseIsExplained(t *testing.T) {
	t.Parallel()
	used := map[string]bool{ledger.Dropped: true, ledger.AtesFailed: true, ledger.AtesMade: true}
	for _, kind := range []message.Kind{message.Human, message.Alert, message.AutoReply, message.BounceMail, message.List, message.Own} {
		used[string(kind)] = true
	}
	for _, room := range []string{"../ledger", "../route", "."} {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				for _, word := range causesIn(n) {
					used[word] = true
				}
				return true
			})
		}
	}
	for _, word := range []string{"in-doubt", "refused", "loop", "gone", "lockout"} {
		if !used[word] {
			t.Errorf("%q is not found in the code: this test looks in the wrong place", word)
		}
	}
	for word := range used {
		if c := ledger.Causes[word]; c.Says == "" {
			t.Errorf("%q has no sentence", word)
		}
	}
	for word := range ledger.Causes {
		if !used[word] {
			t.Errorf("no mail ends with %q", word)
		}
	}
}

// causesIn are the words of a call of end, and of a field Cause.
func causesIn(n ast.Node) (words []string) {
	literal := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			word, _ := strconv.Unquote(l.Value)
			words = append(words, word)
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		if of, ok := n.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "end" && len(n.Args) == 3 {
			literal(n.Args[1])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Cause" {
			literal(n.Value)
		}
	}
	for i, word := range words {
		if word == "" {
			words = append(words[:i], words[i+1:]...)
		}
	}
	return words
}
