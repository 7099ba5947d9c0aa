package psatest

// show is a record as answers have it: without the data of attachments, which only one URL gives.
func (c *call) show(e *entity, r *record, only map[string]bool) map[string]any {
	item := c.who.tenant.item(e, r, only)
	if _, has := item["data"]; has {
		item["data"] = nil
	}
	return item
}

// getRoot answers with null where there is no such record.
func getRoot(c *call) answer {
	r := c.who.tenant.table(c.entity).rows[c.id]
	if r == nil {
		return success(map[string]any{"item": nil})
	}
	return success(map[string]any{"item": c.show(c.entity, r, nil)})
}

// listChild lists all children of one parent on one page, however many there are.
func listChild(c *call) answer {
	items := []any{}
	for r := range c.who.tenant.table(c.child).after(beforeAll) {
		if r.vals[c.child.parentField] == c.id {
			items = append(items, c.show(c.child, r, nil))
		}
	}
	return listed(items, c.sim.behaviour().pageCap(), nil, nil)
}

// getChild gives one child with everything, an attachment's data included.
func getChild(c *call) answer {
	r := c.who.tenant.table(c.child).rows[c.childID]
	var item any
	if r != nil && r.vals[c.child.parentField] == c.id {
		item = c.who.tenant.item(c.child, r, nil)
	}
	if c.child == ticketAttachments && item != nil && c.sim.behaviour().AttachmentItems {
		return success(map[string]any{"items": []any{item}})
	}
	return success(map[string]any{"item": item})
}
