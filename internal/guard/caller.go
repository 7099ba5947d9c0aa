package guard

import "time"

// caller is what a login knows of an integration that calls through it.
type caller struct {
	latency time.Duration // of served attempts, smoothed
	timed   bool          // there was one
	reading int           // answers that it has not read to their end
}

// caller returns what is known of an integration, which is nothing at first. Called with the mutex held.
func (l *Login) caller(source string) *caller {
	c := l.callers[source]
	if c == nil {
		if l.callers == nil {
			l.callers = make(map[string]*caller)
		}
		c = new(caller)
		l.callers[source] = c
	}
	return c
}

// Took tells the login how long an attempt that the PSA answered took, by which it estimates its queue.
func (l *Login) Took(a Attempt, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d = min(d, l.settings.QueueDeadline)
	c := l.caller(a.Source())
	if c.timed {
		d = c.latency + (d-c.latency)/8
	}
	c.latency, c.timed = d, true
}

// Answering says that the answer to an attempt is about to be read; the function that it returns says that it has been.
func (l *Login) Answering(a Attempt) (read func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shared {
		return func() {}
	}
	c := l.caller(a.Source())
	c.reading++
	return (&reading{login: l, of: c}).end
}

// reading is an answer that is being read.
type reading struct {
	login *Login
	of    *caller
	ended bool
}

func (r *reading) end() {
	l := r.login
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ended {
		return
	}
	r.ended = true
	r.of.reading--
	if l.queue.n > 0 { // else nobody waits for a thread of the PSA's
		l.pump()
	}
}

// takesTooMuch reports whether an integration has all of its share of a login that several share: the units that are charged
// to it, and its answers that are being read. The PSA counts a thread until its answer has been taken, and has as many as
// in_flight; a unit is free at the verdict.
func (l *Login) takesTooMuch(r *Rows, source string) bool {
	if !l.shared {
		return false
	}
	n := 0
	if c := l.callers[source]; c != nil {
		n = c.reading
	}
	return r.overShare(source, n, &l.settings)
}
