package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// JWT is what a token must say to be proof of an integration.
type JWT struct {
	// Issuer is the issuer's name in the config.
	Issuer string
	// Claim is the claim's name, and Value the text that it must be, or that must be in its list.
	Claim, Value string
}

// Proven is what a good token says.
type Proven struct {
	// Issuer is the issuer's name in the config. Beside an error it is the one that the token says it is of, if that is known.
	Issuer string
	// Texts returns a claim's texts: one, those of a list, or none.
	Texts func(claim string) []string
}

// Prover finds out whether a token is good: signed by an issuer of the config, within its time, meant for psagate. Its errors are, or
// wrap, ErrWrongToken and ErrIssuerUnavailable, and show nothing of a token that is secret.
type Prover interface {
	Prove(ctx context.Context, token string) (Proven, error)
}

// maxToken is the length in bytes beyond which a value is not taken for a JWT.
const maxToken = 8 << 10

// looksLikeJWT reports whether a value has the form of a signed JWT in its compact form (RFC 7515, section 3.1): three parts of
// base64url, the first of which begins as a JSON object does. Nothing is said of what it is worth.
func looksLikeJWT(value string) bool {
	if len(value) > maxToken || !strings.HasPrefix(value, "ey") || strings.Count(value, ".") != 2 {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return !strings.Contains(value, "..")
}

// addToken takes a JWT into account. Where nobody is asked about it, it is something that is no key.
func (p *Presented) addToken(value string) {
	p.addForeign()
	switch {
	case p.token == "":
		p.token = value
	case p.token != value:
		p.tokens = true
	}
}

// proof is what became of a call's JWT.
type proof struct {
	proven Proven
	err    error
}

// Prove has the JWT looked at that the call brings, if it brings one. A nil prover knows none: then a JWT is something that is no key.
func (p *Presented) Prove(ctx context.Context, prover Prover) {
	switch {
	case prover == nil || p.token == "":
	case p.tokens:
		p.proof = &proof{err: ErrConflictingToken}
	default:
		proven, err := prover.Prove(ctx, p.token)
		p.proof = &proof{proven, err}
	}
}

// id names the program that the token is of, for logs; empty where the token is not good.
func (p *proof) id() string {
	if p == nil || p.err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(p.proven.Issuer + "\x00" + strings.Join(p.proven.Texts("sub"), "\x00")))
	return "jwt:" + hex.EncodeToString(sum[:4])
}

// issuer is the name of the issuer that the token is of, or says it is of.
func (p *proof) issuer() string {
	if p == nil {
		return ""
	}
	return p.proven.Issuer
}

// proofID is the id of what stands in the key's place.
func (p *Presented) proofID() string {
	if id := p.keyID(); id != "" {
		return id
	}
	return p.proof.id()
}

// maxWhy is how much is kept of why a token is not good, in bytes.
const maxWhy = 300

func (p *Presented) why() string {
	if p.proof == nil || p.proof.err == nil || p.hasKey {
		return ""
	}
	text := p.proof.err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxWhy)], "")
}

// claims find integrations by what tokens say: by issuer and claim, and then by the claim's text.
type claims map[issuerClaim]map[string]*Integration

type issuerClaim struct{ issuer, claim string }

func (c claims) add(jwt JWT, i *Integration) error {
	if jwt.Issuer == "" || jwt.Claim == "" || jwt.Value == "" {
		return fmt.Errorf("integration %q: a jwt needs an issuer, a claim and the claim's value", i.Name)
	}
	at := issuerClaim{jwt.Issuer, jwt.Claim}
	held := c[at][jwt.Value]
	switch {
	case held == nil:
		if c[at] == nil {
			c[at] = map[string]*Integration{}
		}
		c[at][jwt.Value] = i
		return nil
	case held == i:
		return fmt.Errorf("integration %q names jwt %s %s %q twice: remove one", i.Name, jwt.Issuer, jwt.Claim, jwt.Value)
	}
	return fmt.Errorf("integrations %q and %q both have jwt %s %s %q: a token can be proof of one alone", held.Name, i.Name, jwt.Issuer, jwt.Claim, jwt.Value)
}

// named returns the integration that a token names, which must be exactly one. Its errors are plain Reasons.
func (c claims) named(p *proof) (*Integration, error) {
	switch {
	case errors.Is(p.err, ErrIssuerUnavailable):
		return nil, ErrIssuerUnavailable
	case errors.Is(p.err, ErrConflictingToken):
		return nil, ErrConflictingToken
	case p.err != nil:
		return nil, ErrWrongToken
	}
	var found *Integration
	for at, byValue := range c {
		if at.issuer != p.proven.Issuer {
			continue
		}
		for _, text := range p.proven.Texts(at.claim) {
			i := byValue[text]
			if i != nil && found != nil && i != found {
				return nil, ErrConflictingToken
			}
			if i != nil {
				found = i
			}
		}
	}
	if found == nil {
		return nil, ErrUnknownToken
	}
	return found, nil
}
