package ates

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/plain"
	"github.com/psagate/psagate/broker/thread"
)

// Mail is one for the service.
type Mail struct {
	// From is whom the mail is from, To the service's address.
	From, To message.Address
	// Subject becomes the title and Text the description; Reference is its last line, by which the ticket is found.
	Subject, Text, Reference string
	// ID and Domain make the mail's own id, which is the same whenever it is sent again; without ID it has the Reference in it.
	ID, Domain string
	// Mark is thread.MarkField's value, by which the mail is known as our own where it comes back; empty for none.
	Mark string
	Date time.Time
	// Repeat says in the text that the ticket may be there already.
	Repeat bool
	Token  Token
}

// Limits of a ticket, in characters.
const (
	titleMost = 255
	textMost  = 8000
)

// repeated stands at the head of a mail that may be the second.
const repeated = "(Sent again: the first may have arrived.)\n\n"

// Write is the mail as it goes over SMTP, but for what SMTP itself does to lines with dots. An error says what is missing,
// never what is there.
func (m Mail) Write() ([]byte, error) {
	switch {
	case m.Token.Key.key == "":
		return nil, errors.New("a mail to the ticket service needs the service's key")
	case m.From.Domain == "" || m.To.Domain == "" || m.Domain == "":
		return nil, errors.New("a mail to the ticket service needs a sender, a recipient, and a domain for its id")
	case m.Reference == "":
		return nil, errors.New("a mail to the ticket service needs a reference, by which its ticket is found")
	}
	var b bytes.Buffer
	for _, field := range [][2]string{
		{"From", "<" + oneLine(m.From.String()) + ">"},
		{"To", "<" + oneLine(m.To.String()) + ">"},
		{"Subject", m.subject()},
		{"Message-ID", "<" + m.messageID() + ">"},
		{"Date", m.Date.Format(time.RFC1123Z)},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{thread.MarkField, oneLine(m.Mark)},
	} {
		if field[1] == "" {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\r\n", field[0], field[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.body(), "\n", "\r\n"))); err != nil {
		return nil, fmt.Errorf("writing a mail to the ticket service: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing a mail to the ticket service: %w", err)
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// messageID is without brackets.
func (m Mail) messageID() string {
	return oneLine(cmp.Or(m.ID, m.Reference)) + "@" + oneLine(m.Domain)
}

// noSubject is never empty: the service would make a title of the date.
const noSubject = "Mail without a subject"

// titled is a title as the service gets it, with something at its end that is not cut.
func titled(title, end string) string {
	return cmp.Or(plain.Cut(harmless(plain.Line(title)), titleMost-len([]rune(end)), "…"), noSubject) + end
}

func (m Mail) subject() string {
	title := titled(m.Subject, "")
	// Each encoded word has a line of its own: one has at most 998 bytes (RFC 5322 section 2.1.1).
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", title), "?= =?", "?=\r\n =?")
}

// body is the text, the reference and the token, which comes last and is never cut.
func (m Mail) body() string {
	head, text, tail := m.parts()
	text = plain.Cut(text, textMost-len([]rune(head+tail)), "\n\n[…] The mail is longer.")
	return head + text + tail + "\n" + m.Token.write()
}

func (m Mail) parts() (head, text, tail string) {
	tail = "\n\nRef: " + oneLine(m.Reference)
	if m.Repeat {
		head = repeated
	}
	text = strings.TrimSuffix(plain.Clean(m.Text), strings.TrimPrefix(tail, "\n\n"))
	return head, strings.TrimRight(harmless(text), "\n"), tail
}

// fits tells whether the service takes all of the text: a note may be longer than a ticket.
func (m Mail) fits() bool {
	head, text, tail := m.parts()
	return len([]rune(head+text+tail)) <= textMost
}
