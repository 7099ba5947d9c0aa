package ates

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/refused"
)

// place is where the server's secrets are shown.
func (s Server) place() refused.Place {
	return refused.Place{Protocol: "smtp", Server: s.Address, User: s.User, What: s.secretKind(), Changing: s.Token != nil}
}

func (s Server) secretKind() string {
	if s.Token != nil {
		return "access token"
	}
	return "password"
}

// secret is what to sign in with; nothing where nobody signs in.
func (s Server) secret(ctx context.Context) (string, error) {
	get := s.Password
	if s.Token != nil {
		get = s.Token
	}
	if get == nil {
		return "", nil
	}
	secret, err := get(ctx)
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("there is no %s for %s at %s: %w", s.secretKind(), s.User, s.Address, err)
	}
	return secret, nil
}

// mayShow is the secret, unless it is known that it must not be sent: then nobody need connect for it. again is for people who say that
// it is right now.
func (s *Sender) mayShow(ctx context.Context, again bool) (string, error) {
	secret, err := s.s.Server.secret(ctx)
	if err != nil || secret == "" || again {
		return secret, err
	}
	return secret, s.refused.May(ctx, s.s.Server.place(), secret)
}

// outcome is what an answer says of the secret.
func outcome(err error) refused.Outcome {
	said := new(smtp.SMTPError)
	switch {
	case err == nil:
		return refused.Accepted
	case !errors.As(err, &said):
		return refused.Unanswered
	case said.Code/100 != 5 || 500 <= said.Code && said.Code <= 504: // it is busy, or does not understand
		return refused.Unjudged
	}
	return refused.Refused
}
