package call

import (
	"cmp"
	"sync"
	"time"
)

// said bounds how often something is logged that callers could repeat as they like. Its keys must be of a closed set.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

// again reports whether it is to be logged: at first, and when it was not for a minute.
func (s *said) again(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, known := s.at[key]; known && now.Sub(last) < time.Minute {
		return false
	}
	if s.at == nil {
		s.at = make(map[string]time.Time)
	}
	s.at[key] = now
	return true
}

// linesAMinute is how many refused strangers are logged in a minute, whatever their addresses: whoever has many of those
// must not fill the log.
const linesAMinute = 100

// bounded lets lines of a log through, so many a minute.
type bounded struct {
	most    int // 0: linesAMinute
	mu      sync.Mutex
	since   time.Time // of this minute
	n       int
	leftOut int
}

// next reports whether a line is to be logged, and how many were left out before it since the last one that was.
func (b *bounded) next() (leftOut int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.since.IsZero() || now.Sub(b.since) >= time.Minute {
		b.since, b.n = now, 0
	}
	if b.n >= cmp.Or(b.most, linesAMinute) {
		b.leftOut++
		return 0, false
	}
	b.n++
	leftOut, b.leftOut = b.leftOut, 0
	return leftOut, true
}

// take returns how many were left out that nobody was told of.
func (b *bounded) take() (leftOut int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	leftOut, b.leftOut = b.leftOut, 0
	return leftOut
}

// rest is how long this minute still is.
func (b *bounded) rest() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.since.Add(time.Minute))
}
