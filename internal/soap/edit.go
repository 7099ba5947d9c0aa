package soap

import (
	"bytes"
	"errors"
	"io"
)

// Body is a request's body, which can be opened again for a second send.
type Body interface {
	// Open returns a reader of all of it.
	Open() (io.ReadCloser, error)
	// Size is how many bytes it has.
	Size() int64
}

// Edited is a request's body with the gateway's own Header in the place of the caller's, or before the Body where there was none. Every
// other byte is as it came.
type Edited struct {
	body   Body
	from   int64 // what precedes the header
	to     int64 // where the body's rest begins
	header []byte
}

// Edit puts the gateway's Header into the envelope that was read from body, which must not be compressed. code is the integration code;
// impersonate is a resource's id, empty for none. The error is CheckCode's.
func (q *Request) Edit(body Body, code, impersonate string) (*Edited, error) {
	if err := CheckCode(code); err != nil {
		return nil, err
	}
	name := "Header"
	if q.prefix != "" {
		name = q.prefix + ":Header"
	}
	h := "<" + name + `><AutotaskIntegrations xmlns="` + nsATWS + `"><` + integrationCode + `>` + escaped(code) + "</" + integrationCode + ">"
	if impersonate != "" {
		h += "<" + impersonation + ">" + escaped(impersonate) + "</" + impersonation + ">"
	}
	h += "</AutotaskIntegrations></" + name + ">"
	return &Edited{body: body, from: q.header.from, to: q.header.to, header: []byte(h)}, nil
}

// CheckCode says why an integration code cannot be written in XML; the error does not show it.
func CheckCode(code string) error {
	if !writable(code) {
		return errors.New("the credential's integration code holds what XML cannot: correct it in the secret store")
	}
	return nil
}

// String shows nothing of the header, which holds a code.
func (e *Edited) String() string { return "an envelope with the gateway's header" }

// GoString is String.
func (e *Edited) GoString() string { return e.String() }

// writable says whether a text can be written in XML as it is, on one line.
func writable(text string) bool {
	for p := []byte(text); len(p) > 0; {
		size, why := 1, run
		if p[0] < ' ' && p[0] != '\t' || p[0] >= 0x7f {
			size, why = multibyte(p)
		}
		if why != run {
			return false
		}
		p = p[size:]
	}
	return true
}

// Size implements Body.
func (e *Edited) Size() int64 { return e.body.Size() - (e.to - e.from) + int64(len(e.header)) }

// Open implements Body. A small one is in memory, and an io.NopCloser of a bytes.Reader, by which HTTP transports know that.
func (e *Edited) Open() (io.ReadCloser, error) {
	body, err := e.body.Open()
	if err != nil {
		return nil, err
	}
	in := &editing{ReadCloser: body, before: e.from, header: e.header, skip: e.to - e.from}
	if e.Size() > small {
		return in, nil
	}
	defer in.Close()
	if e.body.Size() < e.to {
		return nil, io.ErrUnexpectedEOF
	}
	all := make([]byte, e.Size())
	if _, err := io.ReadFull(in, all); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(all)), nil
}

// small is how large an edited envelope may be that is put together in memory, in bytes.
const small = 16 << 10

// editing is an edited body that is being read.
type editing struct {
	io.ReadCloser
	before int64  // bytes to come before the header
	header []byte // what is left of it
	skip   int64  // bytes of the caller's header that are still to be left out
}

// Read implements io.Reader. Its errors are those of the body, unwrapped. It gives as much at once as there is room for: each Read of a
// body that is being sent is a packet.
func (e *editing) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		if more, err = e.piece(p[n:]); more == 0 && err == nil {
			break
		}
		n += more
	}
	if n > 0 && err == io.EOF { // it comes again
		err = nil
	}
	return n, err
}

// piece reads on in what precedes the header, in the header, or in what follows it.
func (e *editing) piece(p []byte) (int, error) {
	switch {
	case e.before > 0:
		n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.before)])
		e.before -= int64(n)
		return n, cutOff(err, e.before > 0)
	case len(e.header) > 0:
		n := copy(p, e.header)
		e.header = e.header[n:]
		return n, nil
	}
	for e.skip > 0 {
		n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.skip)])
		e.skip -= int64(n)
		if err = cutOff(err, e.skip > 0); err != nil {
			return 0, err
		}
	}
	return e.ReadCloser.Read(p)
}

// cutOff is a read's error where more must come, or may: a body that ends too soon must not pass for one that is whole.
func cutOff(err error, must bool) error {
	switch {
	case err != io.EOF:
		return err
	case must:
		return io.ErrUnexpectedEOF
	}
	return nil
}
