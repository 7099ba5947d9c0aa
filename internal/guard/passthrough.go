package guard

import (
	"slices"
	"time"
)

// Pass-through: callers bring credentials of their own. Each distinct secret is a credential of the PSA user that it is
// for, beside those that a secret store gives, and shares that user's budget. What follows are the rules for them; there
// is no newest among them, and the last that was accepted is the only one that is ever tried again after a refusal.

// Brought is a credential that a caller brings with his call.
type Brought struct {
	// Fingerprint is the content's.
	Fingerprint Fingerprint
	// Code stands for its integration code: a keyed hash. An accepted credential supersedes only those with its own.
	Code Fingerprint
	// Address is where the call came from, for status.
	Address string
	// Bound says that the config ties the user name to the caller's integration and that the integration's proof is one
	// program's alone: a client certificate, or a single address. A network, or an integration beside others that list the
	// user name, may have strangers in it, and has to have been accepted first.
	Bound bool
	// Sole says that no other integration of the config lists the user name.
	Sole bool
}

const (
	// bringPause is how long an integration waits between two sign-ins with secrets of one user that are not proven.
	bringPause = time.Minute
	// maxBrought bounds how many brought credentials of one user are remembered of one integration, and broughtFor is how
	// long each is remembered at least; maxBroughtAll bounds those of all integrations.
	//
	// A refused secret that is forgotten would be sent once more. So none makes room for another within a day: when an
	// integration's places are full it waits, and what the others brought stays. One that guesses is sent 64 times a day at
	// the most, whatever it brings, and the same wrong secret once a day at the most, and that only after 63 others; one
	// that does not guess never fills its places, and its wrong secret costs one attempt ever. Nothing in the safety of
	// the login rests on this bound, for what is sent twice takes a unit twice: limits on n bound that.
	maxBrought    = 64
	maxBroughtAll = 512
	broughtFor    = 24 * time.Hour
)

// brought reports whether a caller brought the credential, and no store gave it.
func (c *Credential) brought() bool { return !c.Code.IsZero() }

// rivals reports whether of two credentials only one can be good: those of the store, or those that were brought with one
// integration code.
func rivals(a, b *Credential) bool { return a.Code == b.Code }

// ofStore returns the store's credential that a caller has brought too, or nil: the same content is the same credential,
// and the rules for the store's hold for it.
func (r *Rows) ofStore(fp Fingerprint) *Credential {
	if fp != r.Newest && fp != r.Last {
		return nil
	}
	return r.find(fp)
}

// servesBrought returns the serve kind that holds for a brought credential, and its row, or nil. confirmed: this process has
// seen the PSA accept it.
func (r *Rows) servesBrought(b *Brought, confirmed bool, s *Settings, now time.Time) (Kind, *Credential) {
	c := r.find(b.Fingerprint)
	if s.Observe {
		if c == nil {
			c = r.bring(b, "", now)
		}
		return Serve, c
	}
	if c == nil || c.State != StateProven || r.Locked || !confirmed && r.ofStore(b.Fingerprint) == nil {
		return 0, nil
	}
	for k := Serve; k <= ServeOne; k++ {
		if rules[k].within(len(r.Units), s) && rules[k].holds(r, s, now) {
			return k, c
		}
	}
	return 0, nil
}

// reach says whether what is proven can be asked about, should its units be needed for a newcomer.
type reach uint8

const (
	// beyond: this process, the only one, has none of the secrets that are proven. Who brings a new one may be the only caller left.
	beyond reach = iota
	// elsewhere: another process may have them.
	elsewhere
	// here: this one has.
	here
)

// mayBring returns the kind of the guard's own attempt that may go now for a caller's credential; false where none may.
func (r *Rows) mayBring(b *Brought, source string, confirmed bool, proven reach, s *Settings, now time.Time) (Kind, bool) {
	if s.Observe || r.Locked || r.aloneHeld() || r.ofStore(b.Fingerprint) != nil {
		return 0, false
	}
	switch c := r.find(b.Fingerprint); {
	case c != nil && c.State == StateProven:
		return r.mayProveAgain(confirmed, s, now)
	case c != nil && c.State == StateRefused:
		return Recheck, r.mayRecheckBrought(c, s, now)
	case c != nil && c.State == StateNoVerdict && now.Before(c.AgainAt):
		return 0, false
	case proven == here && r.mustForgive(b, source, s, now):
		return 0, false // another's probe goes first: see broughtProbe
	}
	return Bring, r.mayTryBrought(b, source, proven, s, now)
}

// mayProveAgain: a proven one is checked where the gate is shut, or where this process has not seen it accepted: what a
// stranger sends under its fingerprint would be the same secret, but the PSA may have changed while the process was away.
func (r *Rows) mayProveAgain(confirmed bool, s *Settings, now time.Time) (Kind, bool) {
	n := len(r.Units)
	if belowLast(n, s) {
		return Probe, (r.Gate.Shut || !confirmed) && r.gateLets(now)
	}
	return LastUnit, rules[LastUnit].within(n, s) && rules[LastUnit].holds(r, s, now)
}

// mayRecheckBrought: of the refused ones only the last that was accepted is tried again, and only while nothing is proven.
// The PSA may have refused one operation, not the secret.
func (r *Rows) mayRecheckBrought(c *Credential, s *Settings, now time.Time) bool {
	return c == r.lastBrought() && !r.anyProven() && noneHeld(r) && r.gateLets(now) && belowLast(len(r.Units), s) &&
		!now.Before(r.recheckAt(c, s))
}

// mayTryBrought reports whether a secret that is not proven may be sent for an integration.
func (r *Rows) mayTryBrought(b *Brought, source string, proven reach, s *Settings, now time.Time) bool {
	return r.gateLets(now) && !now.Before(r.broughtAt(source)) && r.hasRoom(b, source, now) &&
		r.withinBrought(b, source, proven, s)
}

// withinBrought is the limit on n. While anybody is proven, two units stay his: one serves, and the last is the way back; where
// this process cannot ask whether he still is, only the last, with which he comes back, if that resets anything. So nobody who
// guesses can shut out who is proven. Where nobody is there to shut out, an integration that was accepted on
// this user may spend all of them, and so may one program to which the user is bound, as it is itself who was proven; so may
// anybody where nothing is remembered, as after the loss of a store, which leaves one unit.
func (r *Rows) withinBrought(b *Brought, source string, proven reach, s *Settings) bool {
	n := len(r.Units)
	switch {
	case len(r.Credentials) == 0 && r.count(Held, Lost) == 0:
		return n < s.Budget
	case !r.trusts(b, source) && r.harmsNobody(b):
		return belowLast(n, s)
	case !r.trusts(b, source):
		return n < s.Budget-2 && !r.chargedAny(source)
	case r.anyProven() && (proven == here || s.NeverReset):
		return n < s.Budget-2
	case r.anyProven() && !(b.Bound && proven == beyond), !r.Newest.IsZero():
		return belowLast(n, s)
	}
	return n < s.Budget
}

// harmsNobody reports whether nobody but the integration's own callers can be kept out by what they bring: no other lists the
// user, the store has no credential of it, and none was proven. Else a caller who errs once at the very beginning could never
// bring the right one.
func (r *Rows) harmsNobody(b *Brought) bool { return b.Sole && r.Newest.IsZero() && !r.anyProven() }

// trusts reports whether an integration was accepted on this user before, or is bound to it.
func (r *Rows) trusts(b *Brought, source string) bool {
	if b.Bound {
		return true
	}
	for i := range r.Credentials {
		if c := &r.Credentials[i]; c.brought() && c.AcceptedBy == source {
			return true
		}
	}
	return false
}

// chargedAny reports whether a unit in any state is charged to an integration.
func (r *Rows) chargedAny(source string) bool {
	for i := range r.Units {
		if r.Units[i].Source == source {
			return true
		}
	}
	return false
}

func (r *Rows) anyProven() bool {
	for i := range r.Credentials {
		if r.Credentials[i].State == StateProven {
			return true
		}
	}
	return false
}

