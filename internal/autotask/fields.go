package autotask

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Fields are the names of an entity's fields that a call writes, filters on or has returned, each once and in order, in lower case:
// the PSA takes them in any. A user-defined field has "udf:" before its name, which is folded as user names are.
//
// They are what the call asks for. Where the API gives no way to ask, they are all: a record that is read by its id, a list of
// children and a query without includeFields return every field, which is All. What the PSA's answer holds is not looked into.
type Fields struct {
	Written  []string
	Filters  []string
	Returned []string
	// All: every field is returned, and Returned is empty.
	All bool
	// Whole: every field is written. What a full update leaves out becomes empty, and Written is only what it names.
	Whole bool
	// Unsure: of a SOAP call, some of Written or Filters may have another name in REST, by which a policy may know them.
	Unsure bool
	// ID is the id that the body of an update has, as a path would have it. Empty: none that is told here, which is not to say that
	// the PSA finds none in it.
	ID string
	// Problem says why the names cannot be told; then the others are empty. Empty: they can.
	Problem string
}

// maxFields bounds how many names are told of one call.
const maxFields = 1024

// udfPrefix is before the names of user-defined fields.
const udfPrefix = "udf:"

// ParseFields tells the fields of a REST call from its query string and body, inflated; body may be nil. It reads the body to
// its end, or until it cannot be understood. The error is the reader's alone.
func ParseFields(op Operation, rawQuery string, body io.Reader) (Fields, error) {
	f := Fields{
		All:   op.Action == Read || op.Action == Query && op.Form == FormChild,
		Whole: op.Action == Update && op.Method == http.MethodPut,
	}
	err := f.parse(op, rawQuery, body)
	var problem fieldProblem
	if errors.As(err, &problem) || errors.Is(err, errNotJSON) {
		return Fields{Problem: err.Error()}, nil
	}
	for _, names := range [...]*[]string{&f.Written, &f.Filters, &f.Returned} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return f, err
}

// fieldProblem is why the names cannot be told.
type fieldProblem string

func (p fieldProblem) Error() string { return string(p) }

func (f *Fields) parse(op Operation, rawQuery string, body io.Reader) error {
	switch {
	case op.API == SOAP:
		return fieldProblem("fields are told of REST calls alone")
	case op.Free || op.Form == FormInfo || op.Form == FormInfoFields || op.Form == FormInfoUDF:
		f.All = false
		return nil
	case op.Action == Query && op.Form != FormChild:
		return f.query(op, rawQuery, body)
	case op.Action == Create || op.Action == Update:
		return f.record(op, body)
	}
	return nil
}

// query tells what a query filters on and has returned.
func (f *Fields) query(op Operation, rawQuery string, body io.Reader) error {
	searches, err := searchesOf(rawQuery)
	if err != nil {
		return err
	}
	q := queryReader{fields: f}
	for _, text := range searches {
		if err := q.read(strings.NewReader(text)); err != nil {
			return err
		}
	}
	if op.Method != http.MethodGet && body != nil {
		if err := q.readSome(body); err != nil {
			return err
		}
	}
	if q.queries == 0 && op.Form == FormNext {
		return fieldProblem("a further page's request does not say what was asked for")
	}
	// Of several queries the PSA takes one, and which is not known: they return what any of them does.
	f.All = (q.queries == 0 || q.included < q.queries) && op.Form != FormCount
	if f.All {
		f.Returned = nil
	}
	return nil
}

// searchesOf returns the query's texts in a query string, however often and in whatever case the parameter is there.
func searchesOf(rawQuery string) (texts []string, err error) {
	for part := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name, err = url.QueryUnescape(name); err != nil {
			return nil, fieldProblem("the query string is malformed")
		}
		if !strings.EqualFold(strings.TrimSpace(name), "search") {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, fieldProblem("the query string is malformed")
		}
		texts = append(texts, value)
	}
	return texts, nil
}

// record tells what a created or updated record has.
func (f *Fields) record(op Operation, body io.Reader) error {
	if body == nil {
		return nil
	}
	t := newTokens(body)
	tok, err := t.next()
	if err != nil {
		return err
	}
	if tok.kind != '{' {
		return fieldProblem("the body is no JSON object")
	}
	var ids []string
	err = members(t, func(name string) error {
		if strings.EqualFold(name, "userDefinedFields") {
			return f.userDefined(t)
		}
		if f.Written, err = withField(f.Written, name); err != nil {
			return err
		}
		if op.Action != Update || !strings.EqualFold(name, "id") {
			return t.skip()
		}
		id, err := t.id()
		ids = append(ids, id)
		return err
	})
	if len(ids) == 1 { // of several it is not known which one the PSA takes
		f.ID = ids[0]
	}
	return err
}

// id reads the value of a record's id: a number, or a text that is one. It is empty for anything else.
func (t *tokens) id() (string, error) {
	tok, err := t.next()
	switch {
	case err != nil:
		return "", err
	case tok.kind == '{' || tok.kind == '[':
		return "", fieldProblem("the record's id is no number")
	case !validID(tok.text):
		return "", nil
	}
	return tok.text, nil
}

// userDefined tells the names of user-defined fields, each an object with its name and value.
func (f *Fields) userDefined(t *tokens) error {
	return elements(t, "userDefinedFields", func() error {
		named := false
		err := members(t, func(name string) error {
			if !strings.EqualFold(name, "name") {
				return t.skip()
			}
			named = true
			text, err := t.text1("a user-defined field's name")
			if err == nil {
				f.Written, err = withUDF(f.Written, text)
			}
			return err
		})
		if err == nil && !named {
			err = fieldProblem("a user-defined field has no name")
		}
		return err
	})
}

// queryReader reads queries.
type queryReader struct {
	fields   *Fields
	queries  int // how many there were
	included int // how many of them say what is to be returned
}

