package imap

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/psagate/psagate/broker/refused"
)

// signIn presents the secret, once, unless it must not be sent, and has it remembered what came of that. again sends it though it was
// refused.
func (s *session) signIn(ctx context.Context, m Mailbox, secret string, again bool) error {
	if s.c.State() != imap.ConnStateNotAuthenticated {
		return problem(SigningIn, nil, "%s takes us for somebody before we have said who we are: it is not a server that mailboxes are read from", m.Server)
	}
	present, err := s.presentation(m, secret)
	if err != nil {
		return err
	}
	attempt, err := m.Refused.Begin(ctx, m.place(), secret, again)
	if err != nil {
		return held(err)
	}
	err = s.do(ctx, answer, present)
	if err != nil {
		p := m.notSignedIn(err)
		attempt.End(outcome(err), p.said)
		return p
	}
	attempt.End(refused.Accepted, "")
	return s.ask(ctx)
}

// ask asks what the server can do for whoever has signed in. Not every server says so by itself.
func (s *session) ask(ctx context.Context) error {
	var caps imap.CapSet
	err := s.do(ctx, answer, func() (err error) {
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

// notSignedIn says why.
func (m Mailbox) notSignedIn(err error) *Problem {
	said := new(imap.Error)
	switch {
	case !errors.As(err, &said):
		return broken(SigningIn, err, "signing in as "+m.User)
	case passes(said):
		return problem(SigningIn, err, "%s cannot be signed in to for now, and is tried again; the server says %s", m.User, words(said))
	}
	what, do := "password", "is it right, and are passwords allowed for this mailbox (an app password may be needed)?"
	if m.Token != nil {
		what, do = "access token", "may the application read this mailbox, and is the scope right?"
	}
	p := problem(SigningIn, err, "the server refuses the %s of %s, which is not sent again until it changes: %s The server says %s", what, m.User, do, words(said))
	p.Refused, p.said = true, do+" The server said "+words(said)
	return p
}

// judged are words of a server that has looked at the secret, or at how many were wrong before, however short it says that it lasts: who
// goes on signing in to a user that is locked for a while keeps it locked.
var judged = regexp.MustCompile(`lock|disabled|suspended|attempt|invalid|incorrect|wrong`)

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
	if judged.MatchString(text) {
		return false
	}
	return strings.Contains(text, "too many simultaneous") || strings.Contains(text, "too many connections") || strings.Contains(text, "temporar")
}
