package policy

import (
	"net/netip"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// need is a set of attributes, one bit each: those of the context in the order of contextAttributes, then those of the
// resource in the order of resourceAttributes. They are what one call has and another of the same principal, action and
// entity has not.
type need uint32

// attribute is one of them: its value in a call, nil where the call has none.
type attribute struct {
	name  types.String
	value func(*world) types.Value
}

// contextAttributes are the attributes of the context.
var contextAttributes = []attribute{
	{"api", func(w *world) types.Value { return some(w.request.API) }},
	{"method", func(w *world) types.Value { return some(w.request.Method) }},
	{"fields", func(w *world) types.Value { return w.names(w.fields()) }},
	{"fields_known", func(w *world) types.Value { return types.Boolean(w.fields().known) }},
	{"filters", func(w *world) types.Value { return w.names(w.filters()) }},
	{"filters_known", func(w *world) types.Value { return types.Boolean(w.filters().known) }},
	{"returns", func(w *world) types.Value { return w.names(w.returns()) }},
	{"returns_known", func(w *world) types.Value { return types.Boolean(w.returns().known) }},
	{"time", func(w *world) types.Value { return w.at(func(t time.Time) types.Value { return types.NewDatetime(t) }) }},
	{"hour", func(w *world) types.Value { return w.at(func(t time.Time) types.Value { return types.Long(t.Hour()) }) }},
	{"minute_of_day", func(w *world) types.Value {
		return w.at(func(t time.Time) types.Value { return types.Long(t.Hour()*60 + t.Minute()) })
	}},
	{"weekday", func(w *world) types.Value {
		return w.at(func(t time.Time) types.Value { return types.Long((t.Weekday()+6)%7 + 1) })
	}},
	{"source_ip", func(w *world) types.Value { return address(w.request.SourceIP) }},
	{"impersonates", func(w *world) types.Value { return types.Boolean(w.request.Impersonates) }},
	{"zone", func(w *world) types.Value { return types.String(w.request.Zone) }},
	{"groups", func(w *world) types.Value { return w.call.groupNames }},
}

// resourceAttributes are the attributes of the resource that belong to one call.
var resourceAttributes = []attribute{
	{"id", func(w *world) types.Value { return some(w.request.ID) }},
	{"parent", func(w *world) types.Value {
		if w.request.Parent.Entity == "" {
			return nil
		}
		return types.NewEntityUID(typeEntity, types.String(w.policies.spelled(w.request.Parent.Entity)))
	}},
	{"parent_id", func(w *world) types.Value { return some(w.request.Parent.ID) }},
}

func contextBit(i int) need  { return 1 << i }
func resourceBit(i int) need { return 1 << (len(contextAttributes) + i) }

// allOfContext has the bits of all attributes of the context.
func allOfContext() need { return resourceBit(0) - 1 }

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
					n |= allOfContext()
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
		*n |= bitNamed(contextAttributes, name, contextBit)
		return false
	}
	*n |= bitNamed(resourceAttributes, name, resourceBit)
	return true
}

func isContext(n ast.IsNode) bool {
	v, is := n.(ast.NodeTypeVariable)
	return is && v.Name == "context"
}

func bitNamed(attributes []attribute, name types.String, bit func(int) need) need {
	for i, a := range attributes {
		if a.name == name {
			return bit(i)
		}
	}
	return 0
}

// world is what Cedar may ask about one call.
type world struct {
	policies *Policies
	call     *call
	request  *Request
	needs    need
	resource *types.Entity // with what belongs to this call; nil until it is asked for
}

// context returns the attributes of the context that are needed.
func (w *world) context() types.Record {
	return w.record(contextAttributes, contextBit, nil)
}

func (w *world) record(attributes []attribute, bit func(int) need, more types.RecordMap) types.Record {
	m := more
	for i, a := range attributes {
		if w.needs&bit(i) == 0 {
			continue
		}
		if v := a.value(w); v != nil {
			if m == nil {
				m = types.RecordMap{}
			}
			m[a.name] = v
		}
	}
	return types.NewRecord(m)
}

// Get returns the principal with its groups, the resource, or any entity with its name. It is Cedar's way to ask.
func (w *world) Get(uid types.EntityUID) (types.Entity, bool) {
	switch {
	case uid == w.call.principal.UID:
		return w.call.principal, true
	case uid == w.call.resource.UID:
		return w.resourceOfCall(), true
	case uid.Type == typeEntity:
		return types.Entity{UID: uid, Attributes: nameOf(string(uid.ID))}, true
	}
	return types.Entity{}, false
}

func (w *world) resourceOfCall() types.Entity {
	if w.needs&^allOfContext() == 0 {
		return w.call.resource
	}
	if w.resource == nil {
		e := w.call.resource
		e.Attributes = w.record(resourceAttributes, resourceBit, e.Attributes.Map())
		w.resource = &e
	}
	return *w.resource
}

func nameOf(name string) types.Record {
	return types.NewRecord(types.RecordMap{"name": types.String(name)})
}

// fields returns the names that are written: none but by a create or update.
func (w *world) fields() Names {
	if w.request.Action == Create || w.request.Action == Update {
		return w.request.Fields
	}
	return Known()
}

// filters returns the names that a query filters on.
func (w *world) filters() Names {
	if w.request.Action == Query {
		return w.request.Filters
	}
	return Known()
}

// returns returns the names that come back.
func (w *world) returns() Names {
	if w.request.Action == Query || w.request.Action == Read {
		return w.request.Returns
	}
	return Known()
}

// names returns names as the policies spell them, nil where they are not known: a policy that looks at them then fails.
func (w *world) names(n Names) types.Value {
	if !n.known {
		return nil
	}
	values := make([]types.Value, len(n.list))
	for i, name := range n.list {
		if s, is := w.policies.fields[fold(name)]; is {
			name = s
		}
		values[i] = types.String(name)
	}
	return types.NewSet(values...)
}

// at returns what is asked of the time, on the clock of the policies' time zone.
func (w *world) at(ask func(time.Time) types.Value) types.Value {
	if w.request.Time.IsZero() {
		return nil
	}
	return ask(w.request.Time.In(w.policies.location))
}

func some(s string) types.Value {
	if s == "" {
		return nil
	}
	return types.String(s)
}

// address returns an address as Cedar compares it: one of IPv4 that is written as IPv6 is one of IPv4.
func address(a netip.Addr) types.Value {
	if !a.IsValid() {
		return nil
	}
	a = a.Unmap().WithZone("")
	return types.IPAddr(netip.PrefixFrom(a, a.BitLen()))
}

// fold returns a name in the form that all its spellings share: the PSA does not tell "CompanyName" from "companyname".
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
