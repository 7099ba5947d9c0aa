package soap

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// plain are the bytes of text that need no second look: ASCII but control characters, "<", "&", "]" (which may begin "]]>") and CR.
var plain = func() (table [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		table[c] = c != '<' && c != '&' && c != ']'
	}
	table['\t'], table['\n'], table[0x7f] = true, true, true
	return table
}()

// stop is why the reading of characters ended before the input did.
type stop uint8

const (
	run      stop = iota // at the end of the input
	markup               // at "<", or for a section at "]]>"
	short                // at what goes on behind the input
	bad                  // at a byte that is no character
	control              // at a control character
	ampsand              // at "&" that begins no reference
	bracket              // at "]]>" in text
	toolong              // at a character reference that is longer than any
	entities             // at a reference to an entity
)

var stopped = map[stop]string{
	bad:      "the document holds bytes that are no UTF-8; send it in UTF-8",
	control:  "the document holds a character that XML does not allow; leave control characters out",
	ampsand:  `the document holds "&" that begins no reference; write &amp;`,
	bracket:  `the text holds "]]>"; write ]]&gt;`,
	toolong:  "a character reference is longer than any that is needed; write it without zeros before it",
	entities: "the document refers to an entity; only &amp; &lt; &gt; &quot; &apos; and character references are read",
}

// words reads text, up to the next markup or as far as the input is there.
func (s *scanner) words() (kind, error) {
	need := 1
	for {
		whole := !s.has(need) || s.err != nil
		n, why := characters(s.rest(), whole)
		if n == 0 && why == control && s.lax && s.rest()[0] == '&' {
			_, n, _ = reference(s.rest())
		}
		if n > 0 {
			return s.said(n)
		}
		if why == short && !whole {
			need = s.end - s.pos + 1
			continue
		}
		if why == short {
			return 0, s.broken()
		}
		return 0, s.refuse(stopped[why])
	}
}

// said hands n bytes of text out.
func (s *scanner) said(n int) (kind, error) {
	s.text = s.rest()[:n]
	if len(s.names.ends) == 0 && !blank(s.text) {
		return 0, s.outside()
	}
	s.pass(n)
	return atText, nil
}

// characters returns how many bytes of p are text that is in order, and why it ended there. Whole: nothing follows p.
func characters(p []byte, whole bool) (n int, why stop) {
	for n < len(p) {
		n += plainRun(p[n:])
		if n == len(p) {
			break
		}
		size, why := special(p[n:], whole)
		if why != run {
			return n, why
		}
		n += size
	}
	return n, run
}

// plainRun returns how many bytes p begins with that are plain. Most text is, so that it looks at eight at once.
func plainRun(p []byte) (n int) {
	for ; len(p)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(p[n:])
		if w&eachHigh|below(w, ' ')|zero(w^'<'*eachOne)|zero(w^'&'*eachOne)|zero(w^']'*eachOne) != 0 {
			break
		}
	}
	for n < len(p) && plain[p[n]] {
		n++
	}
	return n
}

// The lowest and the highest bit of each of eight bytes.
const (
	eachOne  = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// zero is not 0 where a byte of w is 0, and below where one is less than c: Bit Twiddling Hacks, "Determine if a word has a zero byte".
func zero(w uint64) uint64 { return (w - eachOne) &^ w & eachHigh }

func below(w uint64, c uint64) uint64 { return (w - c*eachOne) &^ w & eachHigh }

// special reads one character of text, or reference, that needs a second look.
func special(p []byte, whole bool) (size int, why stop) {
	switch c := p[0]; {
	case c == '<':
		return 0, markup
	case c == '&':
		_, size, why = reference(p)
		return size, why
	case c == ']':
		return closing(p, whole)
	case c == '\r':
		if len(p) == 1 && !whole {
			return 0, short
		}
		return 1, run
	}
	return multibyte(p)
}

// closing reads "]", which must not begin "]]>".
func closing(p []byte, whole bool) (int, stop) {
	switch {
	case bytes.HasPrefix(p, []byte("]]>")):
		return 0, bracket
	case len(p) < 3 && !whole:
		return 0, short
	}
	return 1, run
}

// multibyte reads a character that is no ASCII, or refuses one that XML does not allow (XML 1.0, production 2).
func multibyte(p []byte) (int, stop) {
	if p[0] < utf8.RuneSelf {
		return 0, control
	}
	r, size := utf8.DecodeRune(p)
	switch {
	case r == utf8.RuneError && size == 1 && !utf8.FullRune(p):
		return 0, short
	case r == utf8.RuneError && size == 1:
		return 0, bad
	case r == 0xfffe || r == 0xffff:
		return 0, control
	}
	return size, run
}

// section reads on in a CDATA section.
func (s *scanner) section() (kind, error) {
	for {
		if !s.has(3) {
			return 0, s.broken()
		}
		n, why := until(s.rest(), "]]>")
		if n > 0 {
			s.text = s.rest()[:n]
			s.pass(n)
			return atText, nil
		}
		if why == markup {
			s.pass(3)
			s.cdata, s.text = false, nil
			return atText, nil // empty: going on from here would nest a call in a call for each of many empty sections
		}
		if err := s.short(why); err != nil {
			return 0, err
		}
	}
}

// comment reads a comment's rest. It may be of any length.
func (s *scanner) comment() (kind, error) {
	for {
		if !s.has(3) {
			return 0, s.broken()
		}
		n, why := until(s.rest(), "-->")
		s.pass(n)
		switch {
		case n > 0:
		case why == markup:
			s.pass(3)
			return atComment, nil
		case why == bracket:
			return 0, s.refuse(`a comment holds "--"; leave that out`)
		default:
			if err := s.short(why); err != nil {
				return 0, err
			}
		}
	}
}

// short reads on where that is what is lacking.
func (s *scanner) short(why stop) error {
	switch {
	case why != short:
		return s.refuse(stopped[why])
	case !s.has(s.end - s.pos + 1):
		return s.broken()
	}
	return nil
}

// until returns how many bytes of p are characters that come before end, which is "]]>" or "-->". Of the latter, "--" must not be
// there without ">".
func until(p []byte, end string) (n int, why stop) {
	for n < len(p) {
		switch c := p[n]; {
		case c == end[0]:
			switch rest := p[n:]; {
			case bytes.HasPrefix(rest, []byte(end)):
				return n, markup
			case len(rest) < 3:
				return n, short
			case end == "-->" && rest[1] == '-':
				return n, bracket
			}
			n++
		case c == '\r' && n+1 == len(p):
			return n, short
		case plain[c] || c == '<' || c == '&' || c == ']' || c == '\r':
			n++
		default:
			size, why := multibyte(p[n:])
			if why != run {
				return n, why
			}
			n += size
		}
	}
	return n, run
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func blank(p []byte) bool {
	for _, c := range p {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

// trimmed returns how many blanks p begins with, and what follows them.
func trimmed(p []byte) (int, []byte) {
	n := 0
	for n < len(p) && isSpace(p[n]) {
		n++
	}
	return n, p[n:]
}

// trimmedRight is p without the blanks at its end.
func trimmedRight(p []byte) []byte {
	for len(p) > 0 && isSpace(p[len(p)-1]) {
		p = p[:len(p)-1]
	}
	return p
}
