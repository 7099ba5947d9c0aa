package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/refused"
)

// TLSMode is how a connection is made secret.
type TLSMode string

// The modes.
const (
	// TLSOn: TLS from the first byte (RFC 8314). Also the empty mode.
	TLSOn TLSMode = "on"
	// TLSStart: STARTTLS, without which nobody signs in.
	TLSStart TLSMode = "starttls"
	// TLSOff: none, which only a server on this machine is spoken to with.
	TLSOff TLSMode = "off"
)

// Secret gives a password or an access token, as it is now. It is asked each time somebody signs in, and while one that was
// refused waits for another: it should answer from memory. Its errors are shown to people.
type Secret func(ctx context.Context) (string, error)

// Mailbox is one to be read.
type Mailbox struct {
	// Server is its host:port.
	Server string
	TLS    TLSMode
	// Config is used for TLS where it is not nil, for own roots. The server's name is Server's unless it has one.
	Config *tls.Config
	// User signs in, with either of the two: a Password, or an access Token (OAUTHBEARER, RFC 7628, or XOAUTH2).
	User     string
	Password Secret
	Token    Secret
	// Processed and DeadLetter are the folders into which mails go that are done with, "Processed" and "DeadLetter" where
	// they are empty. They are made where they are not there.
	Processed, DeadLetter string
	// LeaveSince, where it is not zero, has mails stay in the inbox: one that is done with is marked there, by a flag of our own, and
	// neither folder is used. Only mails are read that came since that day, by the mail server's clock, or after the inbox was first
	// opened: a day and not an instant, since servers search by days (SINCE, RFC 9051 section 6.4.4).
	LeaveSince time.Time
	// Poll is how often all is compared at least; a minute where it is 0.
	Poll time.Duration
	// Most is the longest mail that is fetched whole, in bytes; 64 MiB where it is 0. Memory for it is needed once.
	Most int64
	// Dial opens a connection, as net.Dialer.DialContext does, which is used where it is nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Lookup looks a host's name up for a Trial, as net.Resolver.LookupHost does, which is used where it is nil.
	Lookup func(ctx context.Context, host string) (addresses []string, err error)
	// Again is called when somebody says that what was refused is right now (Trial.SignIn): whoever gives the Token may ask for
	// another then. It may be nil.
	Again func()
	// Refused remembers which secrets were, for all who share it and sign in as the user; nil for what is remembered by nobody else.
	Refused *refused.Memory
}

const (
	usualPoll = time.Minute
	usualMost = 64 << 20
	// head is how much is fetched of a mail that is longer than Most.
	head = 256 << 10
)

// whole is the mailbox with all that was left out, or an error that says what is wrong with it.
func (m Mailbox) whole() (Mailbox, error) {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil || host == "" {
		return m, fmt.Errorf("the mail server must be written as host:port, as in imap.example.com:993, not %q", m.Server)
	}
	switch m.TLS {
	case "":
		m.TLS = TLSOn
	case TLSOn, TLSStart:
	case TLSOff:
		if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
			return m, fmt.Errorf("without TLS the password could be read on the way to %s: only a server on this machine may be used so; write tls on or tls starttls", m.Server)
		}
	default:
		return m, fmt.Errorf("tls is on, starttls or off, not %q", m.TLS)
	}
	switch {
	case m.User == "":
		return m, fmt.Errorf("the mailbox at %s needs the name of a user", m.Server)
	case (m.Password == nil) == (m.Token == nil):
		return m, fmt.Errorf("the mailbox of %s needs a password or an access token, one of the two", m.User)
	case strings.ContainsAny(m.User, "\x00\x01\r\n"):
		return m, errors.New("the name of the mailbox's user has control characters in it")
	case m.Poll < 0 || m.Most < 0:
		return m, errors.New("the time between two looks and the longest mail cannot be negative")
	}
	or(&m.Processed, "Processed")
	or(&m.DeadLetter, "DeadLetter")
	or(&m.Poll, usualPoll)
	or(&m.Most, usualMost)
	or(&m.Refused, new(refused.Memory))
	if m.Dial == nil {
		m.Dial = new(net.Dialer).DialContext
	}
	if m.Lookup == nil {
		m.Lookup = net.DefaultResolver.LookupHost
	}
	return m, nil
}

func or[T comparable](field *T, usual T) {
	var none T
	if *field == none {
		*field = usual
	}
}

// tlsConfig is for a connection to the server.
func (m Mailbox) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.Config != nil {
		config = m.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(m.Server)
	}
	if config.NextProtos == nil {
		config.NextProtos = []string{"imap"}
	}
	return config
}
