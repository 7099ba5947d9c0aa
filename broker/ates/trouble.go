package ates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/redact"
)

// hider takes secrets out of what a server says, as they are and as they go over the wire.
type hider []string

func (h hider) text(text string) string { return printable(redact.Text(text, h...)) }

// printable is foreign text for people.
func printable(text string) string { return redact.Line(text, 500) }

// answered is an error from before the mail's text was sent. A no for good is one to this mail, but for servers that want a sign-in,
// or another sender.
func (s *Sender) answered(err error, l letter, hidden hider) error {
	if err := s.denied(err, l); err != nil {
		return err
	}
	said, doing := new(smtp.SMTPError), "handing a mail to "+s.s.Server.Address
	switch text := hidden.text(err.Error()); {
	case !errors.As(err, &said):
		return notNow(err, "%s: the connection broke: %s", doing, text)
	case said.Code == 530: // RFC 4954 section 6
		return notNow(err, "%s: it wants a sign-in first: give it a user (login); it says %s", doing, text)
	case said.Code/100 == 5:
		return refusedMail(err, "%s: it refuses %s", doing, text)
	default:
		return notNow(err, "%s: it says %s", doing, text)
	}
}

// ended is an error from after the dot.
func (h hider) ended(err error, server string) error {
	said := new(smtp.SMTPError)
	text := h.text(err.Error())
	if errors.As(err, &said) {
		switch said.Code / 100 {
		case 4:
			return notNow(err, "%s does not take a mail for now; it says %s", server, text)
		case 5:
			return refusedMail(err, "%s refuses a mail; it says %s", server, text)
		}
	}
	return &trouble{fmt.Sprintf("a mail was handed to %s, which has not said whether it takes it: %s", server, text), err}
}

// unreachable says why there is no connection.
func unreachable(server string, err error) error {
	host, _, _ := net.SplitHostPort(server)
	unknown := new(net.DNSError)
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return fmt.Errorf("there is no host %s: is the mail server's name written right? (%w)", host, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s does not answer: is there a firewall between, or is the port wrong? (%w)", server, err)
	}
	return fmt.Errorf("%s cannot be reached: is the port right (587, or 465 with tls on), and is the server running? (%w)", server, err)
}

// insecure says why there is no conversation, mostly for want of TLS.
func insecure(server string, err error) error {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		said      *smtp.SMTPError
	)
	switch {
	case errors.As(err, &record):
		return fmt.Errorf("%s does not speak TLS there: write tls starttls, or use the port for TLS (465) (%w)", server, err)
	case errors.As(err, &authority):
		return fmt.Errorf("the certificate of %s comes from nobody whom this machine trusts: give the CA that signed it (%w)", server, err)
	case errors.As(err, &name):
		return fmt.Errorf("the certificate of %s is for another name: write one that is in it, if it is this server's (%w)", server, err)
	case errors.As(err, &said):
		return fmt.Errorf("%s does not want to talk: it says %w", server, err)
	case strings.Contains(err.Error(), "support STARTTLS"): // the library has no other sign
		return fmt.Errorf("%s does not take STARTTLS, and the mail service's key is not sent without TLS: write tls on with the port for TLS (465) (%w)", server, err)
	}
	return fmt.Errorf("the connection to %s broke before anything was said (with tls on, the port is 465; with tls starttls, 587): %w", server, err)
}
