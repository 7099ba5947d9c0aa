package totp

import (
	"context"
	"errors"
	"time"
)

// Status is how a person's second factor stands. It holds no secret.
type Status struct {
	Person Person
	// Enrolled: there is an app that counts. The others are zero where there is none.
	Enrolled bool
	Settings Settings
	// Since is when it was confirmed, LastUsed when a code was last taken.
	Since, LastUsed time.Time
	// RecoveryLeft is how many recovery codes are left.
	RecoveryLeft int
	// BegunUntil is until when an enrolment that has begun can be confirmed; zero where none has.
	BegunUntil time.Time
	// InvitedUntil is until when an invitation can be used; zero where there is none.
	InvitedUntil time.Time
}

// Status returns how a person's second factor stands. It writes nothing.
func (e *Engine) Status(ctx context.Context, p Person) (Status, error) {
	s, err := e.cfg.Store.Look(ctx, p)
	if err != nil {
		return Status{}, err
	}
	return e.status(p, s), nil
}

// People returns the status of each person that something is known of, by issuer and subject.
func (e *Engine) People(ctx context.Context) ([]Status, error) {
	held, err := e.cfg.Store.People(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Status, 0, len(held))
	for _, h := range held {
		all = append(all, e.status(h.Person, h.State))
	}
	return all, nil
}

func (e *Engine) status(p Person, s State) Status {
	status := Status{Person: p}
	if c := s.Current; c != nil {
		status.Enrolled, status.Settings, status.Since, status.LastUsed = true, c.Settings, c.Confirmed, c.LastUsed
		status.RecoveryLeft = e.left(s)
	}
	if e.alive(s.Next, e.now()) {
		status.BegunUntil = s.Next.Begun.Add(beginningLasts)
	}
	if open(s.Invitation, e.now()) {
		status.InvitedUntil = s.Invitation.Ends
	}
	return status
}

// Reset is an administrator's: the person has no app and no recovery codes any more, no browser of the person's is known, and the
// failures with browsers that were not known are forgotten. Whoever signs in as the person next may enrol, where nobody needs an
// invitation, so tell the person before. It reports whether there was anything.
func (e *Engine) Reset(ctx context.Context, p Person) (was bool, err error) {
	err = e.cfg.Store.Change(ctx, p, []string{e.personBucket("person", p)}, func(s *State) error {
		was = !s.Empty()
		*s = State{}
		return nil
	})
	return was && err == nil, err
}

// Sweep removes what has expired, and seals anew what is sealed with the installation's key of before: call it at the start, when
// the key was replaced, and each hour. It reports how much there was of both. What fails for one person does not keep it from the
// others.
func (e *Engine) Sweep(ctx context.Context) (removed, resealed int, err error) {
	removed, err = e.cfg.Store.SweepBuckets(ctx, e.now())
	if err != nil {
		return 0, 0, err
	}
	held, err := e.cfg.Store.People(ctx)
	if err != nil {
		return removed, 0, err
	}
	var problems []error
	for _, h := range held {
		over, old := e.due(h.Person, h.State)
		if !over && !old {
			continue
		}
		err := e.cfg.Store.Change(ctx, h.Person, nil, func(s *State) error {
			over, old = e.due(h.Person, *s)
			if !e.alive(s.Next, e.now()) {
				s.Next = nil
			}
			if !open(s.Invitation, e.now()) {
				s.Invitation = nil
			}
			if old {
				return e.reseal(h.Person, s.Current)
			}
			return nil
		})
		switch {
		case err != nil:
			problems = append(problems, err)
			continue
		case over:
			removed++
		}
		if old {
			resealed++
		}
	}
	return removed, resealed, errors.Join(problems...)
}

// due tells whether a beginning, or an invitation, is over, and whether the current seed is to be sealed anew.
func (e *Engine) due(p Person, s State) (over, old bool) {
	if s.Current != nil {
		_, old, _ = e.seed(p, s.Current)
	}
	now := e.now()
	return s.Next != nil && !e.alive(s.Next, now) || s.Invitation != nil && !open(s.Invitation, now), old
}

// reseal seals an enrolment's seed with the key as it is now.
func (e *Engine) reseal(p Person, of *Enrolment) error {
	key, _, err := e.cfg.Key().Open(seedPurpose, p.names(), of.Seed)
	if err != nil {
		return seedError{err}
	}
	of.Seed = e.seal(p, key)
	return nil
}
