package guard

import "time"

// shutPauses are the gate's pauses: after the first call without an answer, and after each lost attempt since.
var shutPauses = [...]time.Duration{2 * time.Second, time.Minute, 4 * time.Minute, 16 * time.Minute, time.Hour}

// Outcome is the end of an attempt.
type Outcome struct {
	Verdict Verdict
	// WrongZone: the attempt went to a host that turned out not to be the login's zone any more. Its refusal fails its
	// unit, for the PSA may have counted it, and does not blame the credential.
	WrongZone bool
	// Reading: there is an answer, which is about to be read. Its integration has a thread of the PSA's until Read.
	Reading bool
	// At is when the answer came, for who has read the clock; zero: now.
	At time.Time
	// Took is how long the PSA took to answer, by which the login estimates its queue; 0 where that tells nothing.
	Took time.Duration
}

// Effect is what settling an attempt changed, for those who tell people.
type Effect struct {
	Proven   bool // the credential became the proven one
	Refused  bool // the credential became refused
	Fell     bool // it was the proven one
	Shut     bool // the gate was shut
	Opened   bool // the gate was opened
	Locked   bool // the login became locked
	Spent    bool // every unit of the budget is recorded now, and was not before
	Freed    bool // a unit of the budget is not recorded now, where every one was
	Lost     bool // the unit is lost: it becomes unknown after linger
	Forgiven int  // units that the success gave back
}

// worthTelling reports whether an operator may have to act on the effect, or on what it ends.
func (e Effect) worthTelling() bool {
	return e.Proven || e.Refused || e.Shut || e.Opened || e.Locked || e.Spent || e.Freed
}

// settle ends an attempt by its verdict. An attempt whose unit is gone, because a success forgave it, changes nothing.
func (r *Rows) settle(a *Attempt, o Outcome, s *Settings, now time.Time) Effect {
	i := r.unit(a.Token)
	if i < 0 {
		return Effect{}
	}
	switch o.Verdict {
	case Accepted:
		return r.accepted(i, a, s, now)
	case Refused, Locked:
		return r.refused(i, a, o, s, now)
	case Neutral:
		return r.neutral(i, a)
	case NotSent:
		r.unsend(a)
		r.free(i)
		return Effect{}
	default:
		return r.unanswered(i, a, now)
	}
}

// accepted forgives what had been recorded, and read, before the attempt was sent: the PSA has counted that before its
// success. Nothing else forgives.
func (r *Rows) accepted(i int, a *Attempt, s *Settings, now time.Time) Effect {
	r.free(i)
	e := Effect{Opened: r.open(), Forgiven: r.forgive(a, s)}
	c := r.find(a.Credential)
	if c != nil && a.Kind == Candidate && c.Fingerprint != r.Newest {
		r.candidateAccepted(c, a, now)
		return e
	}
	if c == nil || a.Seen < c.RefusedSeq || r.newerAccepted(c) {
		return e
	}
	e.Proven = c.State != StateProven
	if c.brought() && a.of.source != "" {
		c.AcceptedBy = a.of.source
	}
	r.prove(c, now)
	return e
}

// prove makes a credential the one that serves.
func (r *Rows) prove(c *Credential, at time.Time) {
	c.State, c.Accepted, c.Rechecked, c.Tries, c.ProvenAt = StateProven, true, false, 0, at
	if !c.brought() {
		r.Last = c.Fingerprint
	}
	for j := range r.Credentials {
		if o := &r.Credentials[j]; rivals(o, c) && o.Rank < c.Rank && o.State != StateRefused {
			o.State = StateSuperseded
		}
	}
}

func (r *Rows) forgive(a *Attempt, s *Settings) int {
	n := 0
	for i := len(r.Units) - 1; i >= 0; i-- {
		u := &r.Units[i]
		if u.State != Failed && u.State != Unknown || u.Seq > a.Seen {
			continue
		}
		// Where a success does not reset the PSA's count, it only shows that earlier calls of the same proven
		// credential that got no answer were not failed sign-ins either.
		if s.NeverReset && (u.State != Unknown || u.Credential != a.Credential || !u.WasProven) {
			continue
		}
		r.free(i)
		n++
	}
	return n
}

func (r *Rows) newerAccepted(c *Credential) bool {
	for i := range r.Credentials {
		if o := &r.Credentials[i]; rivals(o, c) && o.Accepted && o.Rank > c.Rank {
			return true
		}
	}
	return false
}

// refused fails the unit and judges the credential.
func (r *Rows) refused(i int, a *Attempt, o Outcome, s *Settings, now time.Time) Effect {
	u := &r.Units[i]
	if u.State != Unknown { // heard from late, it keeps the place in the order that it has
		r.Seq++
		u.Seq = r.Seq
	}
	seq := u.Seq
	u.State = Failed
	r.LastRefusal = now
	e := Effect{Opened: r.open(), Locked: o.Verdict == Locked && !r.Locked}
	r.Locked = r.Locked || o.Verdict == Locked
	c := r.find(a.Credential)
	if c == nil || o.WrongZone {
		if c != nil {
			r.unsend(a)
		}
		return e
	}
	if r.outrun(c, a) {
		if c.State == StateNoVerdict {
			c.State, c.Tries = StateUntried, 0
		}
		return e
	}
	wasProven := c.State == StateProven
	e.Refused, e.Fell = c.State != StateRefused, wasProven
	c.State, c.RefusedSeq = StateRefused, max(c.RefusedSeq, seq)
	if wasProven && !c.brought() && c.Fingerprint != r.Newest {
		// The PSA has taken over what the store said earlier, or neither is good: the newest is worth one more try.
		if n := r.find(r.Newest); n != nil {
			n.State, n.Tries = StateUntried, 0
		}
	}
	return e
}

