package limits

import (
	"sync"
	"time"
)

// Rates counts how often each of those who are named does something, over all configs of a process. The zero value is ready.
type Rates struct {
	mu     sync.Mutex
	byName map[string]*bucket
}

// bucket holds what somebody may do at once; it fills as time goes by.
type bucket struct {
	left float64
	at   time.Time
}

// Take reports whether the name may do it once more, of so many times in a minute; else after what time it may. Whoever did nothing
// for a minute may do all of them at once.
func (r *Rates) Take(name string, perMinute int, now time.Time) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	most := float64(perMinute)
	b := r.byName[name]
	if b == nil {
		if r.byName == nil {
			r.byName = make(map[string]*bucket)
		}
		b = &bucket{left: most, at: now}
		r.byName[name] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.left, b.at = b.left+passed.Minutes()*most, now
	}
	b.left = min(b.left, most)
	if b.left < 1 {
		return time.Duration((1 - b.left) / most * float64(time.Minute)), false
	}
	b.left--
	return 0, true
}

// Back gives one back that was taken, and not used.
func (r *Rates) Back(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.byName[name]; b != nil {
		b.left++ // Take bounds it
	}
}
