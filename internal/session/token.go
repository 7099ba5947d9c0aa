package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/psagate/psagate/internal/secret"
)

// Token is what a browser holds: 256 random bits. It prints as redacted.
type Token struct{ secret.Value }

// tokenLen is a token's length: 32 bytes as base64url without padding.
const tokenLen = 43

// newToken makes a token.
func newToken() Token {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails
	return Token{secret.NewValue(base64.RawURLEncoding.EncodeToString(bits[:]))}
}

// ParseToken reads a token; ok is false for what can be none.
func ParseToken(text string) (t Token, ok bool) {
	if len(text) != tokenLen {
		return Token{}, false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(text); err != nil {
		return Token{}, false
	}
	return Token{secret.NewValue(text)}, true
}

// Hash is what the store has of a token. The token is random through and through, so that one round of SHA-256 hides it.
type Hash [sha256.Size]byte

// Hash returns the token's hash.
func (t Token) Hash() Hash { return sha256.Sum256([]byte("psagate session " + t.Reveal())) }

// String is the hash's first 8 hex digits, for logs.
func (h Hash) String() string { return hex.EncodeToString(h[:4]) }
