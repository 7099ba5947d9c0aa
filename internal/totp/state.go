package totp

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Person is who has signed in: an issuer of the config, by its URL, and the subject that it knows the person by.
type Person struct{ Issuer, Subject string }

// maxName bounds an issuer and a subject, in bytes. OpenID Connect Core has 255 for a subject.
const maxName = 1024

// Check says what is wrong with an issuer or a subject that cannot be kept: providers may say anything.
func (p Person) Check() error {
	for what, name := range map[string]string{"issuer": p.Issuer, "subject": p.Subject} {
		switch {
		case name == "":
			return fmt.Errorf("totp: the person has no %s", what)
		case len(name) > maxName:
			return fmt.Errorf("totp: the person's %s has %d bytes, and may have %d", what, len(name), maxName)
		case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
			return fmt.Errorf("totp: the person's %s holds what is no text", what)
		}
	}
	return nil
}

// names are what is bound to all that is sealed or hashed for the person.
func (p Person) names() []string { return []string{p.Issuer, p.Subject} }

// Enrolment is a person's app. It is next until it is confirmed, and current from then on.
type Enrolment struct {
	// ID is random. Who has begun an enrolment confirms it by this, and marks of browsers hold for one enrolment alone.
	ID string
	// Seed is sealed with the installation's key, for the person.
	Seed     []byte
	Settings Settings
	// Begun is when it began, Confirmed when it was confirmed; the latter is zero until then.
	Begun, Confirmed time.Time
	// LastStep is the number of the last step whose code was taken: none up to it is taken any more.
	LastStep int64
	// LastUsed is when a code was last taken, of the app or of recovery.
	LastUsed time.Time
	// Tries is how many wrong codes it was to be confirmed with.
	Tries int
}

// RecoveryCode is one of a person's recovery codes, of which only a keyed hash is known.
type RecoveryCode struct {
	// Key is the id of the installation's key that Sum is made with.
	Key, Sum string
	// Used is when it was taken; zero where it was not.
	Used time.Time
}

// Bucket counts failures. What its fields mean is for its rule to say.
type Bucket struct {
	// Failures is a number of them.
	Failures int64
	// At is the last one, or when the last one is given back.
	At time.Time
	// Ends is from when on it is as if it were not there.
	Ends time.Time
}

// State is what is kept of a person, and of the buckets that were asked for.
type State struct {
	// Current is the enrolment that counts, Next the one that is not confirmed yet; nil where there is none.
	Current, Next *Enrolment
	// Invitation is one to enrol a first app; nil where there is none.
	Invitation *Invitation
	// Recovery are the recovery codes of the current enrolment, the used ones too.
	Recovery []RecoveryCode
	// Buckets are by name. One that is not there is empty, and one that is removed is emptied.
	Buckets map[string]Bucket
}

// Empty reports whether nothing is kept of the person.
func (s State) Empty() bool {
	return s.Current == nil && s.Next == nil && s.Invitation == nil && len(s.Recovery) == 0
}

// Held is a person, and what is kept of the person, without buckets.
type Held struct {
	Person Person
	State  State
}

// Store keeps what must hold over processes. It must be one for all that serve the same people. Times are kept to the microsecond.
type Store interface {
	// Change calls f with what is kept of a person and in the buckets of these names, and keeps what f makes of it: in one
	// transaction, so that nothing of it changes in between in any process. f may be called again where another process came
	// first, with what that one made. Where f returns an error, that is returned, and nothing is changed.
	Change(ctx context.Context, p Person, buckets []string, f func(*State) error) error
	// Look returns what is kept of a person, without buckets.
	Look(ctx context.Context, p Person) (State, error)
	// People returns all that something is kept of, by issuer and subject.
	People(ctx context.Context) ([]Held, error)
	// SweepBuckets removes the buckets that have ended, and says how many.
	SweepBuckets(ctx context.Context, now time.Time) (int, error)
}
