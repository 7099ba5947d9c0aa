package psatest

import (
	"encoding/json"
	"net/url"
)

// paging is what a page's URL carries; to clients it is opaque.
type paging struct {
	PageSize    int     `json:"pageSize"`
	PreviousIDs []int64 `json:"previousIds"` // where the pages before this one began
	NextIDs     []int64 `json:"nextIds"`     // this page begins after the last of them
	Verb        string  `json:"verb"`        // of the first page; the others must come with the same
}

// keptPages is how many pages back prevPageUrl reaches.
const keptPages = 50

func (p paging) after() int64 { return p.NextIDs[len(p.NextIDs)-1] }

func (p paging) next(last int64) paging {
	before := append(append([]int64{}, p.PreviousIDs...), p.after())
	if len(before) > keptPages {
		before = before[len(before)-keptPages:]
	}
	return paging{p.PageSize, before, []int64{last}, p.Verb}
}

func (p paging) previous() paging {
	n := len(p.PreviousIDs) - 1
	return paging{p.PageSize, p.PreviousIDs[:n], []int64{p.PreviousIDs[n]}, p.Verb}
}

// page answers with the records after the page's beginning.
func (c *call) page(q *query, p paging) answer {
	t := c.who.tenant
	items := []any{}
	var last int64
	more := false
	for r := range t.table(c.entity).after(p.after()) {
		if !q.where(r) {
			continue
		}
		if more = len(items) == p.PageSize; more {
			break
		}
		items = append(items, c.show(c.entity, r, q.only))
		last = r.id()
	}
	if more && q.only != nil && !q.only["id"] {
		return failed("Invalid query syntax. includeFields must contain id when there is more than one page.")
	}
	var next, prev any
	if more {
		next = c.pageURL(q, p.next(last))
	}
	if len(p.PreviousIDs) > 0 {
		prev = c.pageURL(q, p.previous())
	}
	return listed(items, p.PageSize, prev, next)
}

func listed(items []any, size int, prev, next any) answer {
	return success(map[string]any{
		"items": items,
		"pageDetails": map[string]any{
			"count": len(items), "requestCount": size, "prevPageUrl": prev, "nextPageUrl": next,
		},
	})
}

// pageURL is absolute, on the zone that was asked.
func (c *call) pageURL(q *query, p paging) string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic("psatest: paging that is not JSON: " + err.Error())
	}
	args := url.Values{"paging": {string(raw)}, "search": {q.raw}}
	return c.zone.URL() + "/ATServicesRest/V1.0/" + c.entity.name + "/query/next?" + args.Encode()
}

// followPage answers a URL made by pageURL. The body, repeated by some clients and empty with others, is not
// looked at: the URL says it all.
func followPage(c *call) answer {
	p, err := parsePaging(c.query.Get("paging"))
	if err != nil {
		return failed(err.Error())
	}
	if p.Verb != c.method {
		return c.notAllowed()
	}
	q, err := c.parseQuery([]byte(c.query.Get("search")))
	if err != nil {
		return failed(err.Error())
	}
	return c.page(q, p)
}

func parsePaging(raw string) (paging, error) {
	var p paging
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		return p, wording([]byte(raw), err)
	}
	if p.PageSize < 1 || p.PageSize > defaultPageCap || len(p.NextIDs) == 0 {
		return p, complain("The value of paging is invalid.")
	}
	return p, nil
}
