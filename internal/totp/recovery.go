package totp

import (
	"context"
	"crypto/subtle"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
)

// recoveryCodes is how many a person has.
const recoveryCodes = 10

// newRecovery makes a set of recovery codes, as they are kept and as they are shown.
func (e *Engine) newRecovery(p Person) (kept []RecoveryCode, shown []secret.Value, err error) {
	for range recoveryCodes {
		raw, err := e.random(recoveryBytes)
		if err != nil {
			return nil, nil, err
		}
		text := crockford.EncodeToString(raw)
		sum := e.recoverySums(p, text)[0]
		kept = append(kept, RecoveryCode{Key: sum.Key, Sum: sum.Sum})
		shown = append(shown, secret.NewValue(grouped(text, "-")))
	}
	return kept, shown, nil
}

func (e *Engine) recoverySums(p Person, code string) []installation.MAC {
	return e.cfg.Key().MACs("totp recovery", append(p.names(), code)...)
}

// NewRecovery gives a person new recovery codes; those of before are worth nothing any more. The caller has seen to it that a
// step-up is fresh. Its error is ErrNotEnrolled, or one of the store's.
func (e *Engine) NewRecovery(ctx context.Context, p Person) ([]secret.Value, error) {
	kept, shown, err := e.newRecovery(p)
	if err != nil {
		return nil, err
	}
	err = e.cfg.Store.Change(ctx, p, nil, func(s *State) error {
		if s.Current == nil {
			return ErrNotEnrolled
		}
		s.Recovery = kept
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown, nil
}

// find returns the recovery code that was typed, or nil. All are looked at, however early one fits.
func (e *Engine) find(p Person, s *State, code string) (found *RecoveryCode) {
	for _, sum := range e.recoverySums(p, code) {
		for i := range s.Recovery {
			r := &s.Recovery[i]
			if r.Key == sum.Key && subtle.ConstantTimeCompare([]byte(r.Sum), []byte(sum.Sum)) == 1 {
				found = r
			}
		}
	}
	return found
}

// left is how many recovery codes can still be used: those of a key that is gone cannot.
func (e *Engine) left(s State) (n int) {
	known := map[string]bool{}
	for _, mac := range e.cfg.Key().MACs("totp recovery") {
		known[mac.Key] = true
	}
	for _, r := range s.Recovery {
		if r.Used.IsZero() && known[r.Key] {
			n++
		}
	}
	return n
}
