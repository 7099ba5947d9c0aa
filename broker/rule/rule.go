// Package rule is a mailbox's own rules over its mails: a condition in CEL (https://cel.dev), and what is said of the mail
// where it holds. Rules are checked when they are loaded; they run in their order, and a rule may be the last. Nothing
// here does I/O, and each condition ends: CEL has no loops without end, expressions have a limit of cost, and regular
// expressions are RE2's.
//
// # What a condition knows
//
//	mailbox, alias     string     the mailbox's name, and the address of the alias that the mail came by ("" for none)
//	from, from_name    string     the sender's address in lower case, and the name beside it
//	from_domain        string
//	to                 list       addresses of To, Cc and those delivered to, in lower case
//	subject, text      string     of the text its first 64 KiB
//	kind               string     human, alert, auto-reply, bounce, list, own
//	sender             string     who the directory says wrote it: resource, contact, company (known by its domain), unknown
//	company            int        the company's id, -1 where none is known
//	ticket             bool       the mail belongs to a ticket that is there
//	headers            map        name in lower case -> list of values; headers.first('x-prio') is '' where there is none
//	files              list       names of what is attached, in lower case
//	size               int        in bytes
//
// as in
//
//	kind == 'alert' && subject.startsWith('[CRITICAL]') && !(from_domain in ['lab.example'])
package rule

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// Rule is one as it is configured.
type Rule struct {
	// Name is what errors and reasons call it; no two rules have the same.
	Name string
	// When is the condition.
	When string
	// Last ends the rules where the condition holds.
	Last bool
}

// Rules are checked rules, for any number of goroutines.
type Rules struct{ rules []compiled }

type compiled struct {
	Rule
	program cel.Program
}

// rulesMost and whenMost are the most rules, and characters of a condition: a mailbox runs all of them for each mail.
const (
	rulesMost = 500
	whenMost  = 4096
	costMost  = 1_000_000
)

// Load checks rules. An error names the rule and says what is wrong, with its place in the condition.
func Load(rules []Rule) (Rules, error) {
	if len(rules) > rulesMost {
		return Rules{}, fmt.Errorf("there are %d rules; a mailbox takes at most %d", len(rules), rulesMost)
	}
	env, err := environment()
	if err != nil {
		return Rules{}, fmt.Errorf("rules: %w", err)
	}
	var out Rules
	for _, r := range rules {
		if slices.ContainsFunc(out.rules, func(c compiled) bool { return c.Name == r.Name }) {
			return Rules{}, fmt.Errorf("two rules are called %q", r.Name)
		}
		program, err := compile(env, r)
		if err != nil {
			return Rules{}, err
		}
		out.rules = append(out.rules, compiled{r, program})
	}
	return out, nil
}

func environment() (*cel.Env, error) {
	words := cel.ListType(cel.StringType)
	headers := cel.MapType(cel.StringType, words)
	return cel.NewEnv(
		cel.Variable("mailbox", cel.StringType), cel.Variable("alias", cel.StringType),
		cel.Variable("from", cel.StringType), cel.Variable("from_name", cel.StringType), cel.Variable("from_domain", cel.StringType),
		cel.Variable("to", words), cel.Variable("subject", cel.StringType), cel.Variable("text", cel.StringType),
		cel.Variable("kind", cel.StringType), cel.Variable("sender", cel.StringType), cel.Variable("company", cel.IntType),
		cel.Variable("ticket", cel.BoolType), cel.Variable("headers", headers), cel.Variable("files", words), cel.Variable("size", cel.IntType),
		cel.Function("first", cel.MemberOverload("headers_first", []*cel.Type{headers, cel.StringType}, cel.StringType, cel.BinaryBinding(first))),
		ext.Strings(), cel.ParserRecursionLimit(100), cel.ParserExpressionSizeLimit(whenMost),
	)
}

// first is the first value of a header field, however its name is written; empty where there is none.
func first(headers, name ref.Val) ref.Val {
	m, isMap := headers.(traits.Mapper)
	key, isName := name.Value().(string)
	if !isMap || !isName {
		return types.MaybeNoSuchOverloadErr(name)
	}
	found, ok := m.Find(types.String(strings.ToLower(key)))
	if !ok {
		return types.String("")
	}
	list, isList := found.(traits.Lister)
	if !isList || list.Size() == types.Int(0) {
		return types.String("")
	}
	return list.Get(types.Int(0))
}

func compile(env *cel.Env, r Rule) (cel.Program, error) {
	if r.Name == "" {
		return nil, fmt.Errorf("a rule has no name: give it one, by which logs can say that it was that")
	}
	if len(r.When) > whenMost {
		return nil, fmt.Errorf("rule %q: its condition has %d characters; at most %d are taken", r.Name, len(r.When), whenMost)
	}
	ast, issues := env.Compile(r.When)
	if issues.Err() != nil {
		return nil, fmt.Errorf("rule %q: %w", r.Name, issues.Err())
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("rule %q: its condition is a %s; it must be true or false", r.Name, ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(costMost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", r.Name, err)
	}
	return program, nil
}
