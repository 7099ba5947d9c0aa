package report

import (
	"fmt"
	"strings"
	"time"
)

// Rotation is what `rotate --json` prints: how far a walk through a pool's logins came.
type Rotation struct {
	// Pool is the pool's name.
	Pool string `json:"pool"`
	// OK: each login serves with the newest version that its store has, and no call is under way with another.
	OK bool `json:"ok"`
	// Logins are the logins that the walk came to, in its order: the last one is why it ended, where it did not end well.
	Logins []RotatedLogin `json:"logins"`
	// Untouched are the logins that it did not come to.
	Untouched []string `json:"untouched,omitempty"`
}

// RotatedLogin is what a rotation did with one login.
type RotatedLogin struct {
	// Login is its name.
	Login string `json:"login"`
	// Outcome is one word for it: nothing-new, switched, refused, no-verdict, not-tried, not-drained.
	Outcome RotationOutcome `json:"outcome"`
	// Was is the version that served before; absent: none did.
	Was uint64 `json:"was,omitempty"`
	// Serving is the version that serves now; absent: none does.
	Serving uint64 `json:"serving,omitempty"`
	// ServingSince is since when it does; absent where this process has not seen it begin.
	ServingSince *time.Time `json:"serving_since,omitempty"`
	// Newest is the store's newest version; absent where it could not be read.
	Newest uint64 `json:"newest,omitempty"`
	// Detail says why the walk ended here, and what to do, in a sentence; empty where it went on.
	Detail string `json:"detail,omitempty"`
}

// RotationOutcome is what came of a login in a rotation, in a word.
type RotationOutcome string

// The outcomes. A walk goes on after the first two.
const (
	// NothingNew: the store's newest version serves already.
	NothingNew RotationOutcome = "nothing-new"
	// Switched: the newest version was accepted and serves, and every call that was sent with the one before has ended.
	Switched RotationOutcome = "switched"
	// NewRefused: the PSA refuses the newest version. What served before serves on.
	NewRefused RotationOutcome = "refused"
	// NoVerdict: the PSA was asked, and did not tell, or not in time. What served before serves on.
	NoVerdict RotationOutcome = "no-verdict"
	// NotTried: nothing was sent. What served before serves on.
	NotTried RotationOutcome = "not-tried"
	// NotDrained: the newest version serves, and calls that were sent with the one before were still under way when the time
	// was over.
	NotDrained RotationOutcome = "not-drained"
)

// Well reports whether a walk goes on after the login.
func (r RotatedLogin) Well() bool { return r.Outcome == NothingNew || r.Outcome == Switched }

// RotationStep is what a rotation is about to do with a login, and may have to wait for.
type RotationStep struct {
	// Login is its name.
	Login string `json:"login"`
	// Doing is one word for it: reading its record, asking the PSA whether it takes the newest version, or draining, which is to
	// wait for calls with what served before.
	Doing RotationDoing `json:"doing"`
	// Version is the store's newest version; absent where it has not been read yet.
	Version uint64 `json:"version,omitempty"`
	// Calls is how many calls are waited for; absent where none are.
	Calls int `json:"calls,omitempty"`
	// Until is when the walk ends here if it has not gone on by then.
	Until time.Time `json:"until"`
}

// RotationDoing is what a rotation is about to do, in a word.
type RotationDoing string

// The steps of a rotation, at each login.
const (
	// RotationReading: the newest version is read from the login's store.
	RotationReading RotationDoing = "reading"
	// RotationAsking: the PSA is asked whether it takes the newest version, where that is not known.
	RotationAsking RotationDoing = "asking"
	// RotationDraining: the newest version serves, and calls with what served before have to end.
	RotationDraining RotationDoing = "draining"
)

// RotationLine is one line of the answer of POST /psa/pools/<pool>/rotate: what is about to be done with a login, what was done, as
// soon as the walk is through with it, or the last one.
type RotationLine struct {
	// Step is what is about to be done with a login.
	Step *RotationStep `json:"step,omitempty"`
	// Login is what was done with a login.
	Login *RotatedLogin `json:"login,omitempty"`
	// Done is the whole, in the last line.
	Done *Rotation `json:"done,omitempty"`
}

// RotationStep writes what is about to be done with a login for people.
func (p Printer) RotationStep(s RotationStep, now time.Time) {
	doing := "reading its newest version"
	switch s.Doing {
	case RotationAsking:
		doing = fmt.Sprintf("finding out whether the PSA takes version %d", s.Version)
	case RotationDraining:
		doing = fmt.Sprintf("version %d serves; waiting for %s with what served before", s.Version, plural(s.Calls, "call"))
	}
	p.line("login %s: %s, until %s at most", s.Login, doing, p.clock(s.Until, now))
}

// RotatedLogin writes what was done with one login for people.
func (p Printer) RotatedLogin(r RotatedLogin, now time.Time) {
	p.line("login %s: %s", r.Login, p.rotated(r, now))
	if r.Detail != "" {
		p.line("  → %s", r.Detail)
	}
}

func (p Printer) rotated(r RotatedLogin, now time.Time) string {
	switch r.Outcome {
	case NothingNew:
		text := fmt.Sprintf("nothing new, version %d serves", r.Serving)
		if r.ServingSince != nil {
			text += " since " + p.clock(*r.ServingSince, now)
		}
		return text
	case Switched:
		return fmt.Sprintf("version %d serves%s", r.Serving, orNone(r.Was, ", no call is under way with version %d any more"))
	case NotDrained:
		return fmt.Sprintf("version %d serves, CALLS WITH WHAT SERVED BEFORE ARE STILL UNDER WAY", r.Serving)
	case NewRefused:
		return fmt.Sprintf("version %d is REFUSED; %s", r.Newest, asBefore(r))
	case NoVerdict:
		return fmt.Sprintf("NO VERDICT on version %d; %s", r.Newest, asBefore(r))
	default:
		return "NOT TRIED; " + asBefore(r)
	}
}

// orNone is a text with a version, or nothing where there is none.
func orNone(version uint64, text string) string {
	if version == 0 {
		return ""
	}
	return fmt.Sprintf(text, version)
}

func asBefore(r RotatedLogin) string {
	switch {
	case r.Serving == 0:
		return "none serves"
	case r.Serving == r.Was:
		return fmt.Sprintf("what serves is version %d, as before", r.Serving)
	}
	return fmt.Sprintf("what serves is version %d", r.Serving)
}

// Rotation writes how a rotation ended for people, after its logins.
func (p Printer) Rotation(r Rotation) {
	switch {
	case r.OK:
		p.line("pool %s: every login serves with its newest version", r.Pool)
	case len(r.Untouched) > 0:
		p.line("pool %s: stopped; not touched: %s", r.Pool, strings.Join(r.Untouched, ", "))
	default:
		p.line("pool %s: stopped", r.Pool)
	}
}
