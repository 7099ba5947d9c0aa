package psatest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// apply puts a body's fields into a record. What the entity does not have, and what is the server's, is
// ignored. Called with data held.
func (t *Tenant) apply(e *entity, r *record, body object) error {
	for i := range e.fields {
		f := &e.fields[i]
		v, sent := body[strings.ToLower(f.name)]
		if !sent || f.readOnly {
			continue
		}
		value, err := f.convert(v)
		if err != nil {
			return err
		}
		if value == nil {
			delete(r.vals, f.name)
		} else {
			r.vals[f.name] = value
		}
	}
	return t.applyUDFs(e, r, body["userdefinedfields"])
}

func (t *Tenant) applyUDFs(e *entity, r *record, v any) error {
	sent, _ := v.([]any)
	for _, item := range sent {
		m, _ := item.(map[string]any)
		o := folded(m)
		name, _ := o["name"].(string)
		def := t.udf(e, name)
		if def == "" {
			return complain("Unable to find the user-defined field %s in the %s Entity.", name, e.single)
		}
		value, fits := toText(o["value"])
		switch {
		case o["value"] == nil:
			delete(r.udf, def)
		case fits:
			r.udf[def] = value
		default:
			return complain("Error converting the value of the user-defined field %s.", def)
		}
	}
	return nil
}

// check is all that is wrong with a record. References and picklists are looked at where they changed: what
// was right once may stay. Called with data held.
func (t *Tenant) check(e *entity, r, old *record) []string {
	var errs []string
	for i := range e.fields {
		f := &e.fields[i]
		v := r.vals[f.name]
		switch {
		case v == nil && f.required:
			errs = append(errs, missing(f.name))
		case v != nil && v != old.vals[f.name]:
			errs = append(errs, t.checkValue(e, f, r, v)...)
		}
	}
	if len(errs) == 0 && e.rules != nil {
		errs = e.rules(t, r)
	}
	return errs
}

func (t *Tenant) checkValue(e *entity, f *field, r *record, v any) []string {
	switch {
	case f.length > 0 && utf8.RuneCountInString(v.(string)) > f.length:
		return []string{fmt.Sprintf("The value of %s exceeds the maximum length of %d.", f.name, f.length)}
	case f.ref == companies.name && v.(int64) == 0: // the PSA's owner is a company too
		return nil
	case f.ref != "" && t.table(entityNamed(f.ref)).rows[v.(int64)] == nil:
		return []string{fmt.Sprintf("Value does not reference an existing entity for %s . ", f.name)}
	case f.pick:
		return t.checkPick(e, f, r, v.(int64))
	}
	return nil
}

func (t *Tenant) checkPick(e *entity, f *field, r *record, v int64) []string {
	p, found := t.picked(e, f, v)
	if !found {
		return []string{fmt.Sprintf("Value does not reference an existing entity for %s . ", f.name)}
	}
	if f.pickUnder != "" && !slices.Contains([]any{int64(p.Parent)}, r.vals[f.pickUnder]) {
		return []string{fmt.Sprintf("The value of %s does not belong to the value of %s.", f.name, f.pickUnder)}
	}
	return nil
}
