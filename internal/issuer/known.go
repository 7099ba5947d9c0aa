package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// algorithms are what a token may be signed with: those with a key of two halves alone. With any other whoever knows what
// everybody may know, a public key or nothing, could sign.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// algorithmNames are the same for go-oidc.
var algorithmNames = func() (names []string) {
	for _, a := range algorithms {
		names = append(names, string(a))
	}
	return names
}()

// known is what was read of a provider at one moment. It never changes.
type known struct {
	at       time.Time
	provider *oidc.Provider
	keys     []jose.JSONWebKey
	meta     metadata
}

// metadata is what is used of what a provider says of itself beyond what go-oidc knows: OpenID Connect Discovery 1.0, RP-Initiated
// Logout 1.0, RFC 9207.
type metadata struct {
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserInfoEndpoint      string   `json:"userinfo_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	KeysURL               string   `json:"jwks_uri"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself           bool     `json:"authorization_response_iss_parameter_supported"`
}

// read asks the provider for all that is to be known of it.
func (i *Issuer) read(ctx context.Context) (*known, error) {
	provider, err := oidc.NewProvider(i.with(ctx), i.cfg.URL)
	if mismatch := new(oidc.IssuerMismatchError); errors.As(err, &mismatch) {
		return nil, fmt.Errorf("it calls itself %q: the issuer's URL in the config must be exactly what the provider writes", shortened(mismatch.Discovered))
	}
	if err != nil {
		return nil, errors.New(shortened(err.Error()))
	}
	k := &known{at: time.Now(), provider: provider}
	if err := provider.Claims(&k.meta); err != nil {
		return nil, fmt.Errorf("what it says of itself cannot be read: %s", shortened(err.Error()))
	}
	if err := k.meta.check(); err != nil {
		return nil, err
	}
	body, err := i.get(ctx, k.meta.KeysURL)
	if err != nil {
		return nil, errors.New(shortened(err.Error()))
	}
	if k.keys, err = parseKeys(body); err != nil {
		return nil, err
	}
	return k, nil
}

// check refuses a provider that would have secrets or people sent over an open line. What need not be there may be empty.
func (m metadata) check() error {
	for name, place := range map[string]struct {
		text     string
		required bool
	}{
		"authorization_endpoint": {m.AuthorizationEndpoint, false}, // one that serves machines alone has none
		"token_endpoint":         {m.TokenEndpoint, true},
		"userinfo_endpoint":      {m.UserInfoEndpoint, false},
		"end_session_endpoint":   {m.EndSessionEndpoint, false},
		"jwks_uri":               {m.KeysURL, true},
	} {
		if place.text == "" && !place.required {
			continue
		}
		u, err := url.Parse(place.text)
		if err != nil {
			return fmt.Errorf("its %s is no URL", name)
		}
		if err := checkPlace(u); err != nil {
			return fmt.Errorf("its %s: %w", name, err)
		}
	}
	return nil
}

// maxKeys is how many keys of a provider count.
const maxKeys = 64

// parseKeys reads a set of keys (RFC 7517). A key of a kind that is not known does not count, and neither does one that is not
// public: a set with a secret in it is everybody's to sign with.
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("its keys cannot be read: they are no JSON Web Key Set")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !key.IsPublic() || key.Use == "enc" {
			continue
		}
		if keys = append(keys, key); len(keys) > maxKeys {
			return nil, fmt.Errorf("it has more than %d keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no public key that a token may be signed with")
	}
	return keys, nil
}

// verify checks a signature. A key that is for another algorithm than the token's does not count (RFC 8725, section 3.1).
func (k *known) verify(jws *jose.JSONWebSignature) (payload []byte, ok bool) {
	header := jws.Signatures[0].Header
	for _, key := range k.keys {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := jws.Verify(&key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// has reports whether one of the keys has the name.
func (k *known) has(name string) bool {
	return slices.ContainsFunc(k.keys, func(key jose.JSONWebKey) bool { return key.KeyID == name })
}
