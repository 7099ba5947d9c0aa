package soap

import "bytes"

// begin looks at the first bytes: a byte order mark of UTF-8 may be there, as XML 1.0 allows, and an XML declaration.
func (s *scanner) begin() error {
	s.began = true
	s.has(6)
	switch head := s.rest(); {
	case bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\xff\xfe")),
		bytes.HasPrefix(head, []byte("\x00")), len(head) > 1 && head[1] == 0:
		return s.refuse("the document is in UTF-16 or UTF-32; send it in UTF-8")
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		s.pass(3)
		s.has(6)
	}
	head := s.rest()
	switch {
	case len(head) > 0 && len(head) < 6 && bytes.HasPrefix([]byte("<?xml"), head):
		return s.broken()
	case len(head) < 6 || string(head[:5]) != "<?xml" || !isSpace(head[5]):
		return nil
	}
	size, err := s.declarationSize()
	if err != nil {
		return err
	}
	err = s.declaration(s.rest()[5 : size-2])
	s.pass(size)
	return err
}

// maxDeclaration is far more than an XML declaration has.
const maxDeclaration = 256

func (s *scanner) declarationSize() (int, error) {
	whole := s.has(maxDeclaration)
	head := s.rest()
	if n := bytes.Index(head[:min(len(head), maxDeclaration)], []byte("?>")); n > 0 {
		return n + 2, nil
	}
	if !whole {
		return 0, s.broken()
	}
	return 0, s.refuse(badDeclaration)
}

const badDeclaration = `the XML declaration is malformed; send <?xml version="1.0" encoding="utf-8"?>`

// declaration reads version, encoding and standalone, in this order (XML 1.0, production 23).
func (s *scanner) declaration(p []byte) error {
	words := [...]string{"version", "encoding", "standalone"}
	next := 0
	for {
		blank, rest := trimmed(p)
		if len(rest) == 0 {
			break
		}
		a, rest, ok := rawAttribute(rest)
		for next < len(words) && string(a.name) != words[next] && next > 0 {
			next++
		}
		if !ok || blank == 0 || next == len(words) || string(a.name) != words[next] {
			return s.refuse(badDeclaration)
		}
		if err := s.declares(words[next], a.value); err != nil {
			return err
		}
		p, next = rest, next+1
	}
	if next == 0 {
		return s.refuse(badDeclaration)
	}
	return nil
}

func (s *scanner) declares(word string, value []byte) error {
	switch {
	case word == "version" && string(value) != "1.0":
		return s.refuse("the document is not XML 1.0; send that version")
	case word == "encoding" && !bytes.EqualFold(value, []byte("utf-8")) && (!s.quoted || !bytes.EqualFold(value, []byte("utf-16"))):
		return s.refuse("the document's encoding is not UTF-8; send it in UTF-8")
	case word == "standalone" && string(value) != "yes" && string(value) != "no":
		return s.refuse(badDeclaration)
	}
	return nil
}
