package psatest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Cause is why a sign-in was judged as it was. The client never learns it.
type Cause string

// The causes. All but CauseOK are answered with the same bare 401 (a wrong zone may redirect).
const (
	CauseOK          Cause = "ok"
	CauseMissing     Cause = "missing-credentials" // no user name, no secret or no integration code
	CauseUnknownUser Cause = "unknown-user"
	CauseLocked      Cause = "locked"
	CauseWrongZone   Cause = "wrong-zone"
	CauseWrongSecret Cause = "wrong-secret"
	CauseWrongCode   Cause = "wrong-code"
	CauseOrdered     Cause = "ordered" // right, and refused because a Fault said so
)

// Standing is what a presented secret was to its user when it was judged.
type Standing string

// The standings of a secret.
const (
	SecretNone     Standing = "none"
	SecretCurrent  Standing = "current"
	SecretPrevious Standing = "previous"
	SecretUnknown  Standing = "unknown"
)

// Presented labels the secret of a sign-in without telling it.
type Presented struct {
	No       int // the same secret of the same user always has the same number, from 1; 0 if none, or if the user is unknown
	Standing Standing
}

// String is like "previous#2".
func (p Presented) String() string { return fmt.Sprintf("%s#%d", p.Standing, p.No) }

// SignIn is one judged sign-in.
type SignIn struct {
	No     int // 1 for the first that the Sim judged
	At     time.Time
	Zone   string // name of the zone that judged it
	User   string // canonical; empty if none was presented
	Secret Presented
	Cause  Cause
	Method string
	Path   string // as sent, without the query

	Operation string // of SOAP: "query"; empty for REST

	Web bool // it was made on the web pages

	Remote string // the client's address
	Count  int    // the user's FailedSinceSuccess after it
	Locked bool   // whether the user was locked after it
	Limit  Limit  // the limit that the call ran into after the sign-in was accepted
}

// OK tells whether it was accepted.
func (e SignIn) OK() bool { return e.Cause == CauseOK }

// String is one line about the sign-in.
func (e SignIn) String() string {
	path := e.Path
	if e.Operation != "" {
		path += " " + e.Operation
	}
	return fmt.Sprintf("%d %s zone=%s user=%s secret=%s %s %s from %s: %s, count %d",
		e.No, e.At.UTC().Format("15:04:05.000"), e.Zone, e.User, e.Secret, e.Method, path, e.Remote, e.Cause, e.Count)
}

// Ledger is sign-ins in the order of judgement.
type Ledger []SignIn

// Of keeps the sign-ins of one user, in any spelling.
func (l Ledger) Of(user string) Ledger {
	name := canonical(user)
	return l.keep(func(e SignIn) bool { return e.User == name })
}

// Caused keeps the sign-ins with one of the causes.
func (l Ledger) Caused(causes ...Cause) Ledger {
	return l.keep(func(e SignIn) bool { return slices.Contains(causes, e.Cause) })
}

// Failed keeps the sign-ins that were not accepted.
func (l Ledger) Failed() Ledger { return l.keep(func(e SignIn) bool { return !e.OK() }) }

// Since keeps the sign-ins judged after a mark.
func (l Ledger) Since(mark int) Ledger { return l.keep(func(e SignIn) bool { return e.No > mark }) }

func (l Ledger) keep(want func(SignIn) bool) Ledger {
	var kept Ledger
	for _, e := range l {
		if want(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// KeepLedger has the ledger keep the last n sign-ins, or a few more, and not all, for runs of hours: [Sim.Mark]
// and the counters of users and zones go on as if it kept all.
func (s *Sim) KeepLedger(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = max(n, 1)
	s.drop()
}

// drop lets go of what the ledger is not to keep, now and then and not at every sign-in. Called with mu held.
func (s *Sim) drop() {
	if over := len(s.ledger) - s.keep; s.keep > 0 && over > s.keep/4 {
		s.ledger = slices.Clone(s.ledger[over:])
		s.dropped += over
	}
}

// Ledger returns a copy of all sign-ins, or of those that it keeps.
func (s *Sim) Ledger() Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}

// Mark is the number of the last sign-in, for [Ledger.Since].
func (s *Sim) Mark() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped + len(s.ledger)
}

// WaitJudged waits until n sign-ins have been judged in all; the error is the context's.
func (s *Sim) WaitJudged(ctx context.Context, n int) error {
	return s.judged.until(ctx, &s.mu, func() bool { return s.dropped+len(s.ledger) >= n })
}
