package guard

import "time"

// Kind says what an attempt is for. Kinds compete in this order.
type Kind uint8

// The kinds. Serve kinds carry callers' calls; the others are alone, one per login, and are the guard's own.
const (
	// Serve: a caller's call with the proven credential.
	Serve Kind = iota
	// ServeOne: as Serve, one at a time, where fewer units are left.
	ServeOne
	// Probe: does the PSA answer a sign-in again? And, before the newest is tried beside it: is the one that serves still good?
	Probe
	// FirstTry: is the newest credential taken? Beside a serving one too.
	FirstTry
	// Again: the newest credential's own last attempt got no verdict.
	Again
	// Recheck: nothing is proven and a refused credential may have become good.
	Recheck
	// LastUnit: what is left serves both, a new password and the return of an old friend.
	LastUnit
	// Candidate: what an operator is about to write to the store is tried before that.
	Candidate
	// Bring: a caller has brought a secret that is not proven.
	Bring

	kinds
)

// String returns the word that logs use.
func (k Kind) String() string {
	return [...]string{"serve", "serve-one", "probe", "first-try", "again", "recheck", "last-unit", "candidate", "bring"}[k]
}

// Alone reports whether attempts of the kind are the guard's own, one per login.
func (k Kind) Alone() bool { return k > ServeOne }

// rule is one row of the table of who may send. Limits and conditions are checked with the gate and with the alone
// rule, which are the same for all rows of a sort.
type rule struct {
	// credential returns the credential that the kind would send, or nil.
	credential func(r *Rows, s *Settings, now time.Time) *Credential
	// holds is the row's condition beyond its credential.
	holds func(r *Rows, s *Settings, now time.Time) bool
	// within is the row's limit on n, the number of units that are not free.
	within func(n int, s *Settings) bool
}

var rules = [kinds]rule{
	Serve: {
		credential: provenOne,
		holds:      gateOpen,
		within:     func(n int, s *Settings) bool { return n < s.InFlight },
	},
	ServeOne: {
		credential: provenOne,
		holds:      func(r *Rows, s *Settings, now time.Time) bool { return gateOpen(r, s, now) && noneHeld(r) },
		within:     belowLast,
	},
	Probe: {
		credential: provenOne,
		holds: func(r *Rows, s *Settings, now time.Time) bool {
			return r.Gate.Shut && r.gateLets(now) || r.wantsForgiving(s)
		},
		within: belowLast,
	},
	FirstTry: {
		credential: newestIn(StateUntried),
		holds:      gateLets,
		within:     func(n int, s *Settings) bool { return n < s.Budget },
	},
	Again: {
		credential: newestIn(StateNoVerdict),
		holds: func(r *Rows, _ *Settings, now time.Time) bool {
			return r.gateLets(now) && !now.Before(r.find(r.Newest).AgainAt)
		},
		within: belowLast,
	},
	Recheck: {
		credential: (*Rows).recheckable,
		holds:      func(r *Rows, _ *Settings, now time.Time) bool { return r.gateLets(now) && noneHeld(r) },
		within:     belowLast,
	},
	LastUnit: {
		credential: func(r *Rows, s *Settings, now time.Time) *Credential {
			if c := r.proven(); c != nil {
				return c
			}
			return newestIn(StateNoVerdict)(r, s, now)
		},
		holds: func(r *Rows, _ *Settings, now time.Time) bool {
			return r.count(Held, Lost) == 0 && (!r.Gate.Shut || !now.Before(r.lastUnitAt()))
		},
		within: func(n int, s *Settings) bool { return n == s.Budget-1 },
	},
	Candidate: { // no prober's: see Try
		credential: func(*Rows, *Settings, time.Time) *Credential { return nil },
		holds:      gateLets,
		within:     func(n int, s *Settings) bool { return n < s.Budget },
	},
	Bring: { // no prober's: see mayBring
		credential: func(*Rows, *Settings, time.Time) *Credential { return nil },
		holds:      gateLets,
		within:     func(n int, s *Settings) bool { return n < s.Budget },
	},
}

