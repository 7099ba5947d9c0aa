package audit

import (
	"fmt"
	"io"
)

// minSecret is the least that a key's secret may have, in bytes.
const minSecret = 32

// Key chains lines. It prints as [redacted] in every form.
type Key struct {
	// ID names the key in the lines: 1 to 64 letters, digits, "-" and "_".
	ID string
	// Secret is the key itself, of at least 32 bytes, made for this purpose alone.
	Secret []byte
}

// Format hides the key.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalJSON hides the key.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

func (k Key) check() error {
	switch {
	case !isID(k.ID):
		return fmt.Errorf("the audit key's id %q is none: give 1 to %d letters, digits, \"-\" and \"_\"", k.ID, maxID)
	case len(k.Secret) < minSecret:
		return fmt.Errorf("the audit key %s has %d bytes, and needs %d", k.ID, len(k.Secret), minSecret)
	}
	return nil
}

// maxID is the most that an id in a line's head has.
const maxID = 64

func isID(text string) bool {
	for i := range len(text) {
		if !idByte(text[i]) {
			return false
		}
	}
	return text != "" && len(text) <= maxID
}

func idByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_'
}
