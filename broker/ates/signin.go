package ates

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/broker/bearer"
	"github.com/psagate/psagate/broker/refused"
)

// signIn presents the secret, once, unless it must not be sent, and has it remembered what came of that; a server without users is
// presented nothing. again sends it though it was refused.
func (s *Sender) signIn(ctx context.Context, c *smtp.Client, secret string, again bool) error {
	server := s.s.Server
	if server.User == "" {
		return nil
	}
	_, list := c.Extension("AUTH")
	mechanism, err := server.mechanism(strings.Fields(strings.ToUpper(list)), secret)
	if err != nil {
		return err
	}
	attempt, err := s.refused.Begin(ctx, server.place(), secret, again)
	if err != nil {
		return err
	}
	err = c.Auth(mechanism)
	came := outcome(err)
	if came == refused.Refused {
		attempt.End(came, server.askWhy()+" The server said "+hider{secret}.text(err.Error()))
		return fmt.Errorf("%s refuses the %s of %s, which is not sent again until it changes: %s The server says %w", server.Address, server.secretKind(), server.User, server.askWhy(), err)
	}
	attempt.End(came, "")
	switch came {
	case refused.Unanswered:
		return fmt.Errorf("signing in to %s as %s: the connection broke: %w", server.Address, server.User, err)
	case refused.Unjudged:
		return fmt.Errorf("%s cannot be signed in to for now, and is tried again; it says %w", server.Address, err)
	}
	return nil
}

// askWhy is what people ask themselves where the secret is refused.
func (s Server) askWhy() string {
	if s.Token != nil {
		return "may the application send mails for this user, and is the scope right?"
	}
	return "is it right, and may this user send mails with a password (SMTP AUTH, or an app password, may have to be allowed)?"
}

// mechanism is how the server wants to be shown the secret.
func (s Server) mechanism(offered []string, secret string) (sasl.Client, error) {
	has := func(name string) bool { return slices.Contains(offered, name) }
	switch {
	case s.Token != nil && has(bearer.NameXOAUTH2):
		return bearer.XOAUTH2(s.User, secret), nil
	case s.Token != nil && has(bearer.NameOAuthBearer):
		return bearer.OAuthBearer(s.User, secret, s.Address)
	case s.Token != nil:
		return nil, fmt.Errorf("%s takes no access tokens (it has neither XOAUTH2 nor OAUTHBEARER): use a password there", s.Address)
	case has(sasl.Plain):
		return sasl.NewPlainClient("", s.User, secret), nil
	case has(sasl.Login):
		return sasl.NewLoginClient(s.User, secret), nil
	}
	return nil, fmt.Errorf("%s takes no passwords here (it has neither PLAIN nor LOGIN): is it the port for handing mails in (587, or 465 with tls on), or does it want an access token (oauth2)?", s.Address)
}
