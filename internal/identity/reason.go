package identity

// Reason is why a call was not identified. Its text is the word that logs and the list of failures carry; it never
// goes to the caller, who gets the PSA's own bare 401. Compare with errors.Is.
type Reason string

const (
	// ErrNoCredentials: nothing was presented in any of the places where a key may be.
	ErrNoCredentials Reason = "no-credentials"
	// ErrNotAKey: what was presented does not begin as a key does; most often an old PSA password.
	ErrNotAKey Reason = "not-a-key"
	// ErrMistyped: begins as a key does, and its length, its characters or its checksum are wrong.
	ErrMistyped Reason = "mistyped-key"
	// ErrUnknown: a well-formed key that no integration has; most often one that was rotated out.
	ErrUnknown Reason = "unknown-key"
	// ErrConflict: two different keys in one call.
	ErrConflict Reason = "conflicting-keys"
)

// Error returns the word.
func (r Reason) Error() string { return string(r) }
