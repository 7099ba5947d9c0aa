package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/identity"
)

// Prover looks at machines' tokens for several issuers. It implements identity.Prover.
type Prover struct{ byURL map[string][]*Issuer }

// NewProver returns a prover of the issuers' tokens. One that has no audience proves none.
func NewProver(issuers ...*Issuer) *Prover {
	p := &Prover{byURL: map[string][]*Issuer{}}
	for _, i := range issuers {
		p.byURL[i.cfg.URL] = append(p.byURL[i.cfg.URL], i)
	}
	return p
}

// proveWithin is for how long a call waits for an issuer. It does so only where what is known of the issuer does not answer.
const proveWithin = 5 * time.Second

// Prove implements identity.Prover. Whose token it is, it says itself; that issuer alone is asked whether it is.
func (p *Prover) Prove(ctx context.Context, token string) (identity.Proven, error) {
	ctx, cancel := context.WithTimeout(ctx, proveWithin)
	defer cancel()
	iss, ok := claimed(token)
	if !ok {
		return identity.Proven{}, fmt.Errorf("%w: it does not say which issuer it is of", identity.ErrWrongToken)
	}
	issuers := p.byURL[iss]
	if len(issuers) == 0 {
		return identity.Proven{}, fmt.Errorf("%w: it is of issuer %q, which the config does not have", identity.ErrWrongToken, shortened(iss))
	}
	said := identity.Proven{Issuer: issuers[0].Name()}
	var errs []error // of several with one URL, each has an audience of its own
	for _, i := range issuers {
		claims, err := i.AccessToken(ctx, token)
		if err == nil {
			return identity.Proven{Issuer: i.Name(), Texts: claims.Texts}, nil
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if errors.Is(err, ErrDown) {
		return said, fmt.Errorf("%w: %w", identity.ErrIssuerUnavailable, err)
	}
	return said, fmt.Errorf("%w: %w", identity.ErrWrongToken, err)
}

// claimed is the issuer that a token claims to be of.
func claimed(token string) (iss string, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxToken {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return "", false
	}
	return c.Issuer, c.Issuer != ""
}
