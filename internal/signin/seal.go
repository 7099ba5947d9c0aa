package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// derive makes a key for one purpose (RFC 5869).
func derive(key []byte, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "psagate sign-in "+purpose, sha256.Size)
	if err != nil {
		panic(err) // the length is a constant
	}
	return out
}

// sealing seals with its first key, AES-256 in GCM, and opens with all.
type sealing []cipher.AEAD

func newSealing(keys [][]byte) (s sealing) {
	for _, key := range keys {
		block, err := aes.NewCipher(derive(key, "flow"))
		if err != nil {
			panic(err) // the key has its length
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic(err) // the block has its size
		}
		s = append(s, aead)
	}
	return s
}

// seal makes a text of bytes that nobody can read or change, and that is good under one name alone.
func (s sealing) seal(name string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(s[0].Seal(nil, nil, plain, []byte(name)))
}

var errSeal = errors.New("it was not sealed here, or for something else")

func (s sealing) open(name, text string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errSeal
	}
	for _, aead := range s {
		if plain, err := aead.Open(nil, nil, raw, []byte(name)); err == nil {
			return plain, nil
		}
	}
	return nil, errSeal
}

// random is a text of 256 random bits.
func random() string {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}
