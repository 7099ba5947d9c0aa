package issuer

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var (
	errNoSubject  = errors.New("it does not say whom it is about (sub), or at great length")
	errManyGroups = fmt.Errorf("the person is in more than %d groups: have the provider send only those that matter here", maxGroups)
	errNoSignIn   = errors.New("it has no authorization endpoint: it signs in machines alone")
)

// Flow is one sign-in under way. Its secrets are the browser's and psagate's alone.
type Flow struct {
	// Redirect is where the provider sends the browser back to.
	Redirect string
	// State ties the answer to the browser, Nonce the ID token to the flow, Verifier the code to psagate (RFC 7636).
	State, Nonce, Verifier string
}

// SignInURL is where a browser is sent to sign in. The errors are ErrDown and, of a provider that signs in nobody, ErrRefused.
func (i *Issuer) SignInURL(ctx context.Context, f Flow) (string, error) {
	k, err := i.current(ctx)
	if err != nil {
		return "", err
	}
	if k.meta.AuthorizationEndpoint == "" {
		return "", i.refused(nil, errNoSignIn)
	}
	cfg := i.oauth(k, f, "")
	return cfg.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

func (i *Issuer) oauth(k *known, f Flow, secret string) *oauth2.Config {
	endpoint := k.provider.Endpoint()
	endpoint.AuthStyle = k.authStyle(secret)
	return &oauth2.Config{
		ClientID: i.cfg.ClientID, ClientSecret: secret, Endpoint: endpoint, RedirectURL: f.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, i.cfg.Scopes...),
	}
}

// authStyle is how the client's secret is sent. It is not tried out: that would be a failed sign-in each time.
func (k *known) authStyle(secret string) oauth2.AuthStyle {
	methods := k.meta.TokenAuthMethods
	if secret == "" || len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// CheckAnswer checks whom an answer to the browser says that it is of (RFC 9207); empty: it does not say. One of another provider
// would have this one's code sent there.
func (i *Issuer) CheckAnswer(ctx context.Context, iss string) error {
	k, err := i.current(ctx)
	switch {
	case err != nil:
		return err
	case iss == "" && k.meta.NamesItself:
		return i.refused(nil, errors.New("the answer does not say which provider it is of (iss), though this one always does"))
	case iss != "" && iss != i.cfg.URL:
		return i.refused(nil, errors.New("the answer is another provider's (iss)"))
	}
	return nil
}

// Exchange gives the provider a code and returns who has signed in. The errors are ErrDown and ErrRefused; none shows a code or a
// token.
func (i *Issuer) Exchange(ctx context.Context, f Flow, code string) (Person, error) {
	k, err := i.current(ctx)
	if err != nil {
		return Person{}, err
	}
	secret := ""
	if i.cfg.ClientSecret != nil {
		value, err := i.cfg.ClientSecret(ctx)
		if err != nil {
			return Person{}, fmt.Errorf("issuer %s: %w: its client_secret cannot be read: %w", i.cfg.Name, ErrDown, err)
		}
		secret = value.Reveal()
	}
	tokens, err := i.oauth(k, f, secret).Exchange(i.with(ctx), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return Person{}, i.exchangeFailed(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok || raw == "" {
		return Person{}, i.refused(nil, errors.New("it gave no ID token for the code"))
	}
	claims, err := i.idToken(ctx, f, raw, tokens.AccessToken)
	if err != nil {
		return Person{}, err
	}
	if err := i.ask(ctx, k, tokens, claims); err != nil {
		return Person{}, err
	}
	p, err := i.person(claims)
	if err != nil {
		return Person{}, i.refused(nil, err)
	}
	return p, nil
}

// exchangeFailed says why a code was not taken. What the library makes of it holds the whole answer, which may be anything.
func (i *Issuer) exchangeFailed(err error) error {
	said := new(oauth2.RetrieveError)
	switch {
	case !errors.As(err, &said):
		return fmt.Errorf("issuer %s: %w: %s", i.cfg.Name, ErrDown, unanswered(err))
	case said.Response != nil && said.Response.StatusCode >= 500:
		return fmt.Errorf("issuer %s: %w: it answers with status %d", i.cfg.Name, ErrDown, said.Response.StatusCode)
	case said.ErrorCode != "":
		return i.refused(nil, fmt.Errorf("it does not take the code (%s)", shortened(said.ErrorCode)))
	}
	return i.refused(nil, errors.New("it does not take the code"))
}

// unanswered says what became of a request with a secret in it: of the connection what there is to say, of an answer nothing, for it
// may repeat the secret.
func unanswered(err error) string {
	if u := new(url.Error); errors.As(err, &u) {
		return shortened(u.Err.Error())
	}
	return "its answer is not one that can be read"
}

// idToken checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (i *Issuer) idToken(ctx context.Context, f Flow, raw, access string) (Claims, error) {
	v, s := i.verifier(i.cfg.ClientID)
	if len(raw) > maxToken {
		return nil, i.refused(nil, errors.New("its ID token is too long"))
	}
	t, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, i.refused(s, err)
	}
	var c common
	claims := Claims{}
	if err := errors.Join(t.Claims(&c), t.Claims(&claims)); err != nil {
		return nil, i.refused(nil, err)
	}
	err = c.checkTimes(time.Now())
	switch {
	case err != nil:
	case f.Nonce == "" || subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(f.Nonce)) != 1:
		err = errors.New("its ID token is of another sign-in (nonce)")
	case c.AZP != "" && c.AZP != i.cfg.ClientID, c.AZP == "" && len(t.Audience) > 1:
		err = errors.New("its ID token is another program's (azp)")
	case t.AccessTokenHash != "" && t.VerifyAccessToken(access) != nil:
		err = errors.New("its access token is not the ID token's (at_hash)")
	}
	if err != nil {
		return nil, i.refused(nil, err)
	}
	return claims, nil
}

// ask has the provider tell what the ID token does not (OpenID Connect Core 1.0, section 5.3): many put a person's address and
// groups there alone. What the token says stands.
func (i *Issuer) ask(ctx context.Context, k *known, tokens *oauth2.Token, claims Claims) error {
	if k.meta.UserInfoEndpoint == "" || !i.lacks(claims) {
		return nil
	}
	ctx, cancel := context.WithTimeout(i.with(ctx), answerWithin)
	defer cancel()
	info, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return fmt.Errorf("issuer %s: %w: what it knows of the person cannot be read: %s", i.cfg.Name, ErrDown, unanswered(err))
	}
	more := Claims{}
	if err := info.Claims(&more); err != nil {
		return i.refused(nil, err)
	}
	if more.Text("sub") != claims.Text("sub") { // section 5.3.2: anything else may be about another person
		return i.refused(nil, errors.New("what it tells of the person is about another one (sub)"))
	}
	maps.DeleteFunc(more, func(name string, _ any) bool { _, there := claims[name]; return there })
	maps.Copy(claims, more)
	return nil
}

// SignOutURL is where a browser is sent to be signed out of the provider too (OpenID Connect RP-Initiated Logout 1.0), and back to
// after it; empty where the provider has no such place, or none is known now. It waits for nothing.
func (i *Issuer) SignOutURL(back string) string {
	i.mu.Lock()
	k := i.known
	i.mu.Unlock()
	if k == nil || k.meta.EndSessionEndpoint == "" {
		return ""
	}
	u, err := url.Parse(k.meta.EndSessionEndpoint)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", i.cfg.ClientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}
