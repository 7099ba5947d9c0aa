package imap

import (
	"context"
	"errors"

	"github.com/emersion/go-imap/v2"

	"github.com/psagate/psagate/broker/refused"
)

// place is where the mailbox's secrets are shown.
func (m Mailbox) place() refused.Place {
	return refused.Place{Protocol: "imap", Server: m.Server, User: m.User, What: m.secretKind(), Changing: m.Token != nil}
}

// mayShow is the secret to sign in with, unless it is known that it must not be sent: then nobody need connect for it.
func (m Mailbox) mayShow(ctx context.Context) (string, error) {
	secret, err := m.secret(ctx)
	if err != nil {
		return "", err
	}
	return secret, held(m.Refused.May(ctx, m.place(), secret))
}

// held is why a secret was not sent.
func held(err error) error {
	h := new(refused.Held)
	if !errors.As(err, &h) {
		return err
	}
	p := problem(SigningIn, h.Unwrap(), "%v", h)
	p.Refused, p.held = h.Refused, true
	return p
}

// outcome is what an error says of the secret.
func outcome(err error) refused.Outcome {
	said := new(imap.Error)
	switch {
	case !errors.As(err, &said):
		return refused.Unanswered
	case passes(said):
		return refused.Unjudged
	}
	return refused.Refused
}

func (m Mailbox) secretKind() string {
	if m.Token != nil {
		return "access token"
	}
	return "password"
}

// secret is what there is to sign in with.
func (m Mailbox) secret(ctx context.Context) (string, error) {
	get := m.Password
	if get == nil {
		get = m.Token
	}
	secret, err := get(ctx)
	switch {
	case err != nil:
		return "", problem(SigningIn, err, "there is no %s for %s: %v", m.secretKind(), m.User, err)
	case secret == "":
		return "", problem(SigningIn, nil, "the %s of %s is empty: nothing is sent", m.secretKind(), m.User)
	}
	return secret, nil
}
