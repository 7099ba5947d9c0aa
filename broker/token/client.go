package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Secret gives a secret as it is now. It is asked before each token, and should answer from memory. Its errors are shown to people.
type Secret func(ctx context.Context) (string, error)

// Client is who asks a server for access tokens.
type Client struct {
	// URL is the server's token endpoint (RFC 6749 section 3.2), for Microsoft
	// https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token.
	URL string
	// ID is the application's. Secret is its secret; nil for an application without one, which then needs a refresh token.
	ID     string
	Secret Secret
	// Scopes are what is asked for: https://outlook.office365.com/.default for a mailbox of Exchange Online.
	Scopes []string
	// Params are further ones that a server wants, such as audience.
	Params url.Values
	// Basic sends id and secret by HTTP Basic, not in the body (RFC 6749 section 2.3.1). Which of the two a server wants is
	// not tried out: that would be a wrong sign-in each time.
	Basic bool
	// Transport is http.DefaultTransport where it is nil. Log may be nil.
	Transport http.RoundTripper
	Log       *slog.Logger
}

// askTime is how long a server may take for a token.
const askTime = 30 * time.Second

// check says what is wrong with the client.
func (c Client) check() error {
	if c.ID == "" {
		return errors.New("OAuth 2.0 needs the application's id (client id)")
	}
	return checkURL(c.URL)
}

// checkURL refuses a URL to which secrets would go in the clear.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the token URL must be a whole one, such as https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token")
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return fmt.Errorf("the token URL at %s must be https: what is sent there is secret", u.Host)
	}
	return nil
}

// host is the server's, for people.
func host(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Host
	}
	return theServer
}

// over gives the library the way to the server. A redirect is not followed: it would take the secrets elsewhere.
func over(ctx context.Context, transport http.RoundTripper) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}})
}

func (c Client) style() oauth2.AuthStyle {
	if c.Basic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// secret is the application's, empty for one that has none.
func (c Client) secret(ctx context.Context) (string, error) {
	if c.Secret == nil {
		return "", nil
	}
	secret, err := c.Secret(ctx)
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("there is no client secret for %s: %w", printable(c.ID), err)
	}
	return strings.TrimRight(secret, "\r\n"), nil
}
