package totp

import (
	"fmt"
	"time"
)

// LimitError is that too many codes were wrong. The one at hand was not looked at.
type LimitError struct {
	// Of says whose failures they are, for people and for the audit log.
	Of string
	// After is how long to wait until a code is looked at again.
	After time.Duration
}

// Error implements error.
func (e LimitError) Error() string {
	return fmt.Sprintf("too many wrong codes of %s: wait for %s", e.Of, (e.After + time.Second - 1).Truncate(time.Second))
}

// rule says what failures in a bucket mean.
type rule interface {
	// wait is for how long nothing is looked at any more; zero: not at all.
	wait(b Bucket, now time.Time) time.Duration
	// fail counts a failure.
	fail(b Bucket, now time.Time) Bucket
}

// backoff lets a few failures be, and has each one after them wait twice as long.
type backoff struct {
	free          int64
	first, most   time.Duration
	forgottenWith time.Duration // after that without a failure all are forgotten
}

func (r backoff) wait(b Bucket, now time.Time) time.Duration {
	n := r.failures(b, now)
	if n < r.free {
		return 0
	}
	pause := r.pause(n)
	return min(pause, max(0, b.At.Add(pause).Sub(now))) // never more than that, where a clock was set back
}

func (r backoff) pause(n int64) time.Duration {
	pause := r.first
	for ; n > r.free && pause < r.most; n-- {
		pause *= 2
	}
	return min(pause, r.most)
}

func (r backoff) failures(b Bucket, now time.Time) int64 {
	if !now.Before(b.Ends) {
		return 0
	}
	return b.Failures
}

func (r backoff) fail(b Bucket, now time.Time) Bucket {
	return Bucket{Failures: r.failures(b, now) + 1, At: now, Ends: now.Add(r.forgottenWith)}
}

// bound lets so many failures be, and gives one back each time that every is over. Of any time there are at most so many failures in
// it, and one more for each every.
type bound struct {
	most  int64
	every time.Duration
}

func (r bound) wait(b Bucket, now time.Time) time.Duration {
	return max(0, r.owed(b, now)+r.every-r.all())
}

// owed is how long it takes until all are given back: never more than all of them, where a clock was set back.
func (r bound) owed(b Bucket, now time.Time) time.Duration {
	return min(r.all(), max(0, b.At.Sub(now)))
}

func (r bound) all() time.Duration { return time.Duration(r.most) * r.every }

func (r bound) fail(b Bucket, now time.Time) Bucket {
	at := now.Add(r.owed(b, now) + r.every)
	return Bucket{At: at, Ends: at}
}