// lastBrought returns the brought credential that was accepted last, or nil.
func (r *Rows) lastBrought() (last *Credential) {
	for i := range r.Credentials {
		c := &r.Credentials[i]
		if c.brought() && c.Accepted && (last == nil || c.ProvenAt.After(last.ProvenAt)) {
			last = c
		}
	}
	return last
}

// broughtAt returns when an integration may have a secret tried again that is not proven; zero for at once.
func (r *Rows) broughtAt(source string) (at time.Time) {
	for i := range r.Credentials {
		c := &r.Credentials[i]
		if c.brought() && c.By == source && !c.TriedAt.IsZero() && c.TriedAt.Add(bringPause).After(at) {
			at = c.TriedAt.Add(bringPause)
		}
	}
	return at
}

// hasRoom reports whether a credential is remembered, or can be without one being forgotten that must not be.
func (r *Rows) hasRoom(b *Brought, source string, now time.Time) bool {
	if r.find(b.Fingerprint) != nil {
		return true
	}
	own, all := r.countBrought(source)
	return own < maxBrought && all < maxBroughtAll || r.forgettable(source, own, now) >= 0
}

func (r *Rows) countBrought(source string) (own, all int) {
	for i := range r.Credentials {
		if c := &r.Credentials[i]; c.brought() {
			all++
			if c.By == source {
				own++
			}
		}
	}
	return own, all
}

// forgettable returns the place of the oldest brought credential that may be forgotten, or -1: an integration that has all
// of its places forgets its own.
func (r *Rows) forgettable(source string, own int, now time.Time) int {
	last, oldest := r.lastBrought(), -1
	for i := range r.Credentials {
		c := &r.Credentials[i]
		switch {
		case !c.brought() || c.State == StateProven || c == last || own >= maxBrought && c.By != source:
		case now.Before(c.TriedAt.Add(broughtFor)):
		case oldest < 0 || c.TriedAt.Before(r.Credentials[oldest].TriedAt):
			oldest = i
		}
	}
	return oldest
}

// bring makes the row of a brought credential, or takes over a row that was the store's once.
func (r *Rows) bring(b *Brought, source string, now time.Time) *Credential {
	c := r.find(b.Fingerprint)
	if c == nil {
		if own, all := r.countBrought(source); own >= maxBrought || all >= maxBroughtAll {
			if i := r.forgettable(source, own, now); i >= 0 {
				r.Credentials = append(r.Credentials[:i], r.Credentials[i+1:]...)
			}
		}
		r.Credentials = append(r.Credentials, Credential{Fingerprint: b.Fingerprint})
		c = &r.Credentials[len(r.Credentials)-1]
	}
	if r.ofStore(b.Fingerprint) == nil {
		c.Code, c.By, c.Address, c.Version = b.Code, source, b.Address, ""
	}
	return c
}

// readyBrought makes a caller's credential ready for an attempt of the guard's own, and returns its row. Of two with one
// integration code the one that was tried later, untried by then, is the newer.
func (r *Rows) readyBrought(k Kind, b *Brought, source string, now time.Time) *Credential {
	if k != Bring {
		return r.find(b.Fingerprint)
	}
	c := r.bring(b, source, now)
	if c.State == StateSuperseded {
		c.State, c.Tries = StateUntried, 0
	}
	r.Ranks++
	c.Rank, c.TriedAt = r.Ranks, now
	return c
}

// unbring takes back that a caller's credential was made ready: no byte of it went out. prior is its row as it was.
func (r *Rows) unbring(c *Credential, prior *Credential) {
	if prior.Rank == 0 {
		i := slices.IndexFunc(r.Credentials, func(o Credential) bool { return o.Fingerprint == c.Fingerprint })
		r.Credentials = slices.Delete(r.Credentials, i, i+1)
		return
	}
	if c.State == StateUntried || c.State == StateNoVerdict {
		c.State = prior.State
	}
	c.Rank, c.TriedAt, c.By, c.Address = prior.Rank, prior.TriedAt, prior.By, prior.Address
}

// mustForgive: a secret of an integration that is trusted finds no room beside what is proven. Then what is proven is
// probed first: accepted, it forgives what fills the budget; refused, the room is the newcomer's.
func (r *Rows) mustForgive(b *Brought, source string, s *Settings, now time.Time) bool {
	return !s.NeverReset && r.recorded() >= 1 && len(r.Units) >= s.Budget-2 && r.trusts(b, source) &&
		!now.Before(r.broughtAt(source)) && r.anyProven()
}

// broughtProbe returns the brought credential that a trusted integration's new secret has probed first, or nil. keeps
// reports whether this process has a credential's secret.
func (r *Rows) broughtProbe(b *Brought, source string, s *Settings, now time.Time, keeps func(Fingerprint) bool) (Kind, *Credential) {
	if s.Observe || r.Locked || r.aloneHeld() || r.ofStore(b.Fingerprint) != nil || !r.mustForgive(b, source, s, now) {
		return 0, nil
	}
	if c := r.find(b.Fingerprint); c != nil && (c.State == StateProven || c.State == StateRefused) {
		return 0, nil
	}
	best := r.proven()
	for i := range r.Credentials {
		c := &r.Credentials[i]
		if c.brought() && c.State == StateProven && keeps(c.Fingerprint) && (best == nil || c.ProvenAt.After(best.ProvenAt)) {
			best = c
		}
	}
	if best == nil {
		return 0, nil
	}
	if belowLast(len(r.Units), s) {
		if r.gateLets(now) {
			return Probe, best
		}
		return 0, nil
	}
	if rules[LastUnit].within(len(r.Units), s) && rules[LastUnit].holds(r, s, now) {
		return LastUnit, best
	}
	return 0, nil
}

// broughtNext returns when an own attempt with a caller's credential may begin to hold; zero for none.
func (r *Rows) broughtNext(b *Brought, source string, s *Settings, now time.Time) (at time.Time) {
	for _, t := range [...]time.Time{r.broughtAt(source), r.againAt(b.Fingerprint), r.Gate.Until, r.lastUnitAt()} {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

func (r *Rows) againAt(fp Fingerprint) time.Time {
	if c := r.find(fp); c != nil && c.State == StateNoVerdict {
		return c.AgainAt
	}
	return time.Time{}
}

// broughtHopeless says why a caller with his own credential need not wait, or nil. The text is for him: it was he who
// brought it. He does not get the PSA's 401 again, for that would say that it was asked.
func (r *Rows) broughtHopeless(ask *Ask, s *Settings, now time.Time) *Denied {
	b := ask.Brings
	c := r.find(b.Fingerprint)
	switch {
	case s.Observe:
		return nil
	case ask.Refused == b.Fingerprint:
		return &Denied{Reason: CredentialRefused, Text: "the PSA refused the secret that this call brought: it is not sent again"}
	case r.ofStore(b.Fingerprint) != nil:
		return nil
	case c != nil && c.State == StateRefused && !r.mayRecheckBrought(c, s, now):
		return refusedBrought(c, c == r.lastBrought() && !r.anyProven())
	case c == nil && !r.hasRoom(b, ask.Source, now):
		return &Denied{Reason: BudgetSpent, RetryAfter: time.Hour, Text: "too many secrets that the PSA does not take were brought for this user within a day: no new one is tried now"}
	}
	return nil
}

func refusedBrought(c *Credential, last bool) *Denied {
	when := ""
	if !c.TriedAt.IsZero() {
		when = " (last tried " + c.TriedAt.UTC().Format(time.RFC3339) + ")"
	}
	if last {
		return &Denied{Reason: CredentialRefused, RetryAfter: pollHint, Text: "the PSA refused the secret that this call brought" + when + ": it is tried again only now and then, in case the PSA takes it after all"}
	}
	return &Denied{Reason: CredentialRefused, Text: "the PSA refused the secret that this call brought" + when + ": it is not sent again; bring another"}
}
