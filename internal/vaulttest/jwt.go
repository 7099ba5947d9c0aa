package vaulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"testing"
	"time"
)

// Issuer signs JWTs with a key of its own, by ES256.
type Issuer struct {
	t   testing.TB
	key *ecdsa.PrivateKey
}

// NewIssuer makes an issuer that no Vault trusts yet; [Vault.JWT] makes one that is trusted.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{t: t, key: key}
}

// Audience is what [Vault.JWT] demands as aud, and what [Issuer.Sign] writes.
const Audience = "vaulttest"

// JWT writes a role of the auth method jwt and returns the issuer whose JWTs it takes: those that [Issuer.Sign] makes with
// claims that say nothing else. The tokens live ttl, in whole seconds. All roles of one Vault have the issuer of the last call.
func (v *Vault) JWT(role string, policies []string, ttl time.Duration) *Issuer {
	v.t.Helper()
	issuer := NewIssuer(v.t)
	v.EnableAuth("jwt")
	v.write("auth/jwt/config", map[string]any{"jwt_validation_pubkeys": []string{issuer.PublicKey()}})
	v.role("jwt/role/"+role, policies, ttl, map[string]any{
		"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{Audience},
	})
	return issuer
}

// PublicKey returns the public key as PEM.
func (i *Issuer) PublicKey() string {
	i.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		i.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Sign returns a JWT with the claims. Those that are missing get a value: sub and iss "vaulttest", aud [Audience], issued now
// (iat), valid for an hour (exp).
func (i *Issuer) Sign(claims map[string]any) string {
	i.t.Helper()
	now := time.Now()
	all := map[string]any{
		"iss": "vaulttest", "sub": "vaulttest", "aud": []string{Audience},
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	body, err := json.Marshal(all)
	if err != nil {
		i.t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	hash := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, hash[:])
	if err != nil {
		i.t.Fatal(err)
	}
	var signature [64]byte // RFC 7518 §3.4: R and S, 32 bytes each
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}
