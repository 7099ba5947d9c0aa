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
	// Account is what the app shows: a mail address, most often. Default: the subject.
	Account  string
	Settings Settings
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
// Its error is ErrEnrolled, one of the store's, or says what is wrong with the settings.
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
		s.Next = next
		return nil
	})
	if err != nil {
		return Enrolling{}, err
	}
	return e.enrolling(b.Person, b.Account, next)
}

// Begun gives again what Begin gave, for a page that is shown once more. Its error is ErrNotBegun, or one of the store's.
func (e *Engine) Begun(ctx context.Context, p Person, id, account string) (Enrolling, error) {
	s, err := e.cfg.Store.Look(ctx, p)
	if err != nil {
		return Enrolling{}, err
	}
	if !e.alive(s.Next, e.now()) || s.Next.ID != id {
		return Enrolling{}, ErrNotBegun
	}
	return e.enrolling(p, account, s.Next)
}

// alive tells whether an enrolment has begun, and can be confirmed yet.
func (e *Engine) alive(next *Enrolment, now time.Time) bool {
	return next != nil && now.Sub(next.Begun) < beginningLasts && next.Tries < maxTries
}

func (e *Engine) enrolling(p Person, account string, next *Enrolment) (Enrolling, error) {
	seed, _, err := e.seed(p, next)
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
		Issuer: e.cfg.Name, AccountName: cmp.Or(label(account), label(p.Subject), "account"), Secret: key,
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
