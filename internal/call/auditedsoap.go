package call

import (
	"slices"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/policy"
)

// opened says what the envelope of a SOAP call tells, whether the call may go on or not.
func (a *audited) opened(in *admitted) {
	if a == nil {
		return
	}
	a.entry.Impersonates = in.resource
	a.records(in.calls)
}

// records says what a SOAP call is about. Of several records the line names the first, tells all of them in Records, and the fields of
// all.
func (a *audited) records(calls []autotask.SOAPCall) {
	a.parsed = true
	first := calls[0]
	e := &a.entry
	e.Action, e.Entity, e.ID = string(first.Action), first.Resource.Entity, first.Resource.ID
	for _, c := range calls {
		e.Fields, e.Filters = append(e.Fields, c.Fields.Written...), append(e.Filters, c.Fields.Filters...)
		if len(calls) > 1 {
			e.Records = append(e.Records, recordName(c.Resource))
		}
	}
	for _, names := range [...]*[]string{&e.Fields, &e.Filters} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
}

// recordName is an entity and a number, or the entity alone where the record is new.
func recordName(what autotask.Resource) string {
	if what.ID == "" {
		return what.Entity
	}
	return what.Entity + "/" + what.ID
}

// concerns says which of a call's several records the decision was about.
func (a *audited) concerns(request policy.Request) {
	if a == nil {
		return
	}
	a.entry.Entity, a.entry.ID = request.Entity, request.ID
}
