package secret

import (
	"log/slog"
	"math/rand/v2"
	"time"
)

// Options are a Store's settings; [Store.Configure] changes them at run time.
type Options struct {
	// Poll is the time between two readings of a record in use, give or take 20 %. Default 15 s.
	Poll time.Duration
	// MaxStale is how long the last good reading is served while no newer one succeeds. Default 1 h.
	MaxStale time.Duration
	// Logger gets changes, failures and recoveries: those of a source as a whole once, not once a record. Default: slog.Default().
	Logger *slog.Logger
	// Rand returns numbers in [0,1) for the jitter, for any number of callers at once. Default: math/rand/v2.
	Rand func() float64
}

const (
	// readTimeout bounds one reading, so that a connection that stalls is not a record that is never read again.
	readTimeout = 10 * time.Second
	// writeTimeout bounds one writing, or one look at a record's history, each of which is several questions to the source.
	writeTimeout = 20 * time.Second
	// minGap lies between the beginnings of two readings of a record, however many refreshes are asked for.
	minGap = time.Second
	// readsAtOnce bounds the readings of a Store that are under way: this many polls, and as many that were asked for.
	readsAtOnce = 8
)

func (o Options) withDefaults() Options {
	if o.Poll <= 0 {
		o.Poll = 15 * time.Second
	}
	if o.MaxStale <= 0 {
		o.MaxStale = time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

// interval returns the time to the next reading of a record that failed to be read that many times in a row.
// A failure is tried again sooner than a poll would, first after a second.
func (o Options) interval(failures int, jitter float64) time.Duration {
	base := o.Poll
	if failures > 0 && failures < 10 {
		base = min(base, minGap<<(failures-1))
	}
	return time.Duration(float64(base) * (0.8 + 0.4*jitter))
}
