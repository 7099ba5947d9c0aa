package signin

import (
	"sync"
	"time"
)

// linesAMinute is how many lines the log has in a minute of answers that belong to nobody, whatever their addresses: anybody can send
// them, and must not fill it.
const linesAMinute = 100

// few lets lines of a log through, so many a minute.
type few struct {
	mu      sync.Mutex
	since   time.Time // of this minute
	n       int
	leftOut int
}

// next reports whether a line is to be logged now, and how many were left out since the last one that was.
func (f *few) next(now time.Time) (leftOut int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age := now.Sub(f.since); age >= time.Minute || age < 0 { // below zero: a clock was set back
		f.since, f.n = now, 0
	}
	if f.n >= linesAMinute {
		f.leftOut++
		return 0, false
	}
	f.n++
	leftOut, f.leftOut = f.leftOut, 0
	return leftOut, true
}
