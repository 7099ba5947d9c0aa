package soap

import "strings"

// reader reads the elements of an envelope, or of a query.
type reader struct {
	*scanner
	req    *Request
	inBody bool
	kept   []byte // the text that is being read
	count  int    // the fields that are named so far
}

// step is next, but for what SOAP encoding would have said by references, which the PSA's interface does not use.
func (r *reader) step() (kind, error) {
	k, err := r.next()
	if err != nil || k != atStart {
		return k, err
	}
	for _, a := range r.tag.attributes {
		switch {
		case a.is(nsEnvelope, "encodingStyle") && !blank(a.value):
			return 0, r.refuse("the envelope asks for an encodingStyle; the PSA's interface is document/literal, without one")
		case r.inBody && a.space == "" && (string(a.local) == "href" || string(a.local) == "id"):
			return 0, r.refuse("an element refers to another by href or id; send values in their places, document/literal")
		case r.inBody && a.space == nsXSI && string(a.local) != "type" && string(a.local) != "nil": // xsi:Type, to a reader that is lax
			return 0, r.refuse("an element has an attribute of XML Schema's that is neither xsi:type nor xsi:nil; leave it out")
		case r.inBody && (a.space == nsXSI2000 || a.space == nsXSI1999): // which ASP.NET's reader still takes
			return 0, r.refuse("an element has an attribute of a draft of XML Schema's; use the namespace " + nsXSI)
		}
	}
	return atStart, nil
}

// child goes to the next child of the element that is open, or behind that element's end. Text there is refused.
func (r *reader) child() (more bool, err error) {
	for {
		k, err := r.step()
		switch {
		case err != nil:
			return false, err
		case k == atStart:
			return true, nil
		case k == atStop:
			return false, nil
		case k == atText && !blank(r.text):
			return false, r.refuse("text is where only elements may be")
		}
	}
}

// skip goes behind the end of the element whose start tag was read last.
func (r *reader) skip() error {
	for depth := 1; depth > 0; {
		k, err := r.step()
		if err != nil {
			return err
		}
		switch k {
		case atStart:
			depth++
		case atStop:
			depth--
		}
	}
	return nil
}

// value goes behind the end of an element that has no children. Its text may be of any length.
func (r *reader) value() error { return r.chars(-1) }

// leaf returns the text of an element that has no children and at most limit bytes of text, without the blanks around it.
func (r *reader) leaf(limit int) (string, error) {
	r.kept = r.kept[:0]
	if err := r.chars(limit); err != nil {
		return "", err
	}
	return strings.Trim(string(r.kept), blanks), nil
}

const blanks = " \t\r\n"

// chars goes behind the end of an element without children; -1 keeps nothing. A comment could split a value in one reader's eyes.
func (r *reader) chars(limit int) error {
	for {
		k, err := r.step()
		switch {
		case err != nil:
			return err
		case k == atStop:
			return nil
		case k == atStart:
			return r.refuse("an element is where only a value may be")
		case limit < 0:
			continue
		case k == atComment:
			return r.refuse("a comment is within a value; leave it out")
		}
		if r.kept = decoded(r.kept, r.text, r.cdata); len(r.kept) > limit {
			return r.refuse("a name, a number or a query is longer than any that the PSA takes")
		}
	}
}

// isNil says whether the tag says that its element has no value.
func (t *tag) isNil() bool {
	v, _ := t.attribute(nsXSI, "nil")
	v = strings.Trim(v, blanks)
	return v == "true" || v == "1"
}

// number reads a whole number, as the PSA writes it; empty for an element without a value.
func (r *reader) number() (string, error) {
	text, err := r.leaf(maxName)
	if err != nil || text == "" {
		return "", err
	}
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 19 || strings.Trim(digits, "0123456789") != "" || len(digits) > 1 && digits[0] == '0' || text == "-0" {
		return "", r.refuse("an id is no whole number in its plain form; send digits alone")
	}
	return text, nil
}

// entity reads an entity's or field's name.
func (r *reader) entity() (string, error) {
	text, err := r.leaf(maxName)
	if err == nil && !validName(text) {
		err = r.refuse("a name of an entity or field is none: they have ASCII letters, digits and underscores")
	}
	return text, err
}

// validName says whether s is spelled like a name of the PSA's.
func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && !alphanumeric(c) || i == 0 && c <= '9' {
			return false
		}
	}
	return s != "" && len(s) <= maxName && !encodedName(s)
}

// encodedName says whether a name holds _xHHHH_ or _xHHHHHHHH_, by which .NET spells a character (XmlConvert.EncodeName): some of its
// readers undo that, and see another name.
func encodedName(s string) bool {
	for ; ; s = s[1:] {
		i := strings.Index(s, "_")
		if i < 0 {
			return false
		}
		s = s[i:]
		for _, size := range [...]int{4, 8} {
			if len(s) > size+2 && (s[1] == 'x' || s[1] == 'X') && s[size+2] == '_' && !strings.ContainsFunc(s[2:size+2], func(c rune) bool { return digit(byte(c)) > 15 }) {
				return true
			}
		}
	}
}

// maxFields bounds how many names of fields are told of one call.
const maxFields = 16 << 10

// withField adds a name to those of a record or query, where it is not there yet.
func (r *reader) withField(names []string, name string) ([]string, error) {
	for _, n := range names {
		if n == name {
			return names, nil
		}
	}
	if r.count++; r.count > maxFields || len(names) == maxNames {
		return names, r.refuse("more fields are named than any entity has")
	}
	return append(names, name), nil
}

// maxNames bounds how many fields a record or query names.
const maxNames = 1024
