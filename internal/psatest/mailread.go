package psatest

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// read is a mail as the service understands it.
type readMail struct {
	sender, subject, text string
	token                 mailToken
}

// mailToken is what stands at the end of a mail's text. ID is there in the PSA's own examples, and of no effect.
type mailToken struct {
	XMLName                                                  xml.Name `xml:"Autotask"`
	ID, PW, Customer, Email, Contact, TicketNumber, SubIssue struct {
		Name string `xml:"name,attr"`
	}
}

// readServiceMail takes a mail apart. It knows plain text alone, which is what Autotask asks for.
func readServiceMail(raw []byte) (m readMail, err error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("the mail cannot be read: %w", err)
	}
	if kind, _, _ := mime.ParseMediaType(msg.Header.Get("Content-Type")); kind != "" && kind != "text/plain" {
		return m, errors.New("the mail is not plain text")
	}
	if list, err := msg.Header.AddressList("From"); err == nil && len(list) > 0 {
		m.sender = strings.ToLower(list[0].Address)
	}
	if m.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		m.subject = msg.Header.Get("Subject")
	}
	text, err := mailText(msg)
	if err != nil {
		return m, err
	}
	at := strings.LastIndex(text, "<Autotask>")
	if at < 0 {
		return m, errors.New("there is no token")
	}
	if err := xml.Unmarshal([]byte(text[at:]), &m.token); err != nil {
		return m, fmt.Errorf("the token is not XML: %w", err)
	}
	m.text = strings.TrimSpace(text[:at])
	return m, nil
}

func mailText(msg *mail.Message) (string, error) {
	body := msg.Body
	switch strings.ToLower(msg.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return "", fmt.Errorf("the text cannot be decoded: %w", err)
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "?"), "\r\n", "\n"), nil
}
