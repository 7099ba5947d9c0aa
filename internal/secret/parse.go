package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// parsedRecord is a record of a file. A problem is its own: the other records of the file are good all the same.
type parsedRecord struct {
	fields  map[string]Value
	problem string // reads on after "record X "; names fields, never contents
}

// parseRecords reads a whole file. What is wrong with the file as such comes back as problem, which reads on after
// the file's name: with line and column (in characters, from 1) and no contents, not even the one character that a
// JSON error would quote.
func parseRecords(data []byte) (records map[string]parsedRecord, problem string) {
	if problem := wellFormed(data); problem != "" {
		return nil, problem
	}
	if kind := kindOf(bytes.TrimSpace(data)); kind != "an object" {
		return nil, "is " + kind + ", not a JSON object of records"
	}
	records = map[string]parsedRecord{}
	eachMember(data, func(path string, value json.RawMessage) {
		record := parseRecord(value)
		if _, twice := records[path]; twice {
			record = parsedRecord{problem: "is there twice; keep one"}
		}
		records[path] = record
	})
	return records, ""
}

func parseRecord(data json.RawMessage) parsedRecord {
	if kind := kindOf(data); kind != "an object" {
		return parsedRecord{problem: "is " + kind + ", not an object of fields"}
	}
	record := parsedRecord{fields: map[string]Value{}}
	eachMember(data, func(name string, value json.RawMessage) {
		_, twice := record.fields[name]
		switch text, problem := parseText(value); {
		case record.problem != "":
		case twice:
			record.problem = fmt.Sprintf("has field %q twice; keep one", name)
		case problem != "":
			record.problem = fmt.Sprintf("has field %q, which %s", name, problem)
		default:
			record.fields[name] = NewValue(text)
		}
	})
	return record
}

func parseText(data json.RawMessage) (text, problem string) {
	if kind := kindOf(data); kind != "a string" {
		return "", "is " + kind + ", not a string"
	}
	if err := json.Unmarshal(data, &text); err != nil || strings.ContainsRune(text, utf8.RuneError) {
		return "", "holds half of a surrogate pair or a replacement character; its text is damaged"
	}
	return text, ""
}

// eachMember walks the members of a well-formed JSON object in order, the doubled ones too.
func eachMember(object []byte, visit func(name string, value json.RawMessage)) {
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // the brace; none of these can fail, since the object is well-formed
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return
		}
		visit(name.(string), value)
	}
}

func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// wellFormed returns what is wrong with data as JSON text, with its place, or nothing.
func wellFormed(data []byte) (problem string) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "begins with a byte order mark; save it as UTF-8 without one"
	case !utf8.Valid(data):
		return "is not UTF-8 at " + place(data, validPrefix(data))
	case len(bytes.TrimSpace(data)) == 0:
		return "is empty; write a JSON object of records"
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var whole json.RawMessage
	err := d.Decode(&whole)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "is not JSON from " + place(data, int(syntax.Offset)-1) + " on"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "ends too early, at " + place(data, len(data)) + "; if it was being written, write a new file and rename it"
	}
	if rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return "goes on after the end of its JSON, at " + place(data, len(data)-len(rest))
	}
	return ""
}

// place says where an offset in bytes is, for people.
func place(data []byte, offset int) string {
	before := data[:min(max(offset, 0), len(data))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1)
}

// validPrefix returns the length of the UTF-8 that data begins with.
func validPrefix(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(data)
}
