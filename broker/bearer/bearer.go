// Package bearer presents access tokens to mail servers, by the mechanisms of SASL that they know.
package bearer

import (
	"net"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
)

// The names of the mechanisms.
const (
	NameXOAUTH2     = "XOAUTH2"
	NameOAuthBearer = sasl.OAuthBearer
)

// mechanism is one whose start is known. A server that refuses says why in a challenge, and ends the exchange when that is answered
// by a byte of 1 (RFC 7628 section 3.2.3); an empty answer, which XOAUTH2 wants by its text, the library for IMAP would write as "=",
// which servers take for bad base64.
type mechanism struct {
	name     string
	response []byte
}

func (m mechanism) Start() (string, []byte, error) { return m.name, m.response, nil }

func (m mechanism) Next([]byte) ([]byte, error) { return []byte{1}, nil }

// XOAUTH2 is the mechanism of Microsoft and Google, who wrote it down; no RFC has it.
func XOAUTH2(user, token string) sasl.Client {
	return mechanism{NameXOAUTH2, []byte("user=" + user + "\x01auth=Bearer " + token + "\x01\x01")}
}

// OAuthBearer is OAUTHBEARER (RFC 7628), for a server as host:port.
func OAuthBearer(user, token, server string) (sasl.Client, error) {
	host, text, _ := net.SplitHostPort(server)
	port, _ := strconv.Atoi(text)
	// A user's name is in a saslname there (RFC 5801 section 4), which the library leaves to us.
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user)
	_, response, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: name, Token: token, Host: host, Port: port}).Start()
	return mechanism{NameOAuthBearer, response}, err
}
