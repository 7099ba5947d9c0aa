package autotask

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// token is one of a JSON text: a delimiter by its byte, a string, or another literal.
type token struct {
	kind byte   // { } [ ] of delimiters, k of a member's name, s of a string, l of a number, true, false or null
	text string // of names, strings and literals
	long bool   // the string is longer than maxText, and text is empty
}

const (
	nameToken    = 'k'
	stringToken  = 's'
	literalToken = 'l'
)

const (
	// maxText is the length in bytes, as it is spelled, beyond which a string's content is not kept: no field's name is that long.
	maxText = 1024
	// maxDepth is how deep containers may be nested.
	maxDepth = 64
)

// errNotJSON: the text is not JSON as RFC 8259 has it. What reads it more leniently may read anything.
var errNotJSON = errors.New("it is not strict JSON")

// tokens reads a JSON text token by token. Its memory does not depend on the text: long strings are passed over.
type tokens struct {
	in    *bufio.Reader
	open  []byte // { and [ of the containers that are open
	after byte   // what came last: 0 nothing, v a value, n a name, or a delimiter that opens or is a comma
	text  []byte
}

func newTokens(r io.Reader) *tokens {
	in := bufio.NewReaderSize(r, 1024)
	if b, err := in.Peek(len(utf8BOM)); err == nil && string(b) == string(utf8BOM) {
		_, _ = in.Discard(len(utf8BOM))
	}
	return &tokens{in: in}
}

// next returns the next token; io.EOF after the one value that the text is.
func (t *tokens) next() (token, error) {
	for {
		c, err := t.blank()
		switch {
		case err == io.EOF && t.after == 'v' && len(t.open) == 0:
			return token{}, io.EOF
		case err == io.EOF:
			return token{}, fmt.Errorf("%w: it ends too early", errNotJSON)
		case err != nil:
			return token{}, err
		case t.after == 'v' && len(t.open) == 0:
			return token{}, fmt.Errorf("%w: something follows its end", errNotJSON)
		case c == ',' && t.after == 'v':
			t.after = ','
		case c == '}' || c == ']':
			return t.close(c)
		case t.wantsName():
			return t.name(c)
		default:
			return t.value(c)
		}
	}
}

// blank returns the first byte that is no white space.
func (t *tokens) blank() (byte, error) {
	for {
		c, err := t.in.ReadByte()
		if err != nil || !space(c) {
			return c, err
		}
	}
}

// wantsName reports whether an object is open and no name has come for the next value.
func (t *tokens) wantsName() bool {
	return len(t.open) > 0 && t.open[len(t.open)-1] == '{' && t.after != 'n'
}

func (t *tokens) close(c byte) (token, error) {
	opening := byte('{')
	if c == ']' {
		opening = '['
	}
	if len(t.open) == 0 || t.open[len(t.open)-1] != opening || t.after != 'v' && t.after != opening {
		return token{}, fmt.Errorf("%w: a bracket too many", errNotJSON)
	}
	t.open, t.after = t.open[:len(t.open)-1], 'v'
	return token{kind: c}, nil
}

func (t *tokens) name(c byte) (token, error) {
	if c != '"' || t.after != '{' && t.after != ',' {
		return token{}, fmt.Errorf("%w: the name of a member is missing", errNotJSON)
	}
	name, err := t.str(nameToken)
	if err != nil {
		return token{}, err
	}
	if c, err = t.blank(); err != nil || c != ':' {
		return token{}, fmt.Errorf("%w: the colon after a name is missing", errNotJSON)
	}
	t.after = 'n'
	return name, nil
}

func (t *tokens) value(c byte) (token, error) {
	if t.after == 'v' { // a comma is missing
		return token{}, fmt.Errorf("%w: a comma is missing", errNotJSON)
	}
	switch c {
	case '{', '[':
		if len(t.open) == maxDepth {
			return token{}, fieldProblem(fmt.Sprintf("it is nested deeper than %d", maxDepth))
		}
		t.open, t.after = append(t.open, c), c
		return token{kind: c}, nil
	case '"':
		t.after = 'v'
		return t.str(stringToken)
	}
	t.after = 'v'
	return t.literal(c)
}

// str reads a string to its closing quote.
func (t *tokens) str(kind byte) (token, error) {
	t.text = append(t.text[:0], '"')
	for long, odd := false, false; ; { // odd: what was read ends in an odd number of backslashes
		part, err := t.in.ReadSlice('"')
		if err == io.EOF {
			return token{}, fmt.Errorf("%w: it ends within a string", errNotJSON)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return token{}, err
		}
		if long = long || len(t.text)+len(part) > maxText; !long {
			t.text = append(t.text, part...)
		}
		inside := part
		if err == nil {
			inside = part[:len(part)-1]
		}
		n := trailing(inside)
		odd = n%2 == 1 != (n == len(inside) && odd)
		switch {
		case err == nil && !odd && long:
			return token{kind: kind, long: true}, nil
		case err == nil && !odd:
			return t.kept(kind)
		case err == nil: // the quote is escaped
			odd = false
		}
	}
}

// trailing is how many backslashes p ends in.
func trailing(p []byte) (n int) {
	for n < len(p) && p[len(p)-1-n] == '\\' {
		n++
	}
	return n
}

// kept is a string whose content was kept.
func (t *tokens) kept(kind byte) (token, error) {
	if inside := t.text[1 : len(t.text)-1]; literally(inside) {
		return token{kind: kind, text: string(inside)}, nil
	}
	var text string
	if !utf8.Valid(t.text) || json.Unmarshal(t.text, &text) != nil {
		return token{}, fmt.Errorf("%w: a string is malformed", errNotJSON)
	}
	return token{kind: kind, text: text}, nil
}

// literally reports whether a string stands for itself, as almost all do.
func literally(p []byte) bool {
	for _, c := range p {
		if c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// literal reads a number, true, false or null.
func (t *tokens) literal(c byte) (token, error) {
	t.text = append(t.text[:0], c)
	for {
		next, err := t.in.Peek(1)
		if err != nil && err != io.EOF {
			return token{}, err
		}
		if err == io.EOF || !literalByte(next[0]) || len(t.text) > maxText {
			break
		}
		t.text = append(t.text, next[0])
		_, _ = t.in.Discard(1)
	}
	if !literalByte(c) || !json.Valid(t.text) {
		return token{}, fmt.Errorf("%w: a value is none of its kinds", errNotJSON)
	}
	return token{kind: literalToken, text: string(t.text)}, nil
}

// skip passes over the value that comes next, or whose opening bracket has come.
func (t *tokens) skip() error {
	for depth := len(t.open); ; {
		tok, err := t.next()
		if err == io.EOF {
			return errNotJSON
		}
		if err != nil {
			return err
		}
		if tok.kind != nameToken && len(t.open) <= depth {
			return nil
		}
	}
}
