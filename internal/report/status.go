package report

import (
	"strings"
	"time"
)

// Status is the answer of GET /psa/status.
type Status struct {
	// Time is when the report was made; ages in the text are counted from it.
	Time time.Time `json:"time"`
	// State says where the guard's tables live: sqlite, postgres or memory; empty while their store was not opened yet.
	State string `json:"state"`
	// Policy says who decides what an integration may do.
	Policy PolicyStatus `json:"policy"`
	// Disabled are the integrations that operators have switched off with `psagate disable`, by name; absent where there is none.
	Disabled []SwitchedOff `json:"disabled,omitempty"`
	// Logins are the logins of the config, by name.
	Logins []LoginStatus `json:"logins"`
	// Pools are the pools of the config, by name; absent where there is none.
	Pools []PoolStatus `json:"pools,omitempty"`
	// Stores are the secret stores of the config, by name.
	Stores []StoreStatus `json:"stores"`
	// Issuers are the OpenID providers of the config, by name; absent where there is none.
	Issuers []IssuerStatus `json:"issuers,omitempty"`
	// Mailboxes are the mailboxes of the config, by name; absent where there is none.
	Mailboxes []MailboxStatus `json:"mailboxes,omitempty"`
	// Problems are what should be mended and concerns no login: keys of integrations that cannot be used, mails of mailboxes that the
	// config has not.
	Problems []string `json:"problems,omitempty"`
}

const (
	// StateMemory: the guard's tables live in the memory of this process; a restart forgets them.
	StateMemory = "memory"
	// StateSQLite: they live in a file on this node.
	StateSQLite = "sqlite"
	// StatePostgres: they live in a database, which other nodes may share.
	StatePostgres = "postgres"
)

// LoginStatus is how one login stands.
type LoginStatus struct {
	// Name is the login's name in the config. A PSA user whose credentials callers bring has the login's name, a slash and the
	// user's name.
	Name string `json:"name"`
	// SharesWith are the other names in the config that mean the same PSA user, and so the same budget.
	SharesWith []string `json:"shares_with,omitempty"`
	// State is one word for the whole; see the constants.
	State LoginState `json:"state"`
	// Observe: states are kept and shown, nothing is held back.
	Observe bool `json:"observe,omitempty"`
	// Zone is the base URL that calls are sent to; empty while it is unknown.
	Zone string `json:"zone,omitempty"`
	// Serving is the credential that calls are sent with: proven, and the one that was last found so. Absent without one.
	Serving *CredentialStatus `json:"serving,omitempty"`
	// Newest is the newest credential of the store where it is not the serving one.
	Newest *CredentialStatus `json:"newest,omitempty"`
	// Brought are the credentials that callers brought, where they do: those that are proven first, then the last tried.
	Brought []BroughtStatus `json:"brought,omitempty"`
	// Units are the login's units by state.
	Units UnitCounts `json:"units"`
	// InFlight is how many calls are served at once at most.
	InFlight int `json:"in_flight"`
	// Gate says whether calls may leave at all.
	Gate GateStatus `json:"gate"`
	// Queue are the callers that wait.
	Queue QueueStatus `json:"queue"`
	// Hanging are calls of this process that have had no answer for more than 10 seconds, where they take all the room or
	// callers wait; absent otherwise.
	Hanging *HangingStatus `json:"hanging,omitempty"`
	// Lockout is how far the login is from being locked.
	Lockout LockoutStatus `json:"lockout"`
	// LastRefusal is the last refused sign-in of ours; absent when there was none.
	LastRefusal *RefusalStatus `json:"last_refusal,omitempty"`
	// Problems are what stands in the way or should be mended: a record that cannot be used, a PSA that cannot be reached.
	Problems []string `json:"problems,omitempty"`
	// Seq is what POST /psa/logins/<name>/release wants back: it forgives what was recorded up to this report.
	Seq uint64 `json:"seq"`
	// NextUser is another PSA user that the record names by now, while the PSA has not accepted it; absent otherwise.
	NextUser *NextUser `json:"next_user,omitempty"`
	// Advice is what the operator should do now, in one sentence; empty when there is nothing to do. [LoginStatus.Advise] fills it.
	Advice string `json:"advice,omitempty"`
}

