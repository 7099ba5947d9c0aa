package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const hashPrefix = "sha256:"

// Hash is the SHA-256 of a key's whole text. A key has 256 random bits, so its hash needs neither salt nor a slow
// function, and it may stand in a config that many people read.
type Hash [sha256.Size]byte

// Hash returns the key's hash.
func (k Key) Hash() Hash { return sha256.Sum256([]byte(k.Reveal())) }

// String returns the form that the config has: "sha256:" and 64 hexadecimal digits.
func (h Hash) String() string { return hashPrefix + hex.EncodeToString(h[:]) }

// ID returns the key's id: the first 8 hexadecimal digits of its hash.
func (h Hash) ID() string { return hex.EncodeToString(h[:4]) }

// ParseHash reads what String writes; digits may be upper case. Its errors do not show the text: people put keys and
// passwords there.
func ParseHash(text string) (Hash, error) {
	if strings.HasPrefix(text, prefix) {
		return Hash{}, errors.New("this is a key, not its hash: give it up, since it has been written down here, and make a new one with `psagate key new`")
	}
	hexDigits, ok := strings.CutPrefix(text, hashPrefix)
	if !ok {
		return Hash{}, fmt.Errorf("a key's hash begins with %s, as `psagate key new` prints it", hashPrefix)
	}
	if len(hexDigits) != 2*sha256.Size {
		return Hash{}, fmt.Errorf("a key's hash has %d hexadecimal digits after %s, this has %d", 2*sha256.Size, hashPrefix, len(hexDigits))
	}
	var h Hash
	if _, err := hex.Decode(h[:], []byte(hexDigits)); err != nil {
		return Hash{}, fmt.Errorf("a key's hash has only hexadecimal digits after %s, this has another character", hashPrefix)
	}
	return h, nil
}
