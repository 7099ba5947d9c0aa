package psatest

import (
	"strings"
	"time"
)

func createRoot(c *call) answer { return c.create(c.entity, c.entity.root.create) }
func patchRoot(c *call) answer  { return c.update(c.entity, c.entity.root.update, false) }
func putRoot(c *call) answer    { return c.update(c.entity, c.entity.root.update, true) }
func deleteRoot(c *call) answer { return c.remove(c.entity, c.entity.root.remove, c.id) }

func createChild(c *call) answer { return c.create(c.child, c.child.under.create) }
func patchChild(c *call) answer  { return c.update(c.child, c.child.under.update, false) }
func putChild(c *call) answer    { return c.update(c.child, c.child.under.update, true) }
func deleteChild(c *call) answer { return c.remove(c.child, c.child.under.remove, c.childID) }

// create stores a record and answers with its id. There is no idempotency: the same twice is two records.
func (c *call) create(e *entity, allowed bool) answer {
	if !allowed {
		return c.notAllowed()
	}
	body, err := parseObject(c.body)
	if err != nil {
		return failed(err.Error())
	}
	id, _, errs := c.store(e, body)
	if len(errs) > 0 {
		return failed(errs...)
	}
	return itemID(id)
}

// store makes a record, unless it is a ticket that duplicates an older one, whose id it then returns. Where there
// are errors nothing is stored.
func (c *call) store(e *entity, body object) (id int64, duplicate bool, errs []string) {
	t, r := c.who.tenant, newRecord()
	if err := t.apply(e, r, body); err != nil {
		return 0, false, []string{err.Error()}
	}
	c.belong(e, r)
	if err := c.sign(e, r); err != nil {
		return 0, false, []string{err.Error()}
	}
	t.defaults(e, r)
	if errs := t.check(e, r, newRecord()); len(errs) > 0 {
		return 0, false, errs
	}
	if e == ticketAttachments {
		if err := t.fileLimit(r, c.sim.behaviour().Attached, c.stamp()); err != nil {
			return 0, false, []string{err.Error()}
		}
	}
	if e == tickets {
		if c.sim.behaviour().NoExternalID {
			delete(r.vals, "externalID")
		}
		if old := t.older(r, body); old != nil {
			c.merge(old, r)
			return old.id(), true, nil
		}
	}
	if e.fill != nil {
		e.fill(t, r)
	}
	return t.table(e).add(r), false, nil
}

// update changes the sent fields of a record; whole sets those not sent to null, the server's own excepted.
func (c *call) update(e *entity, allowed, whole bool) answer {
	if !allowed {
		return c.notAllowed()
	}
	t := c.who.tenant
	body, err := parseObject(c.body)
	if err != nil {
		return failed(err.Error())
	}
	old, err := c.addressed(e, body)
	if err != nil {
		return failed(err.Error())
	}
	r := old.clone()
	if whole {
		r = t.serversOwn(e, old)
	}
	if errs := c.revise(e, old, r, body); len(errs) > 0 {
		return failed(errs...)
	}
	return itemID(old.id())
}

// revise changes r as the body says and puts it in the place of old, unless there are errors.
func (c *call) revise(e *entity, old, r *record, body object) []string {
	t := c.who.tenant
	if err := t.apply(e, r, body); err != nil {
		return []string{err.Error()}
	}
	c.belong(e, r)
	if errs := t.check(e, r, old); len(errs) > 0 {
		return errs
	}
	if e.field("lastActivityDate") != nil {
		r.vals["lastActivityDate"] = c.stamp()
	}
	t.table(e).put(old.id(), r)
	return nil
}

func (c *call) remove(e *entity, allowed bool, id int64) answer {
	if !allowed {
		return c.notAllowed()
	}
	if err := c.erase(e, id); err != nil {
		return failed(err.Error())
	}
	return itemID(id)
}

// erase removes a record, if it is where the URL says.
func (c *call) erase(e *entity, id int64) error {
	tab := c.who.tenant.table(e)
	r := tab.rows[id]
	if r == nil || c.child != nil && r.vals[e.parentField] != c.id {
		return complain("The %s with id %d does not exist.", e.single, id)
	}
	tab.remove(id)
	return nil
}

// addressed is the record whose id stands in the body.
func (c *call) addressed(e *entity, body object) (*record, error) {
	id, fits := toInteger(body["id"])
	if !fits {
		return nil, complain("%s", missing("id"))
	}
	r := c.who.tenant.table(e).rows[id.(int64)]
	if r == nil || c.child != nil && r.vals[e.parentField] != c.id {
		return nil, complain("The %s with id %d does not exist.", e.single, id)
	}
	return r, nil
}

// belong sets the parent that the URL names, whatever the body says.
func (c *call) belong(e *entity, r *record) {
	if c.child != nil {
		r.vals[e.parentField] = c.id
	}
}

// sign sets who created the record, and when.
func (c *call) sign(e *entity, r *record) error {
	now := c.stamp()
	for _, name := range []string{"createDate", "createDateTime", "lastActivityDate", "attachDate"} {
		if e.field(name) != nil {
			r.vals[name] = now
		}
	}
	if e.field("creatorResourceID") == nil {
		return nil
	}
	r.vals["creatorResourceID"] = c.who.id
	if c.impersonate == "" {
		return nil
	}
	id, fits := toInteger(strings.TrimSpace(c.impersonate))
	if !fits || c.who.tenant.table(resources).rows[id.(int64)] == nil {
		return complain("The impersonated Resource does not exist or may not be impersonated.")
	}
	r.vals["creatorResourceID"], r.vals["impersonatorCreatorResourceID"] = id, c.who.id
	return nil
}

// serversOwn is a record with nothing but what clients cannot write.
func (t *Tenant) serversOwn(e *entity, old *record) *record {
	r := newRecord()
	for i := range e.fields {
		if f := &e.fields[i]; f.readOnly && old.vals[f.name] != nil {
			r.vals[f.name] = old.vals[f.name]
		}
	}
	return r
}

// stamp is the present as records keep it: to the millisecond, which is what answers show.
func (c *call) stamp() time.Time { return c.sim.now().UTC().Truncate(time.Millisecond) }
