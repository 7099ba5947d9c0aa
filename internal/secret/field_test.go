package secret

import (
	"strings"
	"testing"
)

func recordOf(fields map[string]string) Record {
	r := Record{Path: "oidc/client", Version: 2, Fields: map[string]Value{}}
	for name, text := range fields {
		r.Fields[name] = NewValue(text)
	}
	return r
}

func TestAPlainSecretIsPickedByNameOrAsTheOnlyFieldOrAsValue(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		field  string
		want   string
	}{
		"the named field":               {map[string]string{"a": "one", "b": "two"}, "b", "two"},
		"the only field":                {map[string]string{"client_secret": "one"}, "", "one"},
		"the field value among several": {map[string]string{"value": "one", "note": "two"}, "", "one"},
		"a text of several lines":       {map[string]string{"key": "-----\nabc\n-----\n"}, "", "-----\nabc\n-----\n"},
	} {
		if got, err := recordOf(test.fields).Field(test.field); err != nil || got.Reveal() != test.want {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
}

func TestAPlainSecretThatCannotBePickedIsAnErrorThatNamesTheFields(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		field  string
		want   string
	}{
		"several fields and no name":  {map[string]string{"b": planted, "a": planted}, "", `it has no field "value"; name one of its fields: "a", "b"`},
		"a misspelt name":             {map[string]string{"client_secret": planted, "x": planted}, "clientsecret", `it has no field "clientsecret" (did you mean "client_secret"?); name one of its fields: "client_secret", "x"`},
		"a name, and only another":    {map[string]string{"password": planted}, "token", `it has no field "token"; name one of its fields: "password"`},
		"no field at all":             {nil, "", "it has no field that is a text"},
		"an empty field":              {map[string]string{"value": ""}, "", `field "value" is empty`},
		"a line break at the end":     {map[string]string{"value": planted + "\n"}, "", `field "value" ends with a line break`},
		"a space at the end":          {map[string]string{"value": planted + " "}, "", `field "value" begins or ends with a space`},
		"an invisible letter somehow": {map[string]string{"value": planted + "\u200b"}, "", `field "value" holds a control or invisible character`},
	} {
		_, err := recordOf(test.fields).Field(test.field)
		if err == nil || err.Error() != `record "oidc/client", version 2: `+test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("%s: the error shows the content", name)
		}
	}
}
