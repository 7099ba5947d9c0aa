package guard

import (
	"fmt"
	"time"
)

// Settings are the limits of one login.
type Settings struct {
	// Threshold is the number of failed sign-ins at which the PSA locks the login. Default: 7; at least 5.
	Threshold int
	// Budget is how many attempts may be failed, unanswered or in flight at once. Default: Threshold-2, which is its most.
	Budget int
	// InFlight is how many calls are served at once. Default: Budget-2, which is its most.
	InFlight int
	// Linger is how long a call that got no answer may still be judged by the PSA. Default: 1m.
	Linger time.Duration
	// Recheck is the pause before a refused credential is tried again, where nothing better is known. Default: 15m.
	Recheck time.Duration
	// NeverReset says that the PSA's count is not reset by a successful sign-in.
	NeverReset bool
	// Observe keeps and shows the states and applies no limit.
	Observe bool
	// QueueLength is how many callers may wait. Default: 256.
	QueueLength int
	// QueueDeadline is how long a caller may wait. Default: 30s.
	QueueDeadline time.Duration
}

// WithDefaults fills what is not set.
func (s Settings) WithDefaults() Settings {
	orInt := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	orDuration := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	orInt(&s.Threshold, 7)
	orInt(&s.Budget, s.Threshold-2)
	orInt(&s.InFlight, s.Budget-2)
	orDuration(&s.Linger, time.Minute)
	orDuration(&s.Recheck, 15*time.Minute)
	orInt(&s.QueueLength, 256)
	orDuration(&s.QueueDeadline, 30*time.Second)
	return s
}

// Validate says what is wrong with settings that have their defaults.
//
// A budget leaves one failed sign-in to programs outside psagate; two of its units stay out of the serve calls' reach,
// one for a new password and one for the last way back.
func (s Settings) Validate() error {
	switch {
	case s.Threshold > 1000:
		return fmt.Errorf("lockout threshold %d: at most 1000", s.Threshold)
	case s.Threshold < 5:
		return fmt.Errorf("lockout threshold %d: at least 5 is needed to serve calls and still find out about a new password", s.Threshold)
	case s.Budget < 3 || s.Budget > s.Threshold-2:
		return fmt.Errorf("budget %d: must be from 3 to %d (threshold %d less 2)", s.Budget, s.Threshold-2, s.Threshold)
	case s.InFlight < 1 || s.InFlight > s.Budget-2:
		return fmt.Errorf("in_flight %d: must be from 1 to %d (budget %d less 2)", s.InFlight, s.Budget-2, s.Budget)
	case s.Linger < time.Second:
		return fmt.Errorf("linger %s: at least 1s, and no less than the time for which the PSA may still judge a call that was given up", s.Linger)
	case s.Recheck < time.Second:
		return fmt.Errorf("recheck %s: at least 1s", s.Recheck)
	case s.QueueDeadline <= 0 || s.QueueDeadline > 10*time.Minute:
		return fmt.Errorf("queue deadline %s: must be more than 0 and at most 10m", s.QueueDeadline)
	case s.QueueLength < 1 || s.QueueLength > 65536:
		return fmt.Errorf("queue length %d: must be from 1 to 65536", s.QueueLength)
	}
	return nil
}

// Strictest returns what holds where two entries of a config mean one login.
func (s Settings) Strictest(o Settings) Settings {
	s.Threshold = min(s.Threshold, o.Threshold)
	s.Budget = min(s.Budget, o.Budget, s.Threshold-2)
	s.InFlight = min(s.InFlight, o.InFlight, s.Budget-2)
	s.Linger = max(s.Linger, o.Linger)
	s.Recheck = max(s.Recheck, o.Recheck)
	s.NeverReset = s.NeverReset || o.NeverReset
	s.Observe = s.Observe && o.Observe
	s.QueueLength = min(s.QueueLength, o.QueueLength)
	s.QueueDeadline = min(s.QueueDeadline, o.QueueDeadline)
	return s
}
