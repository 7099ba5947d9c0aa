package soap

import (
	"bytes"
	"errors"
)

// maxQuery is the longest query that is read, in bytes.
const maxQuery = 256 << 10

// query reads the element sXML, whose start tag was read: a document within a text.
func (r *reader) query() error {
	r.kept = r.kept[:0]
	if err := r.chars(maxQuery); err != nil {
		return err
	}
	if blank(r.kept) {
		return r.refuse("sXML holds no query; send a queryxml")
	}
	q := reader{scanner: newScanner(bytes.NewReader(r.kept)), req: r.req}
	defer q.free()
	q.quoted = true
	err := q.document()
	var refused *Refusal
	if errors.As(err, &refused) {
		return &Refusal{refused.Code, "in the query, which is the text of sXML: " + refused.Text, refused.At}
	}
	return err
}

// document reads a query: <queryxml><entity>Ticket</entity><query>…</query></queryxml>. What is not understood is refused: the PSA
// might understand it.
func (r *reader) document() error {
	if err := r.open("queryxml", "version"); err != nil {
		return err
	}
	asked := false
	for {
		more, err := r.child()
		switch {
		case err != nil:
			return err
		case !more && r.req.Entity == "":
			return r.refuse("the query names no entity")
		case !more:
			return r.closed(nil, true)
		case r.tag.is("", "entity") && r.req.Entity == "" && r.attributesAre(""):
			r.req.Entity, err = r.entity()
		case r.tag.is("", "query") && !asked && r.attributesAre(""):
			asked = true
			err = r.conditions()
		default:
			err = r.refuse(notUnderstood)
		}
		if err != nil {
			return err
		}
	}
}

const notUnderstood = "the query holds what is not understood: a queryxml has one entity and one query, with condition, field and expression"

// open reads the start tag of the root element.
func (r *reader) open(local, attribute string) error {
	for {
		k, err := r.step()
		switch {
		case err != nil:
			return err
		case k == atStart && r.tag.is("", local) && r.attributesAre(attribute):
			return nil
		case k == atStart:
			return r.refuse(notUnderstood)
		}
	}
}

// attributesAre says whether the tag has no other attribute than one.
func (r *reader) attributesAre(local string) bool {
	for _, a := range r.tag.attributes {
		if !a.is("", local) {
			return false
		}
	}
	return true
}

// conditions reads what a query or a condition holds: fields, and conditions within conditions.
func (r *reader) conditions() error {
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case r.tag.is("", "condition") && r.attributesAre("operator"):
			err = r.conditions() // no deeper than elements may be
		case r.tag.is("", "field") && r.attributesAre("udf"):
			err = r.filter()
		default:
			err = r.refuse(notUnderstood)
		}
		if err != nil {
			return err
		}
	}
}

// filter reads a field: its name, and after it expressions.
func (r *reader) filter() error {
	udf, err := r.isUDF()
	if err != nil {
		return err
	}
	r.kept = r.kept[:0]
	compared := false
	for {
		k, err := r.step()
		switch {
		case err != nil:
			return err
		case k == atStop:
			return r.filtered(udf)
		case k == atText && compared && !blank(r.text), k == atComment:
			return r.refuse(notUnderstood)
		case k == atText && !compared:
			if r.kept = decoded(r.kept, r.text, r.cdata); len(r.kept) > maxTag {
				return r.refuse("a name of a field is longer than any")
			}
		case k == atStart && r.tag.is("", "expression") && r.attributesAre("op"):
			compared = true
			err = r.value()
		case k == atStart:
			return r.refuse(notUnderstood)
		}
		if err != nil {
			return err
		}
	}
}

// isUDF says whether the tag is a user-defined field's.
func (r *reader) isUDF() (bool, error) {
	if len(r.tag.attributes) == 0 {
		return false, nil
	}
	v, _ := r.tag.attribute("", "udf")
	switch v = string(bytes.ToLower([]byte(v))); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, r.refuse(`a field's udf is neither "true" nor "false"`)
}

// filtered tells the name that was kept.
func (r *reader) filtered(udf bool) (err error) {
	_, kept := trimmed(r.kept)
	name := string(trimmedRight(kept))
	switch {
	case udf && name == "", !udf && !validName(name):
		return r.refuse("a field of the query has no name that a field can have")
	case udf:
		name = UDFPrefix + name
	}
	r.req.Filters, err = r.withField(r.req.Filters, name)
	return err
}
