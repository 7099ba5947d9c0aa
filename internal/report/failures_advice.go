package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Conclude fills what the rest of the report says: who made what failed, whether the cause lies outside, and what to do.
func (l *LoginFailures) Conclude() {
	l.By = l.by()
	l.Outside = l.outside()
	l.Next = l.next()
}

// by counts the attempts that failed by who made them.
func (l *LoginFailures) by() []FailedBy {
	all := []FailedBy{}
	for _, a := range l.Attempts {
		i := slices.IndexFunc(all, func(b FailedBy) bool { return b.Integration == a.Integration })
		if i < 0 {
			i, all = len(all), append(all, FailedBy{Integration: a.Integration})
		}
		b := &all[i]
		b.LastAt = a.At
		if a.wasRefused() {
			b.Refused++
		} else {
			b.Unanswered++
		}
		b.Keys, b.Clients = also(b.Keys, a.Key), also(b.Clients, a.Client)
	}
	slices.SortStableFunc(all, func(a, b FailedBy) int {
		return cmp.Compare(b.Refused+b.Unanswered, a.Refused+a.Unanswered)
	})
	return all
}

// also returns all with one more, where that is new and not empty.
func also(all []string, one string) []string {
	if one == "" || slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

func (a FailedAttempt) wasRefused() bool { return a.Verdict == "refused" || a.Verdict == "locked" }

// outside says why the cause seems to lie outside psagate: the PSA does not let in whom it let in, nothing changed here,
// and what failed here is not enough to lock a user.
func (l *LoginFailures) outside() string {
	few := l.FailedSinceSuccess+l.mayHaveFailed() < l.Lockout.Threshold
	ours := fmt.Sprintf("only %d of ours failed since the last success", l.FailedSinceSuccess)
	if more := l.mayHaveFailed(); more > 0 {
		ours += fmt.Sprintf(", at most %d more may have", more)
	}
	ours += fmt.Sprintf(", and it takes %d to lock", l.Lockout.Threshold)
	switch {
	case !few:
		return ""
	case l.State == LoginLocked:
		return fmt.Sprintf("the PSA says locked, and %s: look for other programs that sign in as this user", ours)
	case (l.State == LoginRefused || l.State == LoginSpent) && fellUnprovoked(l.Newest):
		return fmt.Sprintf("the PSA took version %d before, the store has nothing newer, and %s: the password was changed in the PSA, or other programs locked the user",
			l.Newest.Version, ours)
	}
	return ""
}

// mayHaveFailed is how many more of ours may have failed than attempts tell of, by the units.
func (l *LoginFailures) mayHaveFailed() int { return max(0, l.Units.stuck()-l.FailedSinceSuccess) }

// next is what to do next.
func (l *LoginFailures) next() string {
	switch l.State {
	case LoginLocked, LoginSpent:
		return l.nextOfStopped()
	case LoginRefused:
		return adviseOnRefused(l.Login, l.Newest, l.bringer())
	case LoginNoStore:
		return nextOfNoStore
	case LoginNoSecret:
		return "Find out with psagate status why the store gives no record that can be used."
	case LoginGateShut:
		if PassesThrough(l.Login) {
			return fmt.Sprintf("Nothing, if the PSA is down: one attempt finds out by itself when the next call comes; to have it tried now, run: psagate check %s", l.Login)
		}
		return fmt.Sprintf("Nothing, if the PSA is down: one attempt finds out by itself; to ask now, run: psagate check %s", l.Login)
	}
	return l.nextOfServing()
}

func (l *LoginFailures) nextOfStopped() string {
	look := "See in the PSA whether the user is locked and unlock it"
	if l.State == LoginLocked {
		look = "Unlock the user in the PSA"
	}
	if l.Outside != "" {
		look = "Find the other programs that sign in as this user, then unlock it in the PSA"
	}
	return fmt.Sprintf("%s, then run: psagate release %s", look, l.Login)
}

// bringer is who brought the secret that was refused last; empty where none was.
func (l *LoginFailures) bringer() string {
	for i := len(l.Attempts) - 1; i >= 0; i-- {
		a := &l.Attempts[i]
		if a.Integration != "" && a.Integration != ByWebUI && a.Integration != ByLockoutMail && a.wasRefused() {
			return whoAt(a.Integration, a.Client)
		}
	}
	return ""
}

// nextOfServing speaks of a login whose calls are served: of whom they are not served, and of what was.
func (l *LoginFailures) nextOfServing() string {
	untold := l.untold()
	switch a := l.misfit(); {
	case apart(l.Serving, l.Newest) && l.Newest.State == "refused":
		return adviseOnApart(*l.Serving, *l.Newest)
	case l.crammed():
		return l.Units.adviseOnCrammed()
	case l.Hanging != nil:
		return l.Hanging.advise()
	case len(untold) > 0 && l.standing() == 0:
		return nextOfUntold(untold)
	case len(l.Attempts) == 0:
		return "Nothing: no attempt failed."
	case PassesThrough(l.Login) && l.bringer() != "":
		return fmt.Sprintf("Correct the secret that %s brings, or stop it: the PSA refused it, and it is not sent again; others are served.", l.bringer())
	case len(l.Denied) > 0:
		d := l.Denied[0]
		return fmt.Sprintf("Give the PSA user the right to %s, or have %s stop it: the PSA refuses that call and takes the same credential for others.", d.Operation, d.Integration)
	case l.Newest != nil && l.Newest.State == "refused" && l.Serving != nil:
		return fmt.Sprintf("Change the password in the PSA too: version %d of the store was refused, and version %d serves on.", l.Newest.Version, l.Serving.Version)
	case a != nil:
		return fmt.Sprintf("See whether the PSA user may %s: the PSA refused it to %s, and takes version %d for other calls.", a.operation(), a.Integration, a.Version)
	case l.unanswered() > len(l.Attempts)/2:
		return l.nextOfUnanswered()
	case l.standing() > 0:
		return "Nothing: the next sign-in that the PSA accepts takes back what failed."
	}
	return "Nothing: the PSA has accepted a sign-in since, and all units are back."
}

// crammed reports whether the units that are stuck hold back calls that could be served otherwise.
func (l *LoginFailures) crammed() bool {
	return l.State == LoginServing && !l.Observe && l.Units.crammed()
}

// misfit returns the last refused attempt of an integration, if the credential that was refused is the one that serves and
// nobody else's calls were refused with it.
func (l *LoginFailures) misfit() (last *FailedAttempt) {
	for i := range l.Attempts {
		a := &l.Attempts[i]
		if l.Serving == nil || a.Verdict != "refused" || a.WrongZone || a.OtherUser || !a.sentWith(l.Serving) || a.Integration == "" {
			continue
		}
		if last != nil && last.Integration != a.Integration {
			return nil
		}
		last = a
	}
	return last
}

func (l *LoginFailures) nextOfUnanswered() string {
	by, all := "", 0
	for _, b := range l.By {
		all += b.Unanswered
	}
	for _, b := range l.By {
		if b.Integration != "" && all > 2 && 2*b.Unanswered > all {
			by = fmt.Sprintf(", and of what %s asks for, whose are %d of %d", b.Integration, b.Unanswered, all)
		}
	}
	return "Nothing here, as calls are served again: see to the network to the PSA if it goes on" + by + "."
}

func (l *LoginFailures) unanswered() (n int) {
	for _, a := range l.Attempts {
		if !a.wasRefused() {
			n++
		}
	}
	return n
}

// standing is how many attempts' units are not given back.
func (l *LoginFailures) standing() (n int) {
	for _, a := range l.Attempts {
		if !a.Forgiven {
			n++
		}
	}
	return n
}

// operation is what the attempt asked for, in words.
func (a FailedAttempt) operation() string {
	if a.Entity == "" {
		return a.Action
	}
	return a.Action + " " + a.Entity
}

// Advise says what to do about a caller that was not let in, in one sentence.
func (c CallerFailure) Advise() string {
	who := or(c.Integration, "the program at "+c.Client)
	switch c.Reason {
	case "no-credentials", "not-a-key", "mistyped-key", "unknown-key":
		return fmt.Sprintf("Give %s a key that is in the config: what it shows is none; a new one is made by: psagate key new <integration>", who)
	case "expired":
		return fmt.Sprintf("Set a later `expires` for %s, or stop the program at %s.", who, c.Client)
	case "disabled":
		return fmt.Sprintf("Switch %[1]s on with: psagate enable %[1]s; or take `disabled` out of its block; or stop the program at %[2]s.", who, c.Client)
	case "wrong-network":
		return fmt.Sprintf("Add %s to `from` of %s if that may be; else its key is in wrong hands: replace it.", c.Client, who)
	case "outdated-key", "keys-unavailable":
		return "Find out with psagate status why the records with keys cannot be read."
	}
	return fmt.Sprintf("See what %s means for %s: docs/reference.md, under who calls.", c.Reason, who)
}

// freshUse is how long ago a use may be that still tells of the present.
const freshUse = 24 * time.Hour

// leaning says who would be served no more if a version's password went away now: those who came with it last, where it
// serves and the PSA has not taken a newer one.
func (l *LoginFailures) leaning(v VersionUse, now time.Time) (names []string) {
	if l.Serving == nil || v.Version != l.Serving.Version || l.Newest == nil {
		return nil
	}
	for _, by := range v.By {
		if now.Sub(by.LastAt) < freshUse {
			names = append(names, by.Integration)
		}
	}
	return names
}
