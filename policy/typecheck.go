package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// typecheck lets Cedar's validator judge a policy whose words are all known: as one of calls, and as one of deeds. A forbid that
// names neither is judged as one of calls, as it is meant; what it asks for that deeds do not have is empty there.
func (l *loader) typecheck(r *rule) {
	calls, deeds := r.actions&callActions, r.actions&deedActions
	if calls != 0 {
		l.judge(r, words().calls, calls)
	}
	if deeds != 0 && (calls == 0 || !r.namesNoAction()) {
		l.judge(r, words().deeds, deeds)
	}
}

// judge lets a validator judge what a policy says of some actions.
func (l *loader) judge(r *rule, validator *validate.Validator, only actionSet) {
	tree := *r.ast()
	if !r.namesNoAction() && r.actions != only {
		tree.Action = ast.ScopeTypeInSet{Entities: only.uids()}
	}
	if validator.Policy("", &tree) == nil {
		return
	}
	all := tree.Conditions
	tree.Conditions = nil
	l.fits(r, validator, &tree, r.reason.Line, r.column)
	for i, c := range all {
		tree.Conditions = []ast.ConditionType{c}
		line, column := r.atCondition(i)
		l.fits(r, validator, &tree, line, column)
	}
}

// fits tells what the validator says of a part of a policy, each thing once.
func (l *loader) fits(r *rule, validator *validate.Validator, part *ast.Policy, line, column int) {
	err := validator.Policy("", part)
	if err == nil {
		return
	}
	for text := range strings.Lines(err.Error()) {
		p := Problem{r.reason.File, line, column, plain(strings.TrimSpace(text), validator == words().deeds)}
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
func plain(text string, ofDeeds bool) string {
	if m := optional.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("some calls have no resource.%s; write resource has %s && before it", m[1], m[1])
	}
	if strings.HasPrefix(text, "unable to find an applicable action") {
		if ofDeeds {
			return "nobody does this: a Person does disable and enable to an Integration, check, release, new_secret and show_code to a Login, end_session and reset_factor to a Person, read_mail, retry_mail and drop_mail to a Mailbox"
		}
		return "no call is like this: a principal is an Integration, a Person or a Mailbox, and a resource is an Entity"
	}
	return strings.NewReplacer("__cedar::internal::True", "Bool", "__cedar::internal::False", "Bool", "__cedar::internal::", "").Replace(text)
}
