package report

import (
	"slices"
	"time"
)

// AlertState is what an alert tells of a login, in one word.
type AlertState string

// The states that alerts tell.
const (
	// AlertRefused: the PSA refused a credential of the login.
	AlertRefused AlertState = "refused"
	// AlertSpent: every unit of the login's budget is recorded.
	AlertSpent AlertState = "spent"
	// AlertLocked: the PSA says that the login is locked.
	AlertLocked AlertState = "locked"
	// AlertGateShut: the PSA left a call without an answer, and has answered no sign-in in the seconds after it.
	AlertGateShut AlertState = "gate-shut"
	// AlertNoSecret: a call found no credential in the store that may be used.
	AlertNoSecret AlertState = "no-secret"
	// AlertNoStore: a call was not sent because the store of the guard could not be used.
	AlertNoStore AlertState = "no-store"
	// AlertUnusable: the record as it is now cannot be used; what served serves on.
	AlertUnusable AlertState = "unusable"
	// AlertRecovered: calls are served again after one of those, or the record can be used again.
	AlertRecovered AlertState = "recovered"
	// AlertReleased: an operator has released the login.
	AlertReleased AlertState = "released"
	// AlertMailMissing: a mail came to a mailbox that is not in its books.
	AlertMailMissing AlertState = "mail-missing"
	// AlertMailboxFailing: no mails come out of a mailbox, or none in by SMTP.
	AlertMailboxFailing AlertState = "mailbox-failing"
	// AlertMailFallback: mails of a mailbox go to the PSA's mail service, since its API cannot be used.
	AlertMailFallback AlertState = "mail-fallback"
	// AlertMailAside: a mail is set aside for people.
	AlertMailAside AlertState = "mail-set-aside"
	// AlertMailboxWorking: mails come out of a mailbox again, or in.
	AlertMailboxWorking AlertState = "mailbox-working"
)

// AlertStates are all of them, the gravest first.
var AlertStates = []AlertState{
	AlertLocked, AlertSpent, AlertMailMissing, AlertRefused, AlertNoStore, AlertNoSecret, AlertGateShut, AlertMailboxFailing, AlertMailFallback,
	AlertUnusable, AlertMailAside, AlertReleased, AlertRecovered, AlertMailboxWorking,
}

// Alert is what a webhook is sent: what happened to logins within a few seconds.
type Alert struct {
	// ID tells the alert from others; one that is sent again, because no answer came, has the same.
	ID string `json:"id"`
	// Time is when the alert was made.
	Time time.Time `json:"time"`
	// Host is the name of the machine that psagate runs on.
	Host string `json:"host"`
	// Test: somebody asked for it to see whether it arrives; nothing happened.
	Test bool `json:"test,omitempty"`
	// Subject is the whole in one line.
	Subject string `json:"subject"`
	// Text is the whole for people, in lines.
	Text string `json:"text"`
	// Changes are what happened, in the order in which it did; 100 at most.
	Changes []AlertChange `json:"changes"`
	// More is how many further changes there were.
	More int `json:"more,omitempty"`
}

// AlertChange is what happened to one login.
type AlertChange struct {
	// Login is the login's name in the config; of a mailbox it is mail/ and the mailbox's name.
	Login string `json:"login"`
	// State is what happened, in a word of those that `on` takes.
	State AlertState `json:"state"`
	// At is when it did.
	At time.Time `json:"at"`
	// After is what the login has recovered from: states of before.
	After []AlertState `json:"after,omitempty"`
	// HeldBack is how often the same happened since it was last told, beside this time.
	HeldBack int `json:"held_back,omitempty"`
	// Version is the store's label of the credential; absent where there is none.
	Version uint64 `json:"version,omitempty"`
	// Integration is whose call it was; absent for psagate's own attempts.
	Integration string `json:"integration,omitempty"`
	// Zone is the base URL of the login's zone, where it is known.
	Zone string `json:"zone,omitempty"`
	// Store is the name of the secret store, where that is what it is about.
	Store string `json:"store,omitempty"`
	// Problem is why there is no credential: stale, missing, unreadable or unusable.
	Problem string `json:"problem,omitempty"`
	// Attempt is the attempt that it came of: with which key, from where, and what the PSA said.
	Attempt *FailedAttempt `json:"attempt,omitempty"`
	// Failures is what `failures` tells of the login's last 24 hours, shortened: the last 5 attempts, 5 of those who made
	// them, and 10 of those who use each version.
	Failures *LoginFailures `json:"failures,omitempty"`
	// Next is what to do next, in one sentence.
	Next string `json:"next"`
}

