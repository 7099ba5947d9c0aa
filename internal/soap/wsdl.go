package soap

import "io"

// WSDL copies a WSDL and leads the addresses in it elsewhere: the location of each address element of SOAP's two WSDL namespaces, and
// nothing else. It holds one tag at a time.
type WSDL struct {
	scan *scanner
	to   string // the new location, as it is spelled
	out  []byte // ready to be read
	room []byte
	err  error
}

// NewWSDL reads src, a WSDL, not compressed. location is where it is to lead: the URL of an atws.asmx.
func NewWSDL(src io.Reader, location string) *WSDL {
	w := &WSDL{to: escaped(location)}
	w.scan = newScanner(src)
	w.scan.tee = func(p []byte) { w.out = append(w.out, p...) }
	return w
}

// Read reads the rewritten WSDL. Its errors are those of the source, unwrapped, and *Refusal for what cannot be read as XML: of that
// it is not known where it would lead a client, so what follows is withheld.
func (w *WSDL) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(w.out) == 0 && w.err == nil {
		w.out = w.room[:0]
		w.step()
		w.room = w.out
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	if n == 0 {
		return 0, w.err
	}
	return n, nil
}

// step goes on by a piece.
func (w *WSDL) step() {
	k, err := w.scan.next()
	switch {
	case err != nil:
		w.out = w.out[:0] // the beginning of what could not be read
		w.end(err)
	case k == atEnd:
		w.end(io.EOF)
	case k == atStart && string(w.scan.tag.local) == "address" && (w.scan.tag.space == nsWSDLSOAP || w.scan.tag.space == nsWSDLSOAP12):
		w.lead()
	}
}

func (w *WSDL) end(err error) {
	w.err = err
	w.scan.free()
	w.scan = nil
}

// lead puts the new location into the tag that was just put out.
func (w *WSDL) lead() {
	t := &w.scan.tag
	for _, a := range t.attributes {
		if a.is("", "location") {
			start := len(w.out) - len(t.raw) + a.from
			after := string(w.out[start+len(a.value):])
			w.out = append(append(w.out[:start], w.to...), after...)
			return
		}
	}
}
