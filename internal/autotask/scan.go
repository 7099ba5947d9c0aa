package autotask

import (
	"bytes"
	"encoding/json"
	"strings"
)

// place is where in a JSON text the scanner stands.
type place uint8

const (
	atStart     place = iota // before the top-level object
	atFirstKey               // after "{": a key or "}"
	atKey                    // after ",": a key
	inKey                    // inside a key
	atColon                  // after a key
	atValue                  // after ":"
	inString                 // inside a string value of no interest
	inLiteral                // inside a number, true, false or null
	afterValue               // before "," or "}"
	inNested                 // inside an array or object of no interest, outside strings
	inNestedStr              // inside a string in there
	passAll                  // nothing more of interest can come, or the text is no JSON
)

// maxKey bounds a key as it is spelled: "prevPageUrl" with every letter as \uXXXX is 66 bytes.
const maxKey = 80

// scanner walks a JSON text and finds the string values at pageDetails.nextPageUrl and pageDetails.prevPageUrl. It
// tokenizes only the top-level object and its pageDetails; everything else it skips at the speed of byte search. Its
// memory does not depend on the text. A text that is no JSON object, or stops being one, is let pass.
type scanner struct {
	at     place
	bom    int    // bytes of a byte order mark seen
	level  int    // 1 in the top-level object, 2 in its pageDetails
	depth  int    // containers open in inNested
	escape bool   // the next byte of the string is escaped
	key    []byte // the current key's spelling, up to maxKey
	match  bool   // the last key leads to what is looked for
}

// scan walks p and returns len(p), or the index of the quote that opens a string that is looked for. What follows that
// quote must then go elsewhere; the scanner goes on after the string's closing quote.
func (s *scanner) scan(p []byte) int {
	for i := 0; i < len(p); {
		switch s.at {
		case passAll:
			return len(p)
		case inNested, inNestedStr:
			i = s.nested(p, i)
		case inString:
			var closed bool
			if i, closed = s.skipString(p, i); closed {
				s.at = afterValue
			}
		case inKey:
			i = s.readKey(p, i)
		default:
			if s.at == atValue && p[i] == '"' && s.level == 2 && s.match {
				s.at = afterValue
				return i
			}
			s.step(p[i])
			i++
		}
	}
	return len(p)
}

// step takes one byte outside strings in the top-level object or its pageDetails.
func (s *scanner) step(c byte) {
	if s.at == inLiteral && literalByte(c) || s.at != inLiteral && space(c) {
		return
	}
	switch s.at {
	case atStart:
		s.start(c)
	case atFirstKey, atKey:
		s.openKey(c)
	case atColon:
		s.at = atValue
		if c != ':' {
			s.at = passAll
		}
	case atValue:
		s.openValue(c)
	case inLiteral:
		s.at = afterValue
		s.step(c)
	case afterValue:
		s.end(c)
	}
}

func (s *scanner) start(c byte) {
	switch {
	case c == '{' && (s.bom == 0 || s.bom == len(utf8BOM)):
		s.level, s.at = 1, atFirstKey
	case s.bom < len(utf8BOM) && c == utf8BOM[s.bom]:
		s.bom++
	default:
		s.at = passAll
	}
}

func (s *scanner) openKey(c byte) {
	switch {
	case c == '"':
		s.at, s.key = inKey, s.key[:0]
	case c == '}' && s.at == atFirstKey:
		s.closeObject()
	default:
		s.at = passAll
	}
}

func (s *scanner) openValue(c byte) {
	switch {
	case c == '"':
		s.at = inString
	case c == '{' && s.level == 1 && s.match:
		s.level, s.at = 2, atFirstKey
	case c == '{' || c == '[':
		s.depth, s.at = 1, inNested
	case literalByte(c):
		s.at = inLiteral
	default:
		s.at = passAll
	}
}

func (s *scanner) end(c byte) {
	switch c {
	case ',':
		s.at = atKey
	case '}':
		s.closeObject()
	default:
		s.at = passAll
	}
}

func (s *scanner) closeObject() {
	s.level--
	s.at = afterValue
	if s.level == 0 {
		s.at = passAll
	}
}

// readKey gathers a key from p[i:] on and judges it at its closing quote.
func (s *scanner) readKey(p []byte, i int) int {
	end, closed := s.skipString(p, i)
	if room := maxKey + 1 - len(s.key); room > 0 {
		s.key = append(s.key, p[i:min(end, i+room)]...)
	}
	if closed {
		s.at, s.match = atColon, s.wanted()
	}
	return end
}

// wanted says whether the gathered key, its closing quote included, is one that is looked for on this level.
func (s *scanner) wanted() bool {
	if len(s.key) > maxKey {
		return false
	}
	var name string
	if json.Unmarshal(append([]byte{'"'}, s.key...), &name) != nil {
		return false
	}
	if s.level == 1 {
		return strings.EqualFold(name, "pageDetails")
	}
	return strings.EqualFold(name, "nextPageUrl") || strings.EqualFold(name, "prevPageUrl")
}

// nested walks containers of no interest from p[i] on, to their end or to the end of p.
func (s *scanner) nested(p []byte, i int) int {
	for i < len(p) {
		if s.at == inNestedStr {
			var closed bool
			if i, closed = s.skipString(p, i); !closed {
				return i
			}
			s.at = inNested
		}
		for i < len(p) && !structural[p[i]] {
			i++
		}
		if i == len(p) {
			return i
		}
		switch p[i] {
		case '"':
			s.at = inNestedStr
		case '{', '[':
			s.depth++
		default:
			s.depth--
		}
		i++
		if s.depth == 0 {
			s.at = afterValue
			return i
		}
	}
	return i
}

// skipString goes from p[i], inside a string, to behind its closing quote, or to the end of p.
func (s *scanner) skipString(p []byte, i int) (int, bool) {
	if i == len(p) {
		return i, false
	}
	if s.escape {
		s.escape = false
		i++
	}
	for {
		n := bytes.IndexByte(p[i:], '"')
		if n < 0 {
			s.escape = oddBackslashes(p[i:])
			return len(p), false
		}
		if !oddBackslashes(p[i : i+n]) {
			return i + n + 1, true
		}
		i += n + 1
	}
}

// oddBackslashes says whether p ends in an odd number of backslashes, so that the byte after it is escaped.
func oddBackslashes(p []byte) bool {
	n := 0
	for n < len(p) && p[len(p)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// structural are the bytes that matter outside strings in containers of no interest.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func literalByte(c byte) bool { return alphanumeric(c) || c == '-' || c == '+' || c == '.' }