// What of a login's failures an alert has.
const (
	maxAlertAttempts = 5
	maxAlertBy       = 5
	maxAlertUsers    = 10
)

// MaxAlertChanges is how many changes one alert tells.
const MaxAlertChanges = 100

// Explain adds what is known of a login's failures: who caused the change, and what to do.
func (c *AlertChange) Explain(l *LoginFailures) {
	if l != nil {
		c.Attempt = c.cause(l)
		short := l.shortened()
		c.Failures = &short
	}
	c.Next = c.next(l)
}

// cause returns the last of the attempts that the change may have come of, or nil.
func (c *AlertChange) cause(l *LoginFailures) *FailedAttempt {
	for i := len(l.Attempts) - 1; i >= 0; i-- {
		a := l.Attempts[i]
		if a.Integration == c.Integration && a.Version == c.Version && c.fits(a.Verdict) {
			return &a
		}
	}
	return nil
}

// fits reports whether an attempt with a verdict may bring about the change.
func (c *AlertChange) fits(verdict string) bool {
	switch c.State {
	case AlertRefused:
		return verdict == "refused" || verdict == "locked"
	case AlertLocked:
		return verdict == "locked"
	case AlertGateShut:
		return verdict == "no-answer"
	case AlertSpent:
		return true
	}
	return false
}

// next is what to do next.
func (c *AlertChange) next(l *LoginFailures) string {
	switch {
	case c.State == AlertUnusable:
		return "Correct the record: psagate status says what is wrong with it, and what served serves on."
	case c.State == AlertNoStore:
		return nextOfNoStore
	case c.mailbox() != "":
		return nextOfMail(c.State, c.mailbox())
	case c.State == AlertReleased:
		return "Nothing: one attempt of psagate's own comes first, then calls."
	case l != nil:
		return l.Next
	}
	return "See how the login stands: psagate status"
}

// shortened returns as much as an alert has room for. What both have in common is not changed.
func (l *LoginFailures) shortened() LoginFailures {
	s := *l
	s.Attempts = lastOf(l.Attempts, maxAlertAttempts)
	s.By = slices.Clone(firstOf(l.By, maxAlertBy))
	for i := range s.By {
		b := &s.By[i]
		b.Keys, b.Clients = firstOf(b.Keys, maxAlertBy), firstOf(b.Clients, maxAlertBy)
	}
	s.Uses = slices.Clone(l.Uses)
	for i := range s.Uses {
		s.Uses[i].By = firstOf(s.Uses[i].By, maxAlertUsers)
	}
	s.Denied, s.SharesWith = firstOf(l.Denied, maxAlertBy), firstOf(l.SharesWith, maxAlertUsers)
	return s
}

func firstOf[T any](all []T, n int) []T { return all[:min(len(all), n)] }

func lastOf[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// AlertsTest is the answer of POST /psa/alerts/test.
type AlertsTest struct {
	// OK: there is somebody to tell, and all were told.
	OK bool `json:"ok"`
	// Targets are those whom the config names.
	Targets []AlertTarget `json:"targets"`
}

// AlertTarget is what came of a test alert at one of those whom the config names.
type AlertTarget struct {
	// Kind is the word of the config: webhook or mail.
	Kind string `json:"kind"`
	// To is the webhook's host, or the record that holds its URL; of a mail, those who get it.
	To string `json:"to"`
	// OK: the test alert was taken.
	OK bool `json:"ok"`
	// Detail says what came of it.
	Detail string `json:"detail"`
}
