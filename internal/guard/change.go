package guard

import (
	"slices"
	"time"
)

// maxCredentials bounds how many credentials of a login that its store gave are remembered. For those that callers bring see maxBrought.
const maxCredentials = 64

// newest makes a credential the newest. The same content again changes nothing but its label. Content that comes back
// is the newest again: superseded, it counts as untried; refused, its recheck is due. A candidate that was accepted serves.
func (r *Rows) newest(fp Fingerprint, version string) {
	c := r.find(fp)
	if c != nil && r.Newest == fp {
		c.Version = version
		return
	}
	if c == nil {
		r.forgetOldest()
		r.Credentials = append(r.Credentials, Credential{Fingerprint: fp})
		c = &r.Credentials[len(r.Credentials)-1]
	}
	outdated := c.Rank == 0 && r.outdated(c)
	if c.brought() { // the store has it too now, and its rules hold
		c.Code, c.By, c.Address, c.AcceptedBy = Fingerprint{}, "", "", ""
		c.Good = c.Good || c.State == StateProven
	}
	r.Ranks++
	c.Rank, c.Version, c.Accepted = r.Ranks, version, c.State == StateProven
	r.Newest = fp
	switch {
	case c.Good:
		c.Good = false
		r.prove(c, c.ProvenAt)
	case c.State == StateSuperseded, outdated:
		c.State, c.Tries = StateUntried, 0
	case c.State == StateRefused:
		c.Due = true
	}
}

// outdated reports whether a refused candidate was sent before the refusal of the one that served was recorded: the PSA may
// have changed in between, so that the candidate's own refusal tells nothing any more.
func (r *Rows) outdated(c *Credential) bool {
	last := r.find(r.Last)
	return c.State == StateRefused && last != nil && last.State == StateRefused && last.RefusedSeq > c.SentSeq
}

// forgetOldest makes room: superseded credentials go first, for a refused one that is forgotten would be sent again.
func (r *Rows) forgetOldest() {
	if _, brought := r.countBrought(""); len(r.Credentials)-brought < maxCredentials {
		return
	}
	oldest := -1
	for i := range r.Credentials {
		c := &r.Credentials[i]
		if c.Fingerprint == r.Newest || c.Fingerprint == r.Last || c.brought() {
			continue
		}
		if oldest < 0 || forgetBefore(c, &r.Credentials[oldest]) {
			oldest = i
		}
	}
	r.Credentials = slices.Delete(r.Credentials, oldest, oldest+1)
}

func forgetBefore(a, b *Credential) bool {
	if (a.State == StateRefused) != (b.State == StateRefused) {
		return b.State == StateRefused
	}
	return a.Rank < b.Rank
}

// retry makes the newest credential count as untried: the one that served under another user name was refused.
func (r *Rows) retry() {
	if c := r.find(r.Newest); c != nil && (c.State == StateRefused || c.State == StateNoVerdict) {
		c.State, c.Tries = StateUntried, 0
	}
}

// release is the operator's word that the PSA's count is zero again, of what the operator was shown: units recorded up
// to shown are given back. Credentials keep their state; held and lost units stay. The gate is shut with its pause over,
// so that the first sign-in is the guard's own.
func (r *Rows) release(shown uint64, now time.Time) (freed int) {
	for i := len(r.Units) - 1; i >= 0; i-- {
		if u := &r.Units[i]; (u.State == Failed || u.State == Unknown) && u.Seq <= shown {
			r.free(i)
			freed++
		}
	}
	r.Locked = false
	r.ownDue(now)
	r.Gate = Gate{Shut: true, Since: now, Until: now, Tries: 1, Epoch: r.Gate.Epoch + 1, Released: true}
	return freed
}

// check makes the guard's own attempts due now and ends the gate's pause, that of the last unit too.
func (r *Rows) check(now time.Time) {
	r.ownDue(now)
	r.endPause(now)
}

// endPause lets an own attempt go now though the gate is shut: nothing has to be waited for.
func (r *Rows) endPause(now time.Time) {
	if !r.Gate.Shut {
		return
	}
	r.Gate.Released = true
	if now.Before(r.Gate.Until) {
		r.Gate.Until = now
	}
}

// ownDue ends the pauses of the guard's own attempts: rechecks, and another try of the newest.
func (r *Rows) ownDue(now time.Time) {
	r.due()
	if c := r.find(r.Newest); c != nil && c.State == StateNoVerdict && now.Before(c.AgainAt) {
		c.AgainAt = now
	}
}

func (r *Rows) due() {
	for i := range r.Credentials {
		if c := &r.Credentials[i]; c.State == StateRefused {
			c.Due = true
		}
	}
}

// recheckable returns, where nothing is proven and the newest is refused, which of the newest and the last proven one
// is due: the one that was refused longest ago. While a credential is proven none is: each recheck would be a wrong
// sign-in for nothing.
func (r *Rows) recheckable(s *Settings, now time.Time) *Credential {
	if r.anyProven() {
		return nil
	}
	n, a := r.find(r.Newest), r.find(r.Last)
	if n == nil || n.State != StateRefused {
		return nil
	}
	best := (*Credential)(nil)
	for _, c := range [...]*Credential{n, a} {
		if c == nil || c.State != StateRefused || now.Before(r.recheckAt(c, s)) {
			continue
		}
		if best == nil || c.RefusedSeq < best.RefusedSeq {
			best = c
		}
	}
	return best
}

// recheckAt returns when a refused credential's recheck is due. With room left, the first recheck of the one that
// served is due at once: three refusals at once are the credential, one alone may be the request.
func (r *Rows) recheckAt(c *Credential, s *Settings) time.Time {
	n := r.recorded()
	if c.Due || (c.Fingerprint == r.Last || c.brought()) && !c.Rechecked && n <= s.Budget-3 {
		return time.Time{}
	}
	pause := s.Recheck
	for range min(max(n-1, 0), 8) {
		pause *= 4
	}
	return r.LastRefusal.Add(pause)
}

// next returns when, with nothing else happening, one of the guard's own kinds may begin to hold; zero for never.
func (r *Rows) next(s *Settings, now time.Time) time.Time {
	at := time.Time{}
	consider := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if r.Gate.Shut {
		consider(r.Gate.Until)
		consider(r.lastUnitAt())
	}
	for _, fp := range [...]Fingerprint{r.Newest, r.Last} {
		c := r.find(fp)
		switch {
		case c == nil:
		case c.State == StateNoVerdict:
			consider(c.AgainAt)
		case c.State == StateRefused:
			consider(r.recheckAt(c, s))
		}
	}
	return at
}
