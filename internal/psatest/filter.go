package psatest

import (
	"strings"
)

// condition is one compiled item of a filter.
type condition func(*record) bool

// operator is a comparison. A field without a value meets none of them but notExist, as in SQL.
type operator struct {
	arity arity
	meets func(have any, want []any) bool
}

type arity int

const (
	one arity = iota
	none
	list
)

// operators by folded name.
var operators = map[string]operator{
	"eq":         {one, func(have any, want []any) bool { return compare(have, want[0]) == 0 }},
	"noteq":      {one, func(have any, want []any) bool { return compare(have, want[0]) != 0 }},
	"gt":         {one, func(have any, want []any) bool { return compare(have, want[0]) > 0 }},
	"gte":        {one, func(have any, want []any) bool { return compare(have, want[0]) >= 0 }},
	"lt":         {one, func(have any, want []any) bool { return compare(have, want[0]) < 0 }},
	"lte":        {one, func(have any, want []any) bool { return compare(have, want[0]) <= 0 }},
	"beginswith": {one, func(have any, want []any) bool { return strings.HasPrefix(asText(have), asText(want[0])) }},
	"endswith":   {one, func(have any, want []any) bool { return strings.HasSuffix(asText(have), asText(want[0])) }},
	"contains":   {one, func(have any, want []any) bool { return strings.Contains(asText(have), asText(want[0])) }},
	"exist":      {none, func(any, []any) bool { return true }},
	"notexist":   {none, func(any, []any) bool { return false }},
	"in":         {list, within},
	"notin":      {list, func(have any, want []any) bool { return !within(have, want) }},
}

func within(have any, want []any) bool {
	for _, w := range want {
		if compare(have, w) == 0 {
			return true
		}
	}
	return false
}

// maxORs is how many conditions may stand in or-groups; an "in" list counts as one unless told otherwise.
const maxORs = 500

// compiler turns filter items of one entity into conditions and keeps the counts that are limited.
type compiler struct {
	tenant *Tenant
	entity *entity
	ops    map[string]operator
	manyOR bool // each value of an "in" is a condition
	ors    int
	udf    string
}

// all compiles items that must all hold. inOr says whether they stand somewhere below an or-group.
func (k *compiler) all(items []any, inOr bool) (condition, error) {
	conds, err := k.each(items, inOr)
	if err != nil {
		return nil, err
	}
	return func(r *record) bool {
		for _, c := range conds {
			if !c(r) {
				return false
			}
		}
		return true
	}, nil
}

// any compiles items of which one must hold.
func (k *compiler) any(items []any) (condition, error) {
	conds, err := k.each(items, true)
	if err != nil {
		return nil, err
	}
	return func(r *record) bool {
		for _, c := range conds {
			if c(r) {
				return true
			}
		}
		return len(conds) == 0
	}, nil
}

func (k *compiler) each(items []any, inOr bool) ([]condition, error) {
	conds := make([]condition, 0, len(items))
	for _, item := range items {
		m, isObject := item.(map[string]any)
		if !isObject {
			return nil, complain("Error converting value %s to a filter item.", encoded(item))
		}
		c, err := k.item(folded(m), inOr)
		if err != nil {
			return nil, err
		}
		conds = append(conds, c)
	}
	return conds, nil
}

func (k *compiler) item(o object, inOr bool) (condition, error) {
	op, _ := o["op"].(string)
	switch op = strings.ToLower(op); op {
	case "and", "or":
		items, isList := o["items"].([]any)
		if !isList {
			return nil, complain("The filter group %q needs an array of items.", op)
		}
		if op == "or" {
			return k.any(items)
		}
		return k.all(items, inOr)
	}
	if k.ors += k.weight(op, o, inOr); k.ors > maxORs {
		return nil, complain("Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.")
	}
	def, known := k.ops[op]
	if !known {
		return nil, complain("Invalid query syntax. Unknown operator '%s'.", op)
	}
	return k.comparison(def, o)
}

// weight is how many of the or-conditions an item is.
func (k *compiler) weight(op string, o object, inOr bool) int {
	values, _ := o["value"].([]any)
	switch {
	case k.manyOR && op == "in":
		return len(values)
	case inOr:
		return 1
	}
	return 0
}

// comparison compiles one operator on one field.
func (k *compiler) comparison(def operator, o object) (condition, error) {
	name, _ := o["field"].(string)
	f, get, err := k.subject(name, o["udf"] == true)
	if err != nil {
		return nil, err
	}
	want, err := wanted(f, def.arity, o)
	if err != nil {
		return nil, err
	}
	if def.arity == none {
		exists := def.meets(nil, nil)
		return func(r *record) bool { return (get(r) != nil) == exists }, nil
	}
	if def.arity == one && len(want) == 0 {
		return func(*record) bool { return false }, nil
	}
	return func(r *record) bool {
		have := get(r)
		return have != nil && def.meets(have, want)
	}, nil
}

// subject finds the field, or the user-defined one, that an item is about.
func (k *compiler) subject(name string, udf bool) (*field, func(*record) any, error) {
	if udf {
		return k.udfSubject(name)
	}
	f := k.entity.field(name)
	if f == nil {
		return nil, nil, complain("Unable to find %s in the %s Entity.", name, k.entity.single)
	}
	if f.silent {
		return nil, nil, complain("The field %s of the %s Entity is not queryable.", f.name, k.entity.single)
	}
	return f, func(r *record) any { return r.vals[f.name] }, nil
}

func (k *compiler) udfSubject(name string) (*field, func(*record) any, error) {
	def := k.tenant.udf(k.entity, name)
	if def == "" {
		return nil, nil, complain("Unable to find the user-defined field %s in the %s Entity.", name, k.entity.single)
	}
	if k.udf != "" && k.udf != def {
		return nil, nil, complain("Invalid query syntax. Only one user-defined field may be used per query.")
	}
	k.udf = def
	return &field{name: def, kind: text}, func(r *record) any { return r.udf[def] }, nil
}

// wanted converts an item's value or values. A null, and a text for an id, match nothing and are left out.
func wanted(f *field, a arity, o object) ([]any, error) {
	values := []any{o["value"]}
	switch a {
	case none:
		return nil, nil
	case list:
		given, isList := o["value"].([]any)
		if !isList {
			return nil, complain("The operator '%v' on %s needs an array of values.", o["op"], f.name)
		}
		values = given
	}
	var want []any
	for _, v := range values {
		if _, isText := v.(string); v == nil || isText && f.kind == long {
			continue
		}
		w, err := f.convert(v)
		if err != nil {
			return nil, err
		}
		want = append(want, w)
	}
	return want, nil
}
