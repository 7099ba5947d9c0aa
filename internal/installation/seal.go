package installation

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// What is sealed is a version, the id of the installation's key, and what AES-256-GCM makes of the rest: a nonce, the bytes, a tag.
const (
	sealVersion = 1
	sealIDLen   = 4 // bytes of an id, which is written as twice as many hex digits
	sealHead    = 1 + sealIDLen
)

var (
	// ErrSealed: the bytes are not what Seal gave for this purpose and these names. It does not say which of these differs.
	ErrSealed = errors.New("it cannot be opened: it was changed, or sealed for something else")
	// ErrKeyGone: they were sealed with a key that is neither the installation's nor the one that it has replaced.
	ErrKeyGone = errors.New("it was sealed with an installation key that is not known any more: put that key back as `former`")
)

// Seal encrypts bytes so that only who has the installation's key can read them, or change them unseen. Each purpose has a key of
// its own (RFC 5869), and the names say whose the bytes are: Open needs the same ones, so that nobody who writes the store can move
// one person's to another. The nonce is random, which is safe for 2^32 sealings for one purpose (NIST SP 800-38D, 8.3).
func (k Key) Seal(purpose string, names []string, plain []byte) []byte {
	head := sealedHead(k.current)
	return sealer(k.current, purpose).Seal(head, nil, plain, bound(head, names))
}

// Open gives back what Seal was given. old says that it was sealed with the key that was replaced, and is to be sealed anew. The
// error wraps ErrSealed or ErrKeyGone, and shows nothing of what is sealed.
func (k Key) Open(purpose string, names []string, sealed []byte) (plain []byte, old bool, err error) {
	if len(sealed) < sealHead {
		return nil, false, fmt.Errorf("%w: it has only %d bytes", ErrSealed, len(sealed))
	}
	if sealed[0] != sealVersion {
		return nil, false, fmt.Errorf("%w: its version %d is not known here", ErrSealed, sealed[0])
	}
	head, rest := sealed[:sealHead], sealed[sealHead:]
	for _, key := range k.both() {
		if string(sealedHead(key)) != string(head) {
			continue
		}
		if plain, err = sealer(key, purpose).Open(nil, nil, rest, bound(head, names)); err != nil {
			return nil, false, ErrSealed
		}
		return plain, string(sealedHead(k.current)) != string(head), nil
	}
	return nil, false, ErrKeyGone
}

// MAC is a keyed hash, and the id of the installation's key that it is made with.
type MAC struct{ Key, Sum string }

// MACs are the keyed hashes (HMAC-SHA256, in hex) of names for a purpose: with the installation's key first, then with the one of
// before, where a key was replaced.
func (k Key) MACs(purpose string, names ...string) []MAC {
	var all []MAC
	for _, key := range k.both() {
		h := hmac.New(sha256.New, derive(key, "mac "+purpose))
		_, _ = h.Write(bound(nil, names))
		all = append(all, MAC{idOf(key), hex.EncodeToString(h.Sum(nil))})
	}
	return all
}

// both are the key, and the one that it has replaced where there is one.
func (k Key) both() [][]byte {
	if len(k.former) == 0 {
		return [][]byte{k.current}
	}
	return [][]byte{k.current, k.former}
}

func sealedHead(key []byte) []byte {
	id, err := hex.DecodeString(idOf(key))
	if err != nil || len(id) != sealIDLen {
		panic("an id of a key is not 8 hex digits")
	}
	return append([]byte{sealVersion}, id...)
}

func sealer(key []byte, purpose string) cipher.AEAD {
	block, err := aes.NewCipher(derive(key, "seal "+purpose))
	if err != nil {
		panic(err) // the length is a constant
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// bound writes what is bound to sealed bytes, each with its length, so that no two lists are written alike.
func bound(head []byte, names []string) []byte {
	out := append([]byte{}, head...)
	for _, name := range names {
		out = binary.BigEndian.AppendUint64(out, uint64(len(name)))
		out = append(out, name...)
	}
	return out
}
