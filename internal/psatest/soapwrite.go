package psatest

import "strings"

// maxEntities is the most that one call may write.
const maxEntities = 200

// writer writes one entity that was sent, and tells what became of it.
type writer func(c *call, e *soapEntity, n *node) (returnInfo, []string)

func createSOAP(c *call, in *node) (func(*xmlWriter), error) { return c.writeEach(in, createOne) }
func updateSOAP(c *call, in *node) (func(*xmlWriter), error) { return c.writeEach(in, updateOne) }
func deleteSOAP(c *call, in *node) (func(*xmlWriter), error) { return c.writeEach(in, deleteOne) }

// writeEach writes the entities one after the other. One that fails keeps none of the others from being written:
// whether the real service does that is not known, and it is what a repeated call suffers most from.
func (c *call) writeEach(in *node, write writer) (func(*xmlWriter), error) {
	sent, err := entitiesOf(in)
	if err != nil {
		return nil, err
	}
	r := &atwsResponse{}
	for _, n := range sent {
		e, err := n.entityType()
		if err != nil {
			return nil, err
		}
		r.kind = e
	}
	for _, n := range sent {
		e, _ := n.entityType() // it has one, as was just seen
		info, errs := write(c, e, n)
		r.add(c.who.tenant, e, info, e.rewordAll(errs))
	}
	return r.write, nil
}

// add tells what became of an entity, and shows it as the database has it now, if it has it.
func (r *atwsResponse) add(t *Tenant, e *soapEntity, info returnInfo, errs []string) {
	if len(errs) > 0 {
		r.errs = append(r.errs, errs...)
		r.infos = append(r.infos, returnInfo{action: "None", message: strings.Join(errs, " ")})
		return
	}
	r.infos = append(r.infos, info)
	if row := t.table(e.of).rows[info.id]; row != nil {
		r.entities = append(r.entities, func(w *xmlWriter) { e.write(w, t, "Entity", row) })
	}
}

func entitiesOf(in *node) ([]*node, error) {
	var sent []*node
	if list := in.child(atwsSpace, "Entities"); list != nil {
		for _, k := range list.kids {
			if k.name.Space == atwsSpace && k.name.Local == "Entity" && !k.isNil() {
				sent = append(sent, k)
			}
		}
	}
	switch {
	case len(sent) == 0:
		return nil, complain("No entities were sent.")
	case len(sent) > maxEntities:
		return nil, complain("The maximum number of entities in a call is %d.", maxEntities)
	}
	return sent, nil
}

// entityType is what the attribute xsi:type says. Without it an Entity is abstract, and cannot be read.
func (n *node) entityType() (*soapEntity, error) {
	said := n.attr(xsiSpace, "type")
	if said == "" {
		return nil, complain("The specified type is abstract: name='Entity', namespace='%s', at <%s xmlns='%s'>.", atwsSpace, n.name.Local, n.name.Space)
	}
	name := n.qualified(said)
	for _, e := range soapEntities {
		if name.Space == atwsSpace && name.Local == e.name {
			return e, nil
		}
	}
	return nil, complain("The specified type was not recognized: name='%s', namespace='%s', at <%s xmlns='%s'>.", name.Local, name.Space, n.name.Local, n.name.Space)
}

func (n *node) isNil() bool { return isTrue(n.attr(xsiSpace, "nil")) }

func createOne(c *call, e *soapEntity, n *node) (returnInfo, []string) {
	if !e.of.rights().create || e.of == ticketAttachments {
		return returnInfo{}, []string{"The " + e.name + " entity can not be created."}
	}
	id, duplicate, errs := c.store(e.of, e.body(n, false))
	info := returnInfo{id: id, action: "Created"}
	if duplicate {
		info.found, info.ignored = true, c.who.tenant.duplicates == DuplicatesIgnored
		info.action = "Updated"
		if info.ignored {
			info.action = "None"
		}
	}
	return info, errs
}

// updateOne changes a record. Fields that are not sent are cleared, those that SOAP does not know excepted.
func updateOne(c *call, e *soapEntity, n *node) (returnInfo, []string) {
	if !e.of.rights().update {
		return returnInfo{}, []string{"The " + e.name + " entity can not be updated."}
	}
	body := e.body(n, true)
	old, err := c.addressed(e.of, body)
	if err != nil {
		return returnInfo{}, []string{err.Error()}
	}
	return returnInfo{id: old.id(), action: "Updated"}, c.revise(e.of, old, old.clone(), body)
}

func deleteOne(c *call, e *soapEntity, n *node) (returnInfo, []string) {
	if !e.of.rights().remove || e.of == ticketAttachments {
		return returnInfo{}, []string{"The " + e.name + " entity can not be deleted."}
	}
	old, err := c.addressed(e.of, e.body(n, false))
	if err != nil {
		return returnInfo{}, []string{err.Error()}
	}
	if err := c.erase(e.of, old.id()); err != nil {
		return returnInfo{}, []string{err.Error()}
	}
	return returnInfo{id: old.id(), action: "None"}, nil
}

// body is what was sent, under REST's names. With clear, what was not sent is null.
func (e *soapEntity) body(n *node, clear bool) object {
	body := object{"id": n.child(atwsSpace, "id").value()}
	for i := range e.fields {
		f := &e.fields[i]
		k := n.child(atwsSpace, f.name)
		if k != nil || clear {
			body[strings.ToLower(f.of.name)] = sentValue(f.of, k)
		}
	}
	udfs := []any{}
	if list := n.child(atwsSpace, "UserDefinedFields"); list != nil {
		for _, k := range list.kids {
			udfs = append(udfs, sentUDF(k))
		}
	}
	body["userdefinedfields"] = udfs
	return body
}

// sentValue is a field's value as REST's JSON would have it; nil where nothing was sent.
func sentValue(f *field, k *node) any {
	switch {
	case k == nil || k.isNil():
		return nil
	case f.kind == text:
		return k.text()
	case k.value() == "":
		return nil
	}
	return k.value()
}

func sentUDF(n *node) any {
	udf := map[string]any{"name": n.child(atwsSpace, "Name").value()}
	if v := n.child(atwsSpace, "Value"); v != nil && !v.isNil() {
		udf["value"] = v.text()
	}
	return udf
}
