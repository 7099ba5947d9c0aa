package call

import (
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// Observer is told what happens, for metrics and events. Its methods are called while callers wait, by any number of them
// at once: they must be quick, and must not call back.
type Observer interface {
	// Attempted: a presentation of a login's credential to the PSA has ended, a caller's or an own one.
	Attempted(login string, v guard.Verdict)
	// Waited: a call has waited that long for a unit of the login's, and has got one, an answer that it gets none, or enough.
	Waited(login string, d time.Duration)
	// Answered: a call has ended.
	Answered(c report.Call)
	// Happened: there is something that an operator may have to act on.
	Happened(h Happening)
}

// unobserved is the Observer where there is none.
type unobserved struct{}

func (unobserved) Attempted(string, guard.Verdict) {}
func (unobserved) Waited(string, time.Duration)    {}
func (unobserved) Answered(report.Call)            {}
func (unobserved) Happened(Happening)              {}

// Event is what happened, in a word.
type Event string

// The events.
const (
	// CredentialAccepted: the PSA accepted a credential, which serves from now on and did not before.
	CredentialAccepted Event = "credential_accepted"
	// CredentialRefused: the PSA refused a credential, which is not sent again until a rule makes it due.
	CredentialRefused Event = "credential_refused"
	// LoginLocked: the PSA says that the login is locked; nothing is sent until an operator releases it.
	LoginLocked Event = "login_locked"
	// BudgetSpent: every unit of the login's budget is recorded; nothing is sent, but for a login that is only observed,
	// until an operator has looked at it.
	BudgetSpent Event = "budget_spent"
	// GateShut: a call got no answer, and others wait until the PSA answers a sign-in again; also when one more is lost
	// while the gate is shut.
	GateShut Event = "gate_shut"
	// GateOpen: the PSA has answered a sign-in, and calls leave again.
	GateOpen Event = "gate_open"
	// ZoneMoved: the login is in another zone than before.
	ZoneMoved Event = "zone_moved"
	// StoreUnavailable: a call was not sent because the store of the guard could not be used; said once until it could.
	StoreUnavailable Event = "store_unavailable"
	// SecretUnavailable: a call found no credential in the store that may be used; said once until one did.
	SecretUnavailable Event = "secret_unavailable"
	// SecretUnusable: a new reading of the record can't be used; what served serves on.
	SecretUnusable Event = "secret_unusable"
	// LoginRecovered: calls are served again, after one of the events that say why they are not; or the record can be used again.
	LoginRecovered Event = "login_recovered"
	// LoginReleased: an operator has released the login; one attempt of psagate's own comes first, then calls.
	LoginReleased Event = "login_released"
	// LockoutNoticed: a mail of the PSA's said that the login is locked; where that locks it here, that is told as well.
	LockoutNoticed Event = "lockout_notice"
	// MailboxFailing: no mails come out of a mailbox, or none in by SMTP.
	MailboxFailing Event = "mailbox_failing"
	// MailboxWorking: they come again.
	MailboxWorking Event = "mailbox_working"
	// MailSetAside: a mail is set aside for people: it is suspended, or can become nothing.
	MailSetAside Event = "mail_set_aside"
	// MailMissing: a mail came to a mailbox that is not in its books.
	MailMissing Event = "mail_missing"
	// MailFallback: mails of a mailbox go to the PSA's mail service, since its API cannot be used.
	MailFallback Event = "mail_fallback"
)

// Happening is an event and whom it befell. Nothing in it is a secret or a caller's text. What an event has not is empty.
type Happening struct {
	Event Event
	// Login is the login's name in the config.
	Login string
	// Version is the store's label of the credential.
	Version string
	// Integration is whose call it was; empty for an own attempt of psagate's.
	Integration string
	// Zone is the base URL of the login's zone, where it is known.
	Zone string
	// Store is the name of the secret store.
	Store string
	// Problem is why there is no credential: one of the words of Problem's constants.
	Problem Problem
	// Mailbox is the one that it is about, or where a lockout notice came to; Notice whose the address in that is: ours, others or
	// unknown; Done what it came to: locked, was-locked or stale; of a mail that is set aside suspended or dead.
	Mailbox, Notice, Done string
}

// Problem is why a store gives no credential, in a word.
type Problem string

// The problems.
const (
	// Stale: the last good reading is too old.
	Stale Problem = "stale"
	// Missing: the store has no such record.
	Missing Problem = "missing"
	// Unreadable: the store gave an error, or no answer yet.
	Unreadable Problem = "unreadable"
	// Unusable: the record is no credential, or names a zone that one may not go to.
	Unusable Problem = "unusable"
)

// happenings are what an effect on a login means to an operator, the cause first.
func happenings(e guard.Effect) (all []Event) {
	for _, of := range [...]struct {
		is    bool
		event Event
	}{
		{e.Shut, GateShut},
		{e.Opened, GateOpen},
		{e.Proven, CredentialAccepted},
		{e.Refused, CredentialRefused},
		{e.Spent, BudgetSpent},
		{e.Locked, LoginLocked},
	} {
		if of.is {
			all = append(all, of.event)
		}
	}
	return all
}
