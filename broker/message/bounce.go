package message

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Bounce is what a report of delivery says.
type Bounce struct {
	// MessageID is that of the mail that did not arrive, without brackets; empty where the report does not say.
	MessageID string
	// Recipients are whom it did not reach.
	Recipients []Address
	// Status is RFC 3463's, as 5.1.1; empty where the report does not say.
	Status string
}

// Failed says that the mail will not arrive: not that it is late (4.…), and not that it has arrived (2.…).
func (b *Bounce) Failed() bool {
	return !strings.HasPrefix(b.Status, "4.") && !strings.HasPrefix(b.Status, "2.")
}

func (r *reading) bounce() *Bounce {
	if r.message.Bounce == nil {
		r.message.Bounce = &Bounce{}
	}
	return r.message.Bounce
}

// of reads the header of the mail that did not arrive.
func (b *Bounce) of(header Header) {
	if id := ids(header.raw("Message-ID")); b.MessageID == "" && len(id) > 0 {
		b.MessageID = id[0]
	}
}

// status reads a part of the type message/delivery-status (RFC 3464): groups of fields, the first of which is about the
// mail as a whole.
func (b *Bounce) status(content []byte) {
	for len(content) > 0 {
		var group Header
		group, content = ReadHeader(bytes.TrimLeft(content, "\r\n"))
		for _, name := range []string{"Final-Recipient", "Original-Recipient"} {
			_, address, _ := strings.Cut(group.raw(name), ";")
			b.recipient(address)
		}
		if status := statusCode.FindString(group.raw("Status")); b.Status == "" && status != "" {
			b.Status = status
		}
	}
}

var (
	statusCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	textID     = regexp.MustCompile(`(?im)^[\s>]*Message-ID:\s*<([^<>\s]{1,900})>`)
)

func (b *Bounce) recipient(raw string) {
	a, ok := parseAddress(raw)
	if ok && len(b.Recipients) < 100 && !slices.ContainsFunc(b.Recipients, func(have Address) bool { return have.Key() == a.Key() }) {
		b.Recipients = append(b.Recipients, a)
	}
}

// completeBounce looks in the header and in the text for what servers without RFC 3464 write there.
func (m *Message) completeBounce() {
	if m.Bounce == nil {
		m.Bounce = &Bounce{}
	}
	for _, raw := range m.Header.raws("X-Failed-Recipients") {
		for _, a := range ParseAddresses(raw) {
			m.Bounce.recipient(a.String())
		}
	}
	if m.Bounce.MessageID == "" {
		if id := textID.FindStringSubmatch(m.Text); id != nil {
			m.Bounce.MessageID = id[1]
		}
	}
	if m.Bounce.Status == "" {
		m.Bounce.Status = statusCode.FindString(m.Text)
	}
}
