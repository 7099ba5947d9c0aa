package report

import (
	"fmt"
	"strings"
	"time"
)

// A login serves only with what is free of its budget. Units of calls without an answer, and of sign-ins that failed, are not,
// though the login's credential is good and its gate open.

// stuck is how many units do not come back with the end of a call.
func (u UnitCounts) stuck() int { return u.Lost + u.Failed + u.Unknown }

// crammed reports whether the units that are stuck leave none to serve with.
func (u UnitCounts) crammed() bool { return u.Budget > 0 && u.stuck() >= u.Budget-1 }

// oneAtATime reports whether the units that are stuck leave room for one call at a time.
func (l LoginStatus) oneAtATime() bool {
	return l.State == LoginServing && !l.Observe && l.InFlight > 1 && l.Units.stuck() >= l.InFlight && !l.Units.crammed()
}

// takers says what units are stuck with.
func (u UnitCounts) takers() string {
	var all []string
	if u.Lost > 0 {
		text := have(u.Lost, "sign-in", "had no answer") + ", which the PSA may still judge"
		if u.LostUntil != nil {
			text = fmt.Sprintf("%s, and %s kept until %s, as the PSA may judge it till then", have(u.Lost, "sign-in", "had no answer"), each(u.Lost), utc(*u.LostUntil))
		}
		all = append(all, text)
	}
	if u.Unknown > 0 {
		all = append(all, fmt.Sprintf("%s may have failed, as no answer told", plural(u.Unknown, "sign-in")))
	}
	if u.Failed > 0 {
		all = append(all, have(u.Failed, "sign-in", "been refused"))
	}
	return strings.Join(all, "; ")
}

func each(n int) string {
	if n == 1 {
		return "is"
	}
	return "each is"
}

// have is a number of things in the perfect tense.
func have(n int, one, done string) string {
	if n == 1 {
		return "1 " + one + " has " + done
	}
	return plural(n, one) + " have " + done
}

// utc shows a time of day in a sentence, which may be read anywhere.
func utc(at time.Time) string { return at.UTC().Format(time.TimeOnly + " MST") }

// adviseOnCrammed says what happens next where no unit is left to serve with, of a login whose gate is open.
func (u UnitCounts) adviseOnCrammed() string {
	next := "The next call has one attempt find out by itself"
	if u.Lost > 0 {
		next = "Nothing leaves meanwhile; then one attempt finds out by itself"
	}
	return u.takers() + ". " + next + "."
}

// whose is where more is told of it.
const whose = " Whose they were: psagate failures"

// adviseOnRoom speaks of a login that serves with less room than it has, or with none; empty where all is well.
func (l LoginStatus) adviseOnRoom() string {
	switch {
	case l.State != LoginServing || l.Observe:
		return ""
	case l.Units.crammed():
		return l.Units.adviseOnCrammed() + whose
	case l.Hanging != nil:
		return l.Hanging.advise()
	case l.oneAtATime():
		return l.Units.takers() + ". One call is sent at a time until units are free again." + whose
	}
	return ""
}

// room says in the headline that a login serves with less room than it has.
func (l LoginStatus) room() string {
	switch {
	case l.State != LoginServing || l.Observe:
		return ""
	case l.Units.crammed():
		return ", but NO ROOM IS LEFT: nothing leaves for now"
	case l.Hanging != nil && !l.Hanging.AllRoom:
		return ", but callers wait beside calls without an answer"
	case l.Hanging != nil:
		return ", but CALLS WITHOUT AN ANSWER TAKE ALL THE ROOM"
	case l.oneAtATime():
		return ", one call at a time: little room is left"
	}
	return ""
}

// HangingStatus are calls that the PSA has left without an answer for more than 10 seconds, and that may yet have one.
type HangingStatus struct {
	// Calls is how many they are.
	Calls int `json:"calls"`
	// AllRoom: they take all the room, so that no other call can leave. Otherwise others do, and callers wait beside them.
	AllRoom bool `json:"all_room"`
	// Since is when the first of them was sent.
	Since time.Time `json:"since"`
	// Zone is the base URL that it was sent to.
	Zone string `json:"zone"`
	// Integrations are whose they are, by name; psagate's own attempts are nobody's.
	Integrations []string `json:"integrations"`
}

// advise says what the calls do, and what to do about it.
func (h *HangingStatus) advise() string {
	of := plural(h.Calls, "call")
	if len(h.Integrations) > 0 {
		of += " of " + several(h.Integrations)
	}
	what := "callers wait beside"
	if h.AllRoom {
		what = "all the room is taken by"
	}
	return fmt.Sprintf("See why %s does not answer, or what is asked of it: %s %s without an answer, the first since %s. Each is given up after 5 minutes.",
		hostOf(h.Zone), what, of, utc(h.Since))
}

// hanging writes which calls have no answer.
func (p Printer) hanging(h *HangingStatus, now time.Time) {
	if h == nil {
		return
	}
	by := or(strings.Join(h.Integrations, ", "), "psagate itself")
	p.wrapped("no answer", fmt.Sprintf("%s of %s since %s (%s), from %s", plural(h.Calls, "call"), by, p.clock(h.Since, now), age(now.Sub(h.Since)), hostOf(h.Zone)))
}
