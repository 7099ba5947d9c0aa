package totp

import (
	"context"
	"fmt"
	"time"
)

// Verify takes a code of the person's app. It is right for its own step and one before and after it (RFC 6238, 5.2), and counts
// once: no code of a step up to the last one that was taken is taken, in whatever process. Its error is ErrWrong, ErrUsed,
// ErrNotEnrolled, a LimitError, a FormError, or one of the store's; after the latter it is not known whether the code is used.
func (e *Engine) Verify(ctx context.Context, a Attempt, code string) (Passed, error) {
	digits, err := ParseCode(code)
	if err != nil {
		return Passed{}, err
	}
	return e.attempt(ctx, a, false, func(e *Engine, s *State, now time.Time) error { return e.takeCode(a.Person, s.Current, digits, now) })
}

// takeCode uses a code of an app.
func (e *Engine) takeCode(p Person, current *Enrolment, digits string, now time.Time) error {
	if err := digitsOf(current, digits); err != nil {
		return err
	}
	seed, old, err := e.seed(p, current)
	if err != nil {
		return err
	}
	step, right, used := seed.match(digits, now, current.LastStep)
	switch {
	case used:
		return ErrUsed
	case !right:
		return ErrWrong
	}
	current.LastStep = step
	if old {
		return e.reseal(p, current)
	}
	return nil
}

// digitsOf says where a code has not as many digits as those of the app have.
func digitsOf(of *Enrolment, digits string) error {
	if want := of.Settings.Digits; len(digits) != want {
		return FormError{fmt.Sprintf("has %d digits: those of the app have %d", len(digits), want)}
	}
	return nil
}

// Recover takes a recovery code in place of one of the app. It counts once. Its errors are those of Verify.
func (e *Engine) Recover(ctx context.Context, a Attempt, code string) (Passed, error) {
	text, err := ParseRecovery(code)
	if err != nil {
		return Passed{}, err
	}
	return e.attempt(ctx, a, true, func(e *Engine, s *State, now time.Time) error {
		found := e.find(a.Person, s, text)
		switch {
		case found == nil:
			return ErrWrong
		case !found.Used.IsZero():
			return ErrUsed
		}
		found.Used = now
		return nil
	})
}
