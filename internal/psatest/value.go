package psatest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// converters turn JSON values into a record's, by kind; false where the value does not fit.
var converters = map[kind]func(any) (any, bool){
	long: toInteger, integer: toInteger, decimal: toDecimal, boolean: toBoolean, text: toText, datetime: toTime,
}

// convert makes a JSON value fit a field. Its error is worded as the PSA words it.
func (f *field) convert(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if out, fits := converters[f.kind](v); fits {
		return out, nil
	}
	switch v := v.(type) {
	case string:
		return nil, complain("Could not convert string to %s: %s. Path '%s'.", f.kind, v, f.name)
	case map[string]any:
		return nil, complain("Unexpected character encountered while parsing value: {. Path '%s'.", f.name)
	case []any:
		return nil, complain("Unexpected character encountered while parsing value: [. Path '%s'.", f.name)
	}
	return nil, complain("Error converting value %v to type '%s'. Path '%s'.", v, f.kind, f.name)
}

// literal is the text of a number or a string; false for anything else.
func literal(v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return strings.TrimSpace(v), true
	}
	return "", false
}

func toInteger(v any) (any, bool) {
	s, fits := literal(v)
	n, err := strconv.ParseInt(s, 10, 64)
	return n, fits && err == nil
}

func toDecimal(v any) (any, bool) {
	s, fits := literal(v)
	n, err := strconv.ParseFloat(s, 64)
	return n, fits && err == nil
}

func toBoolean(v any) (any, bool) {
	if b, isBool := v.(bool); isBool {
		return b, true
	}
	s, fits := literal(v)
	b, err := strconv.ParseBool(strings.ToLower(s))
	return b, fits && err == nil
}

func toText(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return nil, false
}

// dateLayouts are what clients send; without a zone it is UTC.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02"}

func toTime(v any) (any, bool) {
	s, isText := v.(string)
	if !isText {
		return nil, false
	}
	for _, layout := range dateLayouts {
		if at, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return at.UTC(), true
		}
	}
	return nil, false
}

// compare orders two values of the same field, texts without case as the database does.
func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		return cmp.Compare(rank(a), rank(b.(bool)))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	return cmp.Compare(strings.ToLower(a.(string)), strings.ToLower(b.(string)))
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// asText is what beginsWith, endsWith and contains look at.
func asText(v any) string {
	if at, isTime := v.(time.Time); isTime {
		return strings.ToLower(at.Format(dateLayout))
	}
	return strings.ToLower(fmt.Sprint(v))
}
