package ates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
)

// TLSMode is how a connection is made secret.
type TLSMode string

// The modes.
const (
	// TLSOn: TLS from the first byte (RFC 8314). Also the empty mode, but for the ports 25 and 587.
	TLSOn TLSMode = "on"
	// TLSStart: STARTTLS, without which nothing is said. Also the empty mode for the ports 25 and 587.
	TLSStart TLSMode = "starttls"
	// TLSOff: none, which only a server on this machine is spoken to with.
	TLSOff TLSMode = "off"
)

// Secret gives a password, an access token or a key, as it is now. It is asked each time one is needed: it should answer from memory. Its
// errors are shown to people.
type Secret func(ctx context.Context) (string, error)

// Server is a mail server that hands mails on for those who sign in (RFC 6409).
type Server struct {
	// Address is its host:port.
	Address string
	TLS     TLSMode
	// Config is used for TLS where it is not nil, for own roots. The server's name is Address's unless it has one.
	Config *tls.Config
	// User signs in, with either of the two: a Password (PLAIN or LOGIN), or an access Token (XOAUTH2, or OAUTHBEARER of RFC 7628).
	// Without a User nobody does.
	User     string
	Password Secret
	Token    Secret
	// Forget has Token give a new one where it is not nil: people want one sent though the last was refused (SendAgain).
	Forget func()
	// Dial opens a connection, as net.Dialer.DialContext does, which is used where it is nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (s Server) whole() (Server, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil || host == "" {
		return s, fmt.Errorf("the server for mails to the mail service must be written as host:port, as in smtp.example.com:587, not %q", s.Address)
	}
	switch s.TLS {
	case "":
		if s.TLS = TLSOn; port == "25" || port == "587" {
			s.TLS = TLSStart
		}
	case TLSOn, TLSStart:
	case TLSOff:
		if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
			return s, fmt.Errorf("without TLS the mail service's key could be read on the way to %s: only a server on this machine may be used so; write tls on or tls starttls", s.Address)
		}
	default:
		return s, fmt.Errorf("tls is on, starttls or off, not %q", s.TLS)
	}
	switch {
	case s.User == "" && (s.Password != nil || s.Token != nil):
		return s, fmt.Errorf("the server %s needs the name of a user for its password or token", s.Address)
	case s.User != "" && (s.Password == nil) == (s.Token == nil):
		return s, fmt.Errorf("the user %s of %s needs a password or an access token, one of the two", s.User, s.Address)
	case strings.ContainsAny(s.User, "\x00\x01\r\n"):
		return s, errors.New("the name of the mail server's user has control characters in it")
	}
	if s.Dial == nil {
		s.Dial = new(net.Dialer).DialContext
	}
	return s, nil
}

// tlsConfig is for a connection to the server.
func (s Server) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Config != nil {
		config = s.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(s.Address)
	}
	return config
}
