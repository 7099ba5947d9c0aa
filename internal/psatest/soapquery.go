package psatest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// querySOAP gives the records that meet a query, in the order of their ids: 500 at most, and whoever wants more
// asks again for ids beyond the last.
func querySOAP(c *call, in *node) (func(*xmlWriter), error) {
	if c.impersonate != "" {
		return nil, complaint(impersonatedQuery)
	}
	e, where, err := c.parseQueryXML(param(in, "sXML"))
	if err != nil {
		return nil, err
	}
	t, most, found := c.who.tenant, c.sim.behaviour().pageCap(), &atwsResponse{kind: e}
	for r := range t.table(e.of).after(beforeAll) {
		if len(found.entities) == most {
			break
		}
		if where(r) {
			found.entities = append(found.entities, func(w *xmlWriter) { e.write(w, t, "Entity", r) })
		}
	}
	return found.write, nil
}

// parseQueryXML reads a document of the XML query language:
//
//	<queryxml><entity>Ticket</entity><query><field>Status<expression op="equals">1</expression></field></query></queryxml>
func (c *call) parseQueryXML(doc string) (*soapEntity, condition, error) {
	root, err := parseXML([]byte(doc))
	switch {
	case err != nil:
		return nil, nil, complain("Invalid query syntax. %s", err)
	case !strings.EqualFold(root.name.Local, "queryxml"):
		return nil, nil, complain("Invalid query syntax. The root element must be queryxml.")
	}
	e, err := entityCalled(root.named("entity").value())
	if err != nil {
		return nil, nil, err
	}
	filter, err := e.joined(root.named("query"))
	if err != nil {
		return nil, nil, err
	}
	k := compiler{tenant: c.who.tenant, entity: e.of, ops: soapOperators}
	where, err := k.all([]any{filter}, false)
	if err != nil {
		return nil, nil, complaint(e.reword(err.Error()))
	}
	return e, where, nil
}

// named is the first child with a name, in any case and of any namespace.
func (n *node) named(name string) *node {
	for _, k := range n.kids {
		if strings.EqualFold(k.name.Local, name) {
			return k
		}
	}
	return nil
}

// joined makes one filter item of an element's children. From left to right each is joined to all before it, by
// "and" unless its attribute operator says "or".
func (e *soapEntity) joined(n *node) (any, error) {
	if n == nil || len(n.kids) == 0 {
		return nil, complain("Invalid query syntax. The query needs a field with an expression.")
	}
	var all any
	for _, k := range n.kids {
		item, err := e.item(k)
		if err != nil {
			return nil, err
		}
		op := strings.ToLower(k.attr("", "operator"))
		switch {
		case op != "" && op != "and" && op != "or":
			return nil, complain("Invalid query syntax. Unknown operator '%s'.", op)
		case all == nil:
			all = item
		default:
			all = join(all, item, op)
		}
	}
	return all, nil
}

// join joins an item to what there is; a chain of one operator stays one group.
func join(all, item any, op string) any {
	if op == "" {
		op = "and"
	}
	if group, _ := all.(map[string]any); group["op"] == op {
		items, _ := group["items"].([]any)
		group["items"] = append(items, item)
		return group
	}
	return map[string]any{"op": op, "items": []any{all, item}}
}

// item is what one child of a query, or of a condition, asks for.
func (e *soapEntity) item(n *node) (any, error) {
	switch strings.ToLower(n.name.Local) {
	case "condition":
		return e.joined(n)
	case "field":
		return e.field(n)
	}
	return nil, complain("Invalid query syntax. Unexpected element '%s'.", n.name.Local)
}

// field is one field with its expressions, which must all hold: what several mean is not documented.
func (e *soapEntity) field(n *node) (any, error) {
	items := []any{}
	for _, k := range n.kids {
		op := strings.ToLower(k.attr("", "op"))
		if !strings.EqualFold(k.name.Local, "expression") || op == "" || op == "and" || op == "or" {
			return nil, complain("Invalid query syntax. The field %s needs an expression with an attribute op.", n.value())
		}
		item, err := e.expression(n, op, k.value())
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, complain("Invalid query syntax. The field %s needs an expression with an attribute op.", n.value())
	}
	return map[string]any{"op": "and", "items": items}, nil
}

// expression is one comparison as the compiler of REST's filters takes it.
func (e *soapEntity) expression(n *node, op, value string) (any, error) {
	item := map[string]any{"op": op, "field": n.value(), "value": value}
	if isTrue(n.attr("", "udf")) {
		item["udf"] = true
		return item, nil
	}
	f := e.find(n.value())
	if f == nil {
		return nil, complain("Unable to find %s in the %s Entity.", n.value(), e.name)
	}
	item["field"] = f.name
	if _, err := strconv.ParseInt(value, 10, 64); err == nil && f.kind == long {
		item["value"] = json.Number(value) // a text is no id
	}
	return item, nil
}

// find is the field with a name of SOAP's in any case; nil if there is none.
func (e *soapEntity) find(name string) *field {
	if strings.EqualFold(name, "id") {
		return e.of.field("id")
	}
	if f := e.index[strings.ToLower(name)]; f != nil {
		return f.of
	}
	return nil
}

// isTrue tells whether a boolean of XML Schema is true.
func isTrue(text string) bool { return text == "1" || strings.EqualFold(text, "true") }
