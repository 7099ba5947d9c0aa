package report

import "fmt"

// Danger is how near the nearest login is to being locked.
type Danger string

// The dangers, from the worst on.
const (
	// DangerLocked: the PSA says that a login is locked.
	DangerLocked Danger = "locked"
	// DangerStopped: nothing more is sent as a login, or its distance is not known.
	DangerStopped Danger = "stopped"
	// DangerUnserved: none is about to lock, and calls of one are not served.
	DangerUnserved Danger = "unserved"
	// DangerCounted: the PSA has, or may have, counted failures of a login that is served.
	DangerCounted Danger = "counted"
	// DangerNone: nothing is counted, as far as is known.
	DangerNone Danger = "none"
)

// AboutToLock answers, in a sentence, whether a login is about to be locked: what an operator wants to know first.
func (s Status) AboutToLock() (Danger, string) {
	by := map[LoginState][]string{}
	var unserved []string
	var nearest *LoginStatus
	for i := range s.Logins {
		l := &s.Logins[i]
		state := l.State
		if n := l.NextUser; n != nil && n.State == LoginLocked {
			state = LoginLocked
		}
		if l.Observe && state == LoginSpent {
			state = LoginServing // it is counted, and sent all the same
		}
		by[state] = append(by[state], l.Name)
		if state == LoginRefused || state == LoginNoSecret || state == LoginGateShut {
			unserved = append(unserved, l.Name)
		}
		if l.Units.stuck() > 0 && (nearest == nil || l.left() < nearest.left()) {
			nearest = l
		}
	}
	switch {
	case len(by[LoginLocked]) > 0:
		return DangerLocked, fmt.Sprintf("The PSA has locked %s.", several(by[LoginLocked]))
	case len(by[LoginSpent]) > 0:
		return DangerStopped, fmt.Sprintf("Close to a lockout, so nothing more is sent as %s: the budget is spent.", several(by[LoginSpent]))
	case len(by[LoginNoStore]) > 0:
		return DangerStopped, "Whether a login is about to be locked is not known: the store of the guard cannot be used, so nothing is sent."
	case len(s.Logins) == 0:
		return DangerNone, "There is no login that could be locked."
	case nearest != nil:
		text := fmt.Sprintf("The nearest to a lockout is %s, %s of %d away.", nearest.Name, plural(nearest.left(), "failure"), nearest.Lockout.Threshold)
		if len(unserved) > 0 {
			return DangerUnserved, text + fmt.Sprintf(" Calls of %s are not served.", several(unserved))
		}
		return DangerCounted, text
	case len(unserved) > 0:
		return DangerUnserved, fmt.Sprintf("Nothing is about to be locked, but calls of %s are not served.", several(unserved))
	}
	return DangerNone, "Nothing is about to be locked."
}

// left is how many failures a login is from being locked, by the units that do not come back with the end of a call.
func (l *LoginStatus) left() int { return max(0, l.Lockout.Threshold-l.Units.stuck()) }
