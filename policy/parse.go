package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go"
)

// parse returns the policies of a source. Only the first mistake of the grammar is found: Cedar's parser stops there.
func parse(s Source) ([]*rule, *Problem) {
	if p := unreadable(s); p != nil {
		return nil, p
	}
	all := tokens(string(s.Text))
	if bad, problem := tooDeep(all); problem != "" {
		return nil, &Problem{s.Name, bad.line, bad.column, problem}
	}
	parsed, err := cedar.NewPolicyListFromBytes(s.Name, s.Text)
	if err != nil {
		return nil, syntax(s.Name, all, err)
	}
	rules := make([]*rule, len(parsed))
	for i, p := range parsed {
		end := len(s.Text)
		if i+1 < len(parsed) {
			end = parsed[i+1].Position().Offset
		}
		from, _ := slices.BinarySearchFunc(all, p.Position().Offset, byOffset)
		to, _ := slices.BinarySearchFunc(all, end, byOffset)
		rules[i] = newRule(p, all[from:to])
	}
	return rules, nil
}

func byOffset(t token, offset int) int { return t.offset - offset }

// unreadable returns what is wrong with a source before its grammar.
func unreadable(s Source) *Problem {
	switch {
	case len(s.Text) > maxSource:
		return &Problem{File: s.Name, Text: fmt.Sprintf("a policy file may have %d MiB at the most", maxSource>>20)}
	case strings.HasPrefix(string(s.Text), "\ufeff"):
		return &Problem{s.Name, 1, 1, "the file begins with a byte order mark; save it as plain UTF-8"}
	case !utf8.Valid(s.Text):
		line := 1
		for text := range strings.Lines(string(s.Text)) {
			if !utf8.ValidString(text) {
				break
			}
			line++
		}
		return &Problem{s.Name, line, 1, "the line is not UTF-8"}
	}
	return nil
}

var (
	withPlace = regexp.MustCompile(`(?s)^parser error: (?:parse error at )?<input>:(\d+):(\d+)(?: ".*?")?: (.*)$`)
	wanted    = regexp.MustCompile(`(?s)^exact got (.*) want (.*)$`)
)

// syntax turns an error of Cedar's parser into a problem with its place.
func syntax(file string, all []token, err error) *Problem {
	found := withPlace.FindStringSubmatch(err.Error())
	if found == nil {
		at := firstBad(all)
		return &Problem{file, at.line, at.column, strings.TrimPrefix(err.Error(), "parser error: ")}
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	p := &Problem{file, line, column, found[3]}
	if w := wanted.FindStringSubmatch(p.Text); w != nil {
		at := before(all, line, column, w[1])
		p.Line, p.Column = at.line, at.column
		p.Text = fmt.Sprintf("expected %q here, not %q", w[2], w[1])
		if w[1] == "" {
			p.Text = fmt.Sprintf("the file ends where %q is expected", w[2])
		}
	}
	return p
}

// before returns the last token with some text before a place: Cedar's parser has gone one on when it says what is wrong.
// Where there is none it returns the place.
func before(all []token, line, column int, text string) token {
	at := token{line: line, column: column}
	for _, t := range all {
		if t.line > line || t.line == line && t.column >= column {
			break
		}
		if t.text == text {
			at = t
		}
	}
	return at
}

// firstBad returns the first token of the first policy that does not parse, for errors that come without a place.
func firstBad(all []token) token {
	var piece []string
	var first token
	for _, t := range all {
		if len(piece) == 0 {
			first = t
		}
		piece = append(piece, t.text)
		if t.text == ";" {
			var p cedar.Policy
			if p.UnmarshalCedar([]byte(strings.Join(piece, " "))) != nil {
				return first
			}
			piece = nil
		}
	}
	return first
}
