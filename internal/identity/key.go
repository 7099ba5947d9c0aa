package identity

import (
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"

	"github.com/psagate/psagate/internal/secret"
)

const (
	prefix      = "psagate_"
	bodyLen     = 43 // base62 digits of 32 bytes
	checksumLen = 6  // base62 digits of 4 bytes
	keyLen      = len(prefix) + bodyLen + checksumLen
	digits      = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // as math/big has them
)

// Key is what an integration proves itself with: "psagate_", 256 random bits as 43 base62 digits, and the CRC-32 of
// both as 6 more, so that a typing error is told from a wrong key without a look-up. It prints as redacted; Reveal
// gives its text. ParseKey and NewKey make keys; the zero Key is none.
type Key struct{ secret.Value }

// NewKey makes a key from 32 bytes of random, which must be cryptographically secure.
func NewKey(random io.Reader) (Key, error) {
	var bits [32]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return Key{}, fmt.Errorf("no random bytes for a new key: %w", err)
	}
	body := new(big.Int).SetBytes(bits[:]).Text(62)
	token := prefix + strings.Repeat("0", bodyLen-len(body)) + body
	sum := checksum(token)
	return Key{secret.NewValue(token + string(sum[:]))}, nil
}

// ParseKey checks a key's form. Its error wraps ErrNotAKey or ErrMistyped, says what is wrong, and shows nothing of the text.
func ParseKey(text string) (Key, error) {
	switch {
	case !strings.HasPrefix(text, prefix):
		return Key{}, fmt.Errorf("%w: a key begins with %s", ErrNotAKey, prefix)
	case len(text) != keyLen:
		return Key{}, fmt.Errorf("%w: a key is %d characters long, this has %d", ErrMistyped, keyLen, len(text))
	case strings.Trim(text[len(prefix):], digits) != "":
		return Key{}, fmt.Errorf("%w: a key has only letters and digits after %s", ErrMistyped, prefix)
	}
	if sum := checksum(text[:keyLen-checksumLen]); string(sum[:]) != text[keyLen-checksumLen:] {
		return Key{}, fmt.Errorf("%w: its checksum does not match; copy it again", ErrMistyped)
	}
	return Key{secret.NewValue(text)}, nil
}

// checksum returns the CRC-32 (IEEE) of text in base62. It finds every wrong character and every exchange of two
// neighbours within text, since a CRC finds all bursts shorter than itself.
func checksum(text string) (sum [checksumLen]byte) {
	rest := crc32.ChecksumIEEE([]byte(text))
	for i := range sum {
		sum[checksumLen-1-i] = digits[rest%62]
		rest /= 62
	}
	return sum
}
