package alert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

const (
	// mailTime is how long one delivery may take.
	mailTime = time.Minute
	// maxMailTalk is how much a mail server may say in one delivery, in bytes.
	maxMailTalk = 1 << 20
)

// TLSMode is how a connection to a mail server is made secret.
type TLSMode string

// The modes.
const (
	// TLSOn: TLS from the first byte.
	TLSOn TLSMode = "on"
	// TLSStart: STARTTLS, without which nothing is sent.
	TLSStart TLSMode = "starttls"
	// TLSOff: none.
	TLSOff TLSMode = "off"
)

// TLSModes are all of them.
var TLSModes = []TLSMode{TLSOn, TLSStart, TLSOff}

// Mail sends alerts by SMTP.
type Mail struct {
	// Server is the mail server's host:port.
	Server string
	// From and To are bare mail addresses.
	From string
	To   []string
	TLS  TLSMode
	// User signs in; empty: nobody does.
	User string
	// Password is the user's.
	Password secret.Func
	// CA is a PEM file of those who vouch for its certificate; empty: whom the system trusts. It is read anew each time.
	CA string
}

// Send implements [Sender].
func (m *Mail) Send(ctx context.Context, a report.Alert) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	var password secret.Value
	if m.User != "" {
		var err error
		if password, err = m.Password(ctx); err != nil {
			return fmt.Errorf("the password of mail user %s: %w", m.User, err)
		}
	}
	err := m.talk(ctx, password, m.message(a))
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return m.meaning(err, password)
}

// meaning says whether trying again would be in vain, and hides what a server may have repeated.
func (m *Mail) meaning(err error, password secret.Value) error {
	// AUTH PLAIN's line is the base64 of this.
	plain := secret.NewValue("\x00" + m.User + "\x00" + password.Reveal())
	text := fmt.Errorf("%s: %s", m.Server, secret.Redact(err.Error(), plain, password))
	var answered *smtp.SMTPError
	switch partial, permanent := new(Partial), new(Permanent); {
	case errors.As(err, partial):
		return Partial{text}
	case errors.As(err, permanent), errors.As(err, &answered) && answered.Code >= 500:
		return Permanent{text}
	}
	return text
}

// talk brings a message to the server.
func (m *Mail) talk(ctx context.Context, password secret.Value, message []byte) error {
	config, err := m.tlsConfig()
	if err != nil {
		return err
	}
	conn, err := m.dial(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client, err := m.greet(conn, config)
	if err != nil {
		return err
	}
	if m.User != "" {
		if err := m.signIn(client, password); err != nil {
			return err
		}
	}
	return m.deliver(client, message)
}

// dial connects, with TLS where it comes first.
func (m *Mail) dial(ctx context.Context, config *tls.Config) (net.Conn, error) {
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return nil, err
	}
	conn := net.Conn(&bounded{Conn: plain, left: maxMailTalk})
	if m.TLS != TLSOn {
		return conn, nil
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return secured, nil
}

// greet says who is there, under TLS if that is to be begun.
func (m *Mail) greet(conn net.Conn, config *tls.Config) (client *smtp.Client, err error) {
	if m.TLS == TLSStart {
		if client, err = smtp.NewClientStartTLS(conn, config); err != nil {
			return nil, err
		}
	} else {
		client = smtp.NewClient(conn)
	}
	client.CommandTimeout, client.SubmissionTimeout = mailTime, mailTime
	return client, client.Hello(localName())
}

func (m *Mail) tlsConfig() (*tls.Config, error) {
	roots, err := rootsIn(m.CA)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(m.Server)
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// signIn shows the password in the way that the server takes.
func (m *Mail) signIn(client *smtp.Client, password secret.Value) error {
	switch {
	case client.SupportsAuth(sasl.Plain):
		return client.Auth(sasl.NewPlainClient("", m.User, password.Reveal()))
	case client.SupportsAuth(sasl.Login):
		return client.Auth(sasl.NewLoginClient(m.User, password.Reveal()))
	}
	return Permanent{errors.New("the server takes no user name with a password (AUTH PLAIN or LOGIN)")}
}

// deliver hands over the message, to those whom the server takes it for.
func (m *Mail) deliver(client *smtp.Client, message []byte) error {
	if err := client.Mail(m.From, nil); err != nil {
		return fmt.Errorf("from %s: %w", m.From, err)
	}
	var refused []error
	for _, to := range m.To {
		if err := client.Rcpt(to, nil); err != nil {
			refused = append(refused, fmt.Errorf("to %s: %w", to, err))
		}
	}
	if len(refused) == len(m.To) {
		return errors.Join(refused...)
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(message); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the server has taken it
	if len(refused) > 0 {
		return Partial{errors.Join(refused...)}
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// localName is what a mail server is told of this machine.
func localName() string {
	if name, err := os.Hostname(); err == nil && hostName.MatchString(name) {
		return name
	}
	return "localhost"
}

// bounded is a connection from which no more is read than anybody could need.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the server says more than %d bytes: %w", maxMailTalk, io.ErrUnexpectedEOF)
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// domain is what follows the @ of a mail address.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
