package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

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

// parser is enmime as mail needs it: it takes parts apart and undoes their transfer encoding, while charsets and HTML are
// read here. It finds boundaries as the scan did.
var parser = enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.MaxStoredPartErrors(16), enmime.DisableTextConversion(true), enmime.DisableCharacterDetection(true),
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
	m := &Message{Size: len(raw), Hash: sha256.Sum256(raw), ContentKey: ContentKeyOf(raw)}
	upright := mended(raw)
	top := upright[:min(len(upright), o.headerMost())]
	header, rest := ReadHeader(top)
	m.Header = header
	body := upright[len(top)-len(rest):]
	m.readHeader(o)
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
	if fault != nil {
		m.failed(fault)
	}
	if fault != nil || m.Lost {
		m.Files = append(m.Files, r.file(File{Name: "original.eml", Type: "message/rfc822", Data: raw, Raw: true}))
	}
	m.classify(o)
	return m
}

// unstructuredMost is how much of a body without parts is shown, in bytes.
const unstructuredMost = 256 << 10

// unstructured takes the body as it stands, of a mail that promises parts and has none.
func (r *reading) unstructured(body []byte) {
	r.message.Text = plain.Clean(decodeBytes(body[:min(len(body), unstructuredMost)], ""))
	r.message.Lost = r.message.Text != ""
}

// headerMost is how much of a mail is looked at for its header, whatever the mail is.
func (o Options) headerMost() int {
	if o.Limits.Header > 0 {
		return o.Limits.Header
	}
	return scan.Default.Header
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

func (m *Message) readHeader(o Options) {
	list := func(names ...string) (all []Address) {
		for _, name := range names {
			for _, value := range m.Header.raws(name) {
				all = append(all, ParseAddresses(value)...)
			}
		}
		return all[:min(len(all), o.addressesMost())]
	}
	m.From, m.Sender, m.ReplyTo, m.To, m.Cc = list("From"), list("Sender"), list("Reply-To"), list("To"), list("Cc")
	m.Delivered = list("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To")
	m.Subject = m.Header.Get("Subject")
	m.Date = readDate(m.Header.raw("Date"))
	m.Received = len(m.Header.raws("Received"))
	m.readIDs()
	if m.ReturnPathKnown = o.EnvelopeFrom != nil; m.ReturnPathKnown {
		m.ReturnPath = *o.EnvelopeFrom
	} else if m.ReturnPathKnown = m.Header.Has("Return-Path"); m.ReturnPathKnown {
		m.ReturnPath = m.Header.raw("Return-Path")
	}
	if m.ReturnPath = strings.Trim(strings.TrimSpace(m.ReturnPath), "<>"); m.ReturnPath != "" {
		if a, ok := parseAddress(m.ReturnPath); ok {
			m.ReturnPath = a.String()
		}
	}
}

func (o Options) addressesMost() int {
	if o.Limits.Addresses > 0 {
		return o.Limits.Addresses
	}
	return scan.Default.Addresses
}

// readDate reads the date of a mail, and takes a wild one for none: it is told to people, and nothing depends on it.
func readDate(raw string) time.Time {
	date, err := mail.ParseDate(plain.Line(raw))
	if err != nil || date.Year() < 1970 || date.Year() > 9999 {
		return time.Time{}
	}
	return date
}
