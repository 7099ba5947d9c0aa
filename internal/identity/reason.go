package identity

// Reason is why a call was not identified. Its text is the word that logs and the list of failures carry; the caller
// never hears it, but for ErrDisabled, ErrOutdated and ErrUnavailable: he gets the PSA's own bare 401. Compare with errors.Is.
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
	// ErrDisputed: a key that two integrations' records have, neither of which had it before the other.
	ErrDisputed Reason = "disputed-key"
	// ErrConflict: two different keys in one call.
	ErrConflict Reason = "conflicting-keys"
	// ErrOutdated: the key of a record that is too old to be trusted. The caller is told to wait.
	ErrOutdated Reason = "outdated-key"
	// ErrUnavailable: the key is not known, and not all records with keys could be read. The caller is told to wait, since
	// a 401 would make him take a good key for a wrong one.
	ErrUnavailable Reason = "keys-unavailable"
	// ErrUnknownCertificate: no key, and a verified client certificate that names no integration.
	ErrUnknownCertificate Reason = "unknown-certificate"
	// ErrUnverifiedCertificate: no key, and a client certificate that names an integration and that the server has not
	// verified: anybody could have made it. Most often the server's client_auth only requests certificates.
	ErrUnverifiedCertificate Reason = "unverified-certificate"
	// ErrExpiredCertificate: no key, and a client certificate whose time is over, on a connection that outlived it, or has not come.
	ErrExpiredCertificate Reason = "expired-certificate"
	// ErrConflictingCertificate: the client certificate names two integrations, or another than the key does.
	ErrConflictingCertificate Reason = "conflicting-certificate"
	// ErrWrongToken: no key, and a JWT that is not good: not of an issuer of the config, forged, over, or for somebody else.
	ErrWrongToken Reason = "wrong-token"
	// ErrUnknownToken: no key, and a good JWT that names no integration.
	ErrUnknownToken Reason = "unknown-token"
	// ErrConflictingToken: two JWTs that differ, or one that names two integrations, or another one than the key does.
	ErrConflictingToken Reason = "conflicting-token"
	// ErrIssuerUnavailable: no key, and a JWT of which it cannot be told whether it is good, since its issuer cannot be asked.
	ErrIssuerUnavailable Reason = "issuer-unavailable"
	// ErrWrongNetwork: good proof, from an address outside the integration's networks.
	ErrWrongNetwork Reason = "wrong-network"
	// ErrExpired: good proof, at or after the integration's end.
	ErrExpired Reason = "expired"
	// ErrDisabled: good proof of an integration that its operator has disabled. The caller is told so.
	ErrDisabled Reason = "disabled"
)

// Error returns the word.
func (r Reason) Error() string { return string(r) }
