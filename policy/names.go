package policy

import (
	"errors"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// checkNames sees to names of fields, methods and interfaces that a condition compares with. Fields are noted, since the PSA
// does not look at case, and one policy's spelling must be another's.
func (l *loader) checkNames(r *rule, n ast.IsNode) {
	left, right, err := sides(n)
	if err != nil {
		return
	}
	for _, pair := range [][2]ast.IsNode{{left, right}, {right, left}} {
		for _, attribute := range contextIn(pair[0]) {
			for _, literal := range stringsIn(pair[1]) {
				l.checkName(r, attribute, literal)
			}
		}
	}
}

func (l *loader) checkName(r *rule, attribute, literal string) {
	line, column := r.atWord(literal)
	switch attribute {
	case "fields", "filters", "returns":
		if known, by := l.fields.add(literal, r); known != literal {
			l.wrong(r, line, column, "the field %q is spelled %q at %s:%d; spell it alike everywhere",
				literal, known, by.reason.File, by.reason.Line)
		}
	case "method":
		l.oneOf(r, attribute, literal, methods)
	case "api":
		l.oneOf(r, attribute, literal, apis)
	}
}

func (l *loader) oneOf(r *rule, attribute, literal string, known []string) {
	if slices.Contains(known, literal) {
		return
	}
	line, column := r.atWord(literal)
	l.wrong(r, line, column, "context.%s is never %q%s", attribute, literal, didYouMean(literal, known))
}

var errNoSides = errors.New("no comparison")

// sides returns what a node compares.
func sides(n ast.IsNode) (left, right ast.IsNode, err error) {
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		return n.Left, n.Right, nil
	case ast.NodeTypeNotEquals:
		return n.Left, n.Right, nil
	case ast.NodeTypeContains:
		return n.Left, n.Right, nil
	case ast.NodeTypeContainsAll:
		return n.Left, n.Right, nil
	case ast.NodeTypeContainsAny:
		return n.Left, n.Right, nil
	}
	return nil, nil, errNoSides
}

// contextIn returns the attributes of the context that a node has in it.
func contextIn(n ast.IsNode) []string {
	var names []string
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		if a, is := n.(ast.NodeTypeAccess); is && isContext(a.Arg) {
			names = append(names, string(a.Value))
		}
		return true
	})
	return names
}

// stringsIn returns the strings that a node has in it.
func stringsIn(n ast.IsNode) []string {
	var all []string
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		if v, is := n.(ast.NodeValue); is {
			if s, is := v.Value.(types.String); is {
				all = append(all, string(s))
			}
		}
		return true
	})
	return all
}
