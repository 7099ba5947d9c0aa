package psatest

import (
	"fmt"
	"strings"
)

// kind is a field's dataType as entityInformation words it.
type kind string

const (
	long     kind = "long"
	integer  kind = "integer"
	decimal  kind = "decimal"
	boolean  kind = "boolean"
	text     kind = "string"
	datetime kind = "datetime"
)

// field is one property of an entity.
type field struct {
	name      string
	kind      kind
	length    int    // of a text; 0 means no limit
	required  bool   // at create
	readOnly  bool   // the server's: ignored when sent
	silent    bool   // may not be filtered on
	ref       string // name of the entity that it points to
	pick      bool
	pickUnder string // the picklist on which this one depends
}

func (f field) must() field   { f.required = true; return f }
func (f field) server() field { f.readOnly = true; return f }
func (f field) hush() field   { f.silent = true; return f }

func of(k kind, name string) field        { return field{name: name, kind: k} }
func words(name string, length int) field { return field{name: name, kind: text, length: length} }
func refers(name, to string) field        { return field{name: name, kind: integer, ref: to} }
func pick(name string) field              { return field{name: name, kind: integer, pick: true} }
func pickBelow(name, parent string) field { f := pick(name); f.pickUnder = parent; return f }
func idField() field                      { return of(long, "id").server() }
func many(k kind, names ...string) (fs []field) {
	for _, n := range names {
		fs = append(fs, of(k, n))
	}
	return fs
}

func servers(fs []field) []field {
	for i := range fs {
		fs[i] = fs[i].server()
	}
	return fs
}

// rights says which writes a URL takes; reading is always possible.
type rights struct{ create, update, remove bool }

// entity is a kind of record.
type entity struct {
	name   string // as in URLs: "Tickets"
	single string // as errors have it: "Ticket"
	fields []field
	root   rights // at /{entity}
	udfs   bool

	// An entity with a parent is written under the parent's URL.
	parent      string // folded name of the parent
	childName   string // folded, as in the parent's URL: "notes"
	parentField string
	under       rights // at /{parent}/{id}/{child}

	fill  func(*Tenant, *record)          // what the server sets at create
	rules func(*Tenant, *record) []string // what is wrong beyond the fields

	index    map[string]*field
	children map[string]*entity
}

// rights is what may be written at any URL.
func (e *entity) rights() rights {
	return rights{
		create: e.root.create || e.under.create,
		update: e.root.update || e.under.update,
		remove: e.root.remove || e.under.remove,
	}
}

func (e *entity) field(name string) *field    { return e.index[strings.ToLower(name)] }
func (e *entity) child(folded string) *entity { return e.children[folded] }

// entities are all that the simulator knows, by folded name.
var entities = register(tickets, ticketNotes, ticketAttachments, companies, companyNotes, contacts, contactGroups, resources,
	configurationItems, timeEntries)

func register(all ...*entity) map[string]*entity {
	byName := map[string]*entity{}
	for _, e := range all {
		byName[strings.ToLower(e.name)] = e
		e.children = map[string]*entity{}
		e.index = map[string]*field{}
		for i := range e.fields {
			e.index[strings.ToLower(e.fields[i].name)] = &e.fields[i]
		}
	}
	for _, e := range all {
		if e.parent != "" {
			byName[e.parent].children[e.childName] = e
		}
	}
	return byName
}

func entityNamed(name string) *entity {
	e := entities[strings.ToLower(name)]
	if e == nil {
		panic(fmt.Sprintf("psatest: no entity %q", name))
	}
	return e
}
