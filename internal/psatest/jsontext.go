package psatest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// complaint is an error text of the PSA's, which does not follow Go's custom for them.
type complaint string

func (c complaint) Error() string { return string(c) }

func complain(format string, args ...any) error { return complaint(fmt.Sprintf(format, args...)) }

// object is a JSON object with folded keys: input names are taken in any case.
type object map[string]any

// parseObject reads a JSON object; numbers stay json.Number. Its error is worded as the PSA words it.
func parseObject(body []byte) (object, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, complain("The request body is missing.")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, wording(body, err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, wording(body, err)
	}
	m, isObject := v.(map[string]any)
	if !isObject {
		return nil, complain("Unexpected character encountered while parsing value: %c. Path '', line 1, position 1.", bytes.TrimSpace(body)[0])
	}
	return folded(m), nil
}

func folded(m map[string]any) object {
	o := object{}
	for k, v := range m {
		o[strings.ToLower(k)] = v
	}
	return o
}

// wording is the text of the JSON library that the PSA uses.
func wording(body []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset < 1 || int(syntax.Offset) > len(body) || strings.Contains(err.Error(), "unexpected end") {
		return complain("Unexpected end when reading JSON.")
	}
	before := body[:syntax.Offset-1]
	char, _ := utf8.DecodeRune(body[syntax.Offset-1:])
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return complain("Unexpected character encountered while parsing value: %c. Path '', line %d, position %d.", char, line, column)
}
