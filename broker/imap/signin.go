package imap

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
)

// signIn presents the secret, once.
func (s *session) signIn(ctx context.Context, m Mailbox, secret string) error {
	if s.c.State() != imap.ConnStateNotAuthenticated {
		return problem(SigningIn, nil, "%s takes us for somebody before we have said who we are: it is not a server that mailboxes are read from", m.Server)
	}
	present, err := s.presentation(m, secret)
	if err != nil {
		return err
	}
	if err := s.do(ctx, answer, present); err != nil {
		return m.notSignedIn(err, secret)
	}
	// Not every server says anew what it can do now.
	var caps imap.CapSet
	err = s.do(ctx, answer, func() (err error) {
		caps, err = s.c.Capability().Wait()
		return err
	})
	if err != nil {
		return broken(SigningIn, err, "asking what the server can do")
	}
	s.caps = caps
	return nil
}

// presentation is how the server wants to be shown the secret.
func (s *session) presentation(m Mailbox, secret string) (func() error, error) {
	caps := s.caps
	if m.Token != nil {
		mechanism, err := m.tokenMechanism(caps, secret)
		if mechanism == nil || err != nil {
			return nil, problem(SigningIn, err, "%s takes no access tokens (it has neither XOAUTH2 nor OAUTHBEARER): use a password there", m.Server)
		}
		return func() error { return s.c.Authenticate(mechanism) }, nil
	}
	switch {
	case caps.Has(imap.AuthCap(sasl.Plain)):
		return func() error { return s.c.Authenticate(sasl.NewPlainClient("", m.User, secret)) }, nil
	case caps.Has(imap.CapLoginDisabled):
		return nil, problem(SigningIn, nil, "%s takes no passwords here: it may want TLS first (tls on or tls starttls), or an access token (oauth2)", m.Server)
	}
	return func() error { return s.c.Login(m.User, secret).Wait() }, nil
}

// notSignedIn says why, without the secret.
func (m Mailbox) notSignedIn(err error, secret string) *Problem {
	said := new(imap.Error)
	if !errors.As(err, &said) {
		p := broken(SigningIn, err, "signing in as "+m.User)
		return &Problem{Stage: SigningIn, text: without(p.text, m.User, secret)}
	}
	text := without(words(&imap.Error{Type: said.Type, Code: said.Code, Text: without(said.Text, m.User, secret)}), m.User, secret)
	if passes(said) {
		return problem(SigningIn, nil, "%s cannot be signed in to for now, and is tried again; the server says %s", m.User, text)
	}
	what, do := "password", "is it right, and are passwords allowed for this mailbox (an app password may be needed)?"
	if m.Token != nil {
		what, do = "access token", "may the application read this mailbox, and is the scope right?"
	}
	p := problem(SigningIn, nil, "the server refuses the %s of %s, which is not sent again until it changes: %s The server says %s", what, m.User, do, text)
	p.Refused = true
	return p
}

// passes tells whether a server says no for a reason that passes (RFC 5530 section 3), and not to the secret. Only where that
// is sure: a secret that is sent again and again locks the mailbox.
func passes(e *imap.Error) bool {
	if slices.Contains([]imap.ResponseCode{imap.ResponseCodeUnavailable, imap.ResponseCodeServerBug, imap.ResponseCodeLimit, imap.ResponseCodeInUse}, e.Code) {
		return true
	}
	if e.Code == imap.ResponseCodeAuthenticationFailed {
		return false
	}
	text := strings.ToLower(e.Text)
	return strings.Contains(text, "too many simultaneous") || strings.Contains(text, "too many connections") || strings.Contains(text, "temporar")
}
