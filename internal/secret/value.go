package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Value prints as, whatever the form asked for.
const Redacted = "[redacted]"

// Value is a secret text. Every way of printing it gives [Redacted], the empty one too; only Reveal gives the text.
type Value struct {
	// Two Values are compared by Equal, never by ==, which would compare addresses.
	_ [0]func()
	// Behind a pointer, because printers that reach unexported fields by reflection call no methods on them.
	text *string
}

// NewValue wraps a secret text.
func NewValue(text string) Value { return Value{text: &text} }

// Reveal returns the secret text; the zero Value's is empty.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// Equal tells whether two Values hold the same text, in a time that depends on their lengths alone.
func (v Value) Equal(other Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}

// Format prints [Redacted] for every verb, flag and width.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String returns [Redacted].
func (Value) String() string { return Redacted }

// GoString returns [Redacted].
func (Value) GoString() string { return Redacted }

// LogValue returns [Redacted].
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON returns [Redacted] as a JSON string.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns [Redacted].
func (Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
