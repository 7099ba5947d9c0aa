package autotask

import (
	"bytes"
	"encoding/json"
	"strings"
)

var utf8BOM = []byte("\xef\xbb\xbf")

// errorTexts returns the strings of a body's top-level "errors" array, and whether there is one that holds at least one
// string and nothing but strings. The body may be cut short: what came before the cut counts.
func errorTexts(body []byte) ([]string, bool) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, utf8BOM)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		if name, ok := key.(string); ok && strings.EqualFold(name, "errors") {
			return stringsOf(dec)
		}
		var other json.RawMessage
		if dec.Decode(&other) != nil {
			return nil, false
		}
	}
	return nil, false
}

func stringsOf(dec *json.Decoder) ([]string, bool) {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, false
	}
	var texts []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			break
		}
		text, ok := t.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, len(texts) > 0
}
