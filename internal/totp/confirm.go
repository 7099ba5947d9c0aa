package totp

import (
	"context"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// Confirmed is what a person gets who has confirmed an enrolment.
type Confirmed struct {
	// Recovery are the recovery codes, in groups, which are shown once: nobody can find them out again.
	Recovery []secret.Value
	// Browser is the mark of this browser, to be kept as a cookie: see Attempt.
	Browser secret.Value
}

// Confirm makes an enrolment the one that counts, by one right code of it, which is used with that. One that was current before is
// over with its recovery codes and the marks of browsers. Its error is ErrWrong, ErrNotBegun, a FormError, or one of the store's.
func (e *Engine) Confirm(ctx context.Context, p Person, id, code string) (Confirmed, error) {
	digits, err := ParseCode(code)
	if err != nil {
		return Confirmed{}, err
	}
	recovery, texts, err := e.newRecovery(p)
	if err != nil {
		return Confirmed{}, err
	}
	browser, err := e.token()
	if err != nil {
		return Confirmed{}, err
	}
	var wrong error
	var m mark
	err = e.cfg.Store.Change(ctx, p, nil, func(s *State) error {
		wrong = nil
		now := e.now()
		if !e.alive(s.Next, now) || s.Next.ID != id {
			return ErrNotBegun
		}
		step, err := e.confirms(p, s.Next, digits, now)
		if err == ErrWrong {
			wrong = err
			s.Next.Tries++
			return nil
		}
		if err != nil {
			return err
		}
		s.Current, s.Next, s.Invitation, s.Recovery = s.Next, nil, nil, recovery
		s.Current.Confirmed, s.Current.LastUsed, s.Current.LastStep, s.Current.Tries = now, now, step, 0
		m = mark{browser, id, now}
		return nil
	})
	if err == nil {
		err = wrong
	}
	if err != nil {
		return Confirmed{}, err
	}
	return Confirmed{texts, e.sealMark(p, m)}, nil
}

// confirms returns the step whose code of an enrolment this is.
func (e *Engine) confirms(p Person, next *Enrolment, digits string, now time.Time) (step int64, err error) {
	if err := digitsOf(next, digits); err != nil {
		return 0, err
	}
	seed, _, err := e.seed(p, next)
	if err != nil {
		return 0, err
	}
	step, right, _ := seed.match(digits, now, next.LastStep)
	if !right {
		return 0, ErrWrong
	}
	return step, nil
}
