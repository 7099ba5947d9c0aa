package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// node is a piece of JSON and where it stands. encoding/json takes unknown and repeated names, and any case of a known
// one; a misspelt word in a test would then test something else, so the tree is read here word by word.
type node struct {
	offset int
	value  any // string, bool, json.Number, nil, []node or []member
}

type member struct {
	name  string
	at    int
	value node
}

// maxNesting bounds the depth of JSON; what is read here has four levels.
const maxNesting = 20

// tree reads one JSON value that fills a text.
func tree(file, text string) (node, *Problem) {
	if !utf8.ValidString(text) {
		return node{}, &Problem{File: file, Text: "the file is not UTF-8"}
	}
	p := treeParser{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	p.decoder.UseNumber()
	n, err := p.value(0)
	if err == nil {
		if _, more := p.token(); more == nil {
			err = errors.New("there is more after the end")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	if err != nil {
		line, column := place(text, p.errorOffset(err))
		return node{}, &Problem{file, line, column, "not JSON: " + jsonError(err)}
	}
	return n, nil
}

type treeParser struct {
	text    string
	decoder *json.Decoder
	at      int // of the last token
}

// token returns the next token, and notes where it begins: after what divides it from the one before.
func (p *treeParser) token() (json.Token, error) {
	from := int(p.decoder.InputOffset())
	t, err := p.decoder.Token()
	rest := p.text[from:]
	p.at = from + len(rest) - len(strings.TrimLeft(rest, " \t\r\n,:"))
	return t, err
}

func (p *treeParser) value(depth int) (node, error) {
	t, err := p.token()
	if err != nil {
		return node{}, err
	}
	if depth > maxNesting {
		return node{}, errors.New("it is nested too deep")
	}
	n := node{offset: p.at, value: t}
	switch t {
	case json.Delim('['):
		n.value, err = p.list(depth)
	case json.Delim('{'):
		n.value, err = p.members(depth)
	}
	return n, err
}

func (p *treeParser) list(depth int) ([]node, error) {
	all := []node{}
	for p.decoder.More() {
		n, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	_, err := p.token()
	return all, err
}

func (p *treeParser) members(depth int) ([]member, error) {
	all := []member{}
	for p.decoder.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(t), at: p.at}
		if m.value, err = p.value(depth + 1); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	_, err := p.token()
	return all, err
}

// errorOffset returns where an error is: where the value begins that the decoder could not take. Its own offsets count
// from various beginnings.
func (p *treeParser) errorOffset(err error) int {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return len(p.text)
	}
	return p.at
}

func jsonError(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the file ends too early"
	case strings.HasPrefix(err.Error(), "invalid character '/'"):
		return err.Error() + "; JSON has no comments"
	}
	return err.Error()
}

// place returns the line and column of an offset.
func place(text string, offset int) (line, column int) {
	head := text[:min(max(offset, 0), len(text))]
	start := strings.LastIndexByte(head, '\n') + 1
	return strings.Count(head, "\n") + 1, utf8.RuneCountInString(head[start:]) + 1
}

// reader takes values out of a tree and notes what is wrong.
type reader struct {
	file, text string
	problems   Problems
}

func (r *reader) wrong(offset int, format string, args ...any) {
	line, column := place(r.text, offset)
	r.problems = append(r.problems, Problem{r.file, line, column, fmt.Sprintf(format, args...)})
}

// object hands each member of an object to the function of its name. Unknown and repeated names are wrong.
func (r *reader) object(n node, take map[string]func(node)) {
	members, is := n.value.([]member)
	if !is {
		r.wrong(n.offset, "expected an object, {…}")
		return
	}
	seen := map[string]bool{}
	for _, m := range members {
		f, is := take[m.name]
		switch {
		case !is:
			names := make([]string, 0, len(take))
			for name := range take {
				names = append(names, name)
			}
			slices.Sort(names)
			r.wrong(m.at, "unknown name %q%s", m.name, didYouMean(m.name, names))
		case seen[m.name]:
			r.wrong(m.at, "%q is there twice", m.name)
		default:
			f(m.value)
		}
		seen[m.name] = true
	}
}

func (r *reader) str(n node) string {
	s, is := n.value.(string)
	if !is {
		r.wrong(n.offset, `expected a string, "…"`)
	}
	return s
}

func (r *reader) boolean(n node) bool {
	b, is := n.value.(bool)
	if !is {
		r.wrong(n.offset, "expected true or false")
	}
	return b
}

func (r *reader) list(n node) []node {
	l, is := n.value.([]node)
	if !is {
		r.wrong(n.offset, "expected a list, […]")
	}
	return l
}

func (r *reader) strings(n node) []string {
	var all []string
	for _, one := range r.list(n) {
		all = append(all, r.str(one))
	}
	return all
}

// word returns a string that is to be one of a few.
func (r *reader) word(n node, known ...string) string {
	s := r.str(n)
	if _, is := n.value.(string); is && !slices.Contains(known, s) {
		r.wrong(n.offset, "%q is unknown here%s", s, didYouMean(s, known))
	}
	return s
}

func (r *reader) time(n node) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.str(n))
	if err != nil {
		r.wrong(n.offset, `expected a time as in "2026-11-27T15:04:05Z"`)
	}
	return t
}

func (r *reader) duration(n node) time.Duration {
	d, err := time.ParseDuration(r.str(n))
	if err != nil {
		r.wrong(n.offset, `expected a duration as in "15m"`)
	}
	return d
}
