package soap

import (
	"bytes"
	"strings"
)

// maxRecords is how many the PSA takes in one call.
const maxRecords = 200

// entities reads the element Entities, whose start tag was read.
func (r *reader) entities() error {
	for {
		more, err := r.child()
		switch {
		case err != nil:
			return err
		case !more && len(r.req.Records) == 0:
			return r.refuse("Entities holds no Entity")
		case !more:
			return nil
		case !r.tag.is(nsATWS, "Entity"):
			return r.refuse("Entities holds what is no Entity of the namespace " + nsATWS)
		case len(r.req.Records) == maxRecords:
			return r.refuse("Entities holds more than 200; send the rest in further calls")
		}
		var rec Record
		if rec.Type, err = r.entityType(); err == nil {
			err = r.record(&rec)
		}
		if err != nil {
			return err
		}
		r.req.Records = append(r.req.Records, rec)
	}
}

// entityType returns what the tag's xsi:type names, by its namespace.
func (r *reader) entityType() (string, error) {
	for _, a := range r.tag.attributes {
		if !a.is(nsXSI, "type") {
			continue
		}
		prefix, local := split(bytes.Trim(decoded(nil, a.value, false), blanks))
		space, ok := r.bound.of(prefix)
		switch {
		case !ok:
			return "", r.refuse("an xsi:type has a prefix that stands for no namespace; declare it")
		case space != nsATWS:
			return "", r.refuse("an xsi:type is of another namespace than " + nsATWS)
		case !validName(string(local)) || string(local) == "Entity":
			return "", r.refuse("an xsi:type names no entity")
		}
		return string(local), nil
	}
	return "", r.refuse("an Entity has no xsi:type, which says what it is")
}

// record reads the fields of an entity, whose start tag was read.
func (r *reader) record(rec *Record) error {
	numbered := false
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case r.tag.space != nsATWS:
			return r.refuse("an entity holds an element of another namespace than " + nsATWS)
		case string(r.tag.local) == "id" && numbered:
			return r.refuse("an entity has two ids")
		case string(r.tag.local) == "id":
			numbered = true
			rec.ID, err = r.number()
		default:
			err = r.field(rec)
		}
		if err != nil {
			return err
		}
	}
}

// field reads one that is written.
func (r *reader) field(rec *Record) (err error) {
	local := string(r.tag.local)
	switch {
	case local == "UserDefinedFields":
		return r.userDefined(rec)
	case local == "Fields":
		return r.descriptions(rec)
	case alike(local, "id"), alike(local, "UserDefinedFields"), alike(local, "Fields"):
		return r.refuse("an entity holds an id, UserDefinedFields or Fields in another case; write it so")
	case !validName(local):
		return r.refuse("a name of a field is none: they have ASCII letters, digits and underscores")
	}
	for _, other := range rec.Fields {
		if alike(local, other) {
			return r.refuse("an entity has a field twice")
		}
	}
	if rec.Fields, err = r.withField(rec.Fields, local); err != nil {
		return err
	}
	switch local {
	case "ParentID":
		rec.ParentID, err = r.reference()
	case "ParentType":
		rec.ParentType, err = r.reference()
	default:
		err = r.value()
	}
	return err
}

// alike says whether two names are one to a reader that does not heed their case.
func alike(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// reference reads a value that is a number where it is of use, and else nothing.
func (r *reader) reference() (string, error) {
	text, err := r.leaf(maxTag)
	if len(text) > 19 || bytes.ContainsFunc([]byte(text), func(c rune) bool { return c < '0' || c > '9' }) {
		text = ""
	}
	return text, err
}

// descriptions reads the element Fields, by which the PSA describes an entity's fields. Who sends it back full writes it.
func (r *reader) descriptions(rec *Record) error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if rec.Fields, err = r.withField(rec.Fields, "Fields"); err == nil {
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

// userDefined reads the element UserDefinedFields.
func (r *reader) userDefined(rec *Record) error {
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case !r.tag.is(nsATWS, "UserDefinedField"):
			return r.refuse("UserDefinedFields holds what is no UserDefinedField of the namespace " + nsATWS)
		}
		empty := r.tag.isNil()
		name, err := r.userDefinedName()
		switch {
		case err != nil:
			return err
		case name == "" && empty:
			continue
		case name == "":
			return r.refuse("a UserDefinedField has no Name")
		}
		if rec.Fields, err = r.withField(rec.Fields, UDFPrefix+name); err != nil {
			return err
		}
	}
}

// userDefinedName reads a UserDefinedField, and returns its name, which may be any text.
func (r *reader) userDefinedName() (name string, err error) {
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return name, err
		case r.tag.is(nsATWS, "Value"):
			err = r.value()
		case !r.tag.is(nsATWS, "Name"):
			err = r.refuse("a UserDefinedField holds what is neither its Name nor its Value")
		case name != "":
			err = r.refuse("a UserDefinedField has two Names")
		default:
			name, err = r.leaf(maxTag)
		}
		if err != nil {
			return "", err
		}
	}
}

// attachment reads what CreateAttachment is given: an Info, which is an entity, and Data, which may be large.
func (r *reader) attachment() error {
	rec := Record{Type: "AttachmentInfo"}
	informed := false
	for {
		more, err := r.child()
		switch {
		case err != nil:
			return err
		case !more && !informed:
			return r.refuse("the attachment has no Info")
		case !more:
			r.req.Records = []Record{rec}
			return nil
		case r.tag.is(nsATWS, "Info") && !informed:
			informed = true
			err = r.record(&rec)
		case r.tag.is(nsATWS, "Data"):
			err = r.value()
		default:
			err = r.refuse("an attachment holds what is neither its one Info nor its Data")
		}
		if err != nil {
			return err
		}
	}
}
