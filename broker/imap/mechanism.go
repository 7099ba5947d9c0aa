package imap

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/psagate/psagate/broker/bearer"
)

// tokenMechanism is the one that the server takes a token with; nil where it takes none.
func (m Mailbox) tokenMechanism(caps imap.CapSet, token string) (sasl.Client, error) {
	switch {
	case caps.Has(imap.AuthCap(bearer.NameOAuthBearer)):
		return bearer.OAuthBearer(m.User, token, m.Server)
	case caps.Has(imap.AuthCap(bearer.NameXOAUTH2)):
		return bearer.XOAUTH2(m.User, token), nil
	}
	return nil, nil
}
