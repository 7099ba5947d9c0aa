package zone

import (
	"context"
	"fmt"
	"time"
)

// Lookup asks the base URL discover for a user's zone. It judges the zone's host, normalises Base, and fills Base,
// WebURL, Name and CI. It ends when ctx does.
type Lookup func(ctx context.Context, discover, user string) (Zone, error)

const (
	lookupTimeout  = 10 * time.Second
	storageTimeout = 3 * time.Second
	// A lookup that failed is not tried again for firstPause, then twice as long each time, up to lastPause.
	firstPause = 5 * time.Second
	lastPause  = time.Minute
)

// LookupError is a lookup that failed, now or before RetryAt, until when it is not tried again.
type LookupError struct {
	// Discover and User are those of the key.
	Discover, User string
	// RetryAt is when the next lookup may be tried.
	RetryAt time.Time
	// Err is what the lookup returned.
	Err error
}

// Error tells all but RetryAt, which goes into a Retry-After header.
func (e *LookupError) Error() string {
	return fmt.Sprintf("looking up the zone of %q at %s: %v", e.User, e.Discover, e.Err)
}

// Unwrap returns what the lookup returned.
func (e *LookupError) Unwrap() error { return e.Err }

// pause returns how long no lookup is tried after that many failures in a row.
func pause(failures int) time.Duration {
	if failures > 4 {
		return lastPause
	}
	return min(firstPause<<(failures-1), lastPause)
}
