package message

import (
	"bytes"
	"slices"
	"strings"
)

// Field is one of a header.
type Field struct {
	// Name is as it was written, without white space.
	Name string
	// Raw is the value, unfolded, as it came.
	Raw string
}

// Value is the field's value, decoded: one line of text.
func (f Field) Value() string { return decodeValue(f.Raw) }

// Header is a header in its order, the newest trace fields first.
type Header []Field

// Get is the first value of that name, decoded; empty where there is none.
func (h Header) Get(name string) string { return decodeValue(h.raw(name)) }

// Has tells whether a field of that name is there.
func (h Header) Has(name string) bool { return len(h.raws(name)) > 0 }

// Values are all of that name, decoded.
func (h Header) Values(name string) []string {
	values := h.raws(name)
	for i, v := range values {
		values[i] = decodeValue(v)
	}
	return values
}

func (h Header) raw(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Raw
		}
	}
	return ""
}

func (h Header) raws(name string) (values []string) {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Raw)
		}
	}
	return values
}

// ReadHeader reads a header as the worst of mailers write it, and returns what follows it. It takes no line for more than
// what it surely is: one without a colon goes on with the field before it, or is left out.
func ReadHeader(raw []byte) (header Header, body []byte) {
	var value []byte
	end := func() {
		if n := len(header); n > 0 {
			header[n-1].Raw = strings.TrimSpace(string(value))
		}
		value = value[:0]
	}
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		raw = rest
		if len(line) == 0 {
			break
		}
		name, after, isField := bytes.Cut(line, []byte(":"))
		indented := line[0] == ' ' || line[0] == '\t'
		if !isField || indented || !isName(name) {
			if len(header) > 0 && (indented || !isField) {
				value = append(append(value, ' '), bytes.TrimSpace(line)...)
			}
			continue
		}
		end()
		header = append(header, Field{Name: string(bytes.TrimSpace(name))})
		value = append(value, after...)
	}
	end()
	return header, raw
}

// isName tells whether a field may be called that (RFC 5322 section 3.6.8), or so with the space before the colon that
// some write.
func isName(name []byte) bool {
	name = bytes.TrimRight(name, " \t")
	return len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// known are fields by which a header is known for a mail's.
var known = map[string]bool{
	"from": true, "to": true, "subject": true, "date": true, "message-id": true, "received": true, "return-path": true,
	"mime-version": true, "content-type": true, "delivered-to": true, "reply-to": true, "dkim-signature": true, "sender": true,
}

// delivered are those of them that the servers put before whatever comes: what has no others need not be a mail.
var delivered = map[string]bool{"received": true, "return-path": true, "delivered-to": true}

// isMail tells whether any field is one that whoever wrote a mail gives it.
func (h Header) isMail() bool {
	return slices.ContainsFunc(h, func(f Field) bool {
		name := strings.ToLower(f.Name)
		return known[name] && !delivered[name]
	})
}

// mended is a mail without what some put before its header, empty lines, the line of a mbox file, a line of junk; and with
// the empty line after it, where a boundary stands there at once. Where nothing looks like a header, all is the body.
func mended(raw []byte) []byte {
	start := bytes.TrimLeft(raw, "\r\n")
	if bytes.HasPrefix(start, []byte("From ")) || bytes.HasPrefix(start, []byte(">From ")) {
		_, start, _ = bytes.Cut(start, []byte("\n"))
	}
	if !isField(start, false) {
		_, start, _ = bytes.Cut(start, []byte("\n"))
		if !isField(start, true) {
			return append([]byte("\n"), raw...)
		}
	}
	for at, text := 0, -1; ; {
		line, _, more := bytes.Cut(start[at:], []byte("\n"))
		field := bytes.ContainsAny(line, ":") || len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		switch {
		case field:
			text = -1
		case len(bytes.TrimSuffix(line, []byte("\r"))) == 0:
			return start
		case text < 0:
			text = at
		}
		if !field && bytes.HasPrefix(line, []byte("--")) {
			return slices.Concat(start[:text], []byte("\n"), start[text:])
		}
		if !more {
			return start
		}
		at += len(line) + 1
	}
}

// isField tells whether a line is a field, or one that is known.
func isField(raw []byte, mustBeKnown bool) bool {
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	name, _, colon := bytes.Cut(line, []byte(":"))
	return colon && isName(name) && (!mustBeKnown || known[strings.ToLower(string(bytes.TrimSpace(name)))])
}
