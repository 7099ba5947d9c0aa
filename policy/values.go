package policy

import (
	"net/netip"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
)

// attribute is one of them: its value in a call, nil where the call has none.
type attribute struct {
	name  types.String
	need  need
	value func(*world) types.Value
}

// contextAttributes are the attributes of the context.
var contextAttributes = []attribute{
	{"api", needAPI, func(w *world) types.Value { return w.some(w.in.API) }},
	{"method", needMethod, func(w *world) types.Value { return w.some(w.in.Method) }},
	{"fields", needFields, func(w *world) types.Value { return w.names(w.in.Fields) }},
	{"fields_known", needFieldsKnown, func(w *world) types.Value { return types.Boolean(w.in.Fields.known) }},
	{"filters", needFilters, func(w *world) types.Value { return w.names(w.in.Filters) }},
	{"filters_known", needFiltersKnown, func(w *world) types.Value { return types.Boolean(w.in.Filters.known) }},
	{"returns", needReturns, func(w *world) types.Value { return w.names(w.maybeUDF(w.in.Returns)) }},
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

// udfPrefix is before the names of user-defined fields.
const udfPrefix = "udf:"

// maybeUDF returns names of what is returned. A query asks for user-defined fields without saying that they are: a name that the
// policies know as one of those alone is that, and one that they know as both is both.
func (w *world) maybeUDF(n Names) Names {
	list := make([]string, 0, len(n.list))
	for _, name := range n.list {
		_, udf := w.policies.fields[fold(udfPrefix+name)]
		_, plain := w.policies.fields[fold(name)]
		if plain || !udf {
			list = append(list, name)
		}
		if udf {
			list = append(list, udfPrefix+name)
		}
	}
	return Names{known: n.known, list: list}
}

// at returns what is asked of the time, on the clock of the policies' time zone.
func (w *world) at(ask func(time.Time) types.Value) types.Value {
	if w.in.Time.IsZero() {
		return nil
	}
	return ask(w.in.Time.In(w.policies.location))
}

// some returns a word that every call has. It is empty of a deed: a forbid of all that comes by SOAP is none of that.
func (w *world) some(s string) types.Value {
	if w.call.isDeed() {
		return types.String("")
	}
	return some(s)
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
