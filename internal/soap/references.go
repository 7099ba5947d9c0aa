package soap

import "unicode/utf8"

// reference reads what "&" begins: what it stands for, and how many bytes it has. A query within a text is full of two of them.
func reference(p []byte) (r rune, size int, why stop) {
	if len(p) > 3 && p[2] == 't' && p[3] == ';' {
		switch p[1] {
		case 'l':
			return '<', 4, run
		case 'g':
			return '>', 4, run
		}
	}
	for size = 1; size < len(p) && p[size] != ';'; size++ {
		switch {
		case size == maxReference:
			if p[1] == '#' {
				return 0, 0, toolong
			}
			return 0, 0, entities
		case !alphanumeric(p[size]) && (size != 1 || p[size] != '#'):
			return 0, 0, ampsand
		}
	}
	switch {
	case size == len(p):
		return 0, 0, short
	case size == 1:
		return 0, 0, ampsand
	case p[1] == '#':
		r, why = numbered(p[2:size])
	default:
		r, why = named(p[1:size])
	}
	return r, size + 1, why
}

func named(name []byte) (rune, stop) {
	switch string(name) {
	case "amp":
		return '&', run
	case "lt":
		return '<', run
	case "gt":
		return '>', run
	case "quot":
		return '"', run
	case "apos":
		return '\'', run
	}
	return 0, entities
}

// numbered reads a character reference's digits: decimal, or hexadecimal behind an x.
func numbered(digits []byte) (rune, stop) {
	base := rune(10)
	if len(digits) > 0 && digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	r := rune(0)
	for _, c := range digits {
		d := digit(c)
		if d >= base {
			return 0, ampsand
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, control
		}
	}
	switch {
	case len(digits) == 0:
		return 0, ampsand
	case r < ' ' && r != '\t' && r != '\n' && r != '\r', !utf8.ValidRune(r), r == 0xfffe, r == 0xffff:
		return 0, control
	}
	return r, run
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 16
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// decoded appends text that was found in order: references undone, ends of lines as XML 1.0, section 2.11, has them. In a CDATA section
// there are no references.
func decoded(dst, text []byte, cdata bool) []byte {
	for i := 0; i < len(text); i++ {
		if n := plainRun(text[i:]); n > 0 {
			dst = append(dst, text[i:i+n]...)
			if i += n; i == len(text) {
				break
			}
		}
		switch c := text[i]; {
		case c == '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				dst = append(dst, '\n')
			}
		case c == '&' && !cdata:
			r, size, _ := reference(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += size - 1
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
