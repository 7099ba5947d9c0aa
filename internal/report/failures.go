package report

import "time"

// Failures is the answer of GET /psa/failures.
type Failures struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Since is from when on it tells.
	Since time.Time `json:"since"`
	// KeptSince is from when on failures are known: what is older is forgotten, or was before the store was made.
	KeptSince time.Time `json:"kept_since"`
	// Unread: the store of the guard cannot be read, so that it is not known what failed. What is told is what this process
	// remembers.
	Unread bool `json:"unread,omitempty"`
	// Logins are the PSA users of the config, by name: those of several names are there once.
	Logins []LoginFailures `json:"logins"`
	// Callers are the calls that psagate did not let in; nothing of them went to the PSA. Those who come last are last.
	Callers []CallerFailure `json:"callers"`
	// People are the sign-ins of people on the PSA's web pages that this process saw fail, the last one last; absent where there is none.
	People []PersonFailure `json:"people,omitempty"`
}

// LoginFailures is what failed of one login's attempts.
type LoginFailures struct {
	// Login is the login's name, as status has it.
	Login string `json:"login"`
	// SharesWith are the other names in the config that mean the same PSA user: what failed of them is here too.
	SharesWith []string `json:"shares_with,omitempty"`
	// State is one word for how the login stands now; see status.
	State LoginState `json:"state"`
	// Observe: states are kept and shown, nothing is held back.
	Observe bool `json:"observe,omitempty"`
	// Serving is the credential that calls are sent with now. Absent without one.
	Serving *CredentialStatus `json:"serving,omitempty"`
	// Newest is the newest credential of the store where it is not the serving one.
	Newest *CredentialStatus `json:"newest,omitempty"`
	// Units are the login's units by state, as they are now.
	Units UnitCounts `json:"units"`
	// UnitsBy are the units that are not free by who took them, whoever has most of them first. Attempts do not tell of all: what a
	// process had under way that was killed has units alone.
	UnitsBy []UnitsBy `json:"units_by,omitempty"`
	// Hanging are calls that have had no answer yet, as status has it; they have not failed.
	Hanging *HangingStatus `json:"hanging,omitempty"`
	// Lockout is how far the login is from being locked.
	Lockout LockoutStatus `json:"lockout"`
	// LastSuccessAt is when the PSA last accepted a sign-in of ours; absent when none is known.
	LastSuccessAt *time.Time `json:"last_success_at,omitempty"`
	// FailedSinceSuccess is how many attempts of ours failed since then, or since a release.
	FailedSinceSuccess int `json:"failed_since_success"`
	// By is who made the attempts that failed, whoever has most of them first.
	By []FailedBy `json:"by"`
	// Attempts are the attempts that failed, the last one last.
	Attempts []FailedAttempt `json:"attempts"`
	// ForgottenBefore is there where some attempts of the time are not kept any more: they were before it.
	ForgottenBefore *time.Time `json:"forgotten_before,omitempty"`
	// Outside says why the cause seems to lie outside psagate; empty where it does not.
	Outside string `json:"outside,omitempty"`
	// Denied are the calls that are not sent for a while, as the PSA refused them and took the same credential for others.
	Denied []DeniedCalls `json:"denied,omitempty"`
	// Uses are the last versions that calls were served with, the newest first, and by whom: whoever is named at a version
	// last came with it.
	Uses []VersionUse `json:"uses"`
	// Next is what to do next, in one sentence.
	Next string `json:"next"`
}

// FailedBy is how many attempts one integration made that failed.
type FailedBy struct {
	// Integration is whose calls they were; empty for psagate's own attempts.
	Integration string `json:"integration,omitempty"`
	// Refused is how many the PSA refused, the last of a lockout among them.
	Refused int `json:"refused"`
	// Unanswered is how many got no answer, or one that does not tell whether the sign-in was taken.
	Unanswered int `json:"unanswered"`
	// Keys are the ids of the keys that they came with.
	Keys []string `json:"keys,omitempty"`
	// Clients are the addresses that they came from.
	Clients []string `json:"clients,omitempty"`
	// LastAt is when the last one ended.
	LastAt time.Time `json:"last_at"`
}

