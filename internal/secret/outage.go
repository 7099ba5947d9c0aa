package secret

import (
	"errors"
	"time"
)

// outage is the trouble of a source as a whole: sealed, unreachable, no sign-in. While it lasts, one reading at a time
// asks the source whether it is over, after pauses that grow to the time between two polls, and all others fail with
// what that one was told. The first answer ends it, and every record that it kept from being read is due at once.
// So a source that is down is asked as seldom for a thousand records as for one, and is not met by all of them at
// once when it is back. Its fields are guarded by the store's mutex.
type outage struct {
	err      error     // what the source said last; nil: there is no outage
	failures int       // of the source, in a row
	asked    time.Time // when a reading last began to ask
	until    time.Time // before which no reading asks, but one that Refresh wants
}

// open returns when the next reading may ask. A reading that Refresh wants shortens the pause to minGap.
func (o *outage) open(forced bool) time.Time {
	switch gap := o.asked.Add(minGap); {
	case o.err == nil:
		return time.Time{}
	case forced && gap.Before(o.until):
		return gap
	default:
		return o.until
	}
}

// admit lets a reading ask the source, or returns why it must not. probe: it asks for all others, who wait for it.
func (o *outage) admit(forced bool) (probe bool, refused error) {
	now := time.Now()
	if now.Before(o.open(forced)) {
		return false, o.err
	}
	o.asked = now
	if o.err == nil {
		return false, nil
	}
	o.until = now.Add(readTimeout + minGap) // one that never comes back is not waited for
	return true, nil
}

// turn is what an outage does: nothing, begin, go on or end.
type turn struct {
	changed bool // all that is due is due at another time
	news    error
	ended   bool
}

// learn draws from what a reading that asked the source was told. The caller wakes the entries if it says changed.
func (o *outage) learn(err error, probe bool, pause func(failures int) time.Duration) turn {
	if !errors.Is(err, ErrDown) {
		ended := o.err != nil
		*o = outage{}
		return turn{changed: ended, ended: ended}
	}
	if o.err != nil && !probe { // it had begun before the outage did
		return turn{}
	}
	told := turn{changed: true}
	if o.err == nil || o.err.Error() != err.Error() {
		told.news = err
	}
	o.err = err
	o.failures++
	o.until = time.Now().Add(pause(o.failures))
	return told
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
