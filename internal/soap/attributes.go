package soap

import "bytes"

// raw is an attribute as it is spelled.
type raw struct{ name, value []byte }

// rawAttribute reads one from the beginning of p, which is no blank.
func rawAttribute(p []byte) (a raw, rest []byte, ok bool) {
	size := nameSize(p)
	a.name = p[:size]
	_, p = trimmed(p[size:])
	if size == 0 || len(p) == 0 || p[0] != '=' {
		return a, nil, false
	}
	_, p = trimmed(p[1:])
	if len(p) == 0 || p[0] != '"' && p[0] != '\'' {
		return a, nil, false
	}
	end := bytes.IndexByte(p[1:], p[0])
	if end < 0 {
		return a, nil, false
	}
	a.value = p[1 : 1+end]
	return a, p[end+2:], true
}

// readAttributes reads those of the tag, of which p is what follows the name, offset bytes behind "<". Namespaces take effect.
func (s *scanner) readAttributes(p []byte, offset int) error {
	s.tag.attributes = s.tag.attributes[:0]
	all := len(p)
	for count := 0; ; count++ {
		gap, rest := trimmed(p)
		if len(rest) == 0 {
			return nil
		}
		a, after, ok := rawAttribute(rest)
		switch {
		case !ok || gap == 0:
			return s.refuse(`an attribute is malformed; write name="value"`)
		case count == maxAttributes:
			return s.refuse("a tag has more than 64 attributes; none of the PSA's has")
		}
		if err := s.checkName(a.name); err != nil {
			return err
		}
		if err := s.checkValue(a.value); err != nil {
			return err
		}
		end := offset + all - len(after) - 1
		if err := s.keep(a, end-len(a.value)); err != nil {
			return err
		}
		p = after
	}
}

// checkValue demands characters and references alone; "<" was refused before.
func (s *scanner) checkValue(p []byte) error {
	for {
		n, why := characters(p, true)
		switch {
		case n == len(p):
			return nil
		case why == bracket: // which is text's alone
			p = p[n+1:]
			continue
		case why == short:
			why = ampsand
			if !bytes.HasPrefix(p[n:], []byte{'&'}) {
				why = bad
			}
		}
		return s.refuse(stopped[why])
	}
}

// keep takes an attribute, or binds the prefix that it declares.
func (s *scanner) keep(a raw, from int) error {
	prefix, local := split(a.name)
	switch {
	case len(prefix) == 0 && string(local) == "xmlns":
		return s.bind(nil, a.value)
	case string(prefix) == "xmlns":
		return s.bind(local, a.value)
	}
	s.tag.attributes = append(s.tag.attributes, attribute{name: name{local: a.name}, value: a.value, from: from})
	return nil
}

// bind makes a prefix stand for a namespace. Those of XML itself are nobody's to bind (Namespaces in XML, section 3).
func (s *scanner) bind(prefix, value []byte) error {
	depth := len(s.names.ends)
	uri := known(value)
	if bytes.ContainsAny(value, "&\r\n\t") {
		uri = string(decoded(nil, value, false))
	}
	switch {
	case string(prefix) == "xml" && uri == nsXML:
		return nil
	case string(prefix) == "xml", string(prefix) == "xmlns", uri == nsXML, uri == nsXMLNS:
		return s.refuse("a tag binds a prefix or namespace that is XML's own")
	case len(prefix) > 0 && uri == "":
		return s.refuse("a tag takes a prefix's namespace away; that is not XML 1.0")
	}
	for i := len(s.bound) - 1; i >= 0 && s.bound[i].depth == depth; i-- {
		if s.bound[i].prefix == string(prefix) {
			return s.refuse(duplicate)
		}
	}
	if len(s.bound) == maxBound {
		return s.refuse("more than 64 namespaces are declared in one place; no document of the PSA's needs so many")
	}
	s.bound = append(s.bound, binding{string(prefix), uri, depth})
	return nil
}

const duplicate = "a tag has an attribute twice"

// resolve gives the tag's attributes their namespaces: one without a prefix has none. No two may then be the same.
func (s *scanner) resolve() error {
	attributes := s.tag.attributes
	for i := range attributes {
		a := &attributes[i]
		prefix, local := split(a.local)
		if a.local = local; len(prefix) > 0 {
			uri, ok := s.bound.of(prefix)
			if !ok {
				return s.refuse(unbound)
			}
			a.space = uri
		}
		for _, other := range attributes[:i] {
			if other.space == a.space && bytes.Equal(other.local, a.local) {
				return s.refuse(duplicate)
			}
		}
	}
	return nil
}
