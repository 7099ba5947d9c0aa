// Package installation knows the key of an installation: replicas of one share it, and what is derived from it is worth
// nothing without it. Fingerprints of credentials are keyed with it, so that whoever reads the store cannot guess passwords.
package installation

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/psagate/psagate/internal/audit"
)

// Key is the key of an installation, and the one that it has replaced.
type Key struct{ current, former []byte }

// The fields of a record that holds a key.
const (
	FieldKey    = "key"
	FieldFormer = "former"
)

// minKey is the least that a key may have, in characters.
const minKey = 32

// FromFields returns the key that a record's fields hold: key, of at least 32 characters, and in former the one that it
// has replaced, while what was made with that is still needed. The error shows neither.
func FromFields(fields map[string]string) (Key, error) {
	k := Key{current: []byte(strings.TrimSpace(fields[FieldKey])), former: []byte(strings.TrimSpace(fields[FieldFormer]))}
	for name, part := range map[string][]byte{FieldKey: k.current, FieldFormer: k.former} {
		switch {
		case len(part) == 0 && name == FieldFormer:
		case len(part) == 0:
			return Key{}, fmt.Errorf("field %q is missing: make one with `openssl rand -base64 32`", name)
		case len(part) < minKey:
			return Key{}, fmt.Errorf("field %q has %d characters, and needs %d: make one with `openssl rand -base64 32`", name, len(part), minKey)
		}
	}
	return k, nil
}

// FromFile returns the key in a file, which it makes where there is none; made says that it did. The file must be its owner's
// alone.
func FromFile(path string) (k Key, made bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeFile(path); err != nil {
			return Key{}, false, err
		}
		made = true
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Key{}, false, fmt.Errorf("the installation key: %w", err)
	}
	if err = private(path); err != nil {
		return Key{}, false, err
	}
	if k, err = FromFields(map[string]string{FieldKey: string(text)}); err != nil {
		return Key{}, false, fmt.Errorf("the installation key in %s: %w", path, err)
	}
	return k, made, nil
}

// makeFile makes a file with a new key. Of two processes that do so at once, the first one's is kept.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the folder of the installation key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".installation-*") // 0600
	if err != nil {
		return fmt.Errorf("the installation key: %w", err)
	}
	defer os.Remove(f.Name())
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(raw))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the installation key: %w", err)
	}
	if err = os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the installation key: %w", err)
	}
	return nil
}

func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the installation key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("the installation key in %s can be read by others (mode %04o): run: chmod 600 %s", path, mode, path)
	}
	return nil
}

// ID names the key without telling it: the first 8 hex digits of a hash.
func (k Key) ID() string { return idOf(k.current) }

func idOf(key []byte) string {
	sum := sha256.Sum256(derive(key, "id"))
	return hex.EncodeToString(sum[:4])
}

// Audit are the keys of the audit log's chains: the one that new lines are chained with first, then the one of before where a key
// was replaced. Each has the id of the installation's key that it is derived from.
func (k Key) Audit() []audit.Key {
	keys := []audit.Key{{ID: idOf(k.current), Secret: derive(k.current, "audit")}}
	if len(k.former) > 0 {
		keys = append(keys, audit.Key{ID: idOf(k.former), Secret: derive(k.former, "audit")})
	}
	return keys
}

// Fingerprints are the keys of credentials' fingerprints; former is nil where no key was replaced.
func (k Key) Fingerprints() (current, former []byte) {
	if len(k.former) > 0 {
		former = derive(k.former, "fingerprints")
	}
	return derive(k.current, "fingerprints"), former
}

// SignIn are the keys that seal what browsers hold of a sign-in: the one that new ones are sealed with first, then the one of before
// where a key was replaced.
func (k Key) SignIn() [][]byte {
	keys := [][]byte{derive(k.current, "sign-in")}
	if len(k.former) > 0 {
		keys = append(keys, derive(k.former, "sign-in"))
	}
	return keys
}

// derive makes a key for one purpose (RFC 5869).
func derive(key []byte, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "psagate "+purpose, sha256.Size)
	if err != nil {
		panic(err) // the length is a constant
	}
	return out
}

// String hides the key.
func (Key) String() string { return "[redacted]" }

// GoString hides the key.
func (Key) GoString() string { return "[redacted]" }

// MarshalJSON hides the key.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }
