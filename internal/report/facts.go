package report

import (
	"fmt"
	"strings"
	"time"
)

// The console shows what the commands print, in the same words: it takes them from here.

// Fact is a labelled line of a report: what it is of, and what is said of it. One without a label goes on with the one before.
type Fact struct{ Label, Text string }

// factsOf are the labelled lines of what is written.
func (p Printer) factsOf(write func(Printer)) (all []Fact) {
	p.facts = &all
	write(p)
	return all
}

// LoginFacts are the labelled lines that [Printer.Status] has of a login.
func (p Printer) LoginFacts(l LoginStatus, now time.Time) []Fact {
	return p.factsOf(func(p Printer) { p.login(l, now) })
}

// FailureFacts are the labelled lines that [Printer.Failures] has of a login, but for the last one, which is its Next.
func (p Printer) FailureFacts(l LoginFailures, f Failures) []Fact {
	all := p.factsOf(func(p Printer) { p.failures(l, f) })
	if n := len(all); n > 0 && all[n-1].Label == "next:" {
		all = all[:n-1]
	}
	return all
}

// SessionFacts are the labelled lines that [Printer.Sessions] has of one session.
func (p Printer) SessionFacts(s PersonSession, now time.Time) []Fact {
	return p.factsOf(func(p Printer) { p.Sessions(Sessions{Time: now, Sessions: []PersonSession{s}}) })
}

// AttemptHeads are the heads of what [Printer.AttemptCells] returns.
var AttemptHeads = []string{"time", "who", "key", "from", "operation", "version", "verdict", "unit"}

// AttemptCells are what a table says of an attempt that failed, and Words where it went and what came back.
func (p Printer) AttemptCells(a FailedAttempt, now time.Time) []string { return p.attempt(a, now) }

// Words are where an attempt went, and what came back.
func (a FailedAttempt) Words() string { return a.words() }

// Clock shows a time of day, with its date where that is not now's.
func (p Printer) Clock(at, now time.Time) string { return p.clock(at, now) }

// Age shows a duration in its two largest units.
func Age(d time.Duration) string { return age(d) }

// Headline says in a few words how a login stands.
func (l LoginStatus) Headline() string { return headline(l) }

// Headline says in a few words how a login stands.
func (l LoginFailures) Headline() string { return headline(l.asStatus()) }

// Calm reports whether there is nothing to tell of a login but that no attempt failed.
func (l LoginFailures) Calm() bool { return l.calm() }

func (l *LoginFailures) asStatus() LoginStatus {
	return LoginStatus{State: l.State, Observe: l.Observe, Units: l.Units, Hanging: l.Hanging}
}

// String says how far a login is from being locked.
func (l LockoutStatus) String() string { return distance(l) }

// Credentials says which credentials of a login there are, and how old they are.
func (p Printer) Credentials(l LoginStatus, now time.Time) string {
	if PassesThrough(l.Name) {
		var all []string
		for _, f := range p.factsOf(func(p Printer) { p.brought(l.Brought, now) }) {
			all = append(all, f.Text)
		}
		return strings.Join(all, "; ")
	}
	return p.credentials(l, now)
}

// Budget draws a login's units, and names those that are not free.
func (p Printer) Budget(u UnitCounts, now time.Time) string { return p.budget(u, now) }

// Names reports whether a login goes by a name in a report of failures, where those of one PSA user are there once.
func (l LoginFailures) Names(login string) bool {
	if l.Login == login {
		return true
	}
	for _, other := range l.SharesWith {
		if other == login {
			return true
		}
	}
	return false
}

// LastUse is who was served last, and with which version; ok is false where nobody is known.
func (l LoginFailures) LastUse() (last IntegrationUse, version VersionUse, ok bool) {
	for _, v := range l.Uses {
		for _, by := range v.By {
			if by.LastAt.After(last.LastAt) {
				last, version, ok = by, v, true
			}
		}
	}
	return last, version, ok
}

// UseOf is the last that an integration was served with, over all logins; ok is false where none is known.
func (f Failures) UseOf(integration string) (login string, version VersionUse, at time.Time, ok bool) {
	for _, l := range f.Logins {
		for _, v := range l.Uses {
			for _, by := range v.By {
				if by.Integration == integration && by.LastAt.After(at) {
					login, version, at, ok = l.Login, v, by.LastAt, true
				}
			}
		}
	}
	return login, version, at, ok
}

// PolicySource says who decides what integrations may do.
func (p Printer) PolicySource(s PolicyStatus, now time.Time) string { return p.policySource(s, now) }

// States says for people where the guard's tables live.
func (s Status) States() string { return sentence(s.State, states) }

// Servings says how many of a pool's logins serve.
func (s PoolStatus) Servings() string {
	return fmt.Sprintf("%d of %s", s.Serving, servesOf(len(s.Logins), s.Serving))
}

// StoreSession says how a store's session stands.
func (p Printer) StoreSession(s SessionStatus, now time.Time) string { return p.session(s, now) }

// String says how a record stands.
func (r RecordStatus) String() string { return record(r) }

// Called names the credential that was used.
func (v VersionUse) Called() string {
	if v.Version == 0 {
		return "the secret " + v.Fingerprint
	}
	return fmt.Sprintf("version %d", v.Version)
}

// SecondFactor says how a person's second factor stands.
func (p Printer) SecondFactor(one TOTPPerson, now time.Time) string { return p.secondFactor(one, now) }

// IssuerFacts are the labelled lines that [Printer.Status] has of an issuer.
func (p Printer) IssuerFacts(i IssuerStatus, now time.Time) []Fact {
	return p.factsOf(func(p Printer) { p.issuer(i, now) })
}

// Headline says in a few words how an issuer stands.
func (i IssuerStatus) Headline() string { return issuerHeadline(i.State) }
