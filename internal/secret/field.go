package secret

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// defaultField is the field that is meant where none is named and the record has several.
const defaultField = "value"

// Field returns the secret that a record holds beside others: the named field; without a name the record's only one,
// else "value". Its error names fields, and no contents. A text of one line must not have been damaged by copying; one
// of several lines is taken as it is.
func (r Record) Field(name string) (Value, error) {
	if name == "" {
		name = r.onlyField()
	}
	value, there := r.Fields[name]
	if !there {
		return Value{}, fmt.Errorf("record %q, version %d: %s", r.Path, r.Version, r.noField(name))
	}
	text := value.Reveal()
	if severalLines := strings.Contains(strings.TrimRight(text, "\r\n"), "\n"); severalLines {
		return value, nil
	}
	if problem := textProblem(text); problem != "" {
		return Value{}, fmt.Errorf("record %q, version %d: field %q %s", r.Path, r.Version, name, problem)
	}
	return value, nil
}

func (r Record) onlyField() string {
	if len(r.Fields) == 1 {
		for name := range r.Fields {
			return name
		}
	}
	return defaultField
}

func (r Record) noField(name string) string {
	if len(r.Fields) == 0 {
		return "it has no field that is a text"
	}
	has := make([]string, 0, len(r.Fields))
	for _, field := range slices.Sorted(maps.Keys(r.Fields)) {
		has = append(has, fmt.Sprintf("%q", field))
	}
	return fmt.Sprintf("it has no field %q%s; name one of its fields: %s", name, didYouMean(name, r.Fields), strings.Join(has, ", "))
}
