package secret

import "time"

// SessionStatus is how the sign-in of a source stands, for people. It holds no secret.
type SessionStatus struct {
	// Method is how the source signs in, as the config names it.
	Method string
	// SignedIn: the source holds a token that has not expired.
	SignedIn bool
	// Since is when it signed in; zero when it is not signed in.
	Since time.Time
	// Expires is when the token's life ends unless it is renewed; zero when it has no end, or none that is known.
	Expires time.Time
	// Error is why the last sign-in or renewal failed; empty when it succeeded or there was none.
	Error string
}

// Session tells how the source's sign-in stands, and false for a source that has none.
func (s *Store) Session() (SessionStatus, bool) {
	source, ok := s.source.(Sessioner)
	if !ok {
		return SessionStatus{}, false
	}
	return source.Session(), true
}
