package report

import "fmt"

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
		return adviseOnRefused(l.Name, l.Newest, l.bringer())
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

// adviseOnGate says when calls may leave again. The last unit waits for longer than the others, which a check need not, but it waits
// for those that are lost as well.
func (l LoginStatus) adviseOnGate() string {
	when := " finds out by itself"
	if PassesThrough(l.Name) {
		when += " when the next call comes"
	}
	switch {
	case !l.Units.crammed() || l.Observe || l.Gate.RetryAt == nil:
		return fmt.Sprintf("Nothing to do if the PSA is down: one attempt%s. To ask now: psagate check %s", when, l.Name)
	case l.Units.Lost > 0:
		return fmt.Sprintf("%s. One attempt%s, not before %s.", l.Units.takers(), when, utc(*l.Gate.RetryAt))
	}
	return fmt.Sprintf("%s. One attempt%s, not before %s. Once the PSA answers again: psagate check %s", l.Units.takers(), when, utc(*l.Gate.RetryAt), l.Name)
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