// FailedAttempt is one presentation of a credential that the PSA refused, or of which nobody knows whether it did.
type FailedAttempt struct {
	// At is when it ended.
	At time.Time `json:"at"`
	// Login is the name of the login that it went through.
	Login string `json:"login"`
	// Integration is whose call it was; empty for an attempt of psagate's own.
	Integration string `json:"integration,omitempty"`
	// Own is what an attempt of psagate's own was for: check, probe, first-try, again, recheck, last-unit, candidate, or bring for a
	// secret that a caller brought.
	Own string `json:"own,omitempty"`
	// Person is what the person is called who signed in on the PSA's web pages; absent of calls, and where nobody was signed in to psagate.
	Person string `json:"person,omitempty"`
	// Key is the id of the key that the call came with.
	Key string `json:"key,omitempty"`
	// Client is the address that it came from.
	Client string `json:"client,omitempty"`
	// Entity is what was asked for.
	Entity string `json:"entity,omitempty"`
	// Action is what was to be done with it; the HTTP method where that is not known.
	Action string `json:"action"`
	// Version is the store's label of the credential; 0 for one that the store did not have: a candidate of `secret put`, or what a
	// caller brought.
	Version uint64 `json:"version"`
	// Fingerprint is of a credential that a caller brought, as status has it; absent of those of the store.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Credential tells the credential from others, whichever process sent it: the fingerprint that status has of it.
	Credential string `json:"credential,omitempty"`
	// Zone is the base URL that it was sent to.
	Zone string `json:"zone"`
	// Verdict is what came of it: refused, locked, no-answer, or neutral where the answer did not tell.
	Verdict string `json:"verdict"`
	// WrongZone: the login had left the zone, so the credential is not to blame.
	WrongZone bool `json:"wrong_zone,omitempty"`
	// OtherUser: it was another PSA user than the one that calls go through now.
	OtherUser bool `json:"other_user,omitempty"`
	// Said is what the PSA said: the status, and its text where a rule knew it. Never a body, a secret or what it quotes.
	Said string `json:"said,omitempty"`
	// Unit is what became of its unit: failed, lost or unknown; empty while the store cannot be read.
	Unit string `json:"unit"`
	// Forgiven: the unit was given back since, by a success or a release.
	Forgiven bool `json:"forgiven"`
}

// DeniedCalls are one integration's calls of one operation, which are not sent for a while.
type DeniedCalls struct {
	// Integration is whose calls they are.
	Integration string `json:"integration"`
	// Operation is what they ask for.
	Operation string `json:"operation"`
	// Until is when they are sent again.
	Until time.Time `json:"until"`
}

// VersionUse is who was served with one version of a login's credential, or with one that a caller brought.
type VersionUse struct {
	// Version is the store's label; 0 for a credential that a caller brought.
	Version uint64 `json:"version"`
	// Fingerprint is of a credential that a caller brought, as status has it; absent of those of the store.
	Fingerprint string `json:"fingerprint,omitempty"`
	// By is who was served, whoever came last first.
	By []IntegrationUse `json:"by"`
}

// IntegrationUse is when an integration was served.
type IntegrationUse struct {
	// Integration is who was served.
	Integration string `json:"integration"`
	// LastAt is when it last was.
	LastAt time.Time `json:"last_at"`
}

// CallerFailure are calls of one caller that were not let in for one reason.
type CallerFailure struct {
	// Reason is why, in a word of `psa_identify`'s.
	Reason string `json:"reason"`
	// Integration is whose proof it was; empty where that is nobody's.
	Integration string `json:"integration,omitempty"`
	// Login is that integration's login.
	Login string `json:"login,omitempty"`
	// Key is the id of what was presented, where it has one.
	Key string `json:"key,omitempty"`
	// Client is the address that they came from.
	Client string `json:"client"`
	// Count is how many there were from FirstAt on.
	Count int `json:"count"`
	// FirstAt is when the first one came.
	FirstAt time.Time `json:"first_at"`
	// LastAt is when the last one came.
	LastAt time.Time `json:"last_at"`
}

// Any reports whether something failed or may have: it is not known, an attempt, a unit that does not come back with the end of a call, or a call
// of an integration that psagate did not let in. Calls of strangers are shown and are none: an address that anybody can reach
// always has some.
func (f Failures) Any() bool {
	if f.Unread {
		return true
	}
	for _, l := range f.Logins {
		if len(l.Attempts) > 0 || l.ForgottenBefore != nil || l.Units.stuck() > 0 {
			return true
		}
	}
	for _, c := range f.Callers {
		if c.Integration != "" {
			return true
		}
	}
	return false
}
