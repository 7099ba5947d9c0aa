package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// token is a piece of Cedar text and where it stands. Cedar's own parser keeps no places but each policy's first, and a
// wrong word is to be found.
type token struct {
	text         string
	offset       int
	line, column int
}

func (t token) isWord() bool { return isWordByte(t.text[0]) }

func isWordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// tokens cuts a text into words, strings and single signs ("::" is one). It takes any text: what is no Cedar is for the
// parser to refuse.
func tokens(text string) []token {
	var all []token
	line, column := 1, 1
	for i := 0; i < len(text); {
		n, keep := tokenAt(text[i:])
		piece := text[i : i+n]
		if keep {
			all = append(all, token{text: piece, offset: i, line: line, column: column})
		}
		if last := strings.LastIndexByte(piece, '\n'); last >= 0 {
			line, column = line+strings.Count(piece, "\n"), 1
			piece = piece[last+1:]
		}
		column += utf8.RuneCountInString(piece)
		i += n
	}
	return all
}

// tokenAt returns how long the piece is that a text begins with, and whether it is more than space or a comment.
func tokenAt(s string) (length int, keep bool) {
	switch c := s[0]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		return 1, false
	case strings.HasPrefix(s, "//"):
		return until(s, "\n", 0), false
	case strings.HasPrefix(s, "/*"):
		return until(s, "*/", 2), false
	case strings.HasPrefix(s, "::"):
		return 2, true
	case c == '"':
		return stringLength(s), true
	case isWordByte(c):
		n := 1
		for n < len(s) && isWordByte(s[n]) {
			n++
		}
		return n, true
	}
	_, n := utf8.DecodeRuneInString(s)
	return n, true
}

// until returns how long the text is up to and with the end sign, which is looked for after the first bytes.
func until(s, end string, after int) int {
	if i := strings.Index(s[after:], end); i >= 0 {
		return after + i + len(end)
	}
	return len(s)
}

func stringLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// Bounds of what is given to Cedar's parser. It descends once for each bracket and each "if", and a stack is not endless.
const (
	maxSource = 8 << 20
	maxDepth  = 100
	maxPolicy = 20_000 // tokens
)

// tooDeep returns what is wrong with the shape of a text: brackets or conditions that are nested too deep, or a policy that
// never ends. The counters of one policy end with its semicolon.
func tooDeep(all []token) (bad token, problem string) {
	depth, ifs, count := 0, 0, 0
	for _, t := range all {
		count++
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case "if":
			ifs++
		case ";":
			depth, ifs, count = 0, 0, 0
		}
		switch {
		case depth > maxDepth || ifs > maxDepth:
			return t, fmt.Sprintf("a policy may nest brackets, and use if, %d times at the most; split it into several", maxDepth)
		case count > maxPolicy:
			return t, fmt.Sprintf("a policy may have %d words and signs at the most; split it into several", maxPolicy)
		}
	}
	return token{}, ""
}
