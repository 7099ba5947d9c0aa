package report

import (
	"fmt"
	"strings"
)

// Advise says what the operator should do now, in one sentence; it is empty when there is nothing to do.
func (l LoginStatus) Advise() string {
	if n := l.NextUser; n != nil && (n.State == LoginSpent || n.State == LoginLocked) && (l.State == LoginServing || l.State == LoginIdle) {
		return fmt.Sprintf("See in the PSA whether the user that the record names now is locked and unlock it, then run: psagate release %s", l.Name)
	}
	switch l.State {
	case LoginLocked:
		return fmt.Sprintf("Unlock the user in the PSA, then run: psagate release %s", l.Name)
	case LoginSpent:
		return fmt.Sprintf("See in the PSA whether the user is locked and unlock it, then run: psagate release %s", l.Name)
	case LoginRefused:
		if PassesThrough(l.Name) {
			return fmt.Sprintf("Give its callers the password that the PSA has now: they bring their own. Who they are: psagate failures. Where the right one is not tried any more: psagate release %s", l.Name)
		}
		if l.Newest != nil && l.Newest.Elsewhere {
			return fmt.Sprintf("Save the password that the PSA has now in the store of each replica: it refused %s.", l.Newest.called())
		}
		return "Save the password that the PSA has now in the store; it is tried once as soon as it is there."
	case LoginNoStore:
		return nextOfNoStore
	case LoginNoSecret:
		return "No call can leave until the store gives a record that can be used: see above and the store's line below."
	case LoginGateShut:
		return l.adviseOnGate()
	case LoginIdle, LoginServing:
		return or(l.adviseOnRoom(), l.adviseOnNewest())
	}
	return ""
}

// adviseOnGate says when calls may leave again. The last unit waits for longer than the others, and a check does not.
func (l LoginStatus) adviseOnGate() string {
	text, when := "Nothing to do if the PSA is down: one attempt finds out by itself", ""
	if l.Units.crammed() && l.Gate.RetryAt != nil {
		when = " at " + utc(*l.Gate.RetryAt)
	}
	if PassesThrough(l.Name) {
		text, when = text+" when the next call comes", strings.Replace(when, " at ", " after ", 1)
	}
	if l.Units.Lost > 0 && l.Units.crammed() { // a check would wait for those as well
		return text + when + "."
	}
	return fmt.Sprintf("%s. To ask now: psagate check %s", text+when, l.Name)
}

// adviseOnNewest speaks of a store that is ahead of the PSA: all is served, and somebody should still know.
func (l LoginStatus) adviseOnNewest() string {
	if l.Serving == nil || l.Newest == nil || l.Newest.State != "refused" {
		return ""
	}
	if apart(l.Serving, l.Newest) {
		return adviseOnApart(*l.Serving, *l.Newest)
	}
	return fmt.Sprintf("Version %d of the store was refused and version %d serves on: change the password in the PSA too.",
		l.Newest.Version, l.Serving.Version)
}

// nextOfNoStore is what to do where the store of the guard cannot be used.
const nextOfNoStore = "Bring the store of the guard back: psagate status says what is wrong with it. Calls leave again by themselves."
