package route

import "strings"

// Map are the fields that say something, by their names.
func (f Fields) Map() map[string]string {
	said := map[string]string{}
	for _, field := range f.refs() {
		if *field.value != "" {
			said[field.name] = *field.value
		}
	}
	return said
}

// Said are the fields that say something, in words: company 5, queue Level 1.
func (f Fields) Said() string {
	var said []string
	for _, field := range f.refs() {
		if *field.value != "" {
			said = append(said, field.name+" "+*field.value)
		}
	}
	return strings.Join(said, ", ")
}
