package message

import (
	"crypto/sha256"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// reading is the work on one mail.
type reading struct {
	message *Message
	names   map[string]bool              // of files, in lower case
	leaves  int                          // parts with something of their own
	byID    map[string]int               // files by their ids
	images  map[[sha256.Size]byte]string // names of those that stood in HTML
	broken  bool                         // it is a report of delivery
}

// segment is a piece of what the mail says, as plain text, as HTML or as both.
type segment struct{ plain, html string }

// openers are for leaves in which there is more than a file. An opener returns what it found, and true if the file itself
// is not wanted any more.
var openers = map[string]func(*reading, *enmime.Part) ([]segment, bool){
	"message/rfc822":                 openForward,
	"message/global":                 openForward,
	"text/rfc822-headers":            openHeaders,
	"message/delivery-status":        openStatus,
	"message/global-delivery-status": openStatus,
	"application/pgp-signature":      openSignature,
	"application/pkcs7-signature":    openSignature,
	"application/x-pkcs7-signature":  openSignature,
}

// read takes the parts in their order.
func (r *reading) read(root *enmime.Part) (fault *Fault) {
	defer func() {
		if p := recover(); p != nil {
			fault = &Fault{"panic", "reading the mail's parts broke down"}
		}
	}()
	segments := r.walk(root)
	r.message.Text, r.message.HTML = r.text(segments)
	if m := r.message; m.Text == "" && strings.Contains(strings.ToLower(m.HTML), "<img") { // it says something, by pictures from elsewhere
		m.Files = append(m.Files, r.file(File{Name: "message.html", Type: "text/html", Data: []byte(m.HTML)}))
	}
	r.message.Lost = r.message.Lost || lost(root)
	return nil
}

// lost tells whether the parser had to leave something out.
func lost(p *enmime.Part) bool {
	for _, e := range p.Errors {
		if e.Name == enmime.ErrorMalformedChildPart || e.Name == enmime.ErrorMalformedBase64 && len(p.Content) == 0 {
			return true
		}
	}
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		if lost(c) {
			return true
		}
	}
	return false
}

func (r *reading) walk(p *enmime.Part) []segment {
	kind := strings.ToLower(p.ContentType)
	if p.FirstChild == nil {
		if strings.HasPrefix(kind, "multipart/") && len(p.Content) == 0 {
			return nil // a multipart of nothing
		}
		r.leaves++
		return r.leaf(p, kind)
	}
	r.broken = r.broken || kind == "multipart/report"
	var all []segment
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		all = append(all, r.walk(c)...)
	}
	if kind == "multipart/alternative" {
		return alternative(all)
	}
	return all
}

// alternative makes one segment of several that say the same, the richest last.
func alternative(all []segment) []segment {
	var one segment
	for _, s := range all {
		if one.plain == "" {
			one.plain = s.plain
		}
		if s.html != "" {
			one.html = s.html
		}
	}
	if one == (segment{}) {
		return nil
	}
	return []segment{one}
}

func (r *reading) leaf(p *enmime.Part, kind string) []segment {
	if open := openers[kind]; open != nil {
		if segments, done := open(r, p); done {
			return segments
		}
	}
	attached := p.Disposition == "attachment" || p.FileName != "" && p.Parent != nil
	switch {
	case attached:
	case kind == "text/html":
		return []segment{{html: r.decoded(p)}}
	case kind == "text/plain" || kind == "" || p.Parent == nil && strings.HasPrefix(kind, "multipart/"):
		return []segment{{plain: unflow(r.decoded(p), p)}}
	}
	r.add(p, kind)
	return nil
}

// openForward leaves a mail within the mail a file, and looks who it was that could not be reached with it.
func openForward(r *reading, p *enmime.Part) ([]segment, bool) {
	header, _ := ReadHeader(mended(p.Content))
	if r.broken {
		r.bounce().of(header)
	}
	if p.FileName == "" {
		p.FileName = "forwarded.eml"
		if subject := header.Get("Subject"); subject != "" {
			p.FileName = subject + ".eml"
		}
	}
	return nil, false
}

func openHeaders(r *reading, p *enmime.Part) ([]segment, bool) {
	header, _ := ReadHeader(mended(p.Content))
	if r.broken {
		r.bounce().of(header)
	}
	return nil, r.broken
}

func openStatus(r *reading, p *enmime.Part) ([]segment, bool) {
	r.bounce().status(p.Content)
	return nil, true
}

// openSignature keeps signatures off the ticket: people cannot read them, and the mail as it came is kept elsewhere.
func openSignature(_ *reading, p *enmime.Part) ([]segment, bool) {
	return nil, p.Parent != nil && strings.EqualFold(p.Parent.ContentType, "multipart/signed")
}