// readSome is read for a body that may be empty.
func (q *queryReader) readSome(body io.Reader) error {
	t := newTokens(body)
	if _, err := t.in.Peek(1); err == io.EOF {
		return nil
	}
	return q.object(t)
}

func (q *queryReader) read(text io.Reader) error { return q.object(newTokens(text)) }

func (q *queryReader) object(t *tokens) error {
	tok, err := t.next()
	if err != nil {
		return err
	}
	if tok.kind != '{' {
		return fieldProblem("the query is no JSON object")
	}
	q.queries++
	var seen twice
	return members(t, func(name string) error {
		switch name = strings.ToLower(name); name {
		case "filter", "includefields", "maxrecords":
		default:
			return fieldProblem("the query has a member whose meaning is not known")
		}
		if seen.already(name) {
			return fieldProblem("the query has a member twice")
		}
		switch name {
		case "filter":
			return q.filter(t)
		case "includefields":
			return q.include(t)
		}
		return t.skip()
	})
}

// twice finds the names of an object's members that are there again: which of them counts, readers of JSON do not agree on.
type twice []string

func (s *twice) already(name string) bool {
	if slices.Contains(*s, name) {
		return true
	}
	*s = append(*s, name)
	return false
}

// include tells what is to be returned; null and an empty list are all.
func (q *queryReader) include(t *tokens) error {
	some := false
	return elementsOrNull(t, "includeFields", func() {}, func(tok token) error {
		if tok.kind != stringToken || tok.long {
			return fieldProblem("includeFields holds what is no field's name")
		}
		if !some {
			some = true
			q.included++
		}
		var err error
		q.fields.Returned, err = withField(q.fields.Returned, tok.text)
		return err
	})
}

// filter tells what is filtered on, in groups within groups.
func (q *queryReader) filter(t *tokens) error {
	return elements(t, "filter", func() error { return q.condition(t) })
}

// condition is one object of a filter: a comparison, or a group.
func (q *queryReader) condition(t *tokens) error {
	field, udf := "", false
	var seen twice
	err := members(t, func(name string) (err error) {
		name = strings.ToLower(name)
		if seen.already(name) {
			return fieldProblem("a condition has a member twice")
		}
		switch name {
		case "field":
			field, err = t.text1("a filter's field")
			return err
		case "udf":
			udf, err = t.boolean("a filter's udf")
			return err
		case "items":
			return q.filter(t)
		case "op", "value":
			return t.skip()
		}
		return fieldProblem("a filter has a member whose meaning is not known")
	})
	if err != nil || field == "" {
		return err
	}
	if udf {
		q.fields.Filters, err = withUDF(q.fields.Filters, field)
	} else {
		q.fields.Filters, err = withField(q.fields.Filters, field)
	}
	return err
}

// members calls f with the name of each member of the object that is open, before its value, which f has to read.
func members(t *tokens, f func(name string) error) error {
	for {
		tok, err := t.next()
		switch {
		case err == io.EOF:
			return errNotJSON
		case err != nil:
			return err
		case tok.kind == '}':
			return t.end()
		case tok.long:
			return fieldProblem("the name of a member is longer than any field's")
		}
		if err := f(tok.text); err != nil {
			return err
		}
	}
}

// end demands that nothing follows, where the outermost container was closed.
func (t *tokens) end() error {
	if len(t.open) > 0 {
		return nil
	}
	if _, err := t.next(); err != io.EOF {
		return err
	}
	return nil
}

// elements calls f for each object of the array that comes next, once it is open; null is none.
func elements(t *tokens, of string, f func() error) error {
	return elementsOrNull(t, of, func() {}, func(tok token) error {
		if tok.kind != '{' {
			return fieldProblem(fmt.Sprintf("%s holds what is no object", of))
		}
		return f()
	})
}

func elementsOrNull(t *tokens, of string, there func(), f func(token) error) error {
	tok, err := t.next()
	switch {
	case err != nil:
		return err
	case tok.kind == literalToken && tok.text == "null":
		return nil
	case tok.kind != '[':
		return fieldProblem(of + " is no array")
	}
	there()
	for {
		tok, err := t.next()
		if err != nil {
			return err
		}
		if tok.kind == ']' {
			return nil
		}
		if err := f(tok); err != nil {
			return err
		}
	}
}

// text1 reads a string that is a name.
func (t *tokens) text1(what string) (string, error) {
	tok, err := t.next()
	switch {
	case err != nil:
		return "", err
	case tok.kind != stringToken || tok.long || strings.TrimSpace(tok.text) == "":
		return "", fieldProblem(what + " is no name")
	}
	return tok.text, nil
}

// boolean reads true, or false, or null for false. What the PSA makes of anything else is not known.
func (t *tokens) boolean(what string) (bool, error) {
	tok, err := t.next()
	switch {
	case err != nil:
		return false, err
	case tok.kind == literalToken && tok.text == "true":
		return true, nil
	case tok.kind == literalToken && (tok.text == "false" || tok.text == "null"):
		return false, nil
	}
	return false, fieldProblem(what + " is neither true nor false")
}

// withField adds a field's name. All of the PSA's are identifiers: of what is none it is not known what the PSA makes of it.
func withField(names []string, name string) ([]string, error) {
	if name == "" || !validName(name) {
		return names, fieldProblem("it names what is no field")
	}
	return withName(names, strings.ToLower(name))
}

// withUDF adds the name of a user-defined field, which may be any text.
func withUDF(names []string, name string) ([]string, error) {
	return withName(names, udfPrefix+CanonicalUser(name))
}

func withName(names []string, name string) ([]string, error) {
	if len(names) == maxFields {
		return names, fieldProblem("it names more fields than any entity has")
	}
	return append(names, name), nil
}
