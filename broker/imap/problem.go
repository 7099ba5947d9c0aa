package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/psagate/psagate/broker/redact"
)

// Stage is how far it has come with a mailbox.
type Stage string

// Stages, in their order.
const (
	Connecting Stage = "connect" // DNS and TCP
	Securing   Stage = "tls"
	SigningIn  Stage = "sign-in"
	Opening    Stage = "open" // the inbox and the folders
	Listing    Stage = "list"
	Fetching   Stage = "fetch"
	Spooling   Stage = "spool" // handing a mail over: not the server's fault
	Moving     Stage = "move"
)

// Problem is what is wrong with a mailbox, in words for people: what it is and what to do.
type Problem struct {
	Stage Stage
	// Refused says that the server does not take the password or the token. It is not sent again until it changes.
	Refused bool
	// held: the secret was not sent.
	held bool
	text string
	said string // of a refusal: what to ask oneself, and the server's words
	err  error
}

// Error is the words. No secret is in them, even where the server repeats it.
func (p *Problem) Error() string { return p.text }

// Unwrap is what it comes from, for errors.Is.
func (p *Problem) Unwrap() error { return p.err }

func problem(stage Stage, err error, text string, args ...any) *Problem {
	return &Problem{Stage: stage, text: fmt.Sprintf(text, args...), err: err}
}

// broken is an error of a command.
func broken(stage Stage, err error, what string) *Problem {
	if already := new(Problem); errors.As(err, &already) {
		return already
	}
	said := new(imap.Error)
	switch {
	case errors.As(err, &said):
		return problem(stage, err, "%s: the server says %s", what, words(said))
	case errors.Is(err, errTalk) || strings.Contains(err.Error(), errTalk.Error()): // the library passes it on as text
		return problem(stage, err, "%s: %v, and is not listened to any longer", what, errTalk)
	case errors.Is(err, context.DeadlineExceeded):
		return problem(stage, err, "%s: the server does not answer", what)
	case strings.Contains(err.Error(), "panic"):
		return problem(stage, err, "%s: the server's answer is not IMAP", what)
	}
	return problem(stage, err, "%s: the connection broke: %s", what, printable(err.Error()))
}

// words are a server's own.
func words(e *imap.Error) string {
	text := string(e.Type)
	if e.Code != "" {
		text += " [" + string(e.Code) + "]"
	}
	return "“" + printable(text+" "+e.Text) + "”"
}

// printable is foreign text for people.
func printable(text string) string { return redact.Line(text, 200) }

// hidden is an error of a connection on which a secret was sent, which the server may repeat at any time. It is taken out
// before anything is cut.
func (m Mailbox) hidden(err error, secret string) error {
	if err == nil || redact.Text(err.Error(), secret) == err.Error() {
		return err
	}
	if said := new(imap.Error); errors.As(err, &said) {
		return &imap.Error{Type: said.Type, Code: imap.ResponseCode(redact.Text(string(said.Code), secret)), Text: redact.Text(said.Text, secret)}
	}
	return errors.New(redact.Text(err.Error(), secret))
}

// unreachable says why there is no connection.
func unreachable(server string, err error) *Problem {
	host, _, _ := net.SplitHostPort(server)
	unknown := new(net.DNSError)
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return problem(Connecting, err, "there is no host %s: is the mail server's name written right?", host)
	case errors.As(err, &unknown):
		return problem(Connecting, err, "the name %s could not be looked up: %s; does DNS work on this machine?", host, printable(unknown.Err))
	case errors.Is(err, context.DeadlineExceeded):
		return problem(Connecting, err, "%s does not answer: is there a firewall between, or is the port wrong?", server)
	}
	return problem(Connecting, err, "%s cannot be reached (%s): is the port right (993 with tls on, 143 with tls starttls), and is the server running?", server, printable(cause(err)))
}

// cause is why there is no connection, without the addresses, which are said already.
func cause(err error) string {
	if way := new(net.OpError); errors.As(err, &way) && way.Err != nil {
		err = way.Err
	}
	if call := new(os.SyscallError); errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// certifiedMost is how many names of a certificate are said.
const certifiedMost = 5

// certified says whom a certificate is for.
func certified(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return ", nor for any name: the server needs another one"
	}
	more := ""
	if len(names) > certifiedMost {
		names, more = names[:certifiedMost], " and others"
	}
	return ", but for " + printable(strings.Join(names, ", ")) + more + ": write such a name, if it is this server's"
}

// insecure says why there is no TLS.
func insecure(server string, err error) *Problem {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		said      *imap.Error
	)
	switch {
	case errors.As(err, &record):
		return problem(Securing, err, "%s does not speak TLS from the start: write tls starttls, or use the port for TLS (993)", server)
	case errors.As(err, &authority):
		return problem(Securing, err, "the certificate of %s comes from nobody whom this machine trusts: give the CA that signed it, as a PEM file (`ca`)", server)
	case errors.As(err, &name):
		return problem(Securing, err, "the certificate of %s is not for %s%s", server, name.Host, certified(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return problem(Securing, err, "the certificate of %s is not valid at this time: it must be renewed on the server, or this machine's clock is wrong", server)
	case errors.As(err, &said):
		return problem(Securing, err, "%s does not take STARTTLS, and the password is not sent without TLS: write tls on with the port for TLS (993); the server says %s", server, words(said))
	case errors.Is(err, context.DeadlineExceeded):
		return problem(Securing, err, "%s does not begin TLS: is it the port for TLS (993 with tls on, 143 with tls starttls)?", server)
	}
	return problem(Securing, err, "TLS with %s failed: %s", server, printable(err.Error()))
}
