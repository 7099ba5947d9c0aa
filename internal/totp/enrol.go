package totp

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/psagate/psagate/internal/secret"
)

const (
	// beginningLasts is how long an enrolment can be confirmed.
	beginningLasts = 10 * time.Minute
	// maxTries is how many wrong codes end it.
	maxTries = 10
)

// Beginning says how a person's enrolment begins.
type Beginning struct {
	Person Person
	// App and Account are what the app shows: whose codes they are, by default the engine's name, and for which account, a mail address
	// most often, by default the subject.
	App, Account string
	Settings     Settings
	// Invited says that a first app is for whom an administrator has invited, and Invitation is the code that the person typed.
	Invited    bool
	Invitation string
	// SteppedUp is the caller's word that this session has just proven the current app, with a code or a recovery code.
	// Where there is a current one, nothing begins without it.
	SteppedUp bool
}

// Enrolling is an enrolment that has begun. Its secrets are for the person's eyes, once, and go into no log.
type Enrolling struct {
	// ID is what Confirm wants. It belongs to the browser that has begun.
	ID string
	// URI is the otpauth URI, Secret the seed in groups, for people who type.
	URI, Secret secret.Value
	Settings    Settings
	// Until is when it is over.
	Until time.Time
}

// Begin begins an enrolment, with a new seed. It counts for nothing until it is confirmed, and one that had begun before is over.
// Its error is ErrEnrolled, ErrNotInvited, one of the store's, or says what is wrong with the settings.
func (e *Engine) Begin(ctx context.Context, b Beginning) (Enrolling, error) {
	if err := errors.Join(b.Person.Check(), b.Settings.Check()); err != nil {
		return Enrolling{}, err
	}
	settings := b.Settings.withDefaults()
	_, size, _ := settings.Algorithm.otp()
	key, err := e.random(int(size))
	if err != nil {
		return Enrolling{}, err
	}
	id, err := e.token()
	if err != nil {
		return Enrolling{}, err
	}
	next := &Enrolment{ID: id, Seed: e.seal(b.Person, key), Settings: settings}
	err = e.cfg.Store.Change(ctx, b.Person, nil, func(s *State) error {
		if s.Current != nil && !b.SteppedUp {
			return ErrEnrolled
		}
		next.Begun = e.now()
		if b.Invited && s.Current == nil && !e.invites(b.Person, s, b.Invitation, next.Begun) {
			return ErrNotInvited
		}
		s.Next = next
		return nil
	})
	if err != nil {
		return Enrolling{}, err
	}
	return e.enrolling(b, next)
}

// Begun gives again what Begin gave, for a page that is shown once more. Its error is ErrNotBegun, or one of the store's.
func (e *Engine) Begun(ctx context.Context, b Beginning, id string) (Enrolling, error) {
	s, err := e.cfg.Store.Look(ctx, b.Person)
	if err != nil {
		return Enrolling{}, err
	}
	if !e.alive(s.Next, e.now()) || s.Next.ID != id {
		return Enrolling{}, ErrNotBegun
	}
	return e.enrolling(b, s.Next)
}

// alive tells whether an enrolment has begun, and can be confirmed yet.
func (e *Engine) alive(next *Enrolment, now time.Time) bool {
	return next != nil && now.Sub(next.Begun) < beginningLasts && next.Tries < maxTries
}

func (e *Engine) enrolling(b Beginning, next *Enrolment) (Enrolling, error) {
	seed, _, err := e.seed(b.Person, next)
	if err != nil {
		return Enrolling{}, err
	}
	text := seed.base32.Reveal()
	key, err := noPadding.DecodeString(text)
	if err != nil {
		return Enrolling{}, seedError{err}
	}
	opts := seed.opts()
	uri, err := totp.Generate(totp.GenerateOpts{
		Issuer: cmp.Or(label(b.App), e.cfg.Name), AccountName: cmp.Or(label(b.Account), label(b.Person.Subject), "account"), Secret: key,
		Period: uint(seed.settings.Period / time.Second), Digits: opts.Digits, Algorithm: opts.Algorithm,
	})
	if err != nil {
		return Enrolling{}, err
	}
	return Enrolling{
		ID: next.ID, URI: secret.NewValue(uri.URL()), Secret: secret.NewValue(grouped(text, " ")),
		Settings: next.Settings, Until: next.Begun.Add(beginningLasts),
	}, nil
}
