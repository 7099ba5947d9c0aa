package webproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// said is what a request to the sign-in says, as lenient as the PSA may read it: what is not seen here is judged there all the same.
type said struct {
	fields url.Values
	form   url.Values // its fields, where it is a form that a page can show again; nil: it is none
	data   bool       // it is no form, but what a script of the page made of one
}

// maxSignIn is the most that a sign-in may say, in bytes.
const maxSignIn = 256 << 10

var errTooLong = errors.New("longer than any sign-in")

// read takes the fields of a form, or of an object of JSON, that a request brings; the request can be read again. Of a kind that has none
// nothing is taken.
func read(r *http.Request) (said, error) {
	s := said{fields: url.Values{}}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind, _, _ = strings.Cut(r.Header.Get("Content-Type"), ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	isForm, inParts := kind == "application/x-www-form-urlencoded", kind == "multipart/form-data"
	if !isForm && !inParts && !structured(kind) || r.Body == nil || r.Body == http.NoBody {
		return s, nil
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxSignIn+1))
	switch {
	case err != nil:
		r.Body = failing{r.Body, err}
		return s, nil
	case len(text) > maxSignIn:
		return s, errTooLong
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	switch {
	case isForm:
		s.form = parsed(string(text))
		s.add(s.form)
	case inParts:
		s.add(parts(text, params["boundary"]))
	default:
		s.data = true
		var value any
		if json.Unmarshal(text, &value) == nil {
			s.addJSON("", value)
		}
	}
	return s, nil
}

// add adds fields behind those that are there.
func (s said) add(fields url.Values) {
	for name, values := range fields {
		s.fields[name] = append(s.fields[name], values...)
	}
}

// addJSON adds the texts in a value, by the names of their fields.
func (s said) addJSON(name string, value any) {
	switch value := value.(type) {
	case string:
		s.fields.Add(name, value)
	case []any:
		for _, one := range value {
			s.addJSON(name, one)
		}
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(value)) {
			s.addJSON(field, value[field])
		}
	}
}

// value is the first that is not empty of the fields of some names: by the order of the names, for of two that are there the same must
// count each time.
func (s said) value(names []string) string {
	of := map[string][]string{}
	for field := range s.fields {
		if name := strings.ToLower(field); slices.Contains(names, name) {
			of[name] = append(of[name], field)
		}
	}
	for _, name := range names {
		for _, field := range slices.Sorted(slices.Values(of[name])) {
			for _, value := range s.fields[field] {
				if strings.TrimSpace(value) != "" {
					return value
				}
			}
		}
	}
	return ""
}

// filled are those of some names of which there is a field that is not empty, and an empty one where a script may have named it.
func (s said) filled(names []string) (found []string) {
	for field, values := range s.fields {
		name := strings.ToLower(field)
		if slices.Contains(names, name) && slices.ContainsFunc(values, func(value string) bool { return value != "" }) {
			found = append(found, name)
		}
	}
	if s.data && len(found) > 0 {
		found = append(found, "")
	}
	return found
}

// all is the whole text, in lower case.
func (s said) all() string {
	var b strings.Builder
	for name, values := range s.fields {
		b.WriteString(name + "\n" + strings.Join(values, "\n") + "\n")
	}
	return strings.ToLower(b.String())
}

// maxParts is how many parts of a form are looked at: each of them costs.
const maxParts = 1000

// parts are the fields of a form that is sent in parts, as far as they can be read.
func parts(text []byte, boundary string) url.Values {
	fields := url.Values{}
	r := multipart.NewReader(bytes.NewReader(text), boundary)
	for range maxParts {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		value, _ := io.ReadAll(part)
		fields.Add(part.FormName(), string(value))
	}
	return fields
}

// parsed are the fields of a form or query. What url.ParseQuery would leave out, the PSA may take.
func parsed(text string) url.Values {
	fields := url.Values{}
	for pair := range strings.SplitSeq(text, "&") {
		if name, value, found := strings.Cut(pair, "="); found || name != "" {
			fields.Add(unescaped(name), unescaped(value))
		}
	}
	return fields
}

// unescaped is a name or value of a form. What is no escape stays as it is.
func unescaped(text string) string {
	var b strings.Builder
	for text != "" {
		c, length := escape(text)
		b.WriteString(c)
		text = text[length:]
	}
	return b.String()
}

// escape is what the beginning of a text stands for, and how long that is. %u0041 is one of the PSA's kind of server alone.
func escape(text string) (stands string, length int) {
	switch {
	case text[0] == '+':
		return " ", 1
	case len(text) >= 6 && strings.EqualFold(text[:2], "%u"):
		if c, err := strconv.ParseUint(text[2:6], 16, 16); err == nil {
			return string(rune(c)), 6
		}
	case len(text) >= 3 && text[0] == '%':
		if c, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			return string([]byte{byte(c)}), 3
		}
	}
	return text[:1], 1
}
