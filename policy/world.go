package policy

import (
	"github.com/cedar-policy/cedar-go/types"
)

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
	case uid.Type == typeEntity, uid.Type == types.EntityType(Login):
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
