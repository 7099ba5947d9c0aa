package psatest

import (
	"maps"
	"slices"
	"time"
)

// record is one row. Values are int64, float64, bool, string, time.Time (UTC) or absent.
type record struct {
	vals map[string]any
	udf  map[string]any
}

func newRecord() *record { return &record{vals: map[string]any{}, udf: map[string]any{}} }

func (r *record) id() int64 { return r.vals["id"].(int64) }

func (r *record) clone() *record { return &record{vals: maps.Clone(r.vals), udf: maps.Clone(r.udf)} }

// table is all rows of an entity in one tenant.
type table struct {
	last int64
	rows map[int64]*record
	ids  []int64 // ascending
}

// table returns the tenant's rows of an entity. Called with data held.
func (t *Tenant) table(e *entity) *table {
	tab := t.tables[e.name]
	if tab == nil {
		tab = &table{rows: map[int64]*record{}}
		t.tables[e.name] = tab
	}
	return tab
}

// add stores a record under the next id, and returns it.
func (tab *table) add(r *record) int64 {
	tab.last++
	tab.put(tab.last, r)
	return tab.last
}

func (tab *table) put(id int64, r *record) {
	r.vals["id"] = id
	if tab.rows[id] == nil {
		at, _ := slices.BinarySearch(tab.ids, id)
		tab.ids = slices.Insert(tab.ids, at, id)
	}
	tab.rows[id] = r
}

func (tab *table) remove(id int64) {
	delete(tab.rows, id)
	tab.ids = slices.DeleteFunc(tab.ids, func(have int64) bool { return have == id })
}

// after yields the records with a greater id, in order of id.
func (tab *table) after(id int64) func(yield func(*record) bool) {
	return func(yield func(*record) bool) {
		from, found := slices.BinarySearch(tab.ids, id)
		if found {
			from++
		}
		for _, i := range tab.ids[from:] {
			if !yield(tab.rows[i]) {
				return
			}
		}
	}
}

// beforeAll is an id below all ids: 0 is the tenant's own company.
const beforeAll = -1

// dateLayout has milliseconds only where there are some.
const dateLayout = "2006-01-02T15:04:05.999Z"

// item is the record as an answer shows it: fields or all, absent ones null.
func (t *Tenant) item(e *entity, r *record, only map[string]bool) map[string]any {
	out := map[string]any{}
	for i := range e.fields {
		f := &e.fields[i]
		if only == nil || only[f.name] {
			out[f.name] = shown(r.vals[f.name])
		}
	}
	if !e.udfs {
		return out
	}
	list := []any{}
	for _, name := range t.udfs[e.name] {
		if only == nil || only[name] {
			list = append(list, map[string]any{"name": name, "value": r.udf[name]})
		}
	}
	out["userDefinedFields"] = list
	return out
}

func shown(v any) any {
	if at, ok := v.(time.Time); ok {
		return at.Format(dateLayout)
	}
	return v
}

// Records returns what the tenant has stored of an entity, in order of id, as a query would show it (times
// are texts, ids int64), attachment data included. It panics when there is no such entity.
func (t *Tenant) Records(entityName string) []map[string]any {
	e := entityNamed(entityName)
	t.data.Lock()
	defer t.data.Unlock()
	var all []map[string]any
	for r := range t.table(e).after(beforeAll) {
		all = append(all, t.item(e, r, nil))
	}
	return all
}