// wantsForgiving: the newest is about to be tried beside a serving one while failures of earlier ones are recorded. An own
// call of the serving one forgives them first, or tells that it is not good any more.
func (r *Rows) wantsForgiving(s *Settings) bool {
	n := r.find(r.Newest)
	return !s.NeverReset && !r.Gate.Shut && n != nil && n.State == StateUntried && r.recorded() >= 2
}

func provenOne(r *Rows, _ *Settings, _ time.Time) *Credential { return r.proven() }

func newestIn(state CredentialState) func(*Rows, *Settings, time.Time) *Credential {
	return func(r *Rows, _ *Settings, _ time.Time) *Credential {
		if c := r.find(r.Newest); c != nil && c.State == state {
			return c
		}
		return nil
	}
}

func gateOpen(r *Rows, _ *Settings, _ time.Time) bool   { return !r.Gate.Shut }
func gateLets(r *Rows, _ *Settings, now time.Time) bool { return r.gateLets(now) }
func noneHeld(r *Rows) bool                             { return r.count(Held) == 0 }
func belowLast(n int, s *Settings) bool                 { return n < s.Budget-1 }
func (r *Rows) gateLets(now time.Time) bool             { return !r.Gate.Shut || !now.Before(r.Gate.Until) }

// pauseEnds is when an own attempt may go while the gate is shut: the last unit waits for longer.
func (r *Rows) pauseEnds(s *Settings) time.Time {
	if belowLast(len(r.Units), s) {
		return r.Gate.Until
	}
	return r.lastUnitAt()
}

// ownAt is when an own attempt may go while the gate is shut, as far as it is known: the last unit waits for the lost ones too.
func (l *Login) ownAt(r *Rows) time.Time {
	at := r.pauseEnds(&l.settings)
	if lost := l.lostUntil(r); !belowLast(len(r.Units), &l.settings) && lost.After(at) {
		return lost
	}
	return at
}

func (r *Rows) lastUnitAt() time.Time {
	if r.Gate.Released {
		return r.Gate.Until
	}
	return r.Gate.Since.Add(time.Hour)
}

// may returns the credential that an attempt of a kind would send now, or nil where the kind's row does not hold.
func (r *Rows) may(k Kind, s *Settings, now time.Time) *Credential {
	if s.Observe && !k.Alone() {
		return r.observed()
	}
	if r.Locked && !s.Observe || k.Alone() && r.aloneHeld() {
		return nil
	}
	row := &rules[k]
	if !row.within(len(r.Units), s) {
		return nil
	}
	c := row.credential(r, s, now)
	if c == nil || !row.holds(r, s, now) {
		return nil
	}
	return c
}

// observed is what serves where no limit is applied: the proven credential, else the newest.
func (r *Rows) observed() *Credential {
	if c := r.proven(); c != nil {
		return c
	}
	return r.find(r.Newest)
}

// overShare reports whether an integration has all that one of several may have of a login: at most InFlight-1 units (but
// one), lost ones included, so that a client that times out and retries cannot starve the others. reading is how many answers
// it has not read to their end; they count too.
func (r *Rows) overShare(source string, reading int, s *Settings) bool {
	return !s.Observe && r.charged(source)+reading >= max(1, s.InFlight-1)
}

// serving returns the serve kind that holds now, and its credential, whoever calls.
func (r *Rows) serving(s *Settings, now time.Time) (Kind, *Credential) {
	for k := Serve; k <= ServeOne; k++ {
		if c := r.may(k, s, now); c != nil {
			return k, c
		}
	}
	return 0, nil
}

// mayAlone returns the first of the guard's own kinds that holds now, and its credential.
func (r *Rows) mayAlone(s *Settings, now time.Time) (Kind, *Credential) {
	for k := Probe; k < kinds; k++ {
		if c := r.may(k, s, now); c != nil {
			return k, c
		}
	}
	return 0, nil
}
