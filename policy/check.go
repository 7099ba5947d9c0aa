package policy

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// check finds words in a policy that mean nothing, and then what does not fit together. Cedar's own validator does the
// second, but it knows neither places nor what was meant, so it has its say only where every word is known.
func (l *loader) check(r *rule) {
	before := len(l.problems)
	l.checkHead(r)
	for _, c := range r.ast().Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			return l.checkNode(r, n)
		})
	}
	if len(l.problems) == before {
		l.typecheck(r)
	}
}

func (l *loader) checkHead(r *rule) {
	for _, s := range []scope{r.principal, r.resource} {
		entities, typ := s.named()
		if typ != "" {
			l.checkType(r, typ)
		}
		for _, e := range entities {
			l.checkLiteral(r, e)
		}
	}
	if r.resource.in.Type == typePersonGroup {
		l.targetGroup(r, r.resource.in)
	}
	_, named := actionsOf(r.ast().Action)
	for _, a := range named {
		l.checkLiteral(r, a)
	}
	if r.actions == 0 && len(named) == 0 {
		line, column := r.atWord("action")
		l.wrong(r, line, column, "an empty list of actions is no action; the policy would never apply")
	}
}

// checkNode checks a node, and says whether its children are to be checked.
func (l *loader) checkNode(r *rule, n ast.IsNode) bool {
	l.checkNames(r, n)
	switch n := n.(type) {
	case ast.NodeValue:
		if e, is := n.Value.(types.EntityUID); is {
			l.checkLiteral(r, e)
		}
	case ast.NodeTypeIs:
		l.checkType(r, n.EntityType)
	case ast.NodeTypeIsIn:
		l.checkType(r, n.EntityType)
		l.checkTargetIn(r, n.Left, n.Entity)
	case ast.NodeTypeAccess:
		return l.checkAttribute(r, n.Arg, string(n.Value))
	case ast.NodeTypeIn:
		l.checkTargetIn(r, n.Left, n.Right)
	case ast.NodeTypeHas:
		return l.checkAttribute(r, n.Arg, string(n.Value))
	case ast.NodeTypeVariable:
		if isContext(n) { // else it was not looked into
			line, column := r.atWord("context")
			l.wrong(r, line, column, "the context as a whole says nothing; name a word of it, as in context.fields")
		}
	}
	return true
}

// checkTargetIn sees that no policy asks for the groups of a person on whom something is done: they are not known, and a forbid
// that asks for them would forbid nothing.
func (l *loader) checkTargetIn(r *rule, left, right ast.IsNode) {
	if v, is := left.(ast.NodeTypeVariable); !is || v.Name != "resource" {
		return
	}
	ast.Inspect(ast.NewNode(right), func(n ast.IsNode) bool {
		if v, is := n.(ast.NodeValue); is {
			if e, is := v.Value.(types.EntityUID); is && e.Type == typePersonGroup {
				l.targetGroup(r, e)
			}
		}
		return true
	})
}

func (l *loader) targetGroup(r *rule, group types.EntityUID) {
	line, column := r.atEntity(group)
	l.wrong(r, line, column, "the groups of a person on whom something is done are not known; name the people themselves")
}

func (l *loader) checkType(r *rule, t types.EntityType) (known bool) {
	if slices.Contains(words().types, string(t)) {
		return true
	}
	line, column := r.atWord(string(t))
	l.wrong(r, line, column, "unknown type %s%s", t, didYouMean(string(t), words().types))
	return false
}

// checkAttribute sees that an attribute is known: of the context exactly, of anything else as one that some type has,
// which the validator then tells exactly. It says whether what has the attribute is to be checked.
func (l *loader) checkAttribute(r *rule, of ast.IsNode, name string) (lookInto bool) {
	whose, known := "attribute", words().others
	if isContext(of) {
		whose, known = "word of the context", words().context
	}
	if _, record := of.(ast.NodeTypeRecord); !record && !slices.Contains(known, name) {
		line, column := r.atWord(name)
		l.wrong(r, line, column, "unknown %s %q%s", whose, name, didYouMean(name, known))
	}
	return !isContext(of)
}
