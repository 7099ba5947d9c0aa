package audit

import (
	"cmp"
	"context"
	"time"
)

// Pending is a call that was begun. It is ended once.
type Pending struct {
	w     *Writer
	entry Entry
	of    uint64
}

// Result is what came of a call. What is empty stays as the entry had it that it began with.
type Result struct {
	// DecidedBy is the part that the answer is from, Reason its Psagate-Reason.
	DecidedBy Part
	Reason    string
	// Login, CredentialVersion and Zone are what the call was sent with, and where to.
	Login, CredentialVersion, Zone string
	// Status is what the caller got; 0 where there was nobody to take it. Duration is how long the call took.
	Status   int
	Duration time.Duration
}

// Begin is called before a call is made, with what is known of it. Where the log is required it writes the call's intent, and
// returns once that is on disk; after an error the call must not be made, and End may tell what the caller heard instead. Where
// the log is not required Begin writes nothing: one line, at the end, is enough.
func (w *Writer) Begin(ctx context.Context, e Entry) (Pending, error) {
	e.Kind = Call
	p := Pending{w: w, entry: e}
	if !w.demand.Load() {
		return p, nil
	}
	e.Phase = Intent
	var err error
	p.of, err = w.append(ctx, e)
	return p, err
}

// End writes what came of the call: its outcome, or all of it in one line where there is no intent. It never waits. One that is
// lost is counted in the log; an intent without an outcome says the same.
func (p Pending) End(r Result) {
	e := p.entry
	if p.of > 0 {
		e.Phase, e.Of = Outcome, p.of
	}
	e.Take(r)
	p.w.Note(e)
}

// Take adds to a call's entry what came of the call.
func (e *Entry) Take(r Result) {
	e.DecidedBy = cmp.Or(r.DecidedBy, e.DecidedBy)
	e.Reason = cmp.Or(r.Reason, e.Reason)
	e.Login = cmp.Or(r.Login, e.Login)
	e.CredentialVersion = cmp.Or(r.CredentialVersion, e.CredentialVersion)
	e.Zone = cmp.Or(r.Zone, e.Zone)
	e.Status, e.Duration = r.Status, r.Duration
}
