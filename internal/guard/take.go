package guard

import "time"

// againPauses are the pauses after attempts of a credential that got no verdict; the last one repeats.
var againPauses = [...]time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute, time.Hour}

// Attempt is one presentation of a credential to the PSA: a unit that was taken for it.
type Attempt struct {
	Credential Fingerprint
	Version    string
	of         pathOf // whose call it carries
	Token      Token
	// Seen is the login's seq as its process had read it before the first byte. What an accepted attempt forgives has
	// been recorded, and so was counted by the PSA, before that.
	Seen uint64
	// Epoch is the gate's when the unit was taken.
	Epoch uint64
	prior *Credential // what was known of the credential before an own attempt; nil for a caller's
	Kind  Kind
	// Term is the lease's when the unit was taken. In another nothing is sent with it.
	Term uint64
}

// Source returns the integration whose call the attempt carries; empty for the guard's own.
func (a Attempt) Source() string { return a.of.source }

// take takes a unit, within a transaction.
func (l *Login) take(r *Rows, k Kind, c *Credential, of pathOf, now time.Time) Attempt {
	token := l.guard.token()
	l.taken = append(l.taken, token)
	a := r.take(k, c, token, l.guard.tables.Holder(), of, now)
	a.Term = l.term
	return a
}

// take makes a unit held for an attempt of a kind that may go.
func (r *Rows) take(k Kind, c *Credential, token Token, holder string, of pathOf, now time.Time) Attempt {
	a := Attempt{
		Token: token, Kind: k, Credential: c.Fingerprint, Version: c.Version,
		Seen: r.Seq, Epoch: r.Gate.Epoch, of: of,
	}
	r.Units = append(r.Units, Unit{}) // and filled in place, which is quicker than to build and copy it
	u := &r.Units[len(r.Units)-1]
	u.State, u.Token, u.Holder, u.Source, u.Alone = Held, token, holder, of.source, k.Alone()
	u.Credential, u.WasProven = c.Fingerprint, c.State == StateProven
	if k.Alone() {
		known := *c
		a.prior = &known
		r.sent(c, k, now)
	}
	return a
}

// sent notes, before anything is sent, that a credential is on its way: after a crash it counts as sent.
func (r *Rows) sent(c *Credential, k Kind, now time.Time) {
	c.SentSeq = r.Seq
	c.Due = false
	c.Rechecked = c.Rechecked || k == Recheck
	if c.State == StateUntried {
		c.State = StateNoVerdict
	}
	if c.State == StateNoVerdict {
		c.AgainAt = now.Add(againPauses[min(c.Tries, len(againPauses)-1)])
		c.Tries++
	}
}

// pathOf is one integration's calls of one path; empty for the guard's own.
type pathOf struct{ source, path string }
