package report

import (
	"errors"
	"fmt"
)

// ErrChangedSince says that the store has another version than the one that was shown.
var ErrChangedSince = errors.New("the record was changed since it was shown")

// Writing is what `secret put` shows before it asks for anything.
type Writing struct {
	// Login is whose record it is.
	Login string `json:"login"`
	// Store is the name of its store.
	Store string `json:"store"`
	// Kind is the store's kind.
	Kind string `json:"kind"`
	// Path is the record's, in its store.
	Path string `json:"path"`
	// Version is the record's; 0: there is none yet.
	Version uint64 `json:"version"`
	// Next is the version that is written. It is not 1 where the newest one was deleted.
	Next uint64 `json:"next"`
	// Serving is the version that calls are sent with; absent: none.
	Serving *uint64 `json:"serving,omitempty"`
	// Lacks are the fields that a login's record needs and this one has not.
	Lacks []string `json:"lacks"`
	// Earlier is how many versions the new password will be compared with.
	Earlier int `json:"earlier"`
	// User is the PSA user that the record is to name, where it is not the login's: its sign-ins are counted by themselves.
	User string `json:"user,omitempty"`
	// UserUnits are that user's, of which a put leaves two to whoever calls as it.
	UserUnits *UserUnits `json:"user_units,omitempty"`
	// Hopeless is why nothing can be shown to the PSA now; empty where something can.
	Hopeless string `json:"hopeless,omitempty"`
	// Stopped: nothing at all is sent before a release, what is written at once neither.
	Stopped bool `json:"stopped,omitempty"`
	// Notes are what the operator should know before.
	Notes []string `json:"notes,omitempty"`
}

// UserUnits is how much of a PSA user's budget is left.
type UserUnits struct {
	// Budget is how many units there are.
	Budget int `json:"budget"`
	// Free ones may be taken.
	Free int `json:"free"`
}

// PutResult is what `secret put --json` prints.
type PutResult struct {
	// Login is whose record it is.
	Login string `json:"login"`
	// Store is the name of its store.
	Store string `json:"store"`
	// Path is the record's, in its store.
	Path string `json:"path"`
	// Written: the store has the new credential.
	Written bool `json:"written"`
	// Version is the record's now, as far as that is known.
	Version uint64 `json:"version"`
	// Verdict is what the PSA said of the new credential: accepted, refused, locked, neutral, no-answer, not-sent; empty where
	// it was not asked.
	Verdict string `json:"verdict,omitempty"`
	// Detail says what came of it and what to do, in a sentence.
	Detail string `json:"detail"`
	// Notes are what else the operator should know.
	Notes []string `json:"notes,omitempty"`
}

// Put writes what came of a `secret put` for people.
func (p Printer) Put(r PutResult) {
	p.line("%s", r.Detail)
	for _, note := range r.Notes {
		p.line("  ! %s", note)
	}
}

// Writing writes what a `secret put` is about to do for people. ahead: the PSA is not asked first.
func (p Printer) Writing(w Writing, ahead bool) {
	p.line("login %s: record %s of store %s, %s", w.Login, w.Path, w.Store, presence(w))
	switch {
	case ahead && w.Stopped:
		p.line("The new password is written at once, as version %d. The PSA is not asked whether it takes it, and no call is", w.Next)
		p.line("served, before: psagate release %s", w.Login)
	case ahead:
		p.line("The new password is written at once, as version %d. The PSA is asked once whether it takes it already; until it", w.Next)
		p.line("does, %s.", meanwhile(w))
	case w.Hopeless != "":
		p.line("Nothing can be shown to the PSA now, so nothing can be written, but with --ahead.")
	default:
		p.line("The new password is shown to the PSA once, before anything is written:")
		p.line("  accepted  it is written as version %d, and calls go on with it", w.Next)
		p.line("  refused   nothing is written, and %s", servesOn(w))
	}
	if u := w.UserUnits; u != nil && !ahead {
		p.line("It is shown as %s, whose sign-ins are counted by themselves: %d of %d units are free, and two are left for calls.", w.User, u.Free, u.Budget)
	}
	for _, note := range w.Notes {
		p.line("  ! %s", note)
	}
}

func presence(w Writing) string {
	switch {
	case w.Version == 0 && w.Next > 1:
		return fmt.Sprintf("whose version %d was deleted", w.Next-1)
	case w.Version == 0:
		return "which is not there yet"
	case w.Serving != nil && *w.Serving == w.Version:
		return fmt.Sprintf("version %d, which serves", w.Version)
	case w.Serving != nil:
		return fmt.Sprintf("version %d; version %d serves", w.Version, *w.Serving)
	}
	return fmt.Sprintf("version %d; none serves", w.Version)
}

func meanwhile(w Writing) string {
	if w.Serving == nil {
		return "no call is served, as now"
	}
	return "what serves now serves on"
}

func servesOn(w Writing) string {
	if w.Serving == nil {
		return "no call is served, as now"
	}
	return fmt.Sprintf("version %d serves on", *w.Serving)
}