// NextUser is a PSA user that calls will be sent as once it is accepted. Its budget is its own.
type NextUser struct {
	// State is one word for how it stands; see the login's.
	State LoginState `json:"state"`
	// Units are its units by state.
	Units UnitCounts `json:"units"`
	// LastRefusal is its last refused sign-in; absent when there was none.
	LastRefusal *RefusalStatus `json:"last_refusal,omitempty"`
	// Seq is what a release wants back as next_seq.
	Seq uint64 `json:"seq"`
}

// LoginState is one word for how a login stands.
type LoginState string

// The states of a login, from the mildest on.
const (
	// LoginIdle: no call has been accepted or refused yet.
	LoginIdle LoginState = "idle"
	// LoginServing: a credential is proven and calls leave.
	LoginServing LoginState = "serving"
	// LoginGateShut: a call got no answer; calls wait until the PSA answers a sign-in again.
	LoginGateShut LoginState = "gate-shut"
	// LoginRefused: every known credential was refused; calls wait for a new one.
	LoginRefused LoginState = "refused"
	// LoginNoStore: the store of the guard cannot be used, so that nothing leaves and it is not known how the login stands; its
	// numbers are the worst that may be.
	LoginNoStore LoginState = "no-store"
	// LoginNoSecret: the store gave no credential, or the last known one is too old.
	LoginNoSecret LoginState = "no-secret"
	// LoginSpent: all units of the budget are recorded; nothing leaves until a unit is free again.
	LoginSpent LoginState = "spent"
	// LoginLocked: the PSA says that the login is locked; nothing leaves until `release`.
	LoginLocked LoginState = "locked"
)

// CredentialStatus is one credential, without its content.
type CredentialStatus struct {
	// Version is the store's label.
	Version uint64 `json:"version"`
	// State is untried, no-verdict, proven, refused or superseded.
	State string `json:"state"`
	// Fingerprint tells it from others, whichever process read them: the first 8 hex digits of a keyed hash.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Elsewhere: this process has not read it. Another replica has, or this one before a restart.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Since is when the store first gave this content; absent where this process has not read it.
	Since time.Time `json:"since,omitzero"`
	// AcceptedAt is when the PSA last accepted it; absent when it never did.
	AcceptedAt *time.Time `json:"accepted_at,omitempty"`
	// RecheckAt is when it is tried again, for a refused one; absent when only an event makes it due: while another serves, and
	// where one unit is left or none.
	RecheckAt *time.Time `json:"recheck_at,omitempty"`
}

// BroughtStatus is one credential that a caller brought, without its content.
type BroughtStatus struct {
	// Fingerprint tells it from others: the first 8 hex digits of a keyed hash.
	Fingerprint string `json:"fingerprint"`
	// State is untried, no-verdict, proven, refused or superseded.
	State string `json:"state"`
	// Integration is whose call brought it to be tried last.
	Integration string `json:"integration"`
	// Client is the address that it came from then.
	Client string `json:"client"`
	// AcceptedAt is when the PSA last accepted it; absent when it never did.
	AcceptedAt *time.Time `json:"accepted_at,omitempty"`
	// TriedAt is when it was last tried while it was not proven.
	TriedAt *time.Time `json:"tried_at,omitempty"`
}

// PassesThrough reports whether a name is that of a PSA user whose credentials callers bring.
func PassesThrough(login string) bool { return strings.Contains(login, "/") }

// UnitCounts are the units of a budget by state. Budget is their sum.
type UnitCounts struct {
	// Budget is how many there are.
	Budget int `json:"budget"`
	// Free ones may be taken.
	Free int `json:"free"`
	// Held ones are in use by calls in flight.
	Held int `json:"held"`
	// Lost ones belong to calls without an answer that the PSA may still judge.
	Lost int `json:"lost"`
	// LostUntil is when the PSA can judge the last of the lost ones no more; absent where there is none, or another process
	// counts for one.
	LostUntil *time.Time `json:"lost_until,omitempty"`
	// Failed ones are sign-ins that were refused.
	Failed int `json:"failed"`
	// Unknown ones are sign-ins that may have been refused.
	Unknown int `json:"unknown"`
}

