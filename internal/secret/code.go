package secret

import (
	"context"
	"time"
)

// Code is a one-time code of a PSA user.
type Code struct {
	// Text is the digits.
	Text Value
	// Until is when the next one takes its place, by the clock of this host; zero where the source does not tell.
	Until time.Time
	// Period is how long each is the present one; zero where the source does not tell.
	Period time.Duration
}

// Left is how much of its time a code has at a moment, in whole seconds, rounded up; 0 where that is over or not known.
func (c Code) Left(at time.Time) time.Duration {
	if c.Until.IsZero() {
		return 0
	}
	return max(0, (c.Until.Sub(at) + time.Second - 1).Truncate(time.Second))
}

// Coder is a [Source] that makes one-time codes itself, of seeds that it does not give away.
type Coder interface {
	// Code returns the present code of the key at a path. Its errors are those of a Source, and hold no code.
	Code(ctx context.Context, path string) (Code, error)
}

// Coder returns the source where it makes codes itself, and false for one that does not.
func (s *Store) Coder() (Coder, bool) {
	c, ok := s.source.(Coder)
	return c, ok
}
