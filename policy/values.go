package policy

import (
	"net/netip"
	"strings"
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

// attribute is one of them: its value in a call, nil where the call has none.
type attribute struct {
	name  types.String
	need  need
	value func(*world) types.Value
}

// contextAttributes are the attributes of the context.
var contextAttributes = []attribute{
	{"api", needAPI, func(w *world) types.Value { return some(w.in.API) }},
	{"method", needMethod, func(w *world) types.Value { return some(w.in.Method) }},
	{"fields", needFields, func(w *world) types.Value { return w.names(w.in.Fields) }},
	{"fields_known", needFieldsKnown, func(w *world) types.Value { return types.Boolean(w.in.Fields.known) }},
	{"filters", needFilters, func(w *world) types.Value { return w.names(w.in.Filters) }},
	{"filters_known", needFiltersKnown, func(w *world) types.Value { return types.Boolean(w.in.Filters.known) }},
	{"returns", needReturns, func(w *world) types.Value { return w.names(w.in.Returns) }},
	{"returns_known", needReturnsKnown, func(w *world) types.Value { return types.Boolean(w.in.Returns.known) }},
	{"time", needTime, func(w *world) types.Value { return w.at(func(t time.Time) types.Value { return types.NewDatetime(t) }) }},
	{"hour", needHour, func(w *world) types.Value { return w.at(func(t time.Time) types.Value { return types.Long(t.Hour()) }) }},
	{"minute_of_day", needMinute, func(w *world) types.Value {
		return w.at(func(t time.Time) types.Value { return types.Long(t.Hour()*60 + t.Minute()) })
	}},
	{"weekday", needWeekday, func(w *world) types.Value {
		return w.at(func(t time.Time) types.Value { return types.Long((t.Weekday()+6)%7 + 1) })
	}},
	{"source_ip", needSourceIP, func(w *world) types.Value { return address(w.in.SourceIP) }},
	{"impersonates", needImpersonates, func(w *world) types.Value { return types.Boolean(w.in.Impersonates) }},
	{"zone", needZone, func(w *world) types.Value { return types.String(w.in.Zone) }},
	{"groups", needGroups, func(w *world) types.Value { return w.call.groupNames }},
}

// resourceAttributes are the attributes of the resource that belong to one call.
var resourceAttributes = []attribute{
	{"id", needID, func(w *world) types.Value { return some(w.in.ID) }},
	{"parent", needParent, func(w *world) types.Value {
		if w.in.Parent.Entity == "" {
			return nil
		}
		return types.NewEntityUID(typeEntity, types.String(w.policies.spelled(w.in.Parent.Entity)))
	}},
	{"parent_id", needParentID, func(w *world) types.Value { return some(w.in.Parent.ID) }},
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

// world is what Cedar may ask about one call.
type world struct {
	policies *Policies
	call     *call
	needs    need
	in       Request       // needs.of the request
	resource *types.Entity // with what belongs to this call; nil until it is asked for
}

// context returns the attributes of the context that are needed.
func (w *world) context() types.Record {
	return w.record(contextAttributes, nil)
}

func (w *world) record(attributes []attribute, m types.RecordMap) types.Record {
	for _, a := range attributes {
		if w.needs&a.need == 0 {
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
	if w.needs&needResource == 0 {
		return w.call.resource
	}
	if w.resource == nil {
		e := w.call.resource
		e.Attributes = w.record(resourceAttributes, e.Attributes.Map())
		w.resource = &e
	}
	return *w.resource
}

func nameOf(name string) types.Record {
	return types.NewRecord(types.RecordMap{"name": types.String(name)})
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
	if w.in.Time.IsZero() {
		return nil
	}
	return ask(w.in.Time.In(w.policies.location))
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
