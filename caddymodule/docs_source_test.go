package caddymodule

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// source is the code of a package, without its tests. Go has no comments at run time, and users' words are taken from them.
type source []*ast.File

func sourceOf(t *testing.T, dir string) (files source) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(token.NewFileSet(), name, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// fields calls for each field of a struct type, by the names of both.
func (s source) fields(visit func(of, name string, field *ast.Field)) {
	s.each(func(n ast.Node) {
		declared, ok := n.(*ast.TypeSpec)
		if !ok {
			return
		}
		if of, ok := declared.Type.(*ast.StructType); ok {
			for _, field := range of.Fields.List {
				for _, name := range field.Names {
					visit(declared.Name.Name, name.Name, field)
				}
			}
		}
	})
}

func (s source) each(visit func(ast.Node)) {
	for _, file := range s {
		ast.Inspect(file, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
}

// constant is one that is a word.
type constant struct{ name, of, value, doc string }

// constants are those that are words, in their order.
func (s source) constants() (all []constant) {
	s.each(func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 || !ast.IsExported(spec.Names[0].Name) {
			return
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
			c := constant{name: spec.Names[0].Name, value: unquoted(value), doc: spec.Doc.Text()}
			if of, ok := spec.Type.(*ast.Ident); ok {
				c.of = of.Name
			}
			all = append(all, c)
		}
	})
	return all
}

func unquoted(literal *ast.BasicLit) string {
	text, _ := strconv.Unquote(literal.Value)
	return text
}

// function returns the body of the function of that name.
func (s source) function(t *testing.T, name string) (body *ast.BlockStmt) {
	t.Helper()
	s.each(func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == name {
			body = f.Body
		}
	})
	if body == nil {
		t.Fatalf("there is no function %s", name)
	}
	return body
}

// jsonName is what a field is called in JSON; empty where it is not there.
func jsonName(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(unquoted(field.Tag)).Get("json"), ",")
	return strings.TrimPrefix(name, "-")
}

// What users see as JSON has a comment, which Caddy's site, editors and the reference show them.
func TestEveryFieldOfOurJSONIsDocumented(t *testing.T) {
	for _, dir := range []string{".", "../internal/report"} {
		documented := 0
		sourceOf(t, dir).fields(func(of, name string, field *ast.Field) {
			switch doc := field.Doc.Text(); {
			case jsonName(field) == "" || !ast.IsExported(of) || !ast.IsExported(name):
			case len(strings.Fields(doc)) < 3:
				t.Errorf("%s: the field %s of %s has no sentence that says what it is: %q", dir, name, of, doc)
			default:
				documented++
			}
		})
		if documented < 20 {
			t.Errorf("%s: only %d fields were found", dir, documented)
		}
	}
}

// reached are the struct types of this module that a type is made of.
func reached(of reflect.Type, into map[string]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		reached(of.Elem(), into)
	case reflect.Struct:
		if strings.HasPrefix(of.PkgPath(), "github.com/psagate/") {
			into[of.Name()] = true
			for i := range of.NumField() {
				reached(of.Field(i).Type, into)
			}
		}
	}
}

func TestTheReferenceHasEveryShapeOfJSON(t *testing.T) {
	shown := map[string]bool{}
	for _, value := range pageShapes {
		reached(reflect.TypeOf(value), shown)
	}
	sourceOf(t, "../internal/report").fields(func(of, _ string, field *ast.Field) {
		if jsonName(field) != "" && !shown[of] {
			t.Errorf("%s is JSON, and the reference does not say what is in it", of)
		}
	})
}
