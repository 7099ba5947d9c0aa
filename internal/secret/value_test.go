package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const planted = "hunter2-planted"

type holder struct {
	Exported Value
	Pointer  *Value
	Map      map[string]Value
	Slice    []Value
	Any      any
	hidden   Value
	nested   struct{ deep map[string]*Value }
}

func newHolder() holder {
	v := NewValue(planted)
	h := holder{Exported: v, Pointer: &v, Map: map[string]Value{"k": v}, Slice: []Value{v}, Any: v, hidden: v}
	h.nested.deep = map[string]*Value{"k": &v}
	return h
}

func TestNoVerbPrintsAValue(t *testing.T) {
	v := NewValue(planted)
	h := newHolder()
	record := Record{Path: "p", Fields: h.Map}
	for _, thing := range []any{v, &v, h, &h, h.Map, h.Slice, &h.Slice, []any{v}, struct{ v Value }{v}, record, &record, Credential{Secret: v}} {
		for _, verb := range "vsqxXdbcoOUteEfFgGpTwz" {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "30", "-30.2", "+#"} {
				form := "%" + flags + string(verb)
				text := fmt.Sprintf(form, thing)
				if leaks(text) {
					t.Errorf("%s of %T shows the text: %s", form, thing, text)
				}
			}
		}
	}
}

// leaks looks for the planted text raw, in hex, and as a list of bytes.
func leaks(text string) bool {
	hex := fmt.Sprintf("%x", planted)
	bytesOf := strings.Trim(fmt.Sprint([]byte(planted)), "[]")
	for _, form := range []string{planted, hex, strings.ToUpper(hex), bytesOf} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestAValuePrintsAsRedactedWhereItsMethodsAreCalled(t *testing.T) {
	v := NewValue(planted)
	asJSON, err := json.Marshal(struct{ V *Value }{&v})
	if err != nil {
		t.Fatal(err)
	}
	asXML, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"x"`
		V       Value    `xml:"v"`
		A       Value    `xml:"a,attr"`
	}{V: v, A: v})
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		fmt.Sprint(v):                  Redacted,
		fmt.Sprintf("%q", &v):          Redacted,
		fmt.Sprintf("%#v", v):          Redacted,
		fmt.Sprint(Value{}):            Redacted,
		v.String() + v.GoString():      Redacted + Redacted,
		v.LogValue().String():          Redacted,
		string(asJSON):                 `{"V":"[redacted]"}`,
		string(asXML):                  `<x a="[redacted]"><v>[redacted]</v></x>`,
		errors.New(v.String()).Error(): Redacted,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLogsAndEncodersShowNoValue(t *testing.T) {
	h := newHolder()
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(handler)
		log.Info("x", "value", h.Exported, "pointer", h.Pointer, "holder", h, "map", h.Map, "group", slog.GroupValue(slog.Any("g", h.hidden)))
		log.With("with", h.Exported).Info("y")
	}
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	if leaks(out.String()) {
		t.Errorf("shown: %s", out.String())
	}
	if n := strings.Count(out.String(), Redacted); n < 12 {
		t.Errorf("redacted %d times, want at least 12: %s", n, out.String())
	}
}

func TestRevealAndEqual(t *testing.T) {
	if got := NewValue(planted).Reveal(); got != planted {
		t.Errorf("Reveal gave %q", got)
	}
	if got := (Value{}).Reveal(); got != "" {
		t.Errorf("the zero Value reveals %q", got)
	}
	if !NewValue("a").Equal(NewValue("a")) || NewValue("a").Equal(NewValue("b")) || !(Value{}).Equal(NewValue("")) {
		t.Error("Equal does not compare texts")
	}
}
