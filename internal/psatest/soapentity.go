package psatest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// soapEntity is an entity as SOAP has it: the same records under other names.
type soapEntity struct {
	name   string
	of     *entity
	fields []soapField // in the order of the WSDL; the id, which comes before them all, is not among them
	index  map[string]*soapField
	words  map[string]string // what error texts of REST call things, and what SOAP calls them
}

// soapField is a field as SOAP has it.
type soapField struct {
	name  string
	of    *field
	fixed any // the value of every record, where REST has no such field
}

// soapNamed builds an entity from the names of its fields. "AccountID=companyID" is one that REST calls otherwise;
// without a "=" REST's name begins with a small letter and is the same beyond.
func soapNamed(name string, of *entity, fields ...string) *soapEntity {
	e := &soapEntity{name: name, of: of, index: map[string]*soapField{}, words: map[string]string{of.single: name}}
	for _, text := range strings.Fields(strings.Join(fields, " ")) {
		as, rest, renamed := strings.Cut(text, "=")
		if !renamed {
			first := []rune(as)
			first[0] = unicode.ToLower(first[0])
			rest = string(first)
		}
		f := of.field(rest)
		if f == nil {
			panic(fmt.Sprintf("psatest: %s has no field %q for SOAP's %s", of.name, rest, as))
		}
		e.fields = append(e.fields, soapField{name: as, of: f})
		e.words[f.name] = as
	}
	return e
}

// always adds a field that has the same value in all records.
func (e *soapEntity) always(name string, value int64) *soapEntity {
	e.fields = append(e.fields, soapField{name: name, of: constant(name), fixed: value})
	return e
}

func constant(name string) *field {
	f := of(integer, name).server().hush()
	return &f
}

// registerSOAP makes the entities' fields easy to find.
func registerSOAP(all ...*soapEntity) []*soapEntity {
	for _, e := range all {
		for i := range e.fields {
			e.index[strings.ToLower(e.fields[i].name)] = &e.fields[i]
		}
	}
	return all
}

// entityCalled finds an entity by its name in any case. Its error is worded as the PSA words it.
func entityCalled(name string) (*soapEntity, error) {
	for _, e := range soapEntities {
		if strings.EqualFold(e.name, name) {
			return e, nil
		}
	}
	return nil, complain("The entity %s does not exist.", name)
}

func soapNameOf(e *entity) string {
	for _, s := range soapEntities {
		if s.of == e {
			return s.name
		}
	}
	return e.single
}

var word = regexp.MustCompile(`\w+`)

// reword puts SOAP's names of fields and of the entity into a text that has REST's.
func (e *soapEntity) reword(text string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if as, known := e.words[w]; known {
			return as
		}
		return w
	})
}

func (e *soapEntity) rewordAll(texts []string) []string {
	var all []string
	for _, t := range texts {
		all = append(all, e.reword(t))
	}
	return all
}

// write writes a record as an element of the entity's type. What has no value is left out.
func (e *soapEntity) write(w *xmlWriter, t *Tenant, element string, r *record) {
	w.in(element, func() { e.writeFields(w, t, r) }, "xsi:type", e.name)
}

func (e *soapEntity) writeFields(w *xmlWriter, t *Tenant, r *record) {
	w.leaf("id", strconv.FormatInt(r.id(), 10))
	w.in("UserDefinedFields", func() {
		for _, name := range t.udfs[e.of.name] {
			w.in("UserDefinedField", func() {
				w.leaf("Name", name)
				if v := r.udf[name]; v != nil {
					w.leaf("Value", fmt.Sprint(v))
				}
			})
		}
	})
	for i := range e.fields {
		f := &e.fields[i]
		if v := f.value(r); v != nil {
			w.leaf(f.name, soapText(v), "xsi:type", xsdTypes[f.of.kind])
		}
	}
}

// value is the field's value in a record.
func (f *soapField) value(r *record) any {
	if f.fixed != nil {
		return f.fixed
	}
	return r.vals[f.of.name]
}

// xsdTypes are what values say of themselves: to the schema all fields but the id are of any type.
var xsdTypes = map[kind]string{
	long: "xsd:long", integer: "xsd:int", decimal: "xsd:decimal", boolean: "xsd:boolean", text: "xsd:string", datetime: "xsd:dateTime",
}

func soapText(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.Format(dateLayout)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
