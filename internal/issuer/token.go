package issuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// maxToken is the length in bytes beyond which a token is not looked into.
const maxToken = 16 << 10

// keySet has go-oidc check a signature, and remembers what it makes one text of: whether it was the provider that failed.
type keySet struct {
	issuer *Issuer
	typ    string // of the token's header
	err    error
}

// VerifySignature implements oidc.KeySet.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := s.verify(ctx, token)
	s.err = err
	return payload, err
}

func (s *keySet) verify(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, errors.New("it is no signed token of three parts, or is signed in a way that proves nothing")
	}
	s.typ, _ = jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType].(string)
	now, err := s.issuer.current(ctx)
	if err != nil {
		return nil, err
	}
	if payload, ok := now.verify(jws); ok {
		return payload, nil
	}
	newer, err := s.issuer.newer(ctx, now)
	if err != nil {
		return nil, err
	}
	if payload, ok := newer.verify(jws); ok {
		return payload, nil
	}
	if kid := jws.Signatures[0].Header.KeyID; kid != "" && !newer.has(kid) {
		return nil, fmt.Errorf("it is signed with a key %q that the issuer does not have", shortened(kid))
	}
	return nil, errors.New("its signature is wrong")
}

// verifier returns a go-oidc verifier of tokens for one audience.
func (i *Issuer) verifier(audience string) (*oidc.IDTokenVerifier, *keySet) {
	s := &keySet{issuer: i}
	return oidc.NewVerifier(i.cfg.URL, s, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: algorithmNames,
		Now: func() time.Time { return time.Now().Add(-Leeway) },
	}), s
}

// refused is ErrRefused with why, unless it was the provider that failed.
func (i *Issuer) refused(s *keySet, err error) error {
	switch {
	case s != nil && errors.Is(s.err, ErrDown):
		return s.err
	case s != nil && s.err != nil:
		err = s.err
	}
	return fmt.Errorf("issuer %s: %w: %s", i.cfg.Name, ErrRefused, shortened(err.Error()))
}

// common is what every token has that go-oidc does not look at.
type common struct {
	IssuedAt  *float64 `json:"iat"`
	NotBefore *float64 `json:"nbf"`
	Type      string   `json:"typ"`
	Nonce     *string  `json:"nonce"`
	AtHash    *string  `json:"at_hash"`
	CodeHash  *string  `json:"c_hash"`
	Events    any      `json:"events"`
	AZP       string   `json:"azp"`
}

// checkTimes refuses a token of the future.
func (c common) checkTimes(now time.Time) error {
	if c.IssuedAt == nil {
		return errors.New("it does not say when it was issued (iat)")
	}
	soon := float64(now.Add(Leeway).Unix())
	if *c.IssuedAt > soon {
		return errors.New("it was issued in the future (iat): compare the clocks")
	}
	if c.NotBefore != nil && *c.NotBefore > soon {
		return errors.New("its time has not come (nbf): compare the clocks")
	}
	return nil
}

// AccessToken checks a machine's token (RFC 9068, section 4) and returns what it says. It must be for the configured audience. An
// ID token is none, wherever one can be told: whoever signs in at any program of the provider's has one.
// The errors are ErrDown and ErrRefused, and say why, and show nothing of the token's secret part.
func (i *Issuer) AccessToken(ctx context.Context, token string) (Claims, error) {
	if i.cfg.Audience == "" {
		return nil, i.refused(nil, errors.New("no audience is configured, so its access tokens are not taken"))
	}
	if len(token) > maxToken {
		return nil, i.refused(nil, errors.New("it is too long"))
	}
	v, s := i.verifier(i.cfg.Audience)
	t, err := v.Verify(ctx, token)
	if err != nil {
		return nil, i.refused(s, err)
	}
	var c common
	claims := Claims{}
	if err := errors.Join(t.Claims(&c), t.Claims(&claims)); err != nil {
		return nil, i.refused(nil, err)
	}
	if err := errors.Join(c.checkTimes(time.Now()), i.checkKind(s.typ, c, t.Audience)); err != nil {
		return nil, i.refused(nil, err)
	}
	return claims, nil
}

// checkKind refuses what is no access token.
func (i *Issuer) checkKind(typ string, c common, audience []string) error {
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "at+jwt":
		return nil
	case "jwt", "": // as many providers write that came before RFC 9068
	default:
		return fmt.Errorf("it is a token of another kind (typ %q)", shortened(typ))
	}
	switch kind := strings.ToLower(c.Type); {
	case c.Nonce != nil || c.AtHash != nil || c.CodeHash != nil:
		return errors.New("it is an ID token: machines need an access token")
	case c.Events != nil:
		return errors.New("it is a token of events, not of access")
	case kind == "id" || kind == "logout" || kind == "refresh" || kind == "offline": // as Keycloak writes
		return fmt.Errorf("it is a token of another kind (claim typ %q)", kind)
	case i.cfg.Audience != i.cfg.ClientID && slices.Contains(audience, i.cfg.ClientID):
		return errors.New("it is for psagate as a client, as ID tokens are: machines need an access token")
	}
	return nil
}

// Logout is whom a provider has signed out: a session of its, or a person, or both.
type Logout struct {
	// ID is the token's, which counts once.
	ID string
	// SessionID and Subject: at least one of them is there.
	SessionID, Subject string
	// Issued and Expires are when the token was made, and when it need not be remembered any more.
	Issued, Expires time.Time
}

// LogoutToken checks a token of OpenID Connect Back-Channel Logout 1.0, section 2.6. That it comes once is the caller's to see to.
// The errors are those of AccessToken.
func (i *Issuer) LogoutToken(ctx context.Context, token string) (Logout, error) {
	if len(token) > maxToken {
		return Logout{}, i.refused(nil, errors.New("it is too long"))
	}
	v, s := i.verifier(i.cfg.ClientID)
	t, err := v.VerifyLogout(ctx, token)
	if err != nil {
		return Logout{}, i.refused(s, err)
	}
	var c common
	if err := t.Claims(&c); err != nil {
		return Logout{}, i.refused(nil, err)
	}
	if err := c.checkTimes(time.Now()); err != nil {
		return Logout{}, i.refused(nil, err)
	}
	switch strings.TrimPrefix(strings.ToLower(s.typ), "application/") {
	case "logout+jwt", "jwt", "":
	default:
		return Logout{}, i.refused(nil, fmt.Errorf("it is a token of another kind (typ %q)", shortened(s.typ)))
	}
	if age := time.Since(t.IssuedAt); age > maxLogoutAge {
		return Logout{}, i.refused(nil, errors.New("it was issued too long ago"))
	}
	return Logout{ID: t.TokenID, SessionID: t.SessionID, Subject: t.Subject, Issued: t.IssuedAt, Expires: t.Expiry.Add(Leeway)}, nil
}

// maxLogoutAge bounds for how long the ids of logout tokens must be kept. The specification wants them to be short-lived.
const maxLogoutAge = time.Hour
