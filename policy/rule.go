package policy

import (
	"time"

	"github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// rule is one policy, taken apart: its head, which the index answers, and its conditions, which Cedar answers.
type rule struct {
	reason    Reason
	alone     []Reason // it and no other
	column    int
	order     int // over all files
	permit    bool
	stepUp    time.Duration // 0 for none
	principal scope
	resource  scope
	// written are the actions that the head names, all where it names none; actions those of them that the policy takes.
	written, actions actionSet
	// needs are the attributes of one call that the conditions ask for.
	needs need
	// body is the policy without its head; nil where there are no conditions.
	body *cedar.Policy
	// whole is the policy as it was parsed, with its head.
	whole *cedar.Policy
	// text are the tokens of the policy in its file.
	text []token
}

func (r *rule) ast() *ast.Policy { return (*ast.Policy)(r.whole.AST()) }

// newRule takes a parsed policy apart. Its annotations are for the loader to read.
func newRule(p *cedar.Policy, text []token) *rule {
	tree := (*ast.Policy)(p.AST())
	at := p.Position()
	r := &rule{
		reason: Reason{File: at.Filename, Line: at.Line, forbids: p.Effect() == cedar.Forbid}, column: at.Column, permit: p.Effect() == cedar.Permit,
		principal: scopeOf(tree.Principal), resource: scopeOf(tree.Resource), whole: p, text: text,
	}
	r.written, _ = actionsOf(tree.Action)
	if r.actions = r.written; r.namesNoAction() {
		r.actions = r.meant()
	}
	if len(tree.Conditions) > 0 {
		r.needs = needsOf(tree.Conditions)
		r.body = onlyConditions(tree, tree.Conditions)
	}
	return r
}

// onlyConditions returns a policy that has some conditions of another and takes every principal, action and resource.
func onlyConditions(p *ast.Policy, conditions []ast.ConditionType) *cedar.Policy {
	body := ast.Permit()
	if p.Effect == ast.EffectForbid {
		body = ast.Forbid()
	}
	body.Conditions = conditions
	return cedar.NewPolicyFromAST((*publicast.Policy)(body))
}

// namesNoAction says whether the head takes an action whatever it is.
func (r *rule) namesNoAction() bool {
	_, all := r.ast().Action.(ast.ScopeTypeAll)
	return all
}

// takes says whether the head of the policy takes a call.
func (r *rule) takes(c *call) bool {
	return r.actions&c.bit != 0 && r.principal.takes(c.principal.UID, c.groups) && r.resource.takes(c.resource.UID, c.resourceGroups)
}

// at returns the place of the first token that is like one, else of the policy.
func (r *rule) at(like func(i int) bool) (line, column int) {
	for i, t := range r.text {
		if like(i) {
			return t.line, t.column
		}
	}
	return r.reason.Line, r.column
}

// atWord returns the place of a word, bare or as a string, else of the policy.
func (r *rule) atWord(word string) (line, column int) {
	return r.at(func(i int) bool { return r.text[i].text == word || r.text[i].text == `"`+word+`"` })
}

// atEntity returns the place of an entity's literal, Type::"id", else of the policy.
func (r *rule) atEntity(e types.EntityUID) (line, column int) {
	name := e.String()[len(e.Type)+len("::"):]
	return r.at(func(i int) bool {
		return i+2 < len(r.text) && r.text[i].text == string(e.Type) && r.text[i+1].text == "::" && r.text[i+2].text == name
	})
}
