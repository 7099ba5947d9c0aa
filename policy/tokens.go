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

// Bounds of what is given to Cedar's parser and validator. The parser descends once for each bracket and each "if", and a
// stack is not endless; the validator's work on a chain of attributes, a.b.c, grows with the cube of its length.
const (
	maxSource = 8 << 20
	maxDepth  = 100
	maxChain  = 8
	maxPolicy = 20_000 // tokens
)

// shape counts what a policy is made of.
type shape struct {
	tokens, depth, ifs int
	chain              int // of a.b["c"], up to here
	last               token
}

// add counts a token.
func (s *shape) add(t token) {
	s.tokens++
	switch t.text {
	case "(", "[", "{":
		s.depth++
	case ")", "]", "}":
		s.depth--
	case "if":
		s.ifs++
	}
	s.chain = s.chainWith(t)
	s.last = t
}

// chainWith returns how long the chain is with one more token. A word or string belongs to it behind "." and "[" alone.
func (s *shape) chainWith(t token) int {
	behind := s.last.text == "." || s.last.text == "["
	switch {
	case t.text == ".", t.text == "[" && !behind && s.last.text != "":
		return s.chain + 1
	case t.text == "]", behind && (t.isWord() || t.text[0] == '"'):
		return s.chain
	}
	return 0
}

// tooMuch returns what is wrong with a shape, nothing where it is right.
func (s *shape) tooMuch() string {
	switch {
	case s.depth > maxDepth || s.ifs > maxDepth:
		return fmt.Sprintf("a policy may nest brackets, and use if, %d times at the most; split it into several", maxDepth)
	case s.chain > maxChain:
		return fmt.Sprintf("a chain of attributes may be %d long at the most", maxChain)
	case s.tokens > maxPolicy:
		return fmt.Sprintf("a policy may have %d words and signs at the most; split it into several", maxPolicy)
	}
	return ""
}

// tooDeep returns what is wrong with the shapes of the policies in a text, and where. A policy ends with its semicolon.
func tooDeep(all []token) (bad token, problem string) {
	var s shape
	for _, t := range all {
		if s.add(t); t.text == ";" {
			s = shape{}
		}
		if problem = s.tooMuch(); problem != "" {
			return t, problem
		}
	}
	return token{}, ""
}
