package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"
)

// grant is a way to a token. secrets are what it shows the server, in the order that ask takes; the last is the one that it
// is most likely refused for. what names that, for people.
type grant struct {
	what    string
	secrets func(ctx context.Context) ([]string, error)
	ask     func(ctx context.Context, secrets []string) (*oauth2.Token, error)
}

// ClientCredentials gets tokens for an application of its own (RFC 6749 section 4.4), which has no person behind it.
func ClientCredentials(c Client) (*Source, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Secret == nil {
		return nil, errors.New("client credentials need the application's secret")
	}
	return newSource(c, grant{
		what: "client secret",
		secrets: func(ctx context.Context) ([]string, error) {
			secret, err := c.secret(ctx)
			return []string{secret}, err
		},
		ask: func(ctx context.Context, secrets []string) (*oauth2.Token, error) {
			config := clientcredentials.Config{ClientID: c.ID, ClientSecret: secrets[0], TokenURL: c.URL, Scopes: c.Scopes, EndpointParams: c.Params, AuthStyle: c.style()}
			return config.Token(over(ctx, c.Transport))
		},
	}), nil
}

// RefreshToken gets tokens in the name of a person who has once signed in elsewhere (RFC 6749 section 6). A server may give
// another refresh token with each access token, and take the old one no more: then save is called with it, and again later
// while it returns an error. stored gives the one that is kept; whoever puts another there is followed.
//
// save may be nil only for servers that never give another: what they give is lost with the process.
func RefreshToken(c Client, stored Secret, save func(ctx context.Context, refresh string) error) (*Source, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if stored == nil {
		return nil, errors.New("there must be a refresh token")
	}
	r := &rotation{stored: stored, save: save, old: map[[32]byte]bool{}}
	s := newSource(c, grant{
		what: "refresh token",
		secrets: func(ctx context.Context) ([]string, error) {
			secret, err := c.secret(ctx)
			if err != nil {
				return nil, err
			}
			refresh, err := r.current(ctx)
			return []string{secret, refresh}, err
		},
		ask: func(ctx context.Context, secrets []string) (*oauth2.Token, error) {
			return c.refresh(ctx, secrets[0], secrets[1])
		},
	})
	s.rotation, r.log = r, s.log
	return s, nil
}

// refresh asks with a refresh token. The library's own way sends no scope, and that for applications lets the grant be another.
func (c Client) refresh(ctx context.Context, secret, refresh string) (*oauth2.Token, error) {
	params := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	for name, values := range c.Params {
		params[name] = values
	}
	config := clientcredentials.Config{ClientID: c.ID, ClientSecret: secret, TokenURL: c.URL, Scopes: c.Scopes, EndpointParams: params, AuthStyle: c.style()}
	return config.Token(over(ctx, c.Transport))
}

// GoogleMail is the scope of Google's mailboxes, for IMAP and for SMTP.
const GoogleMail = "https://mail.google.com/"

// serviceAccount is the file that Google gives for a service account, as far as it matters.
type serviceAccount struct {
	Type  string `json:"type"`
	Email string `json:"client_email"`
	Key   string `json:"private_key"`
	KeyID string `json:"private_key_id"`
	URL   string `json:"token_uri"`
}

// ServiceAccount gets tokens for a mailbox of Google Workspace, by an account that a domain lets read mail
// (JWT bearer, RFC 7523). file gives the JSON that Google gave for it, with the URL that it is shown to; the scope is GoogleMail.
// transport and log may be nil.
func ServiceAccount(file Secret, mailbox string, scopes []string, transport http.RoundTripper, log *slog.Logger) (*Source, error) {
	if file == nil || mailbox == "" {
		return nil, errors.New("a service account needs its file and the address of the mailbox")
	}
	s := newSource(Client{ID: "the service account", Transport: transport, Log: log}, grant{
		what: "key",
		secrets: func(ctx context.Context) ([]string, error) {
			text, err := file(ctx)
			if err != nil {
				return nil, fmt.Errorf("there is no file of the service account: %w", err)
			}
			return []string{text}, nil
		},
		ask: func(ctx context.Context, secrets []string) (*oauth2.Token, error) {
			var account serviceAccount
			if json.Unmarshal([]byte(secrets[0]), &account) != nil || account.Type != "service_account" || account.Key == "" {
				return nil, errors.New("that is no file of a service account, the JSON that Google gives for a new key")
			}
			if err := checkURL(account.URL); err != nil {
				return nil, err
			}
			config := jwt.Config{Email: account.Email, PrivateKey: []byte(account.Key), PrivateKeyID: account.KeyID, Subject: mailbox, Scopes: scopes, TokenURL: account.URL}
			t, err := config.TokenSource(over(ctx, transport)).Token()
			return t, told(err)
		},
	})
	return s, nil
}

// told reads what the library leaves unread for this grant (RFC 6749 section 5.2).
func told(err error) error {
	refused := new(oauth2.RetrieveError)
	if errors.As(err, &refused) && refused.ErrorCode == "" {
		var said struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(refused.Body, &said) == nil {
			refused.ErrorCode, refused.ErrorDescription = said.Code, said.Description
		}
	}
	return err
}
