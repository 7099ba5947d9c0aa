package message

import (
	"net/mail"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/plain"
	"github.com/psagate/psagate/broker/scan"
)

// headerMost is how much of a mail is looked at for its header, whatever the mail is.
func (o Options) headerMost() int {
	if o.Limits.Header > 0 {
		return o.Limits.Header
	}
	return scan.Default.Header
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