// outrun reports whether a refused attempt of the newest credential was sent before the refusal of the proven one was
// recorded. The PSA may have changed in between, so that this refusal tells nothing; unless the newest was accepted since.
func (r *Rows) outrun(c *Credential, a *Attempt) bool {
	last := r.find(r.Last)
	return c.Fingerprint == r.Newest && c.State != StateProven && last != nil && last != c && a.Seen < last.RefusedSeq
}

// neutral gives a proven credential's unit back. To one that is not proven the answer tells nothing of the sign-in; but
// it has come, so nothing of it can be judged later.
func (r *Rows) neutral(i int, a *Attempt) Effect {
	if c := r.find(a.Credential); c != nil && c.State == StateProven {
		r.free(i)
		return Effect{Opened: r.open()}
	}
	if u := &r.Units[i]; u.State != Unknown {
		r.Seq++
		u.State, u.Seq = Unknown, r.Seq
	}
	return Effect{}
}

// unanswered loses the unit and shuts the gate. The loss of an attempt that was sent before the gate shut does not count again.
func (r *Rows) unanswered(i int, a *Attempt, now time.Time) Effect {
	if r.Units[i].State != Held {
		return Effect{}
	}
	r.Units[i].State = Lost
	e := Effect{Lost: true}
	if c := r.find(a.Credential); c != nil && c.State == StateUntried {
		c.State, c.AgainAt, c.Tries = StateNoVerdict, now.Add(againPauses[0]), 1
	}
	if g := &r.Gate; a.Epoch == g.Epoch {
		pause := shutPauses[min(g.Tries, len(shutPauses)-1)]
		*g = Gate{Shut: true, Since: now, Until: now.Add(pause), Tries: g.Tries + 1, Epoch: g.Epoch + 1}
		e.Shut = true
	}
	return e
}

// lingered makes a lost unit unknown: its attempt can no longer be judged, and a later success may forgive it.
func (r *Rows) lingered(t Token) {
	if i := r.unit(t); i >= 0 && r.Units[i].State == Lost {
		r.Seq++
		r.Units[i].State, r.Units[i].Seq = Unknown, r.Seq
	}
}

// Adopt makes the units of processes that are dead this one's to count for: held or lost, what they were sent for may still
// be judged.
func (r *Rows) Adopt(dead func(holder string) bool, as string) {
	for i := range r.Units {
		if u := &r.Units[i]; (u.State == Held || u.State == Lost) && dead(u.Holder) {
			u.State, u.Holder = Lost, as
		}
	}
}

// distrust makes the best of rows whose store may have forgotten what was recorded last: all of the budget but the last
// unit counts as used, as after calls without an answer, so that the next sign-in is the guard's own, and the only one until
// the PSA has accepted it. Of a login that had none left not even that one is: an operator has to look. What was forgotten may have
// been on its way, and be judged after that: so the units are lost first, and no success forgives them before linger.
func (r *Rows) distrust(s *Settings, holder string, now time.Time) {
	r.Distrusted = false
	used := s.Budget - 1
	if r.Spent {
		used = s.Budget
	}
	for len(r.Units) < used {
		r.Seq++
		r.Units = append(r.Units, Unit{State: Lost, Token: Token(r.Seq), Holder: holder})
	}
	for i := range r.Units { // what is recorded may have been forgiven since, so that it stands for nothing of that
		if u := &r.Units[i]; u.State == Unknown || u.State == Failed && !s.NeverReset {
			u.State, u.Holder = Lost, holder
		}
	}
	r.ownDue(now)
	r.Gate = Gate{Shut: true, Since: now, Until: now, Tries: 1, Epoch: r.Gate.Epoch + 1, Released: true}
}

// unsend takes back that a credential was sent, but not what was learned or asked since.
func (r *Rows) unsend(a *Attempt) {
	c := r.find(a.Credential)
	if c == nil || a.prior == nil {
		return
	}
	c.SentSeq, c.AgainAt, c.Tries, c.Rechecked = a.prior.SentSeq, a.prior.AgainAt, a.prior.Tries, a.prior.Rechecked
	c.Due = c.Due || a.prior.Due
	if a.prior.State == StateUntried && c.State == StateNoVerdict {
		c.State = StateUntried
	}
	if a.Kind == Bring {
		r.unbring(c, a.prior)
	}
}

// open opens the gate: the PSA speaks. It reports whether the gate was shut.
func (r *Rows) open() bool {
	was := r.Gate.Shut
	r.Gate.Shut, r.Gate.Tries, r.Gate.Released = false, 0, false
	return was
}
