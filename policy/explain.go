package policy

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Finding is what one policy says to a request, and why.
type Finding struct {
	Reason
	// Effect is "permit" or "forbid".
	Effect string `json:"effect"`
	// Applies is true where the head takes the request and every condition holds.
	Applies bool `json:"applies"`
	// StepUp is the @stepup of a permit, or how old the factor may be that a deed wants without; empty for none.
	StepUp string `json:"stepup,omitempty"`
	// Because says in a sentence why it applies, does not, or could not be evaluated.
	Because string `json:"because"`
}

// Explanation is a decision and what every policy says, in the order of the files.
type Explanation struct {
	Decision Decision  `json:"decision"`
	Findings []Finding `json:"findings"`
	// Almost is the PSA's entity that the request's is almost, where the PSA is not known to have that; else empty.
	Almost string `json:"almost,omitempty"`
}

// Explain decides a request as Decide does and says of every policy whether it applies and why. It is for people: it
// evaluates all of them, one condition after the other.
func (p *Policies) Explain(r Request) Explanation {
	e := Explanation{Decision: p.Decide(r)}
	if r.isDeed() {
		r = r.deed()
	} else {
		e.Almost = p.almost(r.Entity)
	}
	if !understood(&r) {
		return e
	}
	c := p.newCall(&r)
	for _, rule := range p.rules {
		e.Findings = append(e.Findings, p.find(c, &r, rule))
	}
	return e
}

func (p *Policies) find(c *call, r *Request, rule *rule) Finding {
	f := Finding{Reason: rule.reason, Effect: "forbid"}
	if rule.permit {
		f.Effect = "permit"
	}
	if age := c.maxAge(rule); rule.permit && age > 0 {
		f.StepUp = age.String()
	}
	if f.Because = rule.headDiffers(c); f.Because != "" {
		return f
	}
	if c.lacksID(rule.needs, r) {
		f.Error, f.Because = errNoID, "it could not be evaluated: "+errNoID
		return f
	}
	for i, condition := range rule.ast().Conditions {
		holds, err := p.holds(c, r, rule, condition)
		switch {
		case err != "":
			f.Error = err
			f.Because = rule.condition(i, condition) + " could not be evaluated: " + err
			return f
		case !holds:
			f.Because = rule.condition(i, condition) + " is not met"
			return f
		}
	}
	f.Applies, f.Because = true, "its head takes the request"
	if rule.body != nil {
		f.Because += " and its conditions are met"
	}
	return f
}

// headDiffers says what in the head of a policy does not take a call; empty where all does.
func (r *rule) headDiffers(c *call) string {
	switch {
	case !r.principal.takes(c.principal.UID, c.groups):
		return fmt.Sprintf("it is for another principal than %s%s", c.principal.UID, groupList(c.groups))
	case r.actions&c.bit == 0:
		return fmt.Sprintf("it is for another action than %s", c.action)
	case !r.resource.takes(c.resource.UID, c.resourceGroups):
		return fmt.Sprintf("it is for another resource than %s", c.resource.UID)
	}
	return ""
}

func groupList(groups []types.EntityUID) string {
	if len(groups) == 0 {
		return ", who is in no group"
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.String()
	}
	return " in " + strings.Join(names, ", ")
}

// holds asks Cedar for one condition.
func (p *Policies) holds(c *call, r *Request, rule *rule, condition ast.ConditionType) (holds bool, failed string) {
	one := []ast.ConditionType{condition}
	needs := needsOf(one)
	w := &world{policies: p, call: c, in: needs.of(r), needs: needs}
	_, said := cedar.Authorize(cedar.PolicyMap{"": onlyConditions(rule.ast(), one)}, w, c.asCedar(w))
	if len(said.Errors) > 0 {
		return false, explainError(said.Errors[0].Message)
	}
	return len(said.Reasons) > 0, ""
}

// condition returns a condition's keyword with its place and, where it is short, its text.
func (r *rule) condition(n int, c ast.ConditionType) string {
	line, _ := r.atCondition(n)
	word := "unless"
	if c.Condition == ast.ConditionWhen {
		word = "when"
	}
	text := conditionText(c)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + " …"
	}
	return fmt.Sprintf("%s in line %d, { %s },", word, line, text)
}

// conditionText returns a condition as Cedar writes it.
func conditionText(c ast.ConditionType) string {
	c.Condition = ast.ConditionWhen
	text := string(onlyConditions(ast.Permit(), []ast.ConditionType{c}).MarshalCedar())
	_, text, _ = strings.Cut(text, "{")
	end := max(strings.LastIndexByte(text, '}'), 0)
	return strings.Join(strings.Fields(text[:end]), " ")
}
