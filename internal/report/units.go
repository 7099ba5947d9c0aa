package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// UnitsBy are the units that one integration's attempts took and that are not free, by state; see [UnitCounts].
type UnitsBy struct {
	// Integration is whose calls took them; empty for psagate's own attempts.
	Integration string `json:"integration,omitempty"`
	// Forgotten: no attempt that is known took them. They stand for what a store that was lost or restored may have forgotten.
	Forgotten bool `json:"forgotten,omitempty"`
	// Held ones are in use by calls in flight.
	Held int `json:"held"`
	// Lost ones had no answer, and the PSA may still judge them.
	Lost int `json:"lost"`
	// Failed ones were refused.
	Failed int `json:"failed"`
	// Unknown ones may have been refused.
	Unknown int `json:"unknown"`
}

// stuck is how many do not come back with the end of a call.
func (u UnitsBy) stuck() int { return u.Lost + u.Failed + u.Unknown }

// SortUnits puts whoever has most units first.
func SortUnits(all []UnitsBy) {
	slices.SortStableFunc(all, func(a, b UnitsBy) int {
		return cmp.Or(cmp.Compare(b.Held+b.stuck(), a.Held+a.stuck()), strings.Compare(a.Integration, b.Integration))
	})
}

// untold returns the units that are stuck of those who have more of them than the attempts tell of.
func (l *LoginFailures) untold() (all []UnitsBy) {
	for _, u := range l.UnitsBy {
		if u.stuck() > 0 && (u.Forgotten || u.stuck() > l.told(u.Integration)) {
			all = append(all, u)
		}
	}
	return all
}

// told is how many of an integration's attempts have a unit that is not given back.
func (l *LoginFailures) told(integration string) (n int) {
	for _, a := range l.Attempts {
		if a.Integration == integration && !a.Forgiven && !a.OtherUser {
			n++
		}
	}
	return n
}

// whatOf says what units are stuck with.
func (u UnitsBy) whatOf() string {
	if u.Forgotten {
		return u.called(u.stuck()) + " for what the store may have forgotten"
	}
	var all []string
	if u.Lost > 0 {
		all = append(all, fmt.Sprintf("%s had no answer that is known; the PSA may judge %s yet", u.called(u.Lost), itOrThem(u.Lost)))
	}
	if u.Unknown > 0 {
		all = append(all, fmt.Sprintf("%s had no answer that is known; the PSA may have judged %s", u.called(u.Unknown), itOrThem(u.Unknown)))
	}
	if u.Failed > 0 {
		all = append(all, u.called(u.Failed)+" "+wasOrWere(u.Failed)+" refused")
	}
	return strings.Join(all, "; ")
}

// called is what n of its units are of.
func (u UnitsBy) called(n int) string {
	switch {
	case u.Forgotten:
		return counts(n, "unit stands", "units stand")
	case u.Integration == "":
		return counts(n, "sign-in of psagate's own", "sign-ins of psagate's own")
	}
	return counts(n, "call of "+u.Integration, "calls of "+u.Integration)
}

// counts is a number with the word for one, or for more.
func counts(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// nextOfUntold is what to do where units are stuck that no attempt tells of, and calls are served.
func nextOfUntold(untold []UnitsBy) string {
	var mute []string
	for _, u := range untold {
		if n := u.Lost + u.Unknown; n > 0 && !u.Forgotten {
			mute = append(mute, u.called(n))
		}
	}
	if len(mute) == 0 {
		return "Nothing: the next sign-in that the PSA accepts takes back what is still counted."
	}
	return fmt.Sprintf("Nothing: no answer is known to %s, as where psagate was killed. The next sign-in that the PSA accepts, once it can judge those no more, takes that back.",
		several(mute))
}
