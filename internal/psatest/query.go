package psatest

import "encoding/json"

// query is a compiled query body.
type query struct {
	raw   string // compact, for the next page's URL
	where condition
	only  map[string]bool // fields to show; nil means all
	size  int             // of a page
}

// parseQuery reads a query's JSON.
func (c *call) parseQuery(body []byte) (*query, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	items, isList := o["filter"].([]any)
	if !isList {
		return nil, complain("Invalid query syntax. The query needs an array named filter.")
	}
	q := &query{}
	k := compiler{tenant: c.who.tenant, entity: c.entity, ops: operators, manyOR: c.sim.behaviour().InIsManyOR}
	if q.where, err = k.all(items, false); err != nil {
		return nil, err
	}
	if q.size, err = pageSize(o["maxrecords"], c.sim.behaviour().pageCap()); err != nil {
		return nil, err
	}
	if q.only, err = k.included(o["includefields"]); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(o)
	q.raw = string(raw)
	return q, err
}

// pageSize is what maxRecords asks for, at most most.
func pageSize(asked any, most int) (int, error) {
	if asked == nil {
		return most, nil
	}
	n, fits := toInteger(asked)
	if !fits || n.(int64) < 1 || n.(int64) > defaultPageCap {
		return 0, complain("The value of maxCountOfRecordsToReturn must be between 1 and 500.")
	}
	return min(int(n.(int64)), most), nil
}

// included is the set of fields, and of user-defined ones, that includeFields names.
func (k *compiler) included(v any) (map[string]bool, error) {
	names, isList := v.([]any)
	if v != nil && !isList {
		return nil, complain("Invalid query syntax. includeFields must be an array of names.")
	}
	if len(names) == 0 {
		return nil, nil
	}
	only := map[string]bool{}
	for _, n := range names {
		name, _ := n.(string)
		if f := k.entity.field(name); f != nil {
			only[f.name] = true
		} else if def := k.tenant.udf(k.entity, name); def != "" {
			only[def] = true
		} else {
			return nil, complain("Unable to find %s in the %s Entity.", name, k.entity.single)
		}
	}
	return only, nil
}

func queryPost(c *call) answer { return c.firstPage(c.body) }
func queryGet(c *call) answer  { return c.firstPage([]byte(c.query.Get("search"))) }
func countPost(c *call) answer { return c.count(c.body) }
func countGet(c *call) answer  { return c.count([]byte(c.query.Get("search"))) }

func (c *call) firstPage(body []byte) answer {
	if a, bad := c.impersonatesQuery(); bad {
		return a
	}
	q, err := c.parseQuery(body)
	if err != nil {
		return failed(err.Error())
	}
	return c.page(q, paging{PageSize: q.size, NextIDs: []int64{beforeAll}, Verb: c.method})
}

func (c *call) count(body []byte) answer {
	q, err := c.parseQuery(body)
	if err != nil {
		return failed(err.Error())
	}
	n := 0
	for r := range c.who.tenant.table(c.entity).after(beforeAll) {
		if q.where(r) {
			n++
		}
	}
	return success(map[string]any{"queryCount": n})
}

// impersonatesQuery refuses queries in another's name, as the PSA does.
func (c *call) impersonatesQuery() (answer, bool) {
	if c.impersonate == "" {
		return answer{}, false
	}
	return failed(impersonatedQuery), true
}

// impersonatedQuery is what a query in another's name is answered with.
const impersonatedQuery = "The logged in Resource does not have the adequate permissions to query this entity type."
