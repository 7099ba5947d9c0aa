package soap

import "bytes"

// name is an element's or attribute's name with its namespace.
type name struct {
	space string
	local []byte
}

func (n name) is(space, local string) bool { return n.space == space && string(n.local) == local }

// attribute is one of a tag. Its value is as it is spelled.
type attribute struct {
	name
	value []byte
	from  int // where the value begins in its tag
}

// tag is the start tag that was come to.
type tag struct {
	name
	prefix     []byte
	attributes []attribute // but the declarations of namespaces
	raw        []byte      // all of it
}

// attribute returns an attribute's value, references undone.
func (t *tag) attribute(space, local string) (string, bool) {
	for _, a := range t.attributes {
		if a.is(space, local) {
			return string(decoded(nil, a.value, false)), true
		}
	}
	return "", false
}

// startTag reads one, and opens its element.
func (s *scanner) startTag() (kind, error) {
	size, err := s.tagSize()
	if err != nil {
		return 0, err
	}
	if len(s.names.ends) == 0 && s.rooted {
		return 0, s.outside()
	}
	if len(s.names.ends) == maxDepth {
		return 0, s.refuse("elements are nested more than 32 deep; no document of the PSA's is")
	}
	raw := s.rest()[:size]
	if err := s.readTag(raw); err != nil {
		return 0, err
	}
	s.rooted = true
	s.pass(size)
	return atStart, nil
}

// tagSize returns the size of the tag that begins here; it is then all there.
func (s *scanner) tagSize() (int, error) {
	quote := byte(0)
	for i := 1; ; i++ {
		if i == maxTag {
			return 0, s.refuse("a tag is longer than 16 KiB; no tag that the PSA reads is")
		}
		if s.pos+i >= s.end && !s.has(i+1) {
			return 0, s.broken()
		}
		switch c := s.buf[s.pos+i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0 && c != '<':
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			return 0, s.refuse(`a tag holds "<"; write &lt;`)
		case c == '>':
			return i + 1, nil
		}
	}
}

// readTag reads a start tag from "<" to ">".
func (s *scanner) readTag(raw []byte) error {
	inner := raw[1 : len(raw)-1]
	empty := len(inner) > 0 && inner[len(inner)-1] == '/'
	if empty {
		inner = inner[:len(inner)-1]
	}
	size := nameSize(inner)
	if err := s.checkName(inner[:size]); err != nil {
		return err
	}
	s.names.push(inner[:size])
	s.tag.raw, s.stopped = raw, empty
	if err := s.readAttributes(inner[size:], 1+size); err != nil {
		return err
	}
	prefix, local := split(inner[:size])
	space, ok := s.bound.of(prefix)
	if !ok { // which is always so of xmlns
		return s.refuse(unbound)
	}
	s.tag.prefix, s.tag.name = prefix, name{space, local}
	return s.resolve()
}

const unbound = "a name's prefix stands for no namespace; declare it"

// nameSize returns how many bytes of p come before a blank or "=" or "/".
func nameSize(p []byte) int {
	for i, c := range p {
		if isSpace(c) || c == '=' || c == '/' || c == '"' || c == '\'' {
			return i
		}
	}
	return len(p)
}

// checkName demands a name as Namespaces in XML has them, in ASCII: all names of SOAP's and of the PSA's are.
func (s *scanner) checkName(p []byte) error {
	if len(p) > maxName {
		return s.refuse("a name is longer than 256 bytes; none of the PSA's is")
	}
	first, colons := true, 0
	for _, c := range p {
		switch {
		case c == ':' && !first && colons == 0:
			colons, first = 1, true
			continue
		case c == '_', alphanumeric(c) && (!first || c > '9'), !first && (c == '-' || c == '.'):
			first = false
			continue
		}
		return s.refuse("a tag is malformed, or a name holds a character that none of the PSA's has; use ASCII letters, digits, dot, hyphen and underscore")
	}
	if first {
		return s.refuse("a tag has no name, or one that ends in a colon")
	}
	return nil
}

func split(name []byte) (prefix, local []byte) {
	if before, after, ok := bytes.Cut(name, []byte{':'}); ok {
		return before, after
	}
	return nil, name
}

// endTag reads one, and closes its element.
func (s *scanner) endTag() (kind, error) {
	size, err := s.tagSize()
	if err != nil {
		return 0, err
	}
	inner := s.rest()[2 : size-1]
	inner = trimmedRight(inner)
	if len(s.names.ends) == 0 || !bytes.Equal(inner, s.names.last()) {
		return 0, s.refuse("an end tag does not name the element that is open")
	}
	s.pass(size)
	s.close()
	return atStop, nil
}

func (s *scanner) close() {
	s.names.pop()
	s.bound.leave(len(s.names.ends))
}
