package psatest

import (
	"bytes"
	"encoding/xml"
)

// xmlWriter writes elements into memory.
type xmlWriter struct{ buf bytes.Buffer }

// in writes an element with attributes, which are pairs of name and value, around what inner writes.
func (w *xmlWriter) in(name string, inner func(), attrs ...string) {
	w.start(name, attrs)
	w.buf.WriteByte('>')
	inner()
	w.buf.WriteString("</" + name + ">")
}

// leaf writes an element with a text.
func (w *xmlWriter) leaf(name, text string, attrs ...string) {
	w.in(name, func() { w.chars(text) }, attrs...)
}

// empty writes an element without anything in it.
func (w *xmlWriter) empty(name string, attrs ...string) {
	w.start(name, attrs)
	w.buf.WriteString("/>")
}

func (w *xmlWriter) start(name string, attrs []string) {
	w.buf.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.buf.WriteString(" " + attrs[i] + `="`)
		w.chars(attrs[i+1])
		w.buf.WriteByte('"')
	}
}

// chars writes a text. What XML cannot carry becomes U+FFFD.
func (w *xmlWriter) chars(text string) {
	// Writing to memory does not fail.
	_ = xml.EscapeText(&w.buf, []byte(text))
}
