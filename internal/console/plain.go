package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is a text of somebody's that is shown as what it is, and as nothing else.
type plain struct {
	Title, Text string
	// Cut says how much of it is shown, where that is not all.
	Cut string
}

// plainOf has the beginning of a text, of so many bytes at the most. What is not seen, or turns the order of writing around, is
// written out: a reader is to see what is there.
func plainOf(title string, text []byte, most int) plain {
	p := plain{Title: title}
	if len(text) > most {
		p.Cut = fmt.Sprintf("The first %d bytes of %d.", most, len(text))
		text = text[:most]
	}
	var b strings.Builder
	for s := strings.ReplaceAll(string(text), "\r\n", "\n"); s != ""; {
		c, size := utf8.DecodeRuneInString(s)
		switch {
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "\\x%02x", s[0])
		case c == '\n' || c == '\t' || unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "<U+%04X>", c)
		}
		s = s[size:]
	}
	p.Text = b.String()
	return p
}