// GateStatus is a login's gate.
type GateStatus struct {
	// Open: calls may leave.
	Open bool `json:"open"`
	// Since is when it was shut; absent while it is open.
	Since *time.Time `json:"since,omitempty"`
	// RetryAt is when its pause is over and one attempt may find out; absent while it is open.
	RetryAt *time.Time `json:"retry_at,omitempty"`
}

// QueueStatus are the callers that wait for a login.
type QueueStatus struct {
	// Waiting is how many wait now.
	Waiting int `json:"waiting"`
	// Length is how many may wait.
	Length int `json:"length"`
	// DeadlineSeconds is how long one may wait.
	DeadlineSeconds float64 `json:"deadline_seconds"`
}

// LockoutStatus is a login's distance to being locked.
type LockoutStatus struct {
	// Threshold is the number of failed sign-ins at which the PSA locks.
	Threshold int `json:"threshold"`
	// Counted is how many of ours the PSA may have counted, at worst: every unit that is not free.
	Counted int `json:"counted"`
	// Distance is Threshold less Counted: failures left, ours and those of other programs together.
	Distance int `json:"distance"`
}

// RefusalStatus is a refused sign-in.
type RefusalStatus struct {
	// At is when it was recorded.
	At time.Time `json:"at"`
	// Version is the store's label of the credential that was refused; absent for a password that was put and that the store
	// never had.
	Version uint64 `json:"version,omitempty"`
	// Integration is whose call it was; empty for an attempt of psagate's own.
	Integration string `json:"integration,omitempty"`
	// Reason is what the PSA's answer meant: refused, locked, or [WrongZone]; absent for one of another process or of before a
	// restart, of which nothing but the time is known here: failures tells more.
	Reason string `json:"reason,omitempty"`
}

// WrongZone is the reason of a refusal that came from a zone that the login had left: it does not blame the credential.
const WrongZone = "wrong-zone"

// StoreStatus is how one secret store stands.
type StoreStatus struct {
	// Name is the store's name in the config.
	Name string `json:"name"`
	// Kind is the module that reads it.
	Kind string `json:"kind"`
	// Session is the sign-in to the store; absent where it needs none.
	Session *SessionStatus `json:"session,omitempty"`
	// Records are the records in use, by path.
	Records []RecordStatus `json:"records"`
}

// SessionStatus is how psagate's sign-in to a store stands.
type SessionStatus struct {
	// SignedIn: there is a token that has not expired.
	SignedIn bool `json:"signed_in"`
	// ExpiresAt is when the token ends unless it is renewed; absent where it has no end.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// Error is why the last sign-in failed; empty when it did not. It holds no secret.
	Error string `json:"error,omitempty"`
}

// RecordStatus is how one record of a store stands.
type RecordStatus struct {
	// Path names the record.
	Path string `json:"path"`
	// Version is the store's label of what is known; 0 when nothing is.
	Version uint64 `json:"version"`
	// AgeSeconds is the time since the store last confirmed it.
	AgeSeconds float64 `json:"age_seconds"`
	// Stale: it is older than the store's max_stale, or was never read: nothing is served from it.
	Stale bool `json:"stale,omitempty"`
	// Error is the last reading's; empty when it succeeded. It holds no content.
	Error string `json:"error,omitempty"`
}

// Released is the answer of POST /psa/logins/<name>/release.
type Released struct {
	// Login is the login that was released.
	Login string `json:"login"`
	// Seq is the value up to which its units were forgiven.
	Seq uint64 `json:"seq"`
}

// Advise fills the advice of every login.
func (s *Status) Advise() {
	for i := range s.Logins {
		s.Logins[i].Advice = s.Logins[i].Advise()
	}
}
