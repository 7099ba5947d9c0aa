package policy

import (
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// need is a set of attributes of the context and the resource: what one call has and another of the same principal, action
// and entity has not.
type need uint32

// The attributes. What comes first belongs to the context.
const (
	needAPI need = 1 << iota
	needMethod
	needFields
	needFieldsKnown
	needFilters
	needFiltersKnown
	needReturns
	needReturnsKnown
	needTime
	needHour
	needMinute
	needWeekday
	needSourceIP
	needImpersonates
	needZone
	needGroups
	needID
	needParent
	needParentID

	needContext  = needID - 1
	needResource = needID | needParent | needParentID
	needClock    = needHour | needMinute | needWeekday
	// needOnce is what hardly two calls have alike.
	needOnce = needTime | needID | needParentID
)

// needsOf returns the attributes that conditions ask for, or may ask for: a context that is used whole needs all of it.
func needsOf(conditions []ast.ConditionType) need {
	var n need
	for _, c := range conditions {
		ast.Inspect(ast.NewNode(c.Body), func(node ast.IsNode) bool {
			switch node := node.(type) {
			case ast.NodeTypeAccess:
				return n.add(node.Arg, node.Value)
			case ast.NodeTypeHas:
				return n.add(node.Arg, node.Value)
			case ast.NodeTypeVariable:
				if node.Name == "context" {
					n |= needContext
				}
			}
			return true
		})
	}
	return n
}

// add adds the attribute of something, and says whether that is to be looked into.
func (n *need) add(of ast.IsNode, name types.String) (lookInto bool) {
	if isContext(of) {
		*n |= needNamed(contextAttributes, name)
		return false
	}
	*n |= needNamed(resourceAttributes, name)
	return true
}

func isContext(n ast.IsNode) bool {
	v, is := n.(ast.NodeTypeVariable)
	return is && v.Name == "context"
}

func needNamed(attributes []attribute, name types.String) need {
	for _, a := range attributes {
		if a.name == name {
			return a.need
		}
	}
	return 0
}

// of returns what a request says of some attributes, and nothing else of it: what is decided by it is decided for every
// request that says the same.
func (n need) of(r *Request) Request {
	var in Request
	if n&needAPI != 0 {
		in.API = r.API
	}
	if n&needMethod != 0 {
		in.Method = r.Method
	}
	n.names(r, &in)
	n.clock(r, &in)
	if n&needSourceIP != 0 {
		in.SourceIP = r.SourceIP
	}
	if n&needImpersonates != 0 {
		in.Impersonates = r.Impersonates
	}
	if n&needZone != 0 {
		in.Zone = r.Zone
	}
	if n&needID != 0 {
		in.ID = r.ID
	}
	if n&(needParent|needParentID) != 0 {
		in.Parent = r.Parent
	}
	return in
}

// names copies the names of fields. Those that an action does not have are known to be none.
func (n need) names(r, in *Request) {
	writes, queries, answers := r.Action == Create || r.Action == Update, r.Action == Query, r.Action == Query || r.Action == Read
	for _, names := range [...]struct {
		need     need
		has      bool
		from, to *Names
	}{
		{needFields | needFieldsKnown, writes, &r.Fields, &in.Fields},
		{needFilters | needFiltersKnown, queries, &r.Filters, &in.Filters},
		{needReturns | needReturnsKnown, answers, &r.Returns, &in.Returns},
	} {
		switch {
		case n&names.need == 0:
		case names.has:
			*names.to = *names.from
		default:
			*names.to = Known()
		}
	}
}

// clock copies the time, to the minute where no more is asked for. A time that is not known stays unknown.
func (n need) clock(r, in *Request) {
	switch {
	case n&needTime != 0:
		in.Time = r.Time
	case n&needClock != 0 && !r.Time.IsZero():
		in.Time = r.Time.Truncate(time.Minute)
	}
}

// same says whether two requests say the same.
func same(a, b *Request) bool {
	return a.API == b.API && a.Method == b.Method && a.ID == b.ID && a.Parent == b.Parent && a.Zone == b.Zone &&
		a.Impersonates == b.Impersonates && a.SourceIP == b.SourceIP && a.Time.Equal(b.Time) &&
		a.Fields.equal(b.Fields) && a.Filters.equal(b.Filters) && a.Returns.equal(b.Returns)
}
