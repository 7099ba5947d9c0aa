package secret

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// splice returns a well-formed file with fields of one record replaced, added, or the whole record added. All other bytes
// stay as they are, and what is new is spaced as its neighbours are. No name may be there twice in the record, nor the record.
func splice(data []byte, path string, set map[string]Value) []byte {
	file := objectIn(data, bytes.IndexByte(data, '{'))
	for _, m := range file.members {
		if m.name == path {
			return append(slices.Clone(data[:m.begin]), append(respell(data, file, m, set), data[m.end:]...)...)
		}
	}
	style := file.styleOf(data, fileStyle)
	text := objectIn(emptyObject, 0).add(emptyObject, file.recordStyle(data, style), pairs(set))
	return file.add(data, style, []pair{{path, text}})
}

// respell returns the text of a record with fields replaced and added.
func respell(data []byte, file object, m member, set map[string]Value) []byte {
	text := bytes.Clone(data[m.begin:m.end])
	missing := maps.Clone(set)
	for _, field := range slices.Backward(objectIn(text, 0).members) {
		if value, there := set[field.name]; there {
			text = slices.Replace(text, field.begin, field.end, quote(value.Reveal())...)
			delete(missing, field.name)
		}
	}
	found := objectIn(text, 0)
	style := found.styleOf(text, file.recordStyle(data, file.styleOf(data, fileStyle)))
	return found.add(text, style, pairs(missing))
}

// pair is a member of an object that is to be written; the value is JSON.
type pair struct {
	name  string
	value []byte
}

var emptyObject = []byte("{}")

// pairs returns fields as members, by name.
func pairs(set map[string]Value) (all []pair) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		all = append(all, pair{name, quote(set[name].Reveal())})
	}
	return all
}

// quote returns a text as JSON, with no more escapes than JSON demands: people read the file.
func quote(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // of a string, into memory: it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// object is an object of a JSON text, from its opening brace to after the closing one, in bytes.
type object struct {
	begin, end int
	members    []member
}

// member is one member of an object: where its name begins and ends, and its value.
type member struct {
	name               string
	nameBegin, nameEnd int
	begin, end         int
}

// objectIn walks the object whose opening brace is at begin. The text is well-formed.
func objectIn(data []byte, begin int) object {
	d := json.NewDecoder(bytes.NewReader(data[begin:]))
	at := func() int { return begin + int(d.InputOffset()) }
	_, _ = d.Token() // the brace; none of these can fail, since the text is well-formed
	o := object{begin: begin}
	for d.More() {
		m := member{nameBegin: at() + bytes.IndexByte(data[at():], '"')}
		name, _ := d.Token()
		m.name, _ = name.(string)
		m.nameEnd = at()
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		m.begin, m.end = at()-len(value), at()
		o.members = append(o.members, m)
	}
	_, _ = d.Token()
	o.end = at()
	return o
}

// style is how the members of an object are spaced: what stands before the first name, between a name and its value,
// between a value and the next name, and after the last value.
type style struct{ lead, colon, comma, tail string }

// fileStyle is for a file without records.
var fileStyle = style{lead: "\n  ", colon: ": ", comma: ",\n  ", tail: "\n"}

// styleOf returns how the object is spaced, or what is given where it has no members to tell.
func (o object) styleOf(data []byte, otherwise style) style {
	if len(o.members) == 0 {
		return otherwise
	}
	first, last := o.members[0], o.members[len(o.members)-1]
	s := style{
		lead:  string(data[o.begin+1 : first.nameBegin]),
		colon: string(data[last.nameEnd:last.begin]),
		tail:  string(data[last.end : o.end-1]),
	}
	after := s.lead
	if after == "" && strings.HasSuffix(s.colon, " ") {
		after = " "
	}
	s.comma = "," + after
	if n := len(o.members); n > 1 {
		s.comma = string(data[o.members[n-2].end:last.nameBegin])
	}
	return s
}

// recordStyle returns how the records of a file are spaced, as the last one with fields shows. Where none has any they are
// a step further in than the file's own members are.
func (o object) recordStyle(data []byte, file style) style {
	for _, m := range slices.Backward(o.members) {
		if data[m.begin] != '{' {
			continue
		}
		if r := objectIn(data, m.begin); len(r.members) > 0 {
			return r.styleOf(data, style{})
		}
	}
	newline := strings.LastIndexByte(file.lead, '\n')
	if newline < 0 {
		return style{colon: file.colon, comma: file.comma}
	}
	lead := file.lead + cmp.Or(file.lead[newline+1:], "  ")
	return style{lead: lead, colon: file.colon, comma: "," + lead, tail: file.lead}
}

// add returns data with members added to the end of the object.
func (o object) add(data []byte, s style, members []pair) []byte {
	if len(members) == 0 {
		return data
	}
	begin, end, before, after := o.begin+1, o.end-1, s.lead, s.tail
	if n := len(o.members); n > 0 {
		begin, end, before, after = o.members[n-1].end, o.members[n-1].end, s.comma, ""
	}
	var b bytes.Buffer
	for _, m := range members {
		b.WriteString(before)
		b.Write(quote(m.name))
		b.WriteString(s.colon)
		b.Write(m.value)
		before = s.comma
	}
	b.WriteString(after)
	return slices.Concat(data[:begin], b.Bytes(), data[end:])
}
