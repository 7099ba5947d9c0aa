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
	}
	line := 0
	for text := range strings.Lines(string(s.Text)) {
		line++
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return &Problem{s.Name, line, 1, "the line is not text in UTF-8"}
		}
	}
	return nil
}

var (
	withPlace  = regexp.MustCompile(`(?s)^parser error: (?:parse error at )?<input>:(\d+):(\d+)(?: ".*?")?: (.*)$`)
	wanted     = regexp.MustCompile(`(?s)^exact got (.*) want (.*)$`)
	effect     = regexp.MustCompile(`(?s)^unexpected effect: (.*)$`)
	noMethod   = regexp.MustCompile("^`(.*)` is not a (method|function)$")
	outOfRange = regexp.MustCompile(`^parser error: strconv.ParseInt: parsing "-?(\d+)": value out of range$`)
)

// functions are what conditions may call.
var functions = []string{
	"contains", "containsAll", "containsAny", "isEmpty", "isInRange", "isIpv4", "isIpv6", "isLoopback", "isMulticast", "ip",
	"datetime", "duration", "offset", "durationSince", "toDate", "toTime", "toDays", "toHours", "toMinutes", "toSeconds",
	"toMilliseconds", "decimal", "lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual",
}

// syntax turns an error of Cedar's parser into a problem with its place.
func syntax(file string, all []token, err error) *Problem {
	if big := outOfRange.FindStringSubmatch(err.Error()); big != nil {
		at := before(all, len(all), big[1])
		return &Problem{file, at.line, at.column, fmt.Sprintf("the number %s is too large", big[1])}
	}
	found := withPlace.FindStringSubmatch(err.Error())
	if found == nil {
		at := firstBad(all)
		return &Problem{file, at.line, at.column, strings.TrimPrefix(err.Error(), "parser error: ")}
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	if strings.HasSuffix(found[3], "terminated") || strings.HasPrefix(found[3], "invalid ch") {
		return &Problem{file, line, column, found[3]}
	}
	text, word := said(found[3])
	at := before(all, next(all, line, column), word)
	return &Problem{file, at.line, at.column, text}
}

// said says what the parser said in words that help, and the token that is meant; "" for the last that the parser took.
func said(text string) (better, word string) {
	if m := wanted.FindStringSubmatch(text); m != nil {
		if m[1] == "" {
			return fmt.Sprintf("the file ends where %q is expected", m[2]), ""
		}
		return fmt.Sprintf("expected %q here, not %q", m[2], m[1]), m[1]
	}
	if m := effect.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("a policy begins with permit or forbid, not %q%s", m[1], suggest(m[1], []string{"permit", "forbid"})), m[1]
	}
	if m := noMethod.FindStringSubmatch(text); m != nil {
		return text + didYouMean(m[1], functions), m[1]
	}
	switch text {
	case "invalid primary":
		return "this is no value: expected principal, action, resource, context, a literal, or a function", ""
	case "expected ident":
		return `expected a name here, as in Entity::"Tickets" or context.fields`, ""
	}
	return text, ""
}

// next returns the index of the token at a place, that of the end where there is none.
func next(all []token, line, column int) int {
	i := slices.IndexFunc(all, func(t token) bool { return t.line > line || t.line == line && t.column >= column })
	if i < 0 {
		return len(all)
	}
	return i
}

// before returns the last token with some text before another, else the one before it: Cedar's parser has gone one on when
// it says what is wrong.
func before(all []token, i int, text string) token {
	for j := i - 1; j >= 0; j-- {
		if all[j].text == text {
			return all[j]
		}
	}
	if len(all) == 0 {
		return token{line: 1, column: 1}
	}
	return all[max(i-1, 0)]
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
