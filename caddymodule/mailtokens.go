package caddymodule

import (
	"context"
	"log/slog"

	"github.com/psagate/psagate/broker/token"
	"github.com/psagate/psagate/internal/secret"
)

// tokens gives access tokens of an OAuth 2.0 server, for a user's mailbox. Which secrets that has refused is remembered by all who show
// them: the application's own is the same for all mailboxes.
func (l *lender) tokens(a *App, user string, o *MailOAuth2) (*token.Source, error) {
	source, err := l.source(a, user, o)
	if err != nil {
		return nil, err
	}
	if o.ServiceAccount == nil && o.RefreshToken == nil {
		user = ""
	}
	source.Share(&mailSignIns, user)
	return source, nil
}

func (l *lender) source(a *App, user string, o *MailOAuth2) (*token.Source, error) {
	if o.ServiceAccount != nil {
		key, err := l.text(a, o.ServiceAccount)
		if err != nil {
			return nil, err
		}
		return token.ServiceAccount(key, user, o.scopes(), nil, slog.New(currentLog{}))
	}
	client := token.Client{URL: o.TokenURL, ID: o.ClientID, Scopes: o.scopes(), Log: slog.New(currentLog{})}
	if o.ClientSecret != nil {
		read, err := l.text(a, o.ClientSecret)
		if err != nil {
			return nil, err
		}
		client.Secret = read
	}
	if o.RefreshToken == nil {
		return token.ClientCredentials(client)
	}
	stored, err := l.text(a, o.RefreshToken)
	if err != nil {
		return nil, err
	}
	return token.RefreshToken(client, stored, l.saving(o.RefreshToken))
}

// scopes are what is asked for.
func (o *MailOAuth2) scopes() []string {
	if len(o.Scopes) == 0 && o.ServiceAccount != nil {
		return []string{token.GoogleMail}
	}
	return o.Scopes
}

// saving writes a refresh token that has replaced another into its record; nil where it is in no store. The record's store was lent
// last.
func (l *lender) saving(s *SecretText) func(context.Context, string) error {
	if s.Store == "" {
		return nil
	}
	store := l.lent[len(l.lent)-1].store
	return func(ctx context.Context, refresh string) error {
		record, err := store.Confirm(ctx, s.Path)
		if err != nil {
			return err
		}
		_, err = store.Write(ctx, s.Path, record, map[string]secret.Value{fieldOf(s, record): secret.NewValue(refresh)})
		return err
	}
}

// fieldOf is the field that a secret is in: the one that is named, or the only one, or value.
func fieldOf(s *SecretText, record secret.Record) string {
	if s.Field != "" {
		return s.Field
	}
	if len(record.Fields) == 1 {
		for name := range record.Fields {
			return name
		}
	}
	return "value"
}
