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

// note takes down what an attempt's outcome tells of its integration. Called with the mutex held.
func (l *Login) note(source string, o Outcome) {
	if !o.Reading && o.Took == 0 {
		return
	}
	c := l.caller(source)
	if o.Reading {
		c.reading++
	}
	if o.Took > 0 {
		c.took(min(o.Took, l.settings.QueueDeadline))
	}
}

func (c *caller) took(d time.Duration) {
	if c.timed {
		d = c.latency + (d-c.latency)/8
	}
	c.latency, c.timed = d, true
}

// Read says that an integration has read an answer of which Outcome.Reading was told, or given it up. It must be called once.
func (l *Login) Read(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caller(source).reading--
	if l.shared && l.queue.n > 0 { // else nobody waits for a thread of the PSA's
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
