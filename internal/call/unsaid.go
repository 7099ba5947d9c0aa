package call

import (
	"sync"
	"time"
)

// unsaid lets lines of those whom nobody knows into the audit log, so many a minute. How many were left out is an event of its
// own when the minute ends, or the config: there may be no later line to say it before.
type unsaid struct {
	lines bounded
	mu    sync.Mutex
	to    Auditor // which is held open, as it is to be told; nil: there is nothing to tell
	timer *time.Timer
}

// next reports whether a call has a line.
func (u *unsaid) next(to Auditor) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	leftOut, ok := u.lines.next()
	switch {
	case leftOut > 0: // it is the minute's end, and the timer comes later
		to.Note(leftOutEvent(leftOut))
	case !ok && u.to == nil:
		to.Enter()
		u.to, u.timer = to, time.AfterFunc(u.lines.rest(), u.tell)
	}
	return ok
}

// tell writes down how many were left out.
func (u *unsaid) tell() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.to == nil {
		return
	}
	if n := u.lines.take(); n > 0 {
		u.to.Note(leftOutEvent(n))
	}
	u.to.Leave()
	u.timer.Stop()
	u.to, u.timer = nil, nil
}
