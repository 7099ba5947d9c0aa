package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

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
	case ast.NodeTypeAccess:
		return l.checkAttribute(r, n.Arg, string(n.Value))
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

// checkLiteral sees that Type::"name" is something.
func (l *loader) checkLiteral(r *rule, e types.EntityUID) {
	if !l.checkType(r, e.Type) {
		return
	}
	name := string(e.ID)
	switch e.Type {
	case typeAction:
		if bitOf(Action(name)) == 0 {
			line, column := r.atEntity(e)
			l.wrong(r, line, column, "unknown action %q%s", name, didYouMean(name, words().actions))
		}
	case typeEntity:
		l.checkEntity(r, e)
	case typeIntegrationGroup:
		l.expect(r, e, "group of integrations", name, l.options.Groups)
	case typePersonGroup, types.EntityType(Person):
		l.checkPerson(r, e)
	case types.EntityType(Integration):
		l.expect(r, e, "integration", name, l.options.Integrations)
	case types.EntityType(Mailbox):
		l.expect(r, e, "mailbox", name, l.options.Mailboxes)
	}
}

// expect warns of a name that the config does not have.
func (l *loader) expect(r *rule, e types.EntityUID, what, name string, known []string) {
	if known == nil || slices.Contains(known, name) {
		return
	}
	line, column := r.atEntity(e)
	l.odd(r, line, column, "no %s is called %q%s", what, name, didYouMean(name, known))
}

// checkPerson sees that a person or a group of people has the issuer in front.
func (l *loader) checkPerson(r *rule, e types.EntityUID) {
	issuer, name, both := strings.Cut(string(e.ID), "/")
	if !both || issuer == "" || name == "" {
		line, column := r.atEntity(e)
		l.wrong(r, line, column, `%s has no issuer in front; write %s::"<issuer>/%s"`, e, e.Type, e.ID)
		return
	}
	l.expect(r, e, "issuer", issuer, l.options.Issuers)
}

// checkEntity sees that an entity's name is the PSA's. The PSA gets new ones, so that a name is unknown is no error; that
// it is almost a known one is.
func (l *loader) checkEntity(r *rule, e types.EntityUID) {
	name := string(e.ID)
	known, by := l.entities.add(name, r)
	line, column := r.atEntity(e)
	switch {
	case known != name && by == nil:
		l.wrong(r, line, column, "the entity %q is spelled %q", name, known)
	case known != name:
		l.wrong(r, line, column, "the entity %q is spelled %q at %s:%d", name, known, by.reason.File, by.reason.Line)
	case l.options.Entities == nil || slices.Contains(l.options.Entities, name):
	default:
		l.unknownEntity(r, line, column, name, by == nil)
	}
}

// unknownEntity is an error each time, and a warning the first time.
func (l *loader) unknownEntity(r *rule, line, column int, name string, first bool) {
	_, changes := nearest(name, l.options.Entities)
	switch like := didYouMean(name, l.options.Entities); {
	case name == "" || name[0] < 'A' || name[0] > 'Z':
		l.wrong(r, line, column, "unknown entity %q, and the PSA's begin with a capital letter%s", name, like)
	case changes <= misspelt:
		l.wrong(r, line, column, "unknown entity %q%s", name, like)
	case first:
		l.odd(r, line, column, "unknown entity %q; it may be new at the PSA, else no call will ever be for it%s", name, like)
	}
}

// typecheck lets Cedar's validator judge a policy whose words are all known.
func (l *loader) typecheck(r *rule) {
	tree := *r.ast()
	if words().validator.Policy("", &tree) == nil {
		return
	}
	all := tree.Conditions
	tree.Conditions = nil
	l.fits(r, &tree, r.reason.Line, r.column)
	for i, c := range all {
		tree.Conditions = []ast.ConditionType{c}
		line, column := r.atCondition(i)
		l.fits(r, &tree, line, column)
	}
}

// fits tells what the validator says of a part of a policy, each thing once.
func (l *loader) fits(r *rule, part *ast.Policy, line, column int) {
	err := words().validator.Policy("", part)
	if err == nil {
		return
	}
	for text := range strings.Lines(err.Error()) {
		p := Problem{r.reason.File, line, column, plain(strings.TrimSpace(text))}
		if !slices.Contains(l.problems, p) {
			l.problems = append(l.problems, p)
		}
	}
}

// atCondition returns the place of the when or unless of a policy's n-th condition.
func (r *rule) atCondition(n int) (line, column int) {
	depth := 0
	return r.at(func(i int) bool {
		switch t := r.text[i].text; {
		case t == "(" || t == "[" || t == "{":
			depth++
		case t == ")" || t == "]" || t == "}":
			depth--
		case depth == 0 && (t == "when" || t == "unless"):
			n--
			return n < 0
		}
		return false
	})
}

// optional is what the validator says where a call may lack an attribute.
var optional = regexp.MustCompile("^unable to guarantee safety of access to optional attribute `(.*?)`")

// plain says what the validator means where its own words do not.
func plain(text string) string {
	if m := optional.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("some calls have no resource.%s; write resource has %s && before it", m[1], m[1])
	}
	if strings.HasPrefix(text, "unable to find an applicable action") {
		return "no call is like this: a principal is an Integration, a Person or a Mailbox, and a resource is an Entity"
	}
	return strings.NewReplacer("__cedar::internal::True", "Bool", "__cedar::internal::False", "Bool", "__cedar::internal::", "").Replace(text)
}

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

// explainError says what an error of Cedar's evaluator means.
func explainError(text string) string {
	if name, is := strings.CutPrefix(text, "record does not have the attribute `"); is {
		return fmt.Sprintf("the request does not tell context.%s", strings.TrimSuffix(name, "`"))
	}
	return text
}
