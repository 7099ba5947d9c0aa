package issuertest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"time"
)

// key is one of the liar's own. Its tokens are made by hand: what made them must not be what reads them.
type key struct {
	id      string
	private *rsa.PrivateKey
}

// Rotate gives the liar a new key to sign with. Those of before stay in its set until Drop.
func (l *Liar) Rotate() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // no random bytes
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = append(l.keys, &key{rand.Text()[:8], private})
}

// Drop takes all keys but the newest out of its set.
func (l *Liar) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = l.keys[len(l.keys)-1:]
}

func (l *Liar) newest() *key {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[len(l.keys)-1]
}

func (l *Liar) keySet(w http.ResponseWriter, _ *http.Request) {
	if keys := l.now().Keys; keys != nil {
		answer(w, http.StatusOK, keys())
		return
	}
	l.mu.Lock()
	all := slices.Clone(l.keys)
	l.mu.Unlock()
	set := []any{}
	for _, k := range all {
		set = append(set, map[string]any{
			"kty": "RSA", "use": "sig", "kid": k.id, "n": b64(k.private.N.Bytes()), "e": b64(big.NewInt(int64(k.private.E)).Bytes()),
		})
	}
	answer(w, http.StatusOK, map[string]any{"keys": set})
}

// claims are those of any token for an audience.
func (l *Liar) claims(audience string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": l.URL, "sub": "ann", "aud": audience, "iat": now, "exp": now + 300, "jti": rand.Text()}
}

// Token signs claims as a token of a kind (its header's typ; empty for none).
func (l *Liar) Token(typ string, claims map[string]any) string {
	k, lies := l.newest(), l.now()
	header := map[string]any{"alg": "RS256", "kid": k.id}
	if typ != "" {
		header["typ"] = typ
	}
	if lies.Header != nil {
		lies.Header(header)
	}
	if lies.Claims != nil {
		lies.Claims(claims)
	}
	signed := part(header) + "." + part(claims)
	if lies.Sign != nil {
		return signed + "." + b64(lies.Sign(signed))
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key and the sum have their sizes
	}
	return signed + "." + b64(signature)
}

// AccessToken is a machine's, as RFC 9068 has them.
func (l *Liar) AccessToken() string {
	claims := l.claims(Audience)
	claims["client_id"], claims["scope"], claims["sub"] = "rmm", "api", "rmm"
	return l.Token("at+jwt", claims)
}

// LogoutToken ends a session of the liar's, or all of a person's where that is empty.
func (l *Liar) LogoutToken(sid string) string {
	claims := l.claims(ClientID)
	claims["events"] = map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	if sid != "" {
		claims["sid"] = sid
	}
	return l.Token("logout+jwt", claims)
}

// PublicKey is the newest key as everybody can know it, for whoever mistakes it for a secret.
func (l *Liar) PublicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(&l.newest().private.PublicKey)
	if err != nil {
		panic(err) // it is an RSA key
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// HMAC signs with a secret that both sides would have.
func HMAC(secret []byte) func(string) []byte {
	return func(signed string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	}
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a test's own map
	}
	return b64(text)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
