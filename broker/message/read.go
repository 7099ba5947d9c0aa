package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jhillyerd/enmime/v2"
	"github.com/psagate/psagate/broker/plain"
	"github.com/psagate/psagate/broker/scan"
)

// Options are what Read needs to know beside the mail.
type Options struct {
	// Limits are those of package scan; zero is scan.Default.
	Limits scan.Limits
	// EnvelopeFrom is the envelope's sender, where whoever took the mail knows it; it wins over a Return-Path field. An
	// empty one is the null return path.
	EnvelopeFrom *string
	// Own tells whether this broker has sent the mail itself. nil: no mail is.
	Own func(Header) bool
}

// errorsMost is how many complaints of the parser are kept for a part; that a child was left out is among them.
const errorsMost = 256

// parser is enmime as mail needs it: it takes parts apart and undoes their transfer encoding, while charsets and HTML are
// read here. It finds boundaries as the scan did.
var parser = enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.MaxStoredPartErrors(errorsMost), enmime.DisableTextConversion(true), enmime.DisableCharacterDetection(true),
	enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy), enmime.SetCustomParseMediaType(mediaType))

// mediaType says that all text is UTF-8, which enmime hands over as it is: it would take a charset at its word, and look
// for one through all of a text that names none.
func mediaType(value string) (kind string, params map[string]string, invalid []string, err error) {
	kind, params, invalid, err = scan.MediaType(value)
	if err == nil {
		if params == nil {
			params = map[string]string{}
		}
		params["charset"] = "utf-8"
	}
	return kind, params, invalid, err
}

// Read understands a mail. It always returns one; what could not be understood has a Fault.
func Read(raw []byte, o Options) *Message {
	if o.Limits == (scan.Limits{}) {
		o.Limits = scan.Default
	}
	m, upright, body := begin(raw, o)
	root, fault := parse(upright, o.Limits)
	r := &reading{message: m}
	if fault == nil {
		fault = r.read(root)
	}
	if fault == nil && r.leaves == 0 {
		r.unstructured(body)
	}
	if fault == nil && m.Text == "" && len(m.Files) == 0 && !m.Header.isMail() {
		fault = &Fault{"nothing", "no text and no file was found in it"}
	}
	m.finish(raw, fault, r, o)
	return m
}

// ReadLeast makes the least of a mail without any parser: for one over which the program has died.
func ReadLeast(raw []byte, o Options) *Message {
	m, _, _ := begin(raw, o)
	m.finish(raw, &Fault{"crash", "the program that reads it broke down over it"}, &reading{message: m}, o)
	return m
}

// begin reads what is outside of the parts, and returns the mail as a parser can take it and its body.
func begin(raw []byte, o Options) (m *Message, upright, body []byte) {
	m = &Message{Size: len(raw), Hash: sha256.Sum256(raw), ContentKey: ContentKeyOf(raw)}
	upright = mended(raw)
	top := upright[:min(len(upright), o.headerMost())]
	header, rest := ReadHeader(top)
	m.Header = header
	m.readHeader(o)
	return m, upright, upright[len(top)-len(rest):]
}

// finish attaches the mail itself where something of it could not be read, and says what kind it is.
func (m *Message) finish(raw []byte, fault *Fault, r *reading, o Options) {
	if fault != nil {
		m.failed(fault)
		r.names = nil
	}
	if fault != nil || m.Lost {
		m.Files = append(m.Files, r.file(File{Name: "original.eml", Type: "message/rfc822", Data: raw, Raw: true}))
	}
	m.classify(o)
}

// unstructuredMost is how much of a body without parts is shown, in bytes.
const unstructuredMost = 256 << 10

// unstructured takes the body as it stands, of a mail that promises parts and has none.
func (r *reading) unstructured(body []byte) {
	r.message.Text = plain.Clean(decodeBytes(body[:min(len(body), unstructuredMost)], ""))
	r.message.Lost = r.message.Text != ""
}

// parse gives the mail to the parser, if it is within the limits.
func parse(raw []byte, limits scan.Limits) (root *enmime.Part, fault *Fault) {
	if _, err := scan.Check(raw, limits); err != nil {
		var excess *scan.Excess
		errors.As(err, &excess)
		return nil, &Fault{excess.What, excess.Error()}
	}
	defer func() {
		if p := recover(); p != nil {
			fault = &Fault{"panic", "the parser broke down over the mail"}
		}
	}()
	root, err := parser.ReadParts(bytes.NewReader(raw))
	if err != nil { // the text of the error quotes the mail
		return nil, &Fault{"parser", "the parser refuses the mail"}
	}
	return root, nil
}

// failed makes the least of a mail of which a ticket can be made.
func (m *Message) failed(fault *Fault) {
	m.Fault, m.HTML, m.Files = fault, "", nil
	m.Text = fmt.Sprintf("This mail could not be read: %s. It is attached as it came.", fault.Detail)
}
