package guard

import (
	"encoding/hex"
	"slices"
	"time"
)

// Key names one PSA user: dialect, host and canonical user name. It is found from the credential, never from a
// config's label, so that whatever resolves to one PSA user shares one budget.
type Key string

// Fingerprint identifies the content of a credential: a keyed hash over user name, secret and integration code. The
// same content is the same credential, whatever version its store gives it.
type Fingerprint [16]byte

// String returns the first 8 hex digits, for logs and status.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:4]) }

// IsZero reports whether f names no credential.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// Token identifies one taking of a unit.
type Token uint64

// UnitState is what a unit that is not free is doing.
type UnitState uint8

// The states of a unit. A free unit has no row.
const (
	// Held by an attempt that is under way.
	Held UnitState = iota + 1
	// Lost: its attempt ended without a verdict and may still be judged. No success can forgive it.
	Lost
	// Failed: the PSA counted a failed sign-in.
	Failed
	// Unknown: its attempt can no longer be judged, and may have been counted.
	Unknown
)

// String returns the word that status uses.
func (s UnitState) String() string {
	return [...]string{"free", "held", "lost", "failed", "unknown"}[s]
}

// Unit is one unit of the budget that is not free.
type Unit struct {
	State      UnitState
	Token      Token
	Holder     string // the process that took it
	Source     string // the integration that it is charged to; empty for the guard's own
	Alone      bool
	Credential Fingerprint
	Seq        uint64 // the login's seq when it was recorded as failed or unknown
	WasProven  bool   // the credential was proven when the unit was taken
}

// CredentialState is what is known of a credential.
type CredentialState uint8

// The states of a credential.
const (
	// StateUntried: never sent, or everything that was learned of it no longer counts.
	StateUntried CredentialState = iota
	// StateNoVerdict: sent, and nothing came back that tells.
	StateNoVerdict
	// StateProven: the PSA accepted it, and has not refused it since.
	StateProven
	// StateRefused: not sent again until a rule makes a recheck due.
	StateRefused
	// StateSuperseded: a newer one was accepted.
	StateSuperseded
)

// String returns the word that logs and status use.
func (s CredentialState) String() string {
	return [...]string{"untried", "no-verdict", "proven", "refused", "superseded"}[s]
}

// Credential is what the guard knows of one credential. It never holds the secret.
type Credential struct {
	Fingerprint Fingerprint
	Version     string // the store's label
	State       CredentialState
	Rank        uint64    // of two, the higher became the newest later
	SentSeq     uint64    // the login's seq when it was last sent alone
	RefusedSeq  uint64    // the login's seq when its last refusal was recorded
	Tries       int       // alone attempts without a verdict
	AgainAt     time.Time // when a no-verdict one may be sent again
	Accepted    bool      // it was accepted since it became the newest
	Due         bool      // a recheck is due, whatever the clock says
	Rechecked   bool      // rechecked since it was last proven
	Good        bool      // accepted as a candidate: proven once it is the newest
	ProvenAt    time.Time // when it was last accepted
	// What follows is set of credentials that callers brought alone.
	Code    Fingerprint // stands for its integration code; zero: a store gave the credential
	By      string      // the integration that it was last tried for
	Address string      // and from where
	TriedAt time.Time   // when it was last tried while it was not proven
	// AcceptedBy is the integration with whose call it was accepted last.
	AcceptedBy string
}

// Gate is shut after a call without an answer, until the PSA answers a sign-in again.
type Gate struct {
	Shut  bool
	Since time.Time // when it was last shut
	Until time.Time // the end of its pause: an own attempt may go
	Tries int       // how often it was shut without opening
	Epoch uint64    // counts the shuttings; an attempt's own tells whether it was sent before
	// Released: an operator has released the login, or had it checked, since it was shut, so that nothing has to be waited for.
	Released bool
}

// Rows is what a store keeps of one login.
type Rows struct {
	Seq         uint64
	Newest      Fingerprint // N
	Last        Fingerprint // A: the one that last became proven
	Ranks       uint64      // the highest rank given
	Gate        Gate
	Locked      bool
	LastRefusal time.Time
	Units       []Unit
	Credentials []Credential
	// Distrusted: the store may have forgotten what was recorded last. The next transaction of a login in use makes the best of it.
	Distrusted bool
	// NewestMade is when the store made the newest, where it tells.
	NewestMade time.Time
	// Spent: every unit is taken, or the PSA says locked, so that one more sign-in that fails is one too many. It follows from the
	// rows, and is none of what they are compared by. A store that can forget keeps it outside itself, and has it here when the rows
	// are distrusted.
	Spent bool
}

// CopyFrom makes r a copy that shares nothing with o.
func (r *Rows) CopyFrom(o *Rows) {
	units, credentials := append(r.Units[:0], o.Units...), append(r.Credentials[:0], o.Credentials...)
	*r = *o
	r.Units, r.Credentials = units, credentials
}

// Equal reports whether two have the same rows in the same order.
func (r *Rows) Equal(o *Rows) bool {
	return r.login() == o.login() && slices.Equal(r.Units, o.Units) && slices.Equal(r.Credentials, o.Credentials)
}

// loginRow is what is kept once for a login.
type loginRow struct {
	seq, ranks              uint64
	newest, last            Fingerprint
	gate                    Gate
	locked, distrusted      bool
	lastRefusal, newestMade time.Time
}

func (r *Rows) login() loginRow {
	return loginRow{r.Seq, r.Ranks, r.Newest, r.Last, r.Gate, r.Locked, r.Distrusted, r.LastRefusal, r.NewestMade}
}

// find returns the credential with a fingerprint, or nil.
func (r *Rows) find(fp Fingerprint) *Credential {
	for i := len(r.Credentials) - 1; i >= 0; i-- { // those that serve or are tried came last
		if r.Credentials[i].Fingerprint == fp {
			return &r.Credentials[i]
		}
	}
	return nil
}

// proven returns P: the credential that last became proven, while it is; or nil.
func (r *Rows) proven() *Credential {
	if c := r.find(r.Last); c != nil && c.State == StateProven {
		return c
	}
	return nil
}

func (r *Rows) unit(t Token) int {
	for i := range r.Units {
		if r.Units[i].Token == t {
			return i
		}
	}
	return -1
}

func (r *Rows) free(i int) {
	last := len(r.Units) - 1
	if i < last {
		r.Units[i] = r.Units[last]
	}
	r.Units = r.Units[:last]
}

// count returns how many units are in one of the states.
func (r *Rows) count(states ...UnitState) int {
	n := 0
	for i := range r.Units {
		if slices.Contains(states, r.Units[i].State) {
			n++
		}
	}
	return n
}

// recorded returns how many units are failed or unknown.
func (r *Rows) recorded() int {
	n := 0
	for i := range r.Units {
		if s := r.Units[i].State; s == Failed || s == Unknown {
			n++
		}
	}
	return n
}

// charged returns how many units, lost ones included, are charged to an integration.
func (r *Rows) charged(source string) int {
	n := 0
	for i := range r.Units {
		if u := &r.Units[i]; u.Source == source && (u.State == Held || u.State == Lost) {
			n++
		}
	}
	return n
}

func (r *Rows) aloneHeld() bool {
	return slices.ContainsFunc(r.Units, func(u Unit) bool { return u.Alone && u.State == Held })
}
