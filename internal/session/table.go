package session

import (
	"context"
	"time"
)

// Table is where sessions are stored. Any number of callers may use it, in any number of processes.
type Table interface {
	// Add enters a session. Where replaces is not nil, that one is gone in the same moment.
	Add(ctx context.Context, r Row, replaces *Hash) error
	// Find returns a token's session; false where there is none.
	Find(ctx context.Context, h Hash) (Row, bool, error)
	// Saw notes when and from where a session was last used, if it is still there and was not used later.
	Saw(ctx context.Context, h Hash, at time.Time, address string) error
	// StepUp notes when a second factor was proven in a session, by its id, unless a later moment is noted; false where there is no
	// such session.
	StepUp(ctx context.Context, id string, at time.Time) (there bool, err error)
	// Remove removes the sessions that match, and returns them. Of two who remove one, one gets it.
	Remove(ctx context.Context, w Which) ([]Row, error)
	// Rows returns all sessions, the newest first.
	Rows(ctx context.Context) ([]Row, error)
	// Once reports whether a thing happens for the first time. It is remembered until a moment, by all processes.
	Once(ctx context.Context, what string, until time.Time) (first bool, err error)
	// Sweep removes what is over: sessions, and what was to be remembered.
	Sweep(ctx context.Context, now time.Time) error
}

// Which are the sessions that agree in all fields that are set. The zero Which are none.
type Which struct {
	// Hash is the token's.
	Hash Hash
	// ID is the session's.
	ID string
	// IssuerURL, Subject and IssuerSession are the person's provider, and its names for the person and for its own session. The latter
	// two mean nothing without the first.
	IssuerURL, Subject, IssuerSession string
	// Before: only those that began before it; zero: whenever they began. It means nothing alone.
	Before time.Time
}

// None reports whether no session is meant.
func (w Which) None() bool {
	return w.Hash == Hash{} && w.ID == "" && (w.IssuerURL == "" || w.Subject == "" && w.IssuerSession == "")
}

// Matches reports whether a session is meant.
func (w Which) Matches(r Row) bool {
	return !w.None() && (w.Hash == Hash{} || w.Hash == r.Hash) && (w.ID == "" || w.ID == r.ID) && (w.IssuerURL == "" || w.IssuerURL == r.Person.IssuerURL) &&
		(w.Subject == "" || w.Subject == r.Person.Subject) && (w.IssuerSession == "" || w.IssuerSession == r.IssuerSession) &&
		(w.Before.IsZero() || r.Created.Before(w.Before))
}
