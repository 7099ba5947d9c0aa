package totp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
)

// InvitationLasts is for how long an invitation can be used.
const InvitationLasts = time.Hour

// ErrNotInvited: a first app is for whom an administrator has invited, and this is no invitation of the person's, or one that is over.
var ErrNotInvited = errors.New("the invitation is not right, or is older than an hour: ask an administrator for a new one")

// Invitation lets a person enrol a first app. Only a keyed hash of its code is known.
type Invitation struct {
	// Key is the id of the installation's key that Sum is made with.
	Key, Sum string
	// Ends is from when on it is worth nothing.
	Ends time.Time
}

// NewInvitation makes the code of an invitation, of 80 random bits, in groups of four.
func NewInvitation() secret.Value {
	raw := make([]byte, recoveryBytes)
	_, _ = rand.Read(raw) // it never fails: see its documentation
	return secret.NewValue(grouped(crockford.EncodeToString(raw), "-"))
}

// ParseInvitation reads the code of an invitation that somebody typed, as ParseRecovery does. Its error is a FormError.
func ParseInvitation(text string) (code string, err error) { return parseLong(text, "an invitation") }

// Invite keeps an invitation of a person without an app, by the code that was made for it; one of before is worth nothing any more,
// and neither is what was begun with it. Its error is ErrEnrolled where there is an app, a FormError, or one of the store's.
func (e *Engine) Invite(ctx context.Context, p Person, code string) (until time.Time, err error) {
	if err := p.Check(); err != nil {
		return until, err
	}
	text, err := ParseInvitation(code)
	if err != nil {
		return until, err
	}
	sum := e.invitationSums(p, text)[0]
	err = e.cfg.Store.Change(ctx, p, nil, func(s *State) error {
		if s.Current != nil {
			return ErrEnrolled
		}
		until = e.now().Add(InvitationLasts)
		s.Invitation, s.Next = &Invitation{sum.Key, sum.Sum, until}, nil
		return nil
	})
	return until, err
}

func (e *Engine) invitationSums(p Person, code string) []installation.MAC {
	return e.cfg.Key().MACs("totp invitation", append(p.names(), code)...)
}

// invites reports whether a person is invited by a code.
func (e *Engine) invites(p Person, s *State, code string, now time.Time) bool {
	text, err := ParseInvitation(code)
	if err != nil || !open(s.Invitation, now) {
		return false
	}
	for _, sum := range e.invitationSums(p, text) {
		if s.Invitation.Key == sum.Key && subtle.ConstantTimeCompare([]byte(s.Invitation.Sum), []byte(sum.Sum)) == 1 {
			return true
		}
	}
	return false
}

// open tells whether there is an invitation that can be used yet.
func open(i *Invitation, now time.Time) bool { return i != nil && now.Before(i.Ends) }
