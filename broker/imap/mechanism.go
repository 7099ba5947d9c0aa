package imap

import (
	"net"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
)

// bearer is a mechanism that presents an access token: XOAUTH2 (Microsoft and Google, who wrote it down; no RFC), or another
// whose start it has. A server that refuses says why in a challenge, and ends the exchange when that is answered by a byte of
// 1 (RFC 7628 section 3.2.3); an empty answer, which XOAUTH2 wants by its text, the library would write as "=", which
// servers take for bad base64.
type bearer struct {
	mechanism string
	response  []byte
}

func (b bearer) Start() (string, []byte, error) { return b.mechanism, b.response, nil }

func (b bearer) Next([]byte) ([]byte, error) { return []byte{1}, nil }

func xoauth2(user, token string) sasl.Client {
	return bearer{"XOAUTH2", []byte("user=" + user + "\x01auth=Bearer " + token + "\x01\x01")}
}

func oauthBearer(user, token, server string) (sasl.Client, error) {
	host, text, _ := net.SplitHostPort(server)
	port, _ := strconv.Atoi(text)
	// A user's name is in a saslname there (RFC 5801 section 4), which the library leaves to us.
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user)
	mechanism, response, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: name, Token: token, Host: host, Port: port}).Start()
	return bearer{mechanism, response}, err
}

// tokenMechanism is the one that the server takes a token with; nil where it takes none.
func (m Mailbox) tokenMechanism(caps imap.CapSet, token string) (sasl.Client, error) {
	switch {
	case caps.Has(imap.AuthCap(sasl.OAuthBearer)):
		return oauthBearer(m.User, token, m.Server)
	case caps.Has(imap.AuthCap("XOAUTH2")):
		return xoauth2(m.User, token), nil
	}
	return nil, nil
}
