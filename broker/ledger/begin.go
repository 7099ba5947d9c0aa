package ledger

import (
	"slices"
	"time"
)

// Begin is the row as it is written before a step is done. For Expire it is the whole of it: there is no work, and no End.
func (r Rules) Begin(m Mail, step Step, now time.Time) Mail {
	r = r.Whole()
	if m.SentAt.After(now) { // the clock was set back since: what was sent has its time to settle from now on
		m.SentAt = now
	}
	switch step {
	case Understand, UnderstandLeast:
		m.Tries++
		m.Due = now.Add(r.Lease)
	case Send, SendAtes:
		m.Tries++
		m.SentAt, m.Empty = now, 0
		m = m.to(InFlight, now)
		if step == SendAtes {
			m = m.to(AtesInFlight, now)
		}
		m.Due = now.Add(r.SendWithin + r.Answer)
	case Look, Find, Repair, Acknowledge:
		m.Due = now.Add(r.Lease)
	case Expire:
		return r.expire(m, now)
	}
	return m
}

// MaySend tells whether a send that was begun may still go out: not where the clock was set back meanwhile, since then nobody knows how
// long that took.
func (r Rules) MaySend(m Mail, now time.Time) bool {
	took := now.Sub(m.SentAt)
	return (m.State == InFlight || m.State == AtesInFlight) && -time.Second < took && took < r.Whole().SendWithin
}

func (r Rules) expire(m Mail, now time.Time) Mail {
	switch m.State {
	case Spooled:
		return m.end(Dead, "unreadable", now)
	case InFlight, AtesInFlight:
		return r.doubt(m, now)
	case AtesInDoubt:
		if m.Tries >= r.Send {
			return m.end(Suspended, "ates-in-doubt", now)
		}
		m.Repeated = true // nobody can say whether it got there, and it has been long enough
		return r.ready(m, now)
	}
	return m
}

// doubt is a send without an answer.
func (r Rules) doubt(m Mail, now time.Time) Mail {
	if m.State == AtesInFlight {
		m = m.to(AtesInDoubt, now)
	} else {
		m = m.to(InDoubt, now)
	}
	m.Due = now
	return m
}

// settled is when a send can no longer take effect.
func (r Rules) settled(m Mail) time.Time {
	if m.State == AtesInDoubt || m.State == AtesSent {
		return m.SentAt.Add(r.SendWithin + r.Answer + r.AtesSettle)
	}
	return m.SentAt.Add(r.SendWithin + r.Answer + r.Settle)
}

func (m Mail) to(state State, now time.Time) Mail {
	if m.State != state {
		m.Since = now
		m = m.moved(Move{At: now.UTC().Truncate(time.Microsecond), State: state})
	}
	m.State = state
	return m
}

func (m Mail) end(state State, cause string, now time.Time) Mail {
	m = m.to(state, now)
	m.History = slices.Clone(m.History)
	m.History[len(m.History)-1].Cause = cause
	m.Cause, m.Due, m.Tries, m.Fails = cause, now, 0, 0
	if state == Done || state == Suppressed {
		m.Plan = nil
	}
	return m
}

// ready makes the present item due.
func (r Rules) ready(m Mail, now time.Time) Mail {
	m = m.to(Ready, now)
	m.Due = now
	return m
}

// Hasty is how far off a mail's time is, at the least, for Hasten to change it. A step that was just begun by somebody whose clock is
// ahead has a shorter lease.
const Hasty = 2 * time.Minute

// Hastens tells whether a mail only waits since it failed before, longer each time, and not for its time to settle nor for a step that
// somebody is at: what stood in its way may be gone.
func (m Mail) Hastens(now time.Time) bool {
	return m.Fails > 0 && m.State != InFlight && m.State != AtesInFlight && (!m.State.Ended() || !m.Acknowledged) && m.Due.After(now.Add(Hasty))
}

// later waits, longer each time.
func (r Rules) later(m Mail, now time.Time) Mail {
	m.Fails++
	m.Due = now.Add(r.backoff(m.Fails))
	return m
}
